/* SPDX-License-Identifier: MIT */
/* The table of programs, and what arguments take from their power. Invariant: no path and no word is longer than its array; what is longer is cut,
 * and then in no table. */
#include "check/audit_sudo_programs.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define WORD_SIZE 1024

enum power {
	POWER_SHELL,       /* unless it is given what to run */
	POWER_INTERPRETER, /* likewise */
	POWER_INSIDE,      /* whatever it is given: it starts a shell when it is told to */
	POWER_RUNS,        /* with arguments of one's own */
};

static const char *const says[] = {
	[POWER_SHELL] = "a shell",
	[POWER_INTERPRETER] = "an interpreter",
	[POWER_INSIDE] = "it starts a shell from within",
	[POWER_RUNS] = "it runs any program, or writes any file",
};

/* Names with a space before and behind each; a version may follow: python3.11. */
static const char *const names[] = {
	[POWER_SHELL] =
		" sh bash dash zsh ksh mksh csh tcsh fish ash rbash busybox su sudo runuser pkexec doas ",
	[POWER_INTERPRETER] =
		" python perl ruby node nodejs lua php tclsh wish expect irb guile julia R "
		"Rscript ipython jshell octave awk gawk mawk nawk sed ",
	[POWER_INSIDE] =
		" vi vim vim.basic vim.tiny vim.nox rvim view vimdiff nvim ex ed emacs nano rnano "
		"pico joe jed mc mcedit micro less more most pg man info psql mysql mariadb "
		"sqlite3 ftp sftp telnet gdb screen tmux script visudo vipw vigr lynx elinks ",
	[POWER_RUNS] =
		" env find xargs parallel nice ionice nohup setsid setarch stdbuf timeout time watch chroot "
		"unshare nsenter taskset chrt flock strace ltrace perf start-stop-daemon systemd-run "
		"systemctl service docker podman nerdctl ctr kubectl lxc machinectl git hg svn rsync scp ssh "
		"tar cpio zip unzip 7z cp mv ln dd tee install chmod chown chgrp setfacl setcap mount losetup "
		"insmod modprobe kmod apt apt-get aptitude dpkg rpm yum dnf zypper pip npm gem snap make gcc "
		"cc openssl curl wget socat nc ncat netcat at batch crontab useradd usermod adduser passwd "
		"chpasswd gpasswd debugfs tcpdump ip logrotate ansible ansible-playbook java certbot "
		"supervisord nginx ",
};

static const char *const directories[] = { "/bin/",  "/usr/bin/",  "/usr/local/bin/",
					   "/sbin/", "/usr/sbin/", "/usr/local/sbin/" };

static bool has_pattern(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (strchr("*?[", *text))
			return true;
	}
	return false;
}

/* The next word, without its escapes; returns whether there is one. */
static bool next_word(const char **at, char word[WORD_SIZE])
{
	size_t n = 0;

	*at += strspn(*at, " \t");
	for (; **at && !strchr(" \t", **at); ++*at) {
		if (**at == '\\' && (*at)[1])
			++*at;
		if (**at != '"' && n < WORD_SIZE - 1)
			word[n++] = **at;
	}
	word[n] = '\0';
	return n > 0;
}

static bool is_version(const char *text)
{
	return text[strspn(text, "0123456789.-")] == '\0';
}

/* Whether @list has the name, or one of which @name is a version. */
static bool list_has(const char *list, const char *name)
{
	for (const char *at = list + 1; *at; at += strcspn(at, " ") + 1) {
		const size_t n = strcspn(at, " ");

		if (strncmp(name, at, n) == 0 && is_version(name + n))
			return true;
	}
	return false;
}

/* Of @path that is a pattern: whether a program of @list, where programs are, fits. */
static bool list_fits(const char *list, const char *path)
{
	for (const char *at = list + 1; *at; at += strcspn(at, " ") + 1)
		for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
			char one[64];

			snprintf(one, sizeof(one), "%s%.*s", directories[i], (int)strcspn(at, " "),
				 at);
			if (fnmatch(path, one, FNM_PATHNAME) == 0)
				return true;
		}
	return false;
}

static bool is_directory_of_programs(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (strcmp(path, directories[i]) == 0)
			return true;
	return false;
}

/* Of a shell or an interpreter: whether @arguments leave it nothing to run but what whoever calls it says; *ret_script: what they name. */
static bool is_free(const char *arguments, char ret_script[WORD_SIZE])
{
	char word[WORD_SIZE];
	bool named = false;

	*ret_script = '\0';
	if (has_pattern(arguments))
		return true;
	while (next_word(&arguments, word)) {
		if (*word == '-' || strcmp(word, "root") == 0)
			continue;
		named = true;
		if (*word == '/' && !*ret_script)
			memcpy(ret_script, word, strlen(word) + 1);
	}
	return !named;
}

static const char *judge_known(enum power power, const char *arguments,
			       audit_sudo_program_fn program, void *ctx)
{
	char script[WORD_SIZE];

	if (power == POWER_INSIDE)
		return says[power];
	if (power == POWER_RUNS)
		return !*arguments || has_pattern(arguments) ? says[power] : NULL;
	if (is_free(arguments, script))
		return says[power];
	return *script ? program(script, ctx) : NULL;
}

static const char *judge_name(const char *path, const char *arguments,
			      audit_sudo_program_fn program, void *ctx)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *how;

		if (!list_has(names[i], slash ? slash + 1 : path))
			continue;
		how = judge_known((enum power)i, arguments, program, ctx);
		return how ? how : program(path, ctx);
	}
	return program(path, ctx);
}

const char *audit_sudo_program(const char *command, audit_sudo_program_fn program, void *ctx)
{
	const char *at = command;
	char path[WORD_SIZE], pattern[WORD_SIZE];

	if (!next_word(&at, path))
		return NULL;
	snprintf(pattern, sizeof(pattern), "%.*s", (int)(at - command), command);
	at += strspn(at, " \t");
	if (strcmp(path, "sudoedit") == 0)
		return !*at || has_pattern(at) ? "it edits any file" : NULL;
	if (*path != '/')
		return NULL;
	if (path[strlen(path) - 1] == '/')
		return is_directory_of_programs(path) ? "every program there" : program(path, ctx);
	if (!has_pattern(pattern))
		return judge_name(path, at, program, ctx);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (list_fits(names[i], pattern))
			return says[i];
	return NULL;
}
