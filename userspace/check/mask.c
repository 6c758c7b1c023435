/* SPDX-License-Identifier: MIT */
/* Line by line. Invariant: no byte gets into the output that did not pass all the steps; where a step fails nothing of its line does. */
#include "check/mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "care/supervisor_conf.h"
#include "check/mask_match.h"
#include "check/mask_service.h"
#include "config/schema.h"
#include "logs/clean.h"
#include "logs/secrets.h"

#define LINE_MAX_BYTES (256u << 10)
#define WORK_MAX (2 * LINE_MAX_BYTES)
#define TAIL_BYTES 4096 /* no secret is longer */
#define STARS "***"

int mask_add(struct mask *m, const char *secret)
{
	if (!secret || strlen(secret) < MASK_LEAST_BYTES)
		return 0;
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->list[i], secret) == 0)
			return 0;
	if (m->n == MASK_SECRETS_MAX)
		return -E2BIG;
	m->list[m->n] = strdup(secret);
	return m->list[m->n] ? (m->n++, 0) : -ENOMEM;
}

static int add_supervisor(struct mask *m)
{
	static const char *const paths[] = { "/etc/supervisor/supervisord.conf",
					     "/etc/supervisord.conf" };
	struct supervisor_conf s;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !err; i++) {
		if (supervisor_conf_read(paths[i], &s))
			continue;
		err = mask_add(m, s.password);
		supervisor_conf_wipe(&s);
	}
	return err;
}

int mask_add_known(struct mask *m, const struct config *c)
{
	static const char *const variables[] = { "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
						 "AWS_CONTAINER_AUTHORIZATION_TOKEN" };
	const struct schema *s = schema_config();
	int err = 0;

	for (size_t i = 0; i < s->n_keys && !err; i++)
		if (s->keys[i].secret && s->keys[i].type == SCHEMA_STRING)
			err = mask_add(m, *(char *const *)(const void *)((const char *)c +
									 s->keys[i].offset));
	for (size_t i = 0; i < ARRAY_SIZE(variables) && !err; i++)
		err = mask_add(m, getenv(variables[i]));
	err = err ?: add_supervisor(m);
	return err ?: mask_add_service(m, c);
}

void mask_done(struct mask *m)
{
	for (size_t i = 0; i < m->n; i++) {
		explicit_bzero(m->list[i], strlen(m->list[i]));
		free(m->list[i]);
	}
	*m = (struct mask){ 0 };
}

/* --- one line */

static int strike(const char *secret, const char *text, size_t n, struct buf *out)
{
	const char *from = text;
	/* How it may begin. */
	const char begins[] = { secret[strspn(secret, "\\")], '\\', '%', '+', '\0' };

	for (size_t i = 0; i < n;) {
		size_t length = strchr(begins, text[i]) ? mask_match(text + i, n - i, secret) : 0;

		if (!length) {
			i++;
			continue;
		}
		buf_add(out, from, (size_t)(text + i - from));
		buf_add_str(out, STARS);
		i += length;
		from = text + i;
	}
	return buf_add(out, from, (size_t)(text + n - from));
}

static bool has_escapes(const struct buf *line)
{
	return memchr(buf_str(line), '\\', line->len) || memchr(buf_str(line), '%', line->len) ||
	       memchr(buf_str(line), '+', line->len);
}

static int strike_known(const struct mask *m, struct buf *line, struct buf *spare)
{
	const bool escapes = has_escapes(line);

	for (size_t i = 0; i < m->n; i++) {
		struct buf swap = *line;

		if (!escapes && !memmem(buf_str(line), line->len, m->list[i], strlen(m->list[i])))
			continue;
		buf_reset(spare);
		if (strike(m->list[i], buf_str(line), line->len, spare))
			return spare->err;
		*line = *spare;
		*spare = swap;
	}
	return 0;
}

static int mask_forms(struct buf *line, struct buf *spare)
{
	struct buf swap = *line;
	bool found = false;
	int err;

	buf_reset(spare);
	err = secrets_mask(buf_str(line), line->len, spare, &found);
	if (err || !found)
		return err;
	*line = *spare;
	*spare = swap;
	return 0;
}

static int mask_by_rules(const struct record_rules *rules, struct buf *line, struct buf spare[2],
			 struct buf *out)
{
	struct buf *result = line;
	int err = record_rules_mask(rules, line, spare, &result);

	/* It was cut, and masked. */
	if (err && err != -EFBIG)
		return err;
	return buf_add(out, buf_str(result), result->len);
}

struct work {
	struct buf line, spare, more[2], ruled;
	bool in_key; /* between BEGIN ... PRIVATE KEY and its END */
};

static void work_done(struct work *w)
{
	buf_done(&w->line);
	buf_done(&w->spare);
	buf_done(&w->more[0]);
	buf_done(&w->more[1]);
	buf_done(&w->ruled);
}

