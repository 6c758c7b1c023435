/* SPDX-License-Identifier: MIT */
/*
 * Expat's events as the few shapes of answers that we ask for. Invariant: nothing that an answer holds makes anything grow past the
 * maxima of the header; a document type (and so an entity of its own) ends the reading.
 */
#include "care/supervisor_xml.h"

#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "base/util.h"

#define DEPTH_MAX 24
#define NAME_BYTES 64

int supervisor_xml_call(const char *method, const struct supervisor_argument *args, size_t n,
			struct buf *out)
{
	buf_printf(out, "<?xml version=\"1.0\"?><methodCall><methodName>%s</methodName><params>",
		   method);
	for (size_t i = 0; i < n; i++) {
		buf_add_str(out, "<param><value>");
		if (args[i].text) {
			buf_add_str(out, "<string>");
			for (const char *s = args[i].text; *s; s++) {
				if (*s == '&')
					buf_add_str(out, "&amp;");
				else if (*s == '<')
					buf_add_str(out, "&lt;");
				else if (*s == '>')
					buf_add_str(out, "&gt;");
				else
					buf_add_char(out, *s);
			}
			buf_add_str(out, "</string>");
		} else if (args[i].boolean) {
			buf_printf(out, "<boolean>%d</boolean>", args[i].number != 0);
		} else {
			buf_printf(out, "<int>%lld</int>", (long long)args[i].number);
		}
		buf_add_str(out, "</value></param>");
	}
	return buf_add_str(out, "</params></methodCall>");
}

struct reading {
	XML_Parser parser;
	struct supervisor_answer *answer;
	struct supervisor_process process;
	int depth, n_structs;
	bool is_response, is_fault, has_text;
	char member[NAME_BYTES];
	struct buf value; /* of the element that is open */
	int err;
	const char *why;
};

static void stop(struct reading *r, int err, const char *why)
{
	if (!r->err) {
		r->err = err;
		r->why = why;
	}
	XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;

	(void)attributes;
	buf_reset(&r->value);
	if (++r->depth > DEPTH_MAX) {
		stop(r, -EPROTO, "too many elements within each other");
	} else if (r->depth == 1) {
		r->is_response = strcmp(name, "methodResponse") == 0;
		if (!r->is_response)
			stop(r, -EPROTO, "not an answer of XML-RPC");
	} else if (strcmp(name, "fault") == 0) {
		r->is_fault = true;
	} else if (strcmp(name, "struct") == 0) {
		if (++r->n_structs == 1)
			memset(&r->process, 0, sizeof(r->process));
	}
	if (strcmp(name, "member") == 0)
		r->member[0] = '\0';
}

static void on_text(void *ctx, const XML_Char *s, int len)
{
	struct reading *r = ctx;
	size_t room = r->value.max - r->value.len;

	if (buf_add(&r->value, s, (size_t)len < room ? (size_t)len : room) == -ENOMEM)
		stop(r, -ENOMEM, "no memory");
}

static int64_t number_of(const struct buf *value)
{
	const char *s = buf_str(value);
	uint64_t n;

	if (*s == '-')
		return number_parse_u64(s + 1, 0, INT64_MAX, &n) ? 0 : -(int64_t)n;
	return number_parse_u64(s, 0, INT64_MAX, &n) ? 0 : (int64_t)n;
}

static void keep_text(const struct buf *value, char *to, size_t size)
{
	utf8_make_plain(buf_str(value), value->len, to, size);
}

