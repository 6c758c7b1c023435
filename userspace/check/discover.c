/* SPDX-License-Identifier: MIT */
/* The order of looking, and what is concluded at the end. Invariant: each value is one plain line, and each key without a list is there once. */
#include "check/discover.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "check/discover_impl.h"
#include "check/tree.h"

#define PATH_SIZE 4096

static struct discovered *find(struct discovery *d, const char *section, const char *label,
			       const char *key)
{
	for (size_t i = 0; i < d->n; i++) {
		struct discovered *f = &d->list[i];

		if (strcmp(f->section, section) == 0 && strcmp(f->label, label ?: "") == 0 &&
		    strcmp(f->key, key) == 0)
			return f;
	}
	return NULL;
}

const struct discovered *discover_find(const struct discovery *d, const char *section,
				       const char *label, const char *key)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct discovered *f = &d->list[i];

		if (strcmp(f->section, section) == 0 && strcmp(f->label, label ?: "") == 0 &&
		    strcmp(f->key, key) == 0)
			return f;
	}
	return NULL;
}

void discover_add(struct discovery *d, const struct discover_value *v, const char *source, ...)
{
	struct discovered *f = find(d, v->section, v->label, v->key);
	size_t n = strlen(v->value);
	va_list args;

	if (!n || n >= sizeof(f->value) || !utf8_is_plain(v->value, n))
		return;
	if (f && (!f->guessed || v->guessed))
		return;
	if (!f && d->n == DISCOVERED_MAX)
		return;
	if (!f)
		f = &d->list[d->n++];
	snprintf(f->section, sizeof(f->section), "%s", v->section);
	snprintf(f->label, sizeof(f->label), "%s", v->label ?: "");
	snprintf(f->key, sizeof(f->key), "%s", v->key);
	memcpy(f->value, v->value, n + 1);
	f->guessed = v->guessed;
	va_start(args, source);
	vsnprintf(f->source, sizeof(f->source), source, args);
	va_end(args);
	utf8_make_plain(f->source, strlen(f->source), f->source, sizeof(f->source));
}

static bool below_root(const struct discover_options *o, const char *path, char to[PATH_SIZE])
{
	int n = snprintf(to, PATH_SIZE, "%s%s", o->root, path);

	return n > 0 && n < PATH_SIZE;
}

int discover_read(const struct discover_options *o, const char *path, struct buf *ret)
{
	char whole[PATH_SIZE];

	return below_root(o, path, whole) ? file_read(whole, ret) : -ENAMETOOLONG;
}

bool discover_exists(const struct discover_options *o, const char *path)
{
	char whole[PATH_SIZE];

	return below_root(o, path, whole) && access(whole, F_OK) == 0;
}

bool discover_is_roots_alone(const struct discover_options *o, const char *path)
{
	char whole[PATH_SIZE];
	struct stat st;

	return below_root(o, path, whole) && stat(whole, &st) == 0 && st.st_uid == 0 &&
	       !(st.st_mode & S_IROTH);
}

void discover_each(const struct discover_options *o, const char *pattern, discover_path_fn fn,
		   void *ctx)
{
	char whole[PATH_SIZE];
	glob_t g = { 0 };

	if (below_root(o, pattern, whole) && glob(whole, 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			fn(g.gl_pathv[i] + strlen(o->root), ctx);
	globfree(&g);
}

bool discover_is_web(const char *command)
{
	static const char *const words[] = { "python", "uvicorn", "gunicorn", "hypercorn",
					     "daphne", "node ",   "puma" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(command, words[i]))
			return true;
	return false;
}

/* Up to the last slash, if there is something before it. */
static bool parent_of(const char *path, char *to, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= size)
		return false;
	memcpy(to, path, (size_t)(slash - path));
	to[slash - path] = 0;
	return true;
}

/* What the data are, if nobody said it: the directory of the database. */
static void conclude(const struct discover_options *o, struct discovery *d)
{
	const struct discovered *database = discover_find(d, "database", NULL, "path");
	const struct discovered *name = discover_find(d, "service", NULL, "name");
	char value[DISCOVER_VALUE_MAX];

	if (database && parent_of(database->value, value, sizeof(value))) {
		if (!tree_is_of_system(value))
			discover_add(
				d, &(struct discover_value){ "backup", NULL, "data", value, true },
				"the directory of the database");
		else if (!discover_find(d, "backup", NULL, "data"))
			buf_printf(
				&d->notes,
				"%s: lies in a directory of the system, which is not the service's data: set [backup] data\n",
				database->value);
	}
	if (!name)
		return;
	if (strcmp(name->value, DISCOVER_DEFAULT_NAME) != 0)
		discover_add(d,
			     &(struct discover_value){ "backup", NULL, "name", name->value, true },
			     "the service's name");
	snprintf(value, sizeof(value), "/etc/%.255s", name->value);
	if (discover_exists(o, value))
		discover_add(d, &(struct discover_value){ "backup", NULL, "config", value, true },
			     "a directory of the service's name");
}

int discover(const struct discover_options *o, struct buf *why, struct discovery *ret)
{
	struct discover_run *run = calloc(2, sizeof(*run));
	enum discover_certainty supervised, unit;
	int err;

	if (!run)
		return -ENOMEM;
	ret->n = 0;
	supervised = discover_supervisor(o, ret, &run[0]);
	unit = discover_systemd(o, ret, &run[1]);
	/* What is only guessed does not stand beside what has the name. */
	if (supervised == DISCOVER_GUESSED && unit == DISCOVER_NAMED)
		supervised = DISCOVER_NONE;
	if (unit == DISCOVER_GUESSED && supervised)
		unit = DISCOVER_NONE;
	if (supervised && unit)
		buf_printf(
			&ret->notes,
			"both Supervisor (%s) and systemd (%s) know the service: [service] manager decides\n",
			run[0].file, run[1].file);
	if (supervised)
		discover_program(o, ret, &run[0], supervised);
	if (unit)
		discover_unit(o, ret, &run[1], unit);
	free(run);
	if (o->name && !supervised && !unit) {
		buf_printf(why,
			   "neither Supervisor nor systemd has a service \"%s\" here; without "
			   "--name isamon looks for one itself",
			   o->name);
		return -ENOENT;
	}
	err = discover_toml(o, why, ret);
	if (err)
		return err;
	conclude(o, ret);
	return ret->notes.err;
}
