/* SPDX-License-Identifier: MIT */
/* Reads supervisord's files, as far as it is needed: sections of "key = value". Paths with %(...)s in them are not known. */
#include "cmd/logs_supervisor.h"

#include <glob.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/util.h"

#define FILE_MAX_BYTES (1u << 20)

static const char *const log_keys[] = { "stdout_logfile", "stderr_logfile", "logfile" };

/* What a section says of the log. */
struct section {
	bool has[ARRAY_SIZE(log_keys)], never[ARRAY_SIZE(log_keys)];
};

static bool rotates(const struct section *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_keys); i++)
		if (s->has[i] && !s->never[i])
			return true;
	return false;
}

static bool is_text(const char *s, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(s, text, n) == 0;
}

/* 0, 0MB. */
static bool is_zero(const char *s, size_t n)
{
	const size_t zeros = n ? strspn(s, "0") : 0;

	return zeros && (zeros >= n || !strchr("123456789", s[zeros]));
}

static void take_key(struct section *s, const char *key, size_t key_len, const char *value,
		     size_t len, const char *path)
{
	static const char maxbytes[] = "_maxbytes";
	const size_t end = sizeof(maxbytes) - 1;

	for (size_t i = 0; i < ARRAY_SIZE(log_keys); i++) {
		const size_t n = strlen(log_keys[i]);

		if (is_text(key, key_len, log_keys[i]))
			s->has[i] = is_text(value, len, path);
		else if (key_len == n + end && memcmp(key, log_keys[i], n) == 0 &&
			 memcmp(key + n, maxbytes, end) == 0)
			s->never[i] = is_zero(value, len);
	}
}

static size_t without_blanks(const char *s, size_t n)
{
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	return n;
}

static void take_line(struct section *s, const char *line, size_t n, const char *path)
{
	const char *equals = memchr(line, '=', n), *colon = memchr(line, ':', n), *value;
	const char *end = memmem(line, n, " ;", 2);

	if (colon && (!equals || colon < equals))
		equals = colon;
	if (!equals || strchr(";#", *line) || (end && end < equals))
		return;
	end = end ? end : line + n;
	for (value = equals + 1; value < end && strchr(" \t", *value);)
		value++;
	take_key(s, line, without_blanks(line, (size_t)(equals - line)), value,
		 without_blanks(value, (size_t)(end - value)), path);
}

bool supervisor_rotates(const char *text, const char *path)
{
	struct section s = { 0 };

	while (*text) {
		const size_t n = strcspn(text, "\n");

		if (*text == '[') {
			if (rotates(&s))
				return true;
			s = (struct section){ 0 };
		} else if (n) {
			take_line(&s, text, n, path);
		}
		text += n + (text[n] == '\n');
	}
	return rotates(&s);
}

static bool file_rotates(const char *file, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX_BYTES);

	return !file_read(file, &text) && supervisor_rotates(buf_str(&text), path);
}

bool supervisor_rotates_here(const char *path)
{
	static const char *const patterns[] = { "/etc/supervisor/supervisord.conf",
						"/etc/supervisor/conf.d/*.conf",
						"/etc/supervisord.conf",
						"/etc/supervisord.d/*.ini" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(patterns) && !found; i++) {
		glob_t g = { 0 };

		if (glob(patterns[i], 0, NULL, &g) == 0)
			for (size_t k = 0; k < g.gl_pathc && !found; k++)
				found = file_rotates(g.gl_pathv[k], path);
		globfree(&g);
	}
	return found;
}
