/* SPDX-License-Identifier: MIT */
/* isamon logs check: whether each log is rotated, by one, in the right way, and lately. Looks only. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/logs_cmd.h"
#include "cmd/logs_rotation.h"
#include "cmd/logs_supervisor.h"
#include "cmd/tool.h"
#include "config/log.h"
#include "logs/follow_names.h"

#define COMMAND "isamon logs check"
#define FILE_MAX_BYTES (1u << 20)
#define BIG_BYTES 100000000ull /* the guide's 100 MB */
#define OLD_S (2 * 86400)
#define TIMEOUT_MS 60000

static const char usage[] =
	"usage: isamon logs check [--json] [--config FILE]\n"
	"\n"
	"Whether the service's logs are rotated: is logrotate here, is the file of [logs]\n"
	"logrotate_file there and valid, did logrotate run within two days, is a log over 100 MB; and\n"
	"for each log: who rotates it (nobody, two at once), and whether by copytruncate, which loses\n"
	"lines. Looks at the files in the directory of logrotate_file, and at logrotate.conf beside\n"
	"that; changes nothing.\n"
	"\n"
	"  --json        {\"fine\", \"findings\": [{\"level\", \"what\", \"text\"}]}\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 fine; 1 there are problems; 2 wrong usage or configuration; 3 could not be done.\n";

struct checking {
	const struct config *c;
	json_t *findings;
	unsigned int problems;
	int err;
};

/* The rules that one file of logrotate has for one log. */
struct looking {
	struct checking *k;
	const char *path; /* of the log */
	const char *file; /* of logrotate */
	const struct config_log *config;
	char rotators[512];
	char missed[PATH_MAX]; /* an olddir of logrotate where nobody looks; "": none */
	unsigned int n;
	bool copytruncate;
};

static void _printf_(4, 5)
	add(struct checking *k, bool problem, const char *what, const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4096);
	char part[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(part, sizeof(part), fmt, args);
	va_end(args);
	buf_add_str(&text, part);
	k->problems += problem;
	if (json_array_append_new(k->findings,
				  json_pack("{s:s,s:s,s:s}", "level", problem ? "problem" : "fine",
					    "what", what, "text", buf_str(&text))))
		k->err = -ENOMEM;
}

static void check_valid(struct checking *k, const char *file)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(FILE_MAX_BYTES);
	const char *argv[] = { "logrotate", "--debug", file, NULL };
	int status = child_run(argv, TIMEOUT_MS, &out);
	const char *error = strstr(buf_str(&out), "error:");

	if (status == 0 && !error)
		add(k, false, file, "is there, and valid");
	else if (error)
		add(k, true, file, "%.*s", (int)strcspn(error, "\n"), error);
	else
		add(k, true, file, "logrotate does not take it: %s",
		    status < 0 ? strerror(-status) : "it gives no reason");
}

static void check_ran(struct checking *k)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4 * FILE_MAX_BYTES);
	const char *state = rotation_state_file();
	int64_t now_s = logs_now_ms() / 1000, last_s;
	struct stat st;

	if (!state) {
		add(k, true, "logrotate",
		    "has never run: is logrotate.timer enabled, or /etc/cron.daily/logrotate there?");
		return;
	}
	/* It writes its state each time, also if nothing was due. */
	if (stat(state, &st) || file_read(state, &text)) {
		add(k, true, state, "cannot be read: %s", strerror(errno));
		return;
	}
	last_s = st.st_mtim.tv_sec;
	if (rotation_last(buf_str(&text), NULL, &last_s))
		last_s = st.st_mtim.tv_sec;
	if (st.st_mtim.tv_sec > last_s)
		last_s = st.st_mtim.tv_sec;
	if (now_s - last_s > OLD_S)
		add(k, true, "logrotate",
		    "ran last %lld days ago: is logrotate.timer enabled, or cron?",
		    (long long)((now_s - last_s) / 86400));
	else
		add(k, false, "logrotate", "ran %lld hours ago",
		    (long long)((now_s - last_s) / 3600));
}

