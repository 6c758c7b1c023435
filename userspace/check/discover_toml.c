/* SPDX-License-Identifier: MIT */
/* The application's own configuration, a TOML file with the keys of Agent-ISA. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "check/discover_impl.h"
#include "config/toml.h"

/* The application's value, and isamon's key for it. */
static const struct mapping {
	const char *path;
	enum toml_type type;
	const char *section, *label, *key;
} mappings[] = {
	{ "server.port", TOML_INTEGER, "service", NULL, "ports" },
	{ "database.path", TOML_TEXT, "database", NULL, "path" },
	{ "aws.region", TOML_TEXT, "aws", NULL, "region" },
	{ "aws.cloudwatch.log_group", TOML_TEXT, "logs", NULL, "group" },
	{ "aws.cloudwatch.log_stream", TOML_TEXT, "log", "application", "stream" },
	{ "aws.cloudwatch.metrics_namespace", TOML_TEXT, "cloudwatch", NULL, "namespace" },
	{ "logging.file", TOML_TEXT, "log", "application", "path" },
	{ "backup.schedule", TOML_TEXT, "job", "backup", "schedule" },
	{ "backup.retention_days", TOML_INTEGER, "backup", NULL, "keep_days" },
	{ "backup.s3_bucket", TOML_TEXT, "backup", NULL, "s3_bucket" },
	{ "backup.s3_prefix", TOML_TEXT, "backup", NULL, "s3_prefix" },
};

struct taking {
	const struct discover_options *o;
	struct discovery *d;
	const char *file;
};

/* Paths of the application may be relative to its directory. */
static bool make_absolute(const struct discovery *d, const char *text, char *to, size_t size)
{
	const struct discovered *app = discover_find(d, "app", NULL, "directory");
	int n;

	if (*text == '/')
		n = snprintf(to, size, "%s", text);
	else
		n = app ? snprintf(to, size, "%s/%s", app->value,
				   strncmp(text, "./", 2) == 0 ? text + 2 : text) :
			  -1;
	return n > 0 && (size_t)n < size;
}

static void take_value(const struct taking *t, const struct mapping *m, const char *text)
{
	const bool is_path = strcmp(m->key, "path") == 0;
	char absolute[DISCOVER_VALUE_MAX], plain[DISCOVER_VALUE_MAX];

	if (is_path && !make_absolute(t->d, text, absolute, sizeof(absolute))) {
		utf8_make_plain(text, strlen(text), plain, sizeof(plain));
		buf_printf(&t->d->notes,
			   "%s: %s = \"%s\": relative to what is not known: set [%s] %s\n", t->file,
			   m->path, plain, m->section, m->key);
		return;
	}
	if (is_path && strcmp(m->section, "log") == 0 && discover_is_roots_alone(t->o, absolute)) {
		utf8_make_plain(absolute, strlen(absolute), plain, sizeof(plain));
		buf_printf(
			&t->d->notes,
			"%s: %s = \"%s\": only root may read that file, so it is not taken: if it is the log, set [log \"%s\"] path\n",
			t->file, m->path, plain, m->label);
		return;
	}
	discover_add(t->d,
		     &(struct discover_value){ m->section, m->label, m->key,
					       is_path ? absolute : text, is_path && *text != '/' },
		     "%s: %s", t->file, m->path);
}

static int on_value(const char *path, enum toml_type type, const char *text, void *ctx)
{
	const struct taking *t = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(mappings); i++)
		if (mappings[i].type == type && strcmp(mappings[i].path, path) == 0)
			take_value(t, &mappings[i], text);
	if (type == TOML_BOOL && strcmp(path, "backup.enabled") == 0 && strcmp(text, "false") == 0)
		discover_add(t->d,
			     &(struct discover_value){ "job", "backup", "enabled", "no", false },
			     "%s: %s", t->file, path);
	if (type == TOML_BOOL && strcmp(path, "aws.cloudwatch.enabled") == 0 &&
	    strcmp(text, "true") == 0)
		buf_printf(
			&t->d->notes,
			"%s: the application sends metrics and logs to CloudWatch itself; to have isamon "
			"do it, say so there and set enabled = yes in [cloudwatch] and [logs]: with both, "
			"everything arrives twice\n",
			t->file);
	return 0;
}

struct candidates {
	char path[512]; /* the best one */
	bool production;
	size_t n;
};

static void consider(const char *path, void *ctx)
{
	struct candidates *c = ctx;
	const char *slash = strrchr(path, '/');
	const bool production = slash && strstr(slash, "production") != NULL;

	if (strlen(path) >= sizeof(c->path) || (slash && strcmp(slash, "/pyproject.toml") == 0))
		return;
	if (production && !c->production)
		c->n = 0;
	if (c->production && !production)
		return;
	c->production = production;
	if (c->n++ == 0)
		snprintf(c->path, sizeof(c->path), "%s", path);
}

/* The one with "production" in its name, or the only one. */
static void find(const struct discover_options *o, struct discovery *d, struct candidates *c)
{
	const struct discovered *app = discover_find(d, "app", NULL, "directory");
	const struct discovered *name = discover_find(d, "service", NULL, "name");
	const char *directory = app ? app->value : "/opt/agent-isa/app";
	const char *const below[] = { "*.toml", "config/*.toml", "*/config/*.toml" };
	char pattern[DISCOVER_VALUE_MAX + 64];

	snprintf(pattern, sizeof(pattern), "/etc/%s/*.toml",
		 name ? name->value : DISCOVER_DEFAULT_NAME);
	discover_each(o, pattern, consider, c);
	for (size_t i = 0; i < ARRAY_SIZE(below) && !c->production; i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s", directory, below[i]);
		discover_each(o, pattern, consider, c);
	}
	if (c->n > 1) {
		buf_printf(
			&d->notes,
			"several files could be the application's configuration, %s among them; say "
			"which with --toml\n",
			c->path);
		*c->path = 0;
	}
}

int discover_toml(const struct discover_options *o, struct buf *why, struct discovery *d)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(DISCOVER_FILE_MAX);
	struct candidates c = { 0 };
	struct taking t = { .o = o, .d = d, .file = o->toml };
	unsigned int line = 0;
	int err;

	if (!o->toml) {
		find(o, d, &c);
		if (!*c.path)
			return 0;
		t.file = c.path;
	}
	err = discover_read(o, t.file, &text);
	if (!err)
		err = toml_parse(buf_str(&text), text.len, on_value, &t, &line);
	if (!err || err == -ENOMEM)
		return err;
	if (line)
		buf_printf(o->toml ? why : &d->notes, "%s:%u: this is not TOML%s", t.file, line,
			   o->toml ? "" : "; nothing behind it was read\n");
	else
		buf_printf(o->toml ? why : &d->notes, "%s: %s%s", t.file, strerror(-err),
			   o->toml ? "" : "\n");
	return o->toml ? err : 0;
}
