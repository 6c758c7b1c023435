/* SPDX-License-Identifier: MIT */
/* isamon logs tail: options, and the last records of everything, which are kept until all were seen. Invariant: what is kept is at most
 * as many records as --lines says, and KEPT_BYTES_MAX. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/logs_cmd.h"
#include "cmd/logs_follow.h"
#include "cmd/logs_sources.h"
#include "cmd/tool.h"
#include "logs/level.h"

#define LINES_DEFAULT 20
#define LINES_MAX 100000
#define KEPT_BYTES_MAX (64u << 20)
#define WHY_MAX 512

static const char usage[] =
	"usage: isamon logs tail [-f] [--since WHEN] [--lines N] [--level LEVEL] [--grep REGEX]\n"
	"                        [--json] [--config FILE] [SOURCE...]\n"
	"\n"
	"Shows the logs of the service on this host, merged by time: each [log] section of the\n"
	"configuration that is there, or the named ones. A traceback is one record. Files that were\n"
	"rotated away are read, too, also compressed ones where --since reaches back to them.\n"
	"\n"
	"  -f, --follow  goes on with what is written, also over rotations, until Ctrl-C\n"
	"  --since WHEN  10m, 2h, 3d, 14:30, today, 2026-11-26, 2026-11-26T14:30 (local time), ...\n"
	"  -n, --lines N the last N records; default 20, with --since all\n"
	"  --level LEVEL debug, info, warning, error or critical, and what is worse; records without\n"
	"                a level, such as nginx's accesses, are left out\n"
	"  --grep REGEX  records in which it matches (as Perl's)\n"
	"  --json        an object a line: time, source, level, message, exception\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Without --since the last 64 MiB of a log are looked through at most. Secrets are masked as\n"
	"[log] says. Bytes that a terminal would obey are shown as \"?\".\n"
	"Exit status: 0 fine; 2 wrong usage or configuration; 3 something, or all, could not be read.\n";

struct options {
	const char *config_path, *since, *lines, *level, *grep;
	bool follow, json, help;
};

struct kept {
	struct {
		const struct logs_source *from;
		struct log_record *record;
	} * ring;
	size_t size, first, n;
	size_t bytes;
	bool cut; /* there was no room for all */
};

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "since", required_argument, NULL, 's' },
		{ "lines", required_argument, NULL, 'n' },
		{ "level", required_argument, NULL, 'l' },
		{ "grep", required_argument, NULL, 'g' },
		{ "json", no_argument, NULL, 'j' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "fn:h", options, NULL)) != -1) {
		switch (option) {
		case 'f': o->follow = true; break;
		case 's': o->since = optarg; break;
		case 'n': o->lines = optarg; break;
		case 'l': o->level = optarg; break;
		case 'g': o->grep = optarg; break;
		case 'j': o->json = true; break;
		case 'c': o->config_path = optarg; break;
		case 'h': o->help = true; break;
		default: fputs(usage, stderr); return -EINVAL;
		}
	}
	return 0;
}

/* As the logs write them: WARN and FATAL, too. */
static int parse_level(const char *text, enum record_level *ret)
{
	enum record_level level;

	if (!text)
		return 0;
	level = level_of_word(text, strlen(text));
	if (level == RECORD_NO_LEVEL) {
		fprintf(stderr,
			LOGS_COMMAND
			": --level %s: write debug, info, warning, error or critical\n",
			text);
		return -EINVAL;
	}
	*ret = level;
	return 0;
}

/* @ret_lines: 0: all. */
static int settle(const struct options *o, struct logs_filter *f, uint64_t *ret_lines)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err;

	f->since_ms = LOGS_NO_TIME;
	*ret_lines = o->since ? 0 : LINES_DEFAULT;
	if (logs_moment(LOGS_COMMAND, "--since", o->since, logs_now_ms(), &f->since_ms) ||
	    logs_number(LOGS_COMMAND, "--lines", o->lines, LINES_MAX, ret_lines) ||
	    parse_level(o->level, &f->level))
		return -EINVAL;
	err = o->grep ? pattern_new(o->grep, &why, &f->grep) : 0;
	if (err)
		fprintf(stderr, LOGS_COMMAND ": --grep %s: %s\n", o->grep,
			why.len ? buf_str(&why) : strerror(-err));
	return err;
}

/* --- all, or the last ones */

static int print_it(struct logs_sources *s, const struct logs_source *from, struct log_record *r,
		    void *ctx)
{
	int err = logs_sources_print(s, from, r);

	(void)ctx;
	free(r);
	return err;
}