/* --- who rotates a log */

/* @olddir of a file at @path, without what means nothing in it. */
static void olddir_plain(const char *path, const char *olddir, char ret[PATH_MAX])
{
	size_t n = (size_t)(strrchr(path, '/') - path);

	while (strncmp(olddir, "./", 2) == 0)
		olddir += 2 + strspn(olddir + 2, "/");
	snprintf(ret, PATH_MAX, "%.*s%s%s", *olddir == '/' ? 0 : (int)n, path,
		 *olddir == '/' ? "" : "/", olddir);
	n = strlen(ret);
	while (n > 1 && ret[n - 1] == '/')
		ret[--n] = '\0';
}

static bool is_looked_into(const struct looking *l, const char *olddir)
{
	char theirs[PATH_MAX], ours[PATH_MAX];

	olddir_plain(l->path, olddir, theirs);
	olddir_plain(l->path, l->config->olddir, ours);
	return strcmp(theirs, ours) == 0;
}

static int on_rule(const struct rotation_rule *r, void *ctx)
{
	struct looking *l = ctx;
	size_t n = strlen(l->rotators);

	if (fnmatch(r->path, l->path, FNM_PATHNAME | FNM_PERIOD) != 0)
		return 0;
	l->n++;
	l->copytruncate |= r->copytruncate;
	if (*r->olddir && !is_looked_into(l, r->olddir))
		snprintf(l->missed, sizeof(l->missed), "%s", r->olddir);
	snprintf(l->rotators + n, sizeof(l->rotators) - n, "%s%s", n ? " and " : "", l->file);
	return 0;
}

/* Logrotate passes these over itself (taboo extensions). */
static bool is_taboo(const char *name)
{
	static const char *const ends[] = { ",v",        ".cfsaved",   ".disabled", ".dpkg-bak",
					    ".dpkg-del", ".dpkg-dist", ".dpkg-new", ".dpkg-old",
					    ".rpmnew",   ".rpmorig",   ".rpmsave",  ".swp",
					    ".ucf-dist", ".ucf-new",   ".ucf-old",  "~" };
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t m = strlen(ends[i]);

		if (n >= m && strcmp(name + n - m, ends[i]) == 0)
			return true;
	}
	return name[0] == '.';
}

static void look_into(struct looking *l, const char *directory, const char *name)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	char path[PATH_MAX];

	if (is_taboo(name) ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path) ||
	    file_read(path, &text))
		return;
	l->file = path;
	if (rotation_read(buf_str(&text), on_rule, l))
		l->k->err = -ENOMEM;
}

/* The file that includes the directory: /etc/logrotate.conf, beside /etc/logrotate.d. */
static void look_above(struct looking *l, const char *directory)
{
	char above[PATH_MAX];

	snprintf(above, sizeof(above), "%s", directory);
	look_into(l, dirname(above), "logrotate.conf");
}

static void look_for_rules(struct looking *l)
{
	char file[PATH_MAX];
	struct dirent *entry;
	const char *directory;
	DIR *dir;

	snprintf(file, sizeof(file), "%s", l->k->c->logs_logrotate_file);
	directory = dirname(file);
	dir = opendir(directory);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		look_into(l, directory, entry->d_name);
	closedir(dir);
	look_above(l, directory);
}

