/* SPDX-License-Identifier: MIT */
/* Every text is read for secrets of known forms, as a log's is; of a file of variables the whole value is one, whatever is in it. Invariant: each
 * copy is wiped. */
#include "check/mask_service.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "logs/secrets.h"

#define FILE_BYTES_MAX (256u << 10)
#define FILES_MAX 64 /* of a pattern */
#define PATTERN_MAX 4200

struct reading {
	struct mask *mask;
	const char *end; /* of the line, where the value goes as far as that; NULL */
};

static int add(struct mask *m, const char *bytes, size_t n)
{
	char *copy = strndup(bytes, n);
	int err = copy ? mask_add(m, copy) : -ENOMEM;

	if (copy)
		explicit_bzero(copy, strlen(copy));
	free(copy);
	return err;
}

static int seen(const char *secret, size_t n, void *ctx)
{
	const struct reading *r = ctx;
	int err = add(r->mask, secret, n);
	const char *end = r->end;

	if (err || !end || end <= secret)
		return err;
	while (end > secret && strchr(" \t\r\"'", end[-1]))
		end--;
	return add(r->mask, secret, (size_t)(end - secret));
}

/* NAME=VALUE lines. */
static int read_variables(struct reading *r, const char *text, size_t n)
{
	int err = 0;

	while (n && !err) {
		const char *end = memchr(text, '\n', n);
		const size_t length = end ? (size_t)(end - text) : n;

		r->end = text + length;
		err = secrets_each(text, length, seen, r);
		text += length + (end != NULL);
		n -= length + (end != NULL);
	}
	return err;
}

static int read_file(struct mask *m, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_BYTES_MAX);
	const char *dot = strrchr(path, '.');
	struct reading r = { .mask = m };
	int err = file_read(path, &text);

	if (err || !text.len)
		return err == -ENOMEM ? err : 0;
	if (dot && strcmp(dot, ".env") == 0)
		err = read_variables(&r, text.data, text.len);
	else
		err = secrets_each(text.data, text.len, seen, &r);
	explicit_bzero(text.data, text.len);
	return err;
}

static int read_files(struct mask *m, const char *pattern)
{
	glob_t g = { 0 };
	int err = 0;

	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc && i < FILES_MAX && !err; i++)
			err = read_file(m, g.gl_pathv[i]);
	globfree(&g);
	return err;
}

static int read_directory(struct mask *m, const char *directory)
{
	static const char *const names[] = { "*.env",  ".env",   "*.toml", "*.ini",
					     "*.conf", "*.json", "*.yaml", "*.yml" };
	int err = 0;

	if (*directory != '/')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		char pattern[PATTERN_MAX];

		snprintf(pattern, sizeof(pattern), "%s/%s", directory, names[i]);
		err = read_files(m, pattern);
	}
	return err;
}

static int read_unit(struct mask *m, const struct config *c)
{
	const bool named = *c->service_unit != '\0';
	const char *name = named ? c->service_unit : c->service_name;
	static const struct {
		const char *before, *behind;
	} places[] = { { "/etc/systemd/system/", "" },
		       { "/etc/systemd/system/", ".d/*.conf" },
		       { "/usr/lib/systemd/system/", "" } };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && !err; i++) {
		char pattern[PATTERN_MAX];

		snprintf(pattern, sizeof(pattern), "%s%s%s%s", places[i].before, name,
			 named ? "" : ".service", places[i].behind);
		err = read_files(m, pattern);
	}
	return err;
}

int mask_add_service(struct mask *m, const struct config *c)
{
	static const char *const supervisor[] = { "/etc/supervisor/supervisord.conf",
						  "/etc/supervisor/conf.d/*.conf",
						  "/etc/supervisord.conf", "/etc/supervisord.d/*" };
	char variables[PATTERN_MAX];
	int err = read_directory(m, c->backup_config);

	snprintf(variables, sizeof(variables), "%s/.env", c->app_directory);
	err = err ?: read_files(m, variables);
	for (size_t i = 0; i < ARRAY_SIZE(supervisor) && !err; i++)
		err = read_files(m, supervisor[i]);
	return err ?: read_unit(m, c);
}
