/* SPDX-License-Identifier: MIT */
/* Rules are taken apart by their marks and put together again byte by byte. Invariant: whatever is there comes out as it went in. */
#include "check/advice_lifecycle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/s3_xml.h"

#define OPEN "<Rule>"
#define CLOSE "</Rule>"
#define TEXT_MAX 2048
#define DEPTH_MAX 16

/* The next rule from *at on: its first byte and its length with its marks. 1: there is one; 0: only white space is left; -EPROTO. */
static int next_rule(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	const char *from = *at, *close;

	while (from < end && strchr(" \t\r\n", *from) && *from)
		from++;
	if (from == end)
		return 0;
	if ((size_t)(end - from) < sizeof(OPEN) - 1 || memcmp(from, OPEN, sizeof(OPEN) - 1) != 0)
		return -EPROTO;
	close = memmem(from, (size_t)(end - from), CLOSE, sizeof(CLOSE) - 1);
	if (!close)
		return -EPROTO;
	*ret = from;
	*ret_len = (size_t)(close - from) + sizeof(CLOSE) - 1;
	*at = from + *ret_len;
	return 1;
}

static struct s3_xml inside(const char *rule, size_t len)
{
	return (struct s3_xml){ rule + sizeof(OPEN) - 1,
				len - (sizeof(OPEN) - 1) - (sizeof(CLOSE) - 1) };
}

static bool has(struct s3_xml in, const char *name)
{
	struct s3_xml found;

	return s3_xml_next(&in, name, &found);
}

/* "<Filter/>" */
static bool has_empty(struct s3_xml in, const char *name)
{
	char tag[32];
	const int n = snprintf(tag, sizeof(tag), "<%s/>", name);

	return memmem(in.at, in.len, tag, (size_t)n) != NULL;
}

static bool is_enabled(struct s3_xml rule)
{
	char status[16];

	return s3_xml_text(rule, "Status", status, sizeof(status)) && !strcmp(status, "Enabled");
}

/* A rule that asks for tags or sizes as well is for some of the objects only, and does not count. */
static bool is_for(struct s3_xml rule, const char *prefix)
{
	char own[TEXT_MAX] = "";

	if (has(rule, "Tag") || has(rule, "ObjectSizeGreaterThan") ||
	    has(rule, "ObjectSizeLessThan"))
		return false;
	if (!s3_xml_text(rule, "Prefix", own, sizeof(own)))
		own[0] = '\0'; /* all of the bucket, or "<Prefix/>", which says the same */
	return strncmp(prefix, own, strlen(own)) == 0;
}

/* An expiration may be of markers of deleted objects only. */
static bool ends(struct s3_xml rule)
{
	struct s3_xml e;

	while (s3_xml_next(&rule, "Expiration", &e))
		if (has(e, "Days") || has(e, "Date"))
			return true;
	return false;
}

bool advice_lifecycle_read(const char *rules, size_t len, const char *prefix,
			   struct advice_lifecycle *ret)
{
	const char *at = rules, *rule;
	struct advice_lifecycle l = { .n = 0 };
	size_t n;
	int more;

	while ((more = next_rule(&at, rules + len, &rule, &n)) > 0) {
		const struct s3_xml in = inside(rule, n);

		l.n++;
		if (!is_enabled(in) || !is_for(in, prefix))
			continue;
		l.covers |= has(in, "Transition") || ends(in);
		l.aborts_uploads |= has(in, "AbortIncompleteMultipartUpload");
	}
	*ret = l;
	return more == 0;
}

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': buf_add_str(out, "&amp;"); break;
		case '<': buf_add_str(out, "&lt;"); break;
		case '>': buf_add_str(out, "&gt;"); break;
		default: buf_add_char(out, *text);
		}
	}
}

static void add_own(struct buf *out, const char *id, const char *prefix, bool old, bool moves)
{
	buf_printf(out, OPEN "<ID>%s</ID>%s<Prefix>", id, old ? "" : "<Filter>");
	add_escaped(out, prefix);
	buf_printf(out, "</Prefix>%s<Status>Enabled</Status>", old ? "" : "</Filter>");
	if (moves)
		buf_printf(
			out,
			"<Transition><Days>%d</Days><StorageClass>STANDARD_IA</StorageClass></Transition>",
			ADVICE_LIFECYCLE_IA_DAYS);
	buf_printf(out,
		   "<AbortIncompleteMultipartUpload><DaysAfterInitiation>%d</DaysAfterInitiation>"
		   "</AbortIncompleteMultipartUpload>" CLOSE,
		   ADVICE_LIFECYCLE_ABORT_DAYS);
}

static bool has_id(const char *rules, size_t len, const char *wanted)
{
	const char *at = rules, *rule;
	char id[256];
	size_t n;

	while (next_rule(&at, rules + len, &rule, &n) > 0)
		if (s3_xml_text(inside(rule, n), "ID", id, sizeof(id)) && strcmp(id, wanted) == 0)
			return true;
	return false;
}

int advice_lifecycle_merge(const char *rules, size_t len, const char *prefix, bool moves,
			   struct buf *out)
{
	const char *at = rules, *rule;
	char id[64] = ADVICE_LIFECYCLE_ID;
	bool old = false;
	size_t n;
	int more;

	while ((more = next_rule(&at, rules + len, &rule, &n)) > 0) {
		old |= !has(inside(rule, n), "Filter") && !has_empty(inside(rule, n), "Filter");
		buf_add(out, rule, n);
	}
	if (more)
		return more;
	for (unsigned int i = 2; has_id(rules, len, id); i++)
		snprintf(id, sizeof(id), ADVICE_LIFECYCLE_ID "-%u", i);
	add_own(out, id, prefix, old, moves);
	return out->err;
}

/* --- for people */

static size_t mark_end(const char *at, const char *end)
{
	const char *close = memchr(at, '>', (size_t)(end - at));

	return close ? (size_t)(close - at) + 1 : (size_t)(end - at);
}

/* An element without others in it stays on one line. */
static bool is_leaf(const char *at, const char *end, size_t *ret_len)
{
	const size_t open = mark_end(at, end);
	const char *next = memchr(at + open, '<', (size_t)(end - at) - open);

	if (!next || end - next < 2 || next[1] != '/')
		return false;
	*ret_len = (size_t)(next - at) + mark_end(next, end);
	return true;
}

int advice_lifecycle_format(const char *rules, size_t len, struct buf *out)
{
	const char *at = rules, *end = rules + len;
	int depth = 0;

	while (at < end) {
		size_t n;

		if (*at != '<') {
			at++;
			continue;
		}
		if (end - at > 1 && at[1] == '/') {
			n = mark_end(at, end);
			depth -= depth > 0;
			buf_printf(out, "%*s%.*s\n", 2 * depth, "", (int)n, at);
		} else if (is_leaf(at, end, &n) ||
			   (n = mark_end(at, end), n > 1 && at[n - 2] == '/')) {
			buf_printf(out, "%*s%.*s\n", 2 * depth, "", (int)n, at);
		} else {
			buf_printf(out, "%*s%.*s\n", 2 * depth, "", (int)n, at);
			depth += depth < DEPTH_MAX;
		}
		at += n;
	}
	return out->err;
}
