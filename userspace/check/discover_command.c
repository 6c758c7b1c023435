/* SPDX-License-Identifier: MIT */
/* What a command line says: --port 8000, /opt/x/venv/bin/python, the script's directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "check/discover_impl.h"

#define WORD_SIZE 512
#define UP_MAX 8

/* The next word of a command line; quotes around it go. Returns whether there is one. */
static bool next_word(const char **at, char word[WORD_SIZE])
{
	const char *from = *at + strspn(*at, " \t\n");
	char quote = *from == '"' || *from == '\'' ? *from++ : 0;
	size_t n = quote ? strcspn(from, (char[]){ quote, 0 }) : strcspn(from, " \t\n");

	if (!n)
		return false;
	snprintf(word, WORD_SIZE, "%.*s", (int)(n < WORD_SIZE ? n : WORD_SIZE - 1), from);
	*at = from + n + (quote && from[n]);
	return true;
}

/* The number behind the last colon, or all of it. */
static bool is_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	return number_parse_u64(colon ? colon + 1 : text, 1, UINT16_MAX, &port) == 0;
}

static void add_port(struct discovery *d, const struct discover_run *run, const char *text)
{
	const char *colon = strrchr(text, ':');

	discover_add(d,
		     &(struct discover_value){ "service", NULL, "ports", colon ? colon + 1 : text,
					       false },
		     "%s: the command line", run->file);
}

/* --port 8000, --port=8000, -p 8000, --bind ADDRESS:8000, -b ... */
static void take_option(struct discovery *d, const struct discover_run *run, const char *word,
			const char *next)
{
	static const char *const names[] = { "--port", "-p", "--bind", "-b" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (strcmp(word, names[i]) == 0 && is_port(next))
			add_port(d, run, next);
		else if (strncmp(word, names[i], n) == 0 && word[n] == '=' && is_port(word + n + 1))
			add_port(d, run, word + n + 1);
	}
}

/* --uds PATH, --bind unix:PATH */
static void take_socket(struct discovery *d, const struct discover_run *run, const char *word,
			const char *next)
{
	const char *equals = strchr(word, '=');
	const char *value = equals ? equals + 1 : next;
	char plain[WORD_SIZE];

	if (strncmp(word, "--uds", 5) != 0 &&
	    !((strncmp(word, "--bind", 6) == 0 || strncmp(word, "-b", 2) == 0) &&
	      strncmp(value, "unix:", 5) == 0))
		return;
	utf8_make_plain(value, strlen(value), plain, sizeof(plain));
	buf_printf(
		&d->notes,
		"%s: the service listens on a Unix socket (%s), and isamon sees TCP only: let it listen on a port of 127.0.0.1\n",
		run->file, plain);
}

static void strip_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = 0;
}

/* The directory of @path, or one above it, in which one of these is; "": none. */
static void find_above(const struct discover_options *o, const char *path, char to[WORD_SIZE])
{
	snprintf(to, WORD_SIZE, "%s", path);
	for (int i = 0; i < UP_MAX && *to; i++) {
		char inner[WORD_SIZE + 32];

		snprintf(inner, sizeof(inner), "%s/.git", to);
		if (discover_exists(o, inner))
			return;
		snprintf(inner, sizeof(inner), "%s/requirements.txt", to);
		if (discover_exists(o, inner))
			return;
		strip_last(to);
	}
	*to = 0;
}

static void add_environment(const struct discover_options *o, struct discovery *d,
			    const struct discover_run *run, const char *program)
{
	char venv[WORD_SIZE], inner[WORD_SIZE + 32];

	snprintf(venv, sizeof(venv), "%s", program);
	strip_last(venv);
	if (strlen(venv) < 5 || strcmp(venv + strlen(venv) - 4, "/bin") != 0)
		return;
	strip_last(venv);
	snprintf(inner, sizeof(inner), "%s/pyvenv.cfg", venv);
	if (discover_exists(o, inner))
		discover_add(d, &(struct discover_value){ "app", NULL, "venv", venv, false },
			     "%s: the command line", run->file);
}

static void add_directory(const struct discover_options *o, struct discovery *d,
			  const struct discover_run *run, const char *path)
{
	char directory[WORD_SIZE];

	find_above(o, path, directory);
	discover_add(d, &(struct discover_value){ "app", NULL, "directory", directory, true },
		     "%s: where its code is, there is a .git or requirements.txt", run->file);
}

static void add_logs(struct discovery *d, const struct discover_run *run)
{
	const struct {
		const char *label, *path;
	} logs[] = { { "supervisor-output", run->output }, { "supervisor-error", run->errors } };

	for (size_t i = 0; i < ARRAY_SIZE(logs); i++)
		if (*logs[i].path == '/')
			discover_add(d,
				     &(struct discover_value){ "log", logs[i].label, "path",
							       logs[i].path, false },
				     "%s", run->file);
}

void discover_command(const struct discover_options *o, struct discovery *d,
		      const struct discover_run *run)
{
	char word[WORD_SIZE] = "", next[WORD_SIZE];
	const char *at = run->command;
	bool first = true;

	if (*run->directory == '/')
		add_directory(o, d, run, run->directory);
	while (next_word(&at, next)) {
		if (first)
			add_environment(o, d, run, next);
		else if (*next == '/')
			add_directory(o, d, run, next);
		take_option(d, run, word, next);
		take_socket(d, run, word, next);
		snprintf(word, sizeof(word), "%s", next);
		first = false;
	}
	take_option(d, run, word, "");
	take_socket(d, run, word, "");
	discover_add(d, &(struct discover_value){ "app", NULL, "user", run->user, false }, "%s",
		     run->file);
	snprintf(word, sizeof(word), "%s", run->environment);
	strip_last(word);
	if (*word == '/' && strcmp(word, "/etc/default") != 0 &&
	    strcmp(word, "/etc/sysconfig") != 0)
		discover_add(d, &(struct discover_value){ "backup", NULL, "config", word, true },
			     "%s: the directory of its EnvironmentFile", run->file);
	add_logs(d, run);
}
