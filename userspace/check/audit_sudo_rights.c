/* SPDX-License-Identifier: MIT */
/*
 * WHO HOSTS = (RUNAS) TAG: COMMAND, COMMAND : HOSTS = ... Tags and RUNAS hold for the commands that follow, and of several that fit the last one counts, as
 * sudoers(5) has it. Invariant: a verdict is about one group of hosts.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check/audit_sudo_programs.h"
#include "check/audit_sudoers_impl.h"

#define COMMAND_BYTES 256

/* The first command by which one becomes root. */
struct way {
	char command[COMMAND_BYTES]; /* "": there is none */
	const char *how;             /* "" for ALL */
};

struct judging {
	struct audit_sudoers *s;
	const struct sudoers_statement *statement;
	audit_sudo_program_fn program;
	audit_sudo_fn fn;
	void *ctx;

	bool root, nopasswd;     /* of the commands that follow */
	struct way without, any; /* a password; with or without */
};

/* --- commands */

static void set_way(struct way *w, const char *command, const char *how)
{
	if (*w->command && (!*w->how || *how))
		return;
	snprintf(w->command, sizeof(w->command), "%s", command);
	w->how = how;
}

static void take_away(struct way *w, const char *command)
{
	if (strcmp(command, "ALL") == 0 || strncmp(command, w->command, COMMAND_BYTES - 1) == 0)
		w->command[0] = '\0';
}

static int command_member(char *item, bool negated, void *ctx)
{
	struct judging *j = ctx;
	const char *how;

	if (negated) {
		take_away(&j->without, item);
		take_away(&j->any, item);
		return 0;
	}
	if (!j->nopasswd)
		take_away(&j->without, item);
	how = strcmp(item, "ALL") == 0 ? "" : audit_sudo_program(item, j->program, j->ctx);
	if (!how)
		return 0;
	set_way(&j->any, item, how);
	if (j->nopasswd)
		set_way(&j->without, item, how);
	return 0;
}

static int runas_member(char *item, bool negated, void *ctx)
{
	bool *root = ctx;
	const char *name = sudoers_unquote(item);

	if (strcmp(name, "ALL") == 0 || strcmp(name, "root") == 0 || strcmp(name, "#0") == 0 ||
	    strcmp(name, "%root") == 0 || strcmp(name, "%#0") == 0)
		*root = !negated;
	return 0;
}

/* Whether "USERS:GROUPS" has root among the users. A group behind a colon alone runs as oneself. */
static int take_runas(struct judging *j, char *runas)
{
	char *colon = sudoers_find(runas, ":");

	if (colon)
		*colon = '\0';
	j->root = false;
	return sudoers_each(j->s, SUDOERS_RUNAS, runas, runas_member, &j->root);
}

static bool is_word(const char *text, size_t n, const char *const words[])
{
	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == n && memcmp(text, words[i], n) == 0)
			return true;
	return false;
}

/* Behind "TAG:", or NULL. */
static char *take_tag(struct judging *j, char *at)
{
	static const char *const tags[] = { "EXEC",         "NOEXEC",      "FOLLOW",
					    "NOFOLLOW",     "INTERCEPT",   "NOINTERCEPT",
					    "LOG_INPUT",    "NOLOG_INPUT", "LOG_OUTPUT",
					    "NOLOG_OUTPUT", "MAIL",        "NOMAIL",
					    "PASSWD",       "NOPASSWD",    "SETENV",
					    "NOSETENV",     NULL };
	const size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), gap = strspn(at + n, " \t");

	if (!n || at[n + gap] != ':' || !is_word(at, n, tags))
		return NULL;
	if (strncmp(at, "NOPASSWD", n) == 0 && n == 8)
		j->nopasswd = true;
	else if (n == 6 && strncmp(at, "PASSWD", n) == 0)
		j->nopasswd = false;
	return at + n + gap + 1;
}

/* Behind "OPTION=VALUE" or "sha256:DIGEST", or NULL. */
static char *skip_option(char *at)
{
	static const char *const options[] = {
		"APPARMOR_PROFILE", "CHROOT",    "CWD",   "LIMITPRIVS",
		"NOTAFTER",         "NOTBEFORE", "PRIVS", "ROLE",
		"TIMEOUT",          "TYPE",      NULL
	};
	const size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), gap = strspn(at + n, " \t");
	char *end;

	if (n && at[n + gap] == '=' && is_word(at, n, options)) {
		at += n + gap + 1;
		at += strspn(at, " \t");
	} else if (strncmp(at, "sha", 3) == 0 && isdigit((unsigned char)at[3]) &&
		   at[3 + strspn(at + 3, "0123456789")] == ':') {
		at += strcspn(at, ":") + 1;
		at += strspn(at, " \t");
		end = at + strcspn(at, " \t,");
		end += strspn(end, " \t");
		return end + (*end == ',');
	} else {
		return NULL;
	}
	end = sudoers_find(at, " \t");
	return end ? end : at + strlen(at);
}

/* What stands before a command; *at moves to it. */
static int take_front(struct judging *j, char **at)
{
	int err = 0;

	for (;;) {
		char *next, *close;

		*at += strspn(*at, " \t");
		if (**at == '(') {
			close = sudoers_find(*at + 1, ")");
			if (!close)
				return -EINVAL;
			*close = '\0';
			err = take_runas(j, *at + 1);
			*at = close + 1;
			if (err)
				return err;
			continue;
		}
		next = take_tag(j, *at) ?: skip_option(*at);
		if (!next)
			return 0;
		*at = next;
	}
}