static void check_rotation(struct checking *k, const struct config_log *c, const char *path)
{
	struct looking l = { .k = k, .config = c, .path = path };
	bool itself = c->rotated_by == CONFIG_LOG_ITSELF;
	bool supervisor = !itself && supervisor_rotates_here(path);

	look_for_rules(&l);
	if (itself && l.n)
		add(k, true, path,
		    "is rotated by itself, and by %s too: take it out there, or lines are lost",
		    l.rotators);
	else if (l.n > 1)
		add(k, true, path, "is rotated twice: by %s; take it out of one", l.rotators);
	else if (l.copytruncate)
		add(k, true, path,
		    "is rotated with copytruncate (%s), which loses lines: use create, and let who writes "
		    "it open it again",
		    l.rotators);
	else if (*l.missed)
		add(k, true, path,
		    "is moved to %s (%s), where isamon does not look: write olddir = %s in [log \"%s\"]",
		    l.missed, l.rotators, l.missed, c->name);
	else if (supervisor)
		add(k, false, path, "is rotated by supervisord (..._logfile_maxbytes)%s%s",
		    l.n ? ", and by " : "", l.rotators);
	else if (!itself && !l.n)
		add(k, true, path,
		    "is rotated by nobody: no file beside %s, nor logrotate.conf, has it",
		    k->c->logs_logrotate_file);
	else
		add(k, false, path, "is rotated by %s", itself ? "itself" : l.rotators);
}

static void directory_passed(const char *path, void *ctx)
{
	(void)path;
	(void)ctx;
}

static void refused(const char *path, int err, void *ctx)
{
	add(ctx, true, path, "cannot be looked at: %s", strerror(-err));
}

static void check_log(struct checking *k, const struct config_log *c)
{
	_cleanup_(follow_names_done) struct follow_names names = { 0 };
	const struct follow_names_hooks hooks = { directory_passed, refused, k };

	for (size_t i = 0; i < c->n_paths; i++)
		if (follow_names_add(&names, c->paths[i], c->olddir, &hooks))
			k->err = -ENOMEM;
	for (size_t i = 0; i < names.n; i++) {
		const struct follow_name *n = &names.list[i];

		if (!n->err && n->size > BIG_BYTES && !n->is_gzip && !n->is_foreign)
			add(k, true, n->path, "is over 100 MB (%llu MB)",
			    (unsigned long long)(n->size / 1000000));
		if (n->is_live)
			check_rotation(k, c, n->path);
	}
}

static void check_all(struct checking *k)
{
	const char *file = k->c->logs_logrotate_file;

	if (!child_find("logrotate", NULL))
		add(k, true, "logrotate", "is not here: install the package logrotate");
	else if (rotation_file_missing(file))
		add(k, true, file,
		    "is not there: `make install` lays one, or name yours with [logs] "
		    "logrotate_file");
	else
		check_valid(k, file);
	if (child_find("logrotate", NULL))
		check_ran(k);
	for (size_t i = 0; i < k->c->n_logs; i++)
		check_log(k, k->c->logs[i]);
}

/* --- telling */

static int print(const struct checking *k, bool json)
{
	const json_t *f;
	size_t i;

	if (json) {
		_cleanup_(json_freep) json_t *o =
			json_pack("{s:b,s:O}", "fine", !k->problems, "findings", k->findings);

		return tool_print_json(COMMAND, o);
	}
	json_array_foreach(k->findings, i, f) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(16384);
		bool problem = strcmp(json_member_text(f, "level", ""), "problem") == 0;

		buf_printf(&line, "%s: %s", json_member_text(f, "what", ""),
			   json_member_text(f, "text", ""));
		printf("%-8s ", problem ? "PROBLEM" : "fine");
		rotation_print_output(buf_str(&line), line.len, stdout);
	}
	return CMD_OK;
}

static int check(const struct config *c, bool json)
{
	_cleanup_(json_freep) json_t *findings = json_array();
	struct checking k = { .c = c, .findings = findings };
	int status = CMD_FAILED;

	if (findings)
		check_all(&k);
	if (!findings || k.err)
		fprintf(stderr, COMMAND ": %s\n", strerror(ENOMEM));
	else
		status = print(&k, json);
	return status ? status : k.problems ? CMD_NOT_OK : CMD_OK;
}

int logs_check(int argc, char **argv)
{
	_cleanup_(config_freep) struct config *c = NULL;
	const char *config_path = NULL;
	bool json = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ "config", NULL, &config_path },
	};
	int first, status;

	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong(COMMAND, usage, TOOL_UNEXPECTED, argv[first]);
	status = tool_load(config_path, &c);
	return status ? status : check(c, json);
}