static void drop_first(struct kept *k)
{
	k->bytes -= k->ring[k->first].record->len;
	free(k->ring[k->first].record);
	k->first = (k->first + 1) % k->size;
	k->n--;
}

static int keep_it(struct logs_sources *s, const struct logs_source *from, struct log_record *r,
		   void *ctx)
{
	struct kept *k = ctx;
	size_t at;

	(void)s;
	if (k->n == k->size)
		drop_first(k);
	while (k->n && k->bytes + r->len > KEPT_BYTES_MAX) {
		drop_first(k);
		k->cut = true;
	}
	at = (k->first + k->n++) % k->size;
	k->ring[at].from = from;
	k->ring[at].record = r;
	k->bytes += r->len;
	return 0;
}

static int print_last(struct logs_sources *s, uint64_t lines)
{
	struct kept k = { .size = (size_t)lines };
	int err;

	k.ring = calloc(k.size, sizeof(*k.ring));
	if (!k.ring)
		return -ENOMEM;
	err = logs_sources_each(s, keep_it, &k);
	while (k.n) {
		if (!err)
			err = logs_sources_print(s, k.ring[k.first].from, k.ring[k.first].record);
		drop_first(&k);
	}
	if (k.cut && !err)
		fputs(LOGS_COMMAND ": these records are very long: shown are the last 64 MiB\n",
		      stderr);
	free(k.ring);
	return err;
}

/* --- the whole */

/* Says what of the named logs is missing. Returns whether anything is there. */
static bool tell_missing(const struct logs_sources *s, bool named)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++)
		any |= s->list[i].there;
	for (size_t i = 0; i < s->n && (named || !any) && !s->failed; i++) {
		const struct config_log *c = s->list[i].c;

		if (!s->list[i].there)
			fprintf(stderr, LOGS_COMMAND ": %s: %s%s is not there\n", c->name,
				*c->unit ? "the journal of " : "",
				*c->unit   ? c->unit :
				c->n_paths ? c->paths[0] :
					     "a path");
	}
	return any;
}

/* Otherwise nothing would be seen of it, maybe for hours. */
static void tell_wait(const struct logs_sources *s)
{
	size_t n = 0;

	fputs(LOGS_COMMAND ": nothing to show yet; follows ", stderr);
	for (size_t there = 0; there < 2; there++)
		for (size_t i = 0; i < s->n; i++)
			if (s->list[i].there != (there != 0))
				fprintf(stderr, "%s%s%s", n++ ? ", " : "", s->list[i].c->name,
					there ? " (not there)" : "");
	fputs(", until Ctrl-C\n", stderr);
}

static int show(struct logs_sources *s, const struct options *o, uint64_t lines, bool named)
{
	bool any;
	int err;

	if (logs_sources_open(s, lines, o->follow))
		return CMD_FAILED;
	any = tell_missing(s, named);
	err = lines ? print_last(s, lines) : logs_sources_each(s, print_it, NULL);
	if (!err && fflush(stdout))
		err = -errno;
	if (!err && o->follow && !s->shown)
		tell_wait(s);
	if (!err && o->follow)
		return logs_follow(s) ? CMD_FAILED : CMD_OK;
	if (err && err != -EPIPE)
		fprintf(stderr, LOGS_COMMAND ": %s\n", strerror(-err));
	if (err)
		return err == -EPIPE ? CMD_OK : CMD_FAILED;
	return any && !s->failed ? CMD_OK : CMD_FAILED;
}

/* Who reads no further has what he wants: what is left is not tried again at the end, nor complained about. */
static void forget_output(void)
{
	clearerr(stdout);
	__fpurge(stdout);
}

int logs_tail(int argc, char **argv)
{
	_cleanup_(logs_sources_done) struct logs_sources s = { 0 };
	_cleanup_(config_freep) struct config *c = NULL;
	struct logs_printer printer;
	struct options o = { 0 };
	uint64_t lines;
	int status, err;

	setlocale(LC_CTYPE, "");
	if (parse_options(argc, argv, &o))
		return CMD_USAGE;
	if (o.help) {
		fputs(usage, stdout);
		return CMD_OK;
	}
	err = settle(&o, &s.filter, &lines);
	if (err)
		return CMD_USAGE;
	status = tool_load(o.config_path, &c);
	if (status)
		return status;
	signal(SIGPIPE, SIG_IGN);
	s.printer = &printer;
	err = logs_sources_init(&s, c, argv + optind, (size_t)(argc - optind), o.json);
	if (err)
		return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
	status = show(&s, &o, lines, optind < argc);
	if (status == CMD_OK && ferror(stdout))
		forget_output();
	return status;
}