/* The commands of a group of hosts; *ret_rest: behind the colon that ends them, or NULL. */
static int take_commands(struct judging *j, char *at, char **ret_rest)
{
	j->root = true;
	j->nopasswd = false;
	j->without.command[0] = j->any.command[0] = '\0';
	*ret_rest = NULL;
	for (;;) {
		char *stop, mark;
		int err = take_front(j, &at);

		if (err)
			return err == -EINVAL ? 0 : err;
		stop = sudoers_find(at, ",:");
		mark = stop ? *stop : '\0';
		if (stop)
			*stop++ = '\0';
		if (j->root)
			err = sudoers_each(j->s, SUDOERS_COMMANDS, at, command_member, j);
		if (err)
			return err;
		if (mark == ':')
			*ret_rest = stop;
		if (mark != ',')
			return 0;
		at = stop;
	}
}

/* --- who */

static int user_member(char *item, bool negated, void *ctx)
{
	const struct judging *j = ctx;
	const char *who = sudoers_unquote(item);
	const struct way *way = *j->without.command ? &j->without : &j->any;
	const struct audit_sudo_right right = {
		.kind = *j->without.command ? AUDIT_SUDO_NOPASSWD : AUDIT_SUDO_EVERYBODY,
		.who = who,
		.command = way->command,
		.how = way->how,
		.path = j->statement->path,
		.line = j->statement->line,
	};

	if (negated || strcmp(who, "root") == 0 || strcmp(who, "#0") == 0)
		return 0;
	if (right.kind == AUDIT_SUDO_EVERYBODY && strcmp(who, "ALL") != 0)
		return 0;
	return j->fn(&right, j->ctx);
}

/* Ends the list of users at the front of @line, which may have spaces around its commas; returns what is behind. */
static char *cut_who(char *line)
{
	char *at = line;

	while ((at = sudoers_find(at, " \t"))) {
		char *next = at + strspn(at, " \t");
		const bool more = (at > line && (at[-1] == ',' || at[-1] == '!')) || *next == ',';

		if (!more) {
			*at = '\0';
			return next;
		}
		at = next + (*next == ',');
		at += strspn(at, " \t");
	}
	return NULL;
}

static int judge_rights(struct judging *j, char *line)
{
	char *rest = cut_who(line);
	struct way any = { .how = NULL };
	int err;

	j->without.command[0] = j->any.command[0] = '\0';
	while (rest) {
		char *commands = sudoers_find(rest, "=");

		if (!commands)
			break;
		err = take_commands(j, commands + 1, &rest);
		if (err)
			return err;
		if (*j->without.command)
			break;
		if (*j->any.command && !*any.command)
			any = j->any;
	}
	j->any = any;
	if (!*j->without.command && !*j->any.command)
		return 0;
	return sudoers_each(j->s, SUDOERS_USERS, line, user_member, j);
}

/* --- Defaults */

static int report_default(struct judging *j, const char *who)
{
	return j->fn(&(const struct audit_sudo_right){ .kind = AUDIT_SUDO_NO_AUTHENTICATE,
						       .who = who,
						       .command = "",
						       .how = "",
						       .path = j->statement->path,
						       .line = j->statement->line },
		     j->ctx);
}

/* "exempt_group = wheel"; the group, or NULL. */
static const char *exempt_group(char *setting)
{
	static const char name[] = "exempt_group";
	char *at = setting + strlen(name);

	if (strncmp(setting, name, strlen(name)) != 0)
		return NULL;
	at = sudoers_strip(at);
	return *at == '=' ? sudoers_unquote(sudoers_strip(at + 1)) : NULL;
}

/* "Defaults!COMMAND" and "Defaults@HOST" are passed over. */
static int judge_defaults(struct judging *j, char *rest)
{
	char *whom = rest;

	if (*rest == ':') {
		rest = cut_who(whom);
	} else if (*rest != ' ' && *rest != '\t') {
		return 0;
	} else {
		whom = NULL;
	}
	while (rest) {
		char *comma = sudoers_find(rest, ","), *setting, who[COMMAND_BYTES];
		const char *group;

		if (comma)
			*comma++ = '\0';
		setting = sudoers_strip(rest);
		group = exempt_group(setting);
		snprintf(who, sizeof(who), "%s%s", group ? "%" : "",
			 group ? group :
			 whom  ? sudoers_strip(whom + 1) :
				 "");
		if (group || strcmp(setting, "!authenticate") == 0)
			return report_default(j, who);
		rest = comma;
	}
	return 0;
}

int audit_sudoers_judge(struct audit_sudoers *s, audit_sudo_program_fn program, audit_sudo_fn fn,
			void *ctx)
{
	struct judging j = { .s = s, .program = program, .fn = fn, .ctx = ctx };
	int err = 0;

	s->steps = 0;
	for (size_t i = 0; i < s->n && !err; i++) {
		char *copy;

		j.statement = &s->list[i];
		if (j.statement->kind < SUDOERS_DEFAULTS)
			continue;
		copy = strdup(j.statement->text);
		if (!copy)
			return -ENOMEM;
		err = j.statement->kind == SUDOERS_DEFAULTS ? judge_defaults(&j, copy) :
							      judge_rights(&j, copy);
		free(copy);
	}
	return err;
}