static bool holds(const struct buf *line, const char *words)
{
	return memmem(buf_str(line), line->len, words, strlen(words));
}

/* Whether the line is a part of a private key, and nothing of it may be shown. */
static bool is_key(struct work *w)
{
	bool begins = holds(&w->line, "-----BEGIN ") && holds(&w->line, "PRIVATE KEY-----");
	bool was = w->in_key;

	if (begins)
		w->in_key = true;
	if (w->in_key && holds(&w->line, "-----END "))
		w->in_key = false;
	return begins || was;
}

/* Of a line that was cut: its end may be the beginning of a secret, which nothing would recognize. */
static size_t without_tail(const struct buf *line)
{
	size_t n = line->len > TAIL_BYTES ? line->len - TAIL_BYTES : 0;

	while (n && ((unsigned char)line->data[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static int mask_line(const struct mask *m, const struct record_rules *rules, const char *bytes,
		     size_t n, struct work *w, struct buf *out)
{
	struct clean clean = { .latin1 = rules && rules->latin1 };
	size_t taken;
	int err;

	buf_reset(&w->line);
	err = clean_add(&clean, bytes, n, true, LINE_MAX_BYTES, &w->line, &taken);
	if (err)
		return err;
	if (is_key(w))
		return buf_add_str(out, STARS " (private key)");
	if (rules) {
		buf_reset(&w->ruled);
		err = mask_by_rules(rules, &w->line, w->more, &w->ruled);
		if (err)
			return err;
		buf_reset(&w->line);
		buf_add(&w->line, buf_str(&w->ruled), w->ruled.len);
	}
	err = strike_known(m, &w->line, &w->spare);
	err = err ?: mask_forms(&w->line, &w->spare);
	if (err)
		return err;
	if (taken == n)
		return buf_add(out, buf_str(&w->line), w->line.len);
	buf_add(out, buf_str(&w->line), without_tail(&w->line));
	return buf_add_str(out, " (cut)");
}

static void work_init(struct work *w)
{
	*w = (struct work){
		.line = BUF_INIT(WORK_MAX),
		.spare = BUF_INIT(WORK_MAX),
		.more = { BUF_INIT(WORK_MAX), BUF_INIT(WORK_MAX) },
		.ruled = BUF_INIT(WORK_MAX),
	};
}

int mask_text(const struct mask *m, const struct record_rules *rules, const char *bytes, size_t n,
	      struct buf *out)
{
	_cleanup_(work_done) struct work w;
	int err = 0;

	work_init(&w);
	while (n && !err) {
		const char *end = memchr(bytes, '\n', n);
		size_t length = end ? (size_t)(end - bytes) : n;

		err = mask_line(m, rules, bytes, length, &w, out);
		if (!err && end)
			err = buf_add_char(out, '\n');
		bytes += length + (end != NULL);
		n -= length + (end != NULL);
	}
	return err;
}

/* --- isamon's configuration */

/* The name before the first = or :, without a comment's mark and white space; @ret_value: where what follows begins. */
static bool take_name(const char *line, size_t n, char name[64], size_t *ret_value)
{
	size_t begin = 0, end, separator = 0;

	while (separator < n && line[separator] != '=' && line[separator] != ':')
		separator++;
	if (separator == n)
		return false;
	while (begin < separator && strchr(" \t#;", line[begin]))
		begin++;
	for (end = separator; end > begin && strchr(" \t", line[end - 1]); end--)
		;
	if (end == begin || end - begin >= 64)
		return false;
	memcpy(name, line + begin, end - begin);
	name[end - begin] = '\0';
	*ret_value = separator + 1;
	return true;
}

static int mask_setting(const char *line, size_t n, bool *in_secret, struct buf *out)
{
	char name[64];
	size_t value;

	/* What is indented goes on with the value above it. */
	if (*in_secret && n && strchr(" \t", *line))
		return buf_add_str(out, "    " STARS);
	*in_secret = take_name(line, n, name, &value) && schema_is_secret(schema_config(), name);
	if (!*in_secret)
		return buf_add(out, line, n);
	buf_add(out, line, value);
	return buf_add_str(out, " " STARS);
}

int mask_configuration(const struct mask *m, const char *text, size_t n, struct buf *out)
{
	_cleanup_(buf_done) struct buf plain = BUF_INIT(out->max);
	bool in_secret = false;
	int err = 0;

	while (n && !err) {
		const char *end = memchr(text, '\n', n);
		size_t length = end ? (size_t)(end - text) : n;

		err = mask_setting(text, length, &in_secret, &plain);
		if (!err && end)
			err = buf_add_char(&plain, '\n');
		text += length + (end != NULL);
		n -= length + (end != NULL);
	}
	return err ?: mask_text(m, NULL, buf_str(&plain), plain.len, out);
}
