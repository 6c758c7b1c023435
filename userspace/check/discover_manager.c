/* SPDX-License-Identifier: MIT */
/* Supervisor's programs and systemd's units, off their files: neither need run. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/discover_impl.h"

struct looking {
	const struct discover_options *o;
	struct discovery *d;
	const char *file;                /* that is read */
	struct discover_run *now;        /* the section that is read; its name is "" before */
	struct discover_run *named;      /* of the name that is looked for */
	struct discover_run *web;        /* the first that looks like a web service */
	char others[DISCOVER_VALUE_MAX]; /* names of all of these */
	size_t n_web;
	char include[DISCOVER_VALUE_MAX]; /* Supervisor's further files */
};

static void keep(char *to, size_t size, const char *value)
{
	if (strlen(value) < size && !strstr(value, "%("))
		snprintf(to, size, "%s", value);
}

/* A value that goes on on further lines comes once for each. */
static void keep_more(char *to, size_t size, const char *value)
{
	const size_t n = strlen(to), more = strlen(value);

	if (!n) {
		keep(to, size, value);
	} else if (n + 1 + more < size && !strstr(value, "%(")) {
		to[n] = ' ';
		memcpy(to + n + 1, value, more + 1);
	} else {
		to[0] = '\0'; /* half of a command is none */
	}
}

/* The section is at its end. */
static void judge(struct looking *l)
{
	const char *wanted = l->o->name ?: DISCOVER_DEFAULT_NAME;
	struct discover_run *r = l->now;
	size_t n = strlen(l->others);

	if (!*r->name || !*r->command)
		return;
	if (strcmp(r->name, wanted) == 0 && !*l->named->name)
		*l->named = *r;
	if (!discover_is_web(r->command))
		return;
	if (l->n_web++ == 0)
		*l->web = *r;
	snprintf(l->others + n, sizeof(l->others) - n, "%s%s", n ? ", " : "", r->name);
}

static void begin(struct looking *l, const char *name)
{
	judge(l);
	memset(l->now, 0, sizeof(*l->now));
	keep(l->now->name, sizeof(l->now->name), name);
	keep(l->now->file, sizeof(l->now->file), l->file);
}

static int on_supervisor(void *ctx, const char *section, const char *key, const char *value)
{
	static const char program[] = "program:";
	struct looking *l = ctx;
	struct discover_run *r = l->now;
	const char *name;

	if (!value)
		value = "";
	if (strcmp(section, "include") == 0 && strcmp(key, "files") == 0)
		keep(l->include, sizeof(l->include), value);
	if (strcmp(section, "supervisord") == 0 && strcmp(key, "logfile") == 0 && *value == '/')
		discover_add(l->d,
			     &(struct discover_value){ "log", "supervisor", "path", value, false },
			     "%s: logfile", l->file);
	if (strncmp(section, program, sizeof(program) - 1) != 0)
		return 1;
	name = section + sizeof(program) - 1;
	if (strcmp(r->name, name) != 0 || strcmp(r->file, l->file) != 0)
		begin(l, name);
	if (strcmp(key, "command") == 0)
		keep_more(r->command, sizeof(r->command), value);
	else if (strcmp(key, "directory") == 0)
		keep(r->directory, sizeof(r->directory), value);
	else if (strcmp(key, "user") == 0)
		keep(r->user, sizeof(r->user), value);
	else if (strcmp(key, "stdout_logfile") == 0)
		keep(r->output, sizeof(r->output), value);
	else if (strcmp(key, "stderr_logfile") == 0)
		keep(r->errors, sizeof(r->errors), value);
	return 1;
}

static int on_systemd(void *ctx, const char *section, const char *key, const char *value)
{
	struct looking *l = ctx;
	struct discover_run *r = l->now;

	if (!value || strcmp(section, "Service") != 0)
		return 1;
	if (strcmp(key, "ExecStart") == 0 && *value)
		keep(r->command, sizeof(r->command), value + strspn(value, "-@:+!"));
	else if (strcmp(key, "WorkingDirectory") == 0)
		keep(r->directory, sizeof(r->directory), value + strspn(value, "-"));
	else if (strcmp(key, "User") == 0)
		keep(r->user, sizeof(r->user), value);
	else if (strcmp(key, "EnvironmentFile") == 0)
		keep(r->environment, sizeof(r->environment), value + strspn(value, "-"));
	return 1;
}

static void read_supervisor(const char *path, void *ctx)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(DISCOVER_FILE_MAX);
	struct looking *l = ctx;

	if (discover_read(l->o, path, &text))
		return;
	l->file = path;
	ini_parse_string(buf_str(&text), on_supervisor, l);
}

/* Lines that end with a backslash go on on the next, and comments in between are not a part of it (systemd.syntax(7)). */
static void join_lines(struct buf *text)
{
	char *to = text->data;
	bool more = false;

	for (char *line = text->data; line && *line;) {
		char *end = strchr(line, '\n');
		size_t n = end ? (size_t)(end - line) : strlen(line);

		if (!more || !strchr("#;", line[strspn(line, " \t")]) || !n) {
			const char *from = more ? line + strspn(line, " \t") : line;

			n -= (size_t)(from - line);
			more = n && from[n - 1] == '\\';
			memmove(to, from, n);
			to += n;
			to[more ? -1 : 0] = more ? ' ' : '\n';
			to += !more && end;
		}
		line = end ? end + 1 : NULL;
	}
	if (text->data) {
		*to = '\0';
		text->len = (size_t)(to - text->data);
	}
}

