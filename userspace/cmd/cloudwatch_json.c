/* SPDX-License-Identifier: MIT */
/* One table of members is both writer and reader. */
#include "cmd/cloudwatch_json.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

enum type { BOOLEAN, NUMBER, TEXT };

static const struct {
	const char *key;
	size_t offset;
	enum type type;
} members[] = {
#define ROW(member, type) \
	{ \
#member, offsetof(struct cloudwatch_told, member), type \
	}
	ROW(enabled, BOOLEAN), ROW(open, BOOLEAN),    ROW(why, TEXT),       ROW(waiting, NUMBER),
	ROW(pushed, NUMBER),   ROW(rejected, NUMBER), ROW(dropped, NUMBER), ROW(asked, NUMBER),
	ROW(ended, NUMBER),    ROW(error, TEXT),      ROW(region, TEXT),    ROW(instance_id, TEXT),
	ROW(endpoint, TEXT),
#undef ROW
};

/* Lines stay; what is not UTF-8 does not. */
static json_t *text_json(const char *text)
{
	_cleanup_(buf_done) struct buf clean = BUF_INIT(4 * CLOUDWATCH_TEXT_MAX);
	size_t left = strlen(text), len;
	uint32_t c;

	for (; left; text += len, left -= len) {
		len = utf8_next(text, left, &c);
		buf_add(&clean, len ? text : "?", len ? len : 1);
		len = len ? len : 1;
	}
	return clean.err ? NULL : json_stringn(buf_str(&clean), clean.len);
}

static json_t *value_json(size_t i, const struct cloudwatch_told *t)
{
	const void *at = (const char *)t + members[i].offset;

	switch (members[i].type) {
	case BOOLEAN: return json_boolean(*(const bool *)at);
	case NUMBER: return json_integer((json_int_t) * (const uint64_t *)at);
	default: return text_json(at);
	}
}

int cloudwatch_json_write(const struct cloudwatch_told *t, struct buf *out)
{
	_cleanup_(json_freep) json_t *root = json_object();
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_object_set_new(root, members[i].key, value_json(i, t)))
			return -ENOMEM;
	err = json_add_text(root, JSON_COMPACT, out);
	return err ? err : buf_add_char(out, '\n');
}

static int parse_member(size_t i, const json_t *value, struct cloudwatch_told *ret)
{
	void *at = (char *)ret + members[i].offset;

	switch (members[i].type) {
	case BOOLEAN:
		if (!json_is_boolean(value))
			return -EPROTO;
		*(bool *)at = json_is_true(value);
		return 0;
	case NUMBER:
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return -EPROTO;
		*(uint64_t *)at = (uint64_t)json_integer_value(value);
		return 0;
	default:
		if (!json_is_string(value) || json_string_length(value) >= CLOUDWATCH_TEXT_MAX)
			return -EPROTO;
		memcpy(at, json_string_value(value), json_string_length(value) + 1);
		return 0;
	}
}

int cloudwatch_json_parse(const char *json, struct cloudwatch_told *ret, const char **ret_rest)
{
	size_t len = strcspn(json, "\n");
	_cleanup_(json_freep) json_t *root = json_loadb(json, len, 0, NULL);

	memset(ret, 0, sizeof(*ret));
	if (!json_is_object(root))
		return -EPROTO;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (parse_member(i, json_object_get(root, members[i].key), ret))
			return -EPROTO;
	if (ret_rest)
		*ret_rest = json + len + (json[len] == '\n');
	return 0;
}

/* --- for people */

static void new_line(unsigned int depth, struct buf *out)
{
	buf_printf(out, "\n%*s", (int)(2 * depth), "");
}

/* The length of a text in quotes. */
static size_t quoted(const char *s)
{
	size_t n = 1;

	while (s[n] && s[n] != '"')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n + (s[n] == '"');
}

/* The length of a list without objects and lists in it; 0: it is none. */
static size_t plain_list(const char *s)
{
	size_t n = 1;

	while (s[n] && s[n] != '{' && s[n] != '[' && s[n] != ']')
		n += s[n] == '"' ? quoted(s + n) : 1;
	return *s == '[' && s[n] == ']' ? n + 1 : 0;
}

int cloudwatch_json_pretty(const char *json, struct buf *out)
{
	unsigned int depth = 0;

	for (size_t n; *json; json += n) {
		n = *json == '"' ? quoted(json) : plain_list(json);
		if (n) {
			buf_add(out, json, n);
			continue;
		}
		n = 1;
		if ((*json == '}' || *json == ']') && depth)
			new_line(--depth, out);
		if (*json != ' ' && *json != '\n')
			buf_add_char(out, *json);
		if (*json == '{' || *json == '[')
			new_line(++depth, out);
		else if (*json == ',')
			new_line(depth, out);
		else if (*json == ':')
			buf_add_char(out, ' ');
	}
	return buf_add_char(out, '\n');
}

static bool is_same_metric(const json_t *a, const json_t *b)
{
	const json_t *da = json_object_get(a, "Dimensions"), *db = json_object_get(b, "Dimensions");

	return json_equal(json_object_get(a, "MetricName"), json_object_get(b, "MetricName")) &&
	       (da == db || json_equal(da, db));
}

static bool has_dimension(const json_t *datum, const char *name)
{
	const json_t *list = json_object_get(datum, "Dimensions");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_member_text(json_array_get(list, i), "Name", ""), name) == 0)
			return true;
	return false;
}

size_t cloudwatch_json_metrics(const char *request, const char *dimension)
{
	_cleanup_(json_freep) json_t *root = json_loads(request, 0, NULL);
	const json_t *list = json_object_get(root, "MetricData");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *datum = json_array_get(list, i);
		size_t j = 0;

		if (dimension && !has_dimension(datum, dimension))
			continue;
		while (j < i && !is_same_metric(json_array_get(list, j), datum))
			j++;
		n += j == i;
	}
	return n;
}
