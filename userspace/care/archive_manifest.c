/* SPDX-License-Identifier: MIT */
/* Written by hand, a line at a time, since names are bytes; read by jansson, since they are strangers' then. */
#include "care/archive_manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

static const char *const kinds[] = { "file", "directory", "symlink", "hardlink" };

static bool is_utf8(const char *s, size_t n)
{
	uint32_t c;

	for (size_t at = 0, step; at < n; at += step) {
		step = utf8_next(s + at, n - at, &c);
		if (!step)
			return false;
	}
	return true;
}

/* ,"key":"text" or ,"key_hex":"..." */
static void add_text(struct buf *out, const char *key, const char *s)
{
	size_t n = strlen(s);
	bool plain = is_utf8(s, n);

	buf_printf(out, ",\"%s%s\":\"", key, plain ? "" : "_hex");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!plain)
			buf_printf(out, "%02x", c);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

int archive_manifest_begin(const char *host, const char *dir, int64_t created_s, struct buf *out)
{
	buf_add_str(out, "{\"isamon_manifest\":1");
	add_text(out, "host", host ? host : "");
	add_text(out, "dir", dir);
	return buf_printf(out, ",\"created\":%" PRId64 "}\n", created_s);
}

int archive_manifest_add(const struct archive_member *m, struct buf *out)
{
	buf_printf(out, "{\"kind\":\"%s\"", kinds[m->kind]);
	add_text(out, "path", m->path);
	if (m->target)
		add_text(out, "target", m->target);
	if (m->kind == ARCHIVE_FILE)
		buf_printf(out, ",\"size\":%" PRIu64 ",\"sha256\":\"%s\"", m->size, m->sha256);
	buf_printf(out, ",\"mode\":\"%04o\",\"uid\":%" PRIu64 ",\"gid\":%" PRIu64, m->mode & 07777,
		   m->uid, m->gid);
	if (m->user)
		add_text(out, "user", m->user);
	if (m->group)
		add_text(out, "group", m->group);
	buf_printf(out, ",\"mtime_s\":%" PRId64 ",\"mtime_ns\":%ld", m->mtime_s, m->mtime_ns);
	if (m->database)
		buf_add_str(out, ",\"database\":\"ok\"");
	return buf_add_str(out, "}\n");
}

int archive_manifest_end(uint64_t members, struct buf *out)
{
	return buf_printf(out, "{\"end\":true,\"members\":%" PRIu64 "}\n", members);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool from_hex(const char *hex, char *to, size_t size)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2 || n >= size)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0)
			return false;
		to[i] = (char)(high << 4 | low);
	}
	to[n] = '\0';
	return true;
}

/* Neither is no error: then @to is "". */
static bool read_text(const json_t *j, const char *key, const char *hex_key, char *to, size_t size)
{
	const char *hex = json_member_text(j, hex_key, NULL), *s = json_member_text(j, key, "");
	size_t n = strlen(s);

	if (hex)
		return from_hex(hex, to, size);
	if (n >= size)
		return false;
	memcpy(to, s, n + 1);
	return true;
}

static bool read_count(const json_t *j, const char *key, uint64_t *ret)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool is_hash(const char *s)
{
	for (size_t i = 0; i < SHA256_HEX - 1; i++)
		if (hex_digit(s[i]) < 0)
			return false;
	return s[SHA256_HEX - 1] == '\0';
}

static bool read_file(const json_t *j, struct archive_member *m)
{
	const char *hash = json_member_text(j, "sha256", "");

	if (!read_count(j, "size", &m->size) || !is_hash(hash))
		return false;
	memcpy(m->sha256, hash, SHA256_HEX);
	m->database = strcmp(json_member_text(j, "database", ""), "ok") == 0;
	return true;
}

static bool read_mode(const json_t *j, mode_t *ret)
{
	const char *s = json_member_text(j, "mode", "");
	mode_t mode = 0;

	if (strlen(s) != 4)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return false;
		mode = mode << 3 | (mode_t)(*s - '0');
	}
	*ret = mode;
	return true;
}

static bool read_member(const json_t *j, struct archive_manifest_line *l)
{
	struct archive_member *m = &l->member;
	const char *kind = json_member_text(j, "kind", "");
	size_t k = 0;

	while (k < ARRAY_SIZE(kinds) && strcmp(kind, kinds[k]) != 0)
		k++;
	if (k == ARRAY_SIZE(kinds))
		return false;
	m->kind = (enum archive_kind)k;
	if (!read_text(j, "path", "path_hex", l->path, sizeof(l->path)) || !*l->path ||
	    !read_text(j, "target", "target_hex", l->target, sizeof(l->target)))
		return false;
	m->path = l->path;
	m->target = m->kind == ARCHIVE_SYMLINK || m->kind == ARCHIVE_HARDLINK ? l->target : NULL;
	m->mtime_s = json_integer_value(json_object_get(j, "mtime_s"));
	m->mtime_ns = (long)json_integer_value(json_object_get(j, "mtime_ns"));
	return read_mode(j, &m->mode) && read_count(j, "uid", &m->uid) &&
	       read_count(j, "gid", &m->gid) && (m->kind != ARCHIVE_FILE || read_file(j, m));
}

int archive_manifest_parse(const char *line, size_t n, struct archive_manifest_line *ret)
{
	_cleanup_(json_freep) json_t *j = NULL;
	bool ok;
	int err;

	memset(ret, 0, sizeof(*ret));
	if (n > ARCHIVE_MANIFEST_LINE_MAX)
		return -EBADMSG;
	err = json_parse(line, n, JSON_REJECT_DUPLICATES, &j);
	if (err)
		return err;
	if (json_object_get(j, "isamon_manifest")) {
		const char *host = json_member_text(j, "host", "");

		ret->what = ARCHIVE_LINE_BEGIN;
		ret->created_s = json_integer_value(json_object_get(j, "created"));
		utf8_make_plain(host, strlen(host), ret->host, sizeof(ret->host));
		ok = json_integer_value(json_object_get(j, "isamon_manifest")) == 1;
	} else if (json_is_true(json_object_get(j, "end"))) {
		ret->what = ARCHIVE_LINE_END;
		ok = read_count(j, "members", &ret->members);
	} else {
		ret->what = ARCHIVE_LINE_MEMBER;
		ok = read_member(j, ret);
	}
	return ok ? 0 : -EBADMSG;
}
