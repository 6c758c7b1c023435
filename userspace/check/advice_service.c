/* SPDX-License-Identifier: MIT */
/*
 * Changes of the file by which Supervisor or systemd runs the service. Invariant: a diff is made only of lines that were found in the file as it
 * is; where they are not, what is to be done by hand is said instead.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check/advice_impl.h"

#define LINE_MAX_BYTES 1024

/* --- an INI file */

/* Whether @line is the head "[SECTION]". */
static bool is_head(const char *line, size_t len, const char *section)
{
	const size_t n = strlen(section);

	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	return len == n + 2 && line[0] == '[' && memcmp(line + 1, section, n) == 0 &&
	       line[len - 1] == ']';
}

static bool is_key(const char *line, size_t len, const char *key)
{
	size_t n = strlen(key);

	if (len < n || strncasecmp(line, key, n) != 0)
		return false;
	while (n < len && (line[n] == ' ' || line[n] == '\t'))
		n++;
	return n < len && (line[n] == '=' || line[n] == ':');
}

/* The lines of the section: its head, the one of the key (0: none), and the first behind the section. */
struct place {
	size_t head, key, end;
};

static bool find_place(const char *text, const char *section, const char *key, struct place *ret)
{
	const size_t n_lines = advice_lines(text);

	*ret = (struct place){ 0 };
	for (size_t i = 1; i <= n_lines; i++) {
		size_t len;
		const char *line = advice_line(text, i, &len);

		if (!ret->head) {
			if (is_head(line, len, section))
				ret->head = i;
		} else if (*line == '[') {
			ret->end = i;
			return true;
		} else if (is_key(line, len, key)) {
			ret->key = i;
		}
	}
	ret->end = n_lines + 1;
	return ret->head != 0;
}

int advice_set_key(const struct advice_host *h, const char *path, const char *section,
		   const char *key, const char *separator, const char *value, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct advice_edits e = { .n = 0 };
	struct place p;
	int err = advice_host_read(h, path, &text);

	if (err)
		return err;
	if (!find_place(buf_str(&text), section, key, &p))
		return -ENOENT;
	err = advice_edit(&e, p.key ? p.key : p.head, p.key != 0, "%s%s%s", key, separator, value);
	return err ? err : advice_diff(path, buf_str(&text), &e, out);
}

int advice_append(const struct advice_host *h, const char *path, const char *lines, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct advice_edits e = { .n = 0 };
	int err = advice_host_read(h, path, &text);

	if (!err)
		err = advice_edit(&e, advice_lines(buf_str(&text)), false, "%s", lines);
	return err ? err : advice_diff(path, buf_str(&text), &e, out);
}

/* --- the command line */

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

static int replace_value(struct advice_edits *e, size_t number, const char *line,
			 const char *const names[], const char *value)
{
	for (size_t i = 0; names[i]; i++) {
		size_t at, len;

		if (find_option(line, names[i], &at, &len))
			return advice_edit(e, number, true, "%.*s%s%s", (int)at, line, value,
					   line + at + len);
	}
	return -ENOENT;
}

/* Behind the last word; a backslash at the end stays there. */
static int append_option(struct advice_edits *e, size_t number, const char *line, const char *name,
			 const char *value)
{
	return advice_edit(e, number, true, "%s %s %s", line, name, value);
}

/* @names: of an option, the one to write first; NULL ends them. */
static int change_option(const struct advice_case *c, const char *const names[], const char *value,
			 struct buf *out)
{
	const struct advice_host *h = c->host;
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	const bool supervisor = h->manager == ADVICE_SUPERVISOR;
	struct advice_edits e = { .n = 0 };
	char section[128], line[LINE_MAX_BYTES];
	struct place p;
	size_t i, last = 0;
	int err = advice_host_read(h, h->run.file, &text);

	snprintf(section, sizeof(section), supervisor ? "program:%s" : "Service", h->run.name);
	if (err || !find_place(buf_str(&text), section, supervisor ? "command" : "ExecStart", &p) ||
	    !p.key)
		return err ? err : -ENOENT;
	for (i = p.key; i < p.end && !e.n; i++) {
		size_t len;
		const char *at = advice_line(buf_str(&text), i, &len);
		const bool goes_on = supervisor ? i == p.key || isspace((unsigned char)*at) : true;

		if (!goes_on || !len || len >= sizeof(line))
			break;
		memcpy(line, at, len);
		line[len] = '\0';
		last = i;
		err = replace_value(&e, i, line, names, value);
		if (err != -ENOENT)
			break;
		if (!supervisor && line[len - 1] != '\\')
			break;
	}
	if (!last)
		return -E2BIG;
	if (!e.n)
		err = append_option(&e, last, line, names[0], value);
	return err ? err : advice_diff(h->run.file, buf_str(&text), &e, out);
}

const char *advice_server(const struct advice_host *h)
{
	static const char *const servers[] = { "gunicorn", "hypercorn", "uvicorn" };

	for (size_t i = 0; h->manager && i < sizeof(servers) / sizeof(servers[0]); i++)
		if (strstr(h->run.command, servers[i]))
			return servers[i];
	return NULL;
}

int advice_change_workers(const struct advice_case *c, unsigned int n, struct buf *change)
{
	static const char *const names[] = { "--workers", "-w", NULL };
	char value[16];
	int err = -ENOENT;

	snprintf(value, sizeof(value), "%u", n);
	if (advice_server(c->host))
		err = change_option(c, names, value, change);
	if (!err || err == -ENOMEM)
		return err;
	return buf_printf(change, "%u workers, where the application's server is started (%s)\n", n,
			  c->host->manager ? c->host->run.file : "its file was not found");
}

/* Not uvicorn: its --limit-max-requests ends it with status 0, after which Supervisor (autorestart = unexpected) and systemd
 * (Restart=on-failure) leave it alone. */
int advice_change_recycle(const struct advice_case *c, unsigned int requests, struct buf *change)
{
	static const char *const names[] = { "--max-requests", NULL };
	const char *server = advice_server(c->host);
	char value[16];

	if (!server || strcmp(server, "uvicorn") == 0)
		return -ENOENT;
	snprintf(value, sizeof(value), "%u", requests);
	return change_option(c, names, value, change);
}

int advice_change_backlog(const struct advice_case *c, unsigned int n, struct buf *change)
{
	static const char *const names[] = { "--backlog", NULL };
	char value[16];

	if (!advice_server(c->host))
		return -ENOENT;
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