static void keep_member(struct reading *r)
{
	struct supervisor_process *p = &r->process;
	const struct {
		const char *name;
		char *text;
		size_t size;
		int64_t *number;
	} members[] = {
		{ "group", p->group, sizeof(p->group), NULL },
		{ "name", p->name, sizeof(p->name), NULL },
		{ "spawnerr", p->spawn_error, sizeof(p->spawn_error), NULL },
		{ "state", NULL, 0, &p->state },
		{ "start", NULL, 0, &p->start },
		{ "now", NULL, 0, &p->now },
		{ "pid", NULL, 0, &p->pid },
		{ "exitstatus", NULL, 0, &p->exit_status },
		{ "faultCode", NULL, 0, &r->answer->fault },
		{ "faultString", r->answer->fault_text, sizeof(r->answer->fault_text), NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		bool of_fault = strncmp(members[i].name, "fault", 5) == 0;

		if (of_fault != r->is_fault || strcmp(members[i].name, r->member) != 0)
			continue;
		if (members[i].text)
			keep_text(&r->value, members[i].text, members[i].size);
		else
			*members[i].number = number_of(&r->value);
	}
}

static void keep_process(struct reading *r)
{
	struct supervisor_answer *a = r->answer;
	struct supervisor_process *more;

	if (r->is_fault || !*r->process.name)
		return;
	if (a->n == SUPERVISOR_PROCESSES_MAX) {
		stop(r, -E2BIG, "it has too many processes");
		return;
	}
	more = realloc(a->processes, (a->n + 1) * sizeof(*more));
	if (!more) {
		stop(r, -ENOMEM, "no memory");
		return;
	}
	a->processes = more;
	more[a->n++] = r->process;
}

static bool is_scalar(const char *name)
{
	return strcmp(name, "string") == 0 || strcmp(name, "int") == 0 || strcmp(name, "i4") == 0 ||
	       strcmp(name, "boolean") == 0;
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;

	r->depth--;
	if (strcmp(name, "name") == 0 && r->n_structs == 1) {
		keep_text(&r->value, r->member, sizeof(r->member));
	} else if (strcmp(name, "struct") == 0) {
		if (--r->n_structs == 0)
			keep_process(r);
	} else if (is_scalar(name)) {
		if (r->n_structs == 1)
			keep_member(r);
		else if (!r->n_structs && !r->has_text && strcmp(name, "string") == 0) {
			r->has_text = true;
			buf_add(&r->answer->text, buf_str(&r->value), r->value.len);
		}
	}
	buf_reset(&r->value);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
		       const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(ctx, -EPROTO, "it has a document type");
}

/* What XML 1.0 allows of the control characters are tab, newline and carriage return. */
static char *without_control(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	for (size_t i = 0; copy && i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		copy[i] = c < ' ' && !strchr("\t\n\r", c ?: 1) ? '?' : bytes[i];
	}
	return copy;
}

static int parse(struct reading *r, const char *bytes, size_t len)
{
	char *copy = without_control(bytes, len);

	if (!copy)
		return -ENOMEM;
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (XML_Parse(r->parser, copy, (int)len, 1) != XML_STATUS_OK && !r->err) {
		enum XML_Error code = XML_GetErrorCode(r->parser);

		r->err = code == XML_ERROR_NO_MEMORY ? -ENOMEM : -EPROTO;
		r->why = XML_ErrorString(code);
	}
	free(copy);
	return r->err;
}

int supervisor_xml_parse(const char *bytes, size_t len, struct buf *why,
			 struct supervisor_answer *ret)
{
	struct reading r = { .answer = ret, .value = BUF_INIT(SUPERVISOR_TEXT_MAX) };
	int err;

	*ret = (struct supervisor_answer){ .text = BUF_INIT(SUPERVISOR_TEXT_MAX) };
	r.parser = XML_ParserCreate("UTF-8");
	if (!r.parser)
		return -ENOMEM;
	err = parse(&r, bytes, len);
	if (err)
		buf_printf(why, "its answer cannot be read: %s", r.why ? r.why : strerror(-err));
	else if (r.is_fault && !ret->fault)
		ret->fault = SUPERVISOR_FAULT_FAILED;
	XML_ParserFree(r.parser);
	buf_done(&r.value);
	return err ?: ret->text.err;
}

void supervisor_answer_done(struct supervisor_answer *a)
{
	free(a->processes);
	a->processes = NULL;
	a->n = 0;
	buf_done(&a->text);
}
