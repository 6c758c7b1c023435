/* SPDX-License-Identifier: MIT */
/*
 * Changes of the file by which Supervisor or systemd runs the service. Invariant: a diff is made only of lines that were found in the file as it
 * is; where they are not, what is to be done by hand is said instead.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/advice_impl.h"

#define LINE_MAX_BYTES 1024

/* --- the command line */

/* The next word, without quotes around it; false: there is none. */
static bool next_word(const char **at, const char **ret, size_t *ret_len)
{
	static const char blank[] = " \t\n\\\"'";
	const char *from = *at + strspn(*at, blank);

	*ret = from;
	*ret_len = strcspn(from, blank);
	*at = from + *ret_len;
	return *ret_len != 0;
}

static bool is_named(const char *word, size_t len, const char *name)
{
	const size_t n = strlen(name);

	return len >= n && memcmp(word + len - n, name, n) == 0 &&
	       (len == n || word[len - n - 1] == '/');
}

static bool has_program(const char *command, const char *name)
{
	const char *word;
	size_t len;

	while (next_word(&command, &word, &len))
		if (is_named(word, len, name))
			return true;
	return false;
}

/* Where words are a text of a shell's, what is put behind them is none of the server's. */
static bool is_shell(const char *command)
{
	return has_program(command, "-c") &&
	       (has_program(command, "sh") || has_program(command, "bash") ||
		has_program(command, "dash"));
}

static const char *server_of(const char *command)
{
	static const char *const servers[] = { "gunicorn", "hypercorn", "uvicorn" };

	for (size_t i = 0; !is_shell(command) && i < sizeof(servers) / sizeof(servers[0]); i++)
		if (has_program(command, servers[i]))
			return servers[i];
	return NULL;
}

const char *advice_server(const struct advice_host *h)
{
	return h->manager ? server_of(h->run.command) : NULL;
}

/* Where an option's value stands in a line: "--workers 4", "--workers=4". */
static bool find_option(const char *line, const char *name, size_t *ret_at, size_t *ret_len)
{
	const size_t n = strlen(name);

	for (const char *at = strstr(line, name); at; at = strstr(at + 1, name)) {
		size_t skip = n;

		if (at > line && !isspace((unsigned char)at[-1]))
			continue;
		if (at[n] == '=')
			skip++;
		else if (isspace((unsigned char)at[n]))
			skip += strspn(at + n, " \t");
		else
			continue;
		*ret_at = (size_t)(at - line) + skip;
		*ret_len = strcspn(at + skip, " \t");
		return isdigit((unsigned char)at[skip]);
	}
	return false;
}

double advice_option(const struct advice_host *h, const char *name)
{
	size_t at, len;

	return find_option(h->run.command, name, &at, &len) ? strtod(h->run.command + at, NULL) :
							      (double)NAN;
}

/* Supervisor's comments begin with a semicolon behind a blank. */
static size_t before_comment(const char *line, bool supervisor)
{
	const char *at = supervisor ? strstr(line, " ;") : NULL;
	size_t n = at ? (size_t)(at - line) : strlen(line);

	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	return n;
}

/* The lines of a command: of Supervisor those behind it that are indented, of systemd those behind one that ends with a backslash. */
struct command {
	const char *text;
	size_t first, last;
	bool supervisor;
};

static bool find_command(const char *text, const struct advice_place *p, bool supervisor,
			 struct command *ret)
{
	bool more = true;

	*ret = (struct command){ .text = text, .first = p->key, .supervisor = supervisor };
	for (size_t i = p->key; more && i < p->end; i++) {
		size_t len;
		const char *at = advice_line(text, i, &len);

		if (supervisor && i > p->key && (!len || !isspace((unsigned char)*at)))
			break;
		if (len >= LINE_MAX_BYTES)
			return false;
		ret->last = i;
		more = supervisor || (len && at[len - 1] == '\\');
	}
	return ret->last != 0;
}

static void command_line(const struct command *c, size_t number, char line[LINE_MAX_BYTES])
{
	size_t len;
	const char *at = advice_line(c->text, number, &len);

	memcpy(line, at, len);
	line[len] = '\0';
}

/* Returns 0, -ENOENT: no line has it; -EALREADY: with that value. */
static int replace_value(const struct command *c, const char *const names[], const char *value,
			 struct advice_edits *e)
{
	char line[LINE_MAX_BYTES];

	for (size_t i = c->first; i <= c->last; i++) {
		command_line(c, i, line);
		for (size_t j = 0; names[j]; j++) {
			size_t at, len;

			if (!find_option(line, names[j], &at, &len))
				continue;
			if (len == strlen(value) && memcmp(line + at, value, len) == 0)
				return -EALREADY;
			return advice_edit(e, i, true, "%.*s%s%s", (int)at, line, value,
					   line + at + len);
		}
	}
	return -ENOENT;
}