static void read_unit(const char *path, void *ctx)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(DISCOVER_FILE_MAX);
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	struct looking *l = ctx;
	char name[64];

	if (!slash || !dot || dot < slash || (size_t)(dot - slash) > sizeof(name) ||
	    strchr(slash, '@') || discover_read(l->o, path, &text))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - slash - 1), slash + 1);
	join_lines(&text);
	l->file = path;
	begin(l, name);
	ini_parse_string(buf_str(&text), on_systemd, l);
}

/* What [include] names: patterns with spaces between them, relative to the directory of the file. */
static void read_includes(struct looking *l, const char *conf)
{
	const char *at = l->include;
	const char *slash = strrchr(conf, '/');

	while (*(at += strspn(at, " \t\n"))) {
		size_t n = strcspn(at, " \t\n");
		char pattern[DISCOVER_VALUE_MAX + 512];

		snprintf(pattern, sizeof(pattern), "%.*s%.*s",
			 *at == '/' ? 0 : (int)(slash + 1 - conf), conf, (int)n, at);
		discover_each(l->o, pattern, read_supervisor, l);
		at += n;
	}
}

/* Which it is, if that can be said. */
static enum discover_certainty decide(struct looking *l, const char *what, struct discover_run *ret)
{
	judge(l);
	if (*l->named->name) {
		*ret = *l->named;
		return DISCOVER_NAMED;
	}
	if (l->o->name || !l->n_web)
		return DISCOVER_NONE;
	if (l->n_web > 1) {
		buf_printf(&l->d->notes,
			   "several %s could be the service: %s; say which with --name\n", what,
			   l->others);
		return DISCOVER_NONE;
	}
	*ret = *l->web;
	return DISCOVER_GUESSED;
}

static enum discover_certainty look(const struct discover_options *o, struct discovery *d,
				    struct discover_run *ret, void (*read)(struct looking *l),
				    const char *what)
{
	struct discover_run *runs = calloc(3, sizeof(*runs));
	struct looking *l = calloc(1, sizeof(*l));
	enum discover_certainty found = DISCOVER_NONE;

	if (runs && l) {
		l->o = o;
		l->d = d;
		l->now = &runs[0];
		l->named = &runs[1];
		l->web = &runs[2];
		read(l);
		found = decide(l, what, ret);
	}
	free(runs);
	free(l);
	return found;
}

static void read_all_supervisor(struct looking *l)
{
	static const char *const conf[] = { "/etc/supervisor/supervisord.conf",
					    "/etc/supervisord.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(conf); i++) {
		l->include[0] = 0;
		read_supervisor(conf[i], l);
		read_includes(l, conf[i]);
	}
}

/* Only what somebody put there by hand, but for the name that is looked for. */
static void read_all_units(struct looking *l)
{
	char path[256];

	discover_each(l->o, "/etc/systemd/system/*.service", read_unit, l);
	snprintf(path, sizeof(path), "/usr/lib/systemd/system/%.64s.service",
		 l->o->name ?: DISCOVER_DEFAULT_NAME);
	read_unit(path, l);
}

enum discover_certainty discover_supervisor(const struct discover_options *o, struct discovery *d,
					    struct discover_run *ret)
{
	return look(o, d, ret, read_all_supervisor, "programs of Supervisor");
}

enum discover_certainty discover_systemd(const struct discover_options *o, struct discovery *d,
					 struct discover_run *ret)
{
	return look(o, d, ret, read_all_units, "units of systemd");
}

static void add_name(struct discovery *d, const struct discover_run *run,
		     enum discover_certainty certainty, const char *what)
{
	const bool guessed = certainty == DISCOVER_GUESSED;

	discover_add(d, &(struct discover_value){ "service", NULL, "name", run->name, guessed },
		     guessed ? "%s: the only %s that looks like a web service" : "%s: a %s",
		     run->file, what);
}

void discover_program(const struct discover_options *o, struct discovery *d,
		      const struct discover_run *run, enum discover_certainty certainty)
{
	add_name(d, run, certainty, "program of Supervisor");
	discover_command(o, d, run);
}

void discover_unit(const struct discover_options *o, struct discovery *d,
		   const struct discover_run *run, enum discover_certainty certainty)
{
	char unit[sizeof(run->name) + 16];

	snprintf(unit, sizeof(unit), "%s.service", run->name);
	add_name(d, run, certainty, "unit of systemd");
	discover_add(d, &(struct discover_value){ "service", NULL, "unit", unit, false }, "%s",
		     run->file);
	discover_add(d, &(struct discover_value){ "log", "journal", "unit", unit, false }, "%s",
		     run->file);
	discover_command(o, d, run);
}