static int append_option(const struct command *c, const char *name, const char *value,
			 struct advice_edits *e)
{
	char line[LINE_MAX_BYTES];
	size_t n;

	command_line(c, c->last, line);
	n = before_comment(line, c->supervisor);
	return advice_edit(e, c->last, true, "%.*s %s %s%s", (int)n, line, name, value, line + n);
}

/* Whether these lines start the server that is known: a drop-in may start another one. */
static bool starts(const struct command *c, const char *server)
{
	char line[LINE_MAX_BYTES];
	bool found = false;

	for (size_t i = c->first; i <= c->last; i++) {
		const char *at = line;

		command_line(c, i, line);
		if (i == c->first)
			at += strcspn(line, "=:") + (strcspn(line, "=:") < strlen(line));
		at += strspn(at, "-@:+! \t");
		if (is_shell(at))
			return false;
		found |= has_program(at, server);
	}
	return found;
}

/* @names: of an option, the one to write first; NULL ends them. Returns 0; -EALREADY: it has that value; another -errno: there is no diff. */
static int change_option(const struct advice_case *c, const char *const names[], const char *value,
			 struct buf *out)
{
	const struct advice_host *h = c->host;
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	const bool supervisor = h->manager == ADVICE_SUPERVISOR;
	const char *server = advice_server(h);
	struct advice_edits e = { .n = 0 };
	struct command command;
	char section[128], path[512];
	struct advice_place p;
	int err;

	if (!server)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s", h->run.file);
	snprintf(section, sizeof(section), supervisor ? "program:%s" : "Service", h->run.name);
	if (!supervisor)
		advice_unit_file(h, "ExecStart", path, sizeof(path));
	err = advice_host_read(h, path, &text);
	if (err || advice_is_packaged(path) ||
	    !advice_find_place(buf_str(&text), section, supervisor ? "command" : "ExecStart", &p) ||
	    !p.key || !find_command(buf_str(&text), &p, supervisor, &command) ||
	    !starts(&command, server))
		return err ? err : -ENOENT;
	err = replace_value(&command, names, value, &e);
	if (err == -ENOENT)
		err = append_option(&command, names[0], value, &e);
	return err ? err : advice_host_diff(h, path, buf_str(&text), &e, out);
}

static int add_restart(const struct advice_case *c, struct buf *change)
{
	buf_add_str(change, "# then: ");
	advice_restart(c, change);
	return buf_add_char(change, '\n');
}

int advice_change_workers(const struct advice_case *c, unsigned int n, struct buf *change)
{
	static const char *const names[] = { "--workers", "-w", NULL };
	char value[16];
	int err;

	snprintf(value, sizeof(value), "%u", n);
	err = change_option(c, names, value, change);
	if (!err)
		return add_restart(c, change);
	if (err == -ENOMEM)
		return err;
	return buf_printf(
		change,
		err == -EALREADY ?
			"# %u workers are in %s already: they count from the next start\n" :
			"# %u workers, where the application's server is started (%s)\n",
		n, c->host->manager ? c->host->run.file : "its file was not found");
}

/* Not uvicorn: its --limit-max-requests ends it with status 0, after which Supervisor (autorestart = unexpected) and systemd
 * (Restart=on-failure) leave it alone. Who has the option already knows better than a number of ours. */
int advice_change_recycle(const struct advice_case *c, unsigned int requests, struct buf *change)
{
	static const char *const names[] = { "--max-requests", NULL };
	const char *server = advice_server(c->host);
	char value[64];
	int err;

	if (!server || strcmp(server, "uvicorn") == 0 || !isnan(advice_option(c->host, names[0])))
		return -ENOENT;
	/* Not all of them at once. */
	snprintf(value, sizeof(value), "%u --max-requests-jitter %u", requests, requests / 10);
	err = change_option(c, names, value, change);
	if (!err)
		return add_restart(c, change);
	return err == -ENOMEM ? err : -ENOENT;
}

int advice_change_backlog(const struct advice_case *c, unsigned int n, struct buf *change)
{
	static const char *const names[] = { "--backlog", NULL };
	char value[16];

	snprintf(value, sizeof(value), "%u", n);
	return change_option(c, names, value, change);
}

void advice_restart(const struct advice_case *c, struct buf *out)
{
	if (c->host->manager == ADVICE_SUPERVISOR)
		buf_printf(out, "supervisorctl update %s", c->host->run.name);
	else if (c->host->manager == ADVICE_SYSTEMD)
		buf_printf(out, "systemctl daemon-reload && systemctl restart %s",
			   c->host->run.name);
	else
		buf_add_str(out, "restart the service");
}
