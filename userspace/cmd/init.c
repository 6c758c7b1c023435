/* SPDX-License-Identifier: MIT */
/*
 * isamon init: looks at the host and writes a configuration for it. Invariant: what is written has been read as a configuration before it
 * has its name, and a file that says something is never replaced unless that was asked for, and then kept beside.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/util.h"
#include "check/discover.h"
#include "cmd/cmd.h"
#include "cmd/init_text.h"
#include "cmd/setup.h"
#include "cmd/tool.h"
#include "config/example.h"

#define PATH_SIZE 4096
#define TEXT_MAX (512 * 1024)
#define PROBLEMS_MAX (64 * 1024)

static const char command[] = "isamon init";
static const char usage[] =
	"usage: isamon init [--name NAME] [--toml FILE] [--output FILE] [--force] [--print] [--json]\n"
	"Looks at the host (Supervisor, systemd, nginx, the application's TOML file) and writes a\n"
	"configuration, in which every key is explained; says what it found, and what it guessed.\n"
	"\n"
	"  --name NAME   the service, as Supervisor or systemd calls it; default: agent-isa, or the\n"
	"                only one that looks like a web service\n"
	"  --toml FILE   the application's configuration, if it is not where it usually is\n"
	"  --output FILE default " CONFIG_DEFAULT_PATH "\n"
	"  --force       replaces a file that is there; it is kept as FILE.old-YYYYmmdd-HHMMSS\n"
	"  --print       writes it to the terminal instead, and what was found to standard error\n"
	"  --json        what was found, as JSON\n"
	"\n"
	"Exit status: 0 done; 1 there is a configuration already, and it was left alone; 2 wrong\n"
	"usage; 3 could not be done.\n";

struct init_options {
	struct discover_options look;
	const char *output;
	bool force, print, json;
};

/* A configuration in which nothing is set, as `make install` lays it, is none. */
static bool says_something(const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);

	return file_read(path, &text) || strcmp(buf_str(&text), example_text()) != 0;
}

/* As the daemon would read it. */
static int try_it(const char *path)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(PROBLEMS_MAX);
	struct route_patterns *patterns = NULL;
	struct config *c = NULL;
	int err = setup_load(path, &problems, &c, &patterns);

	route_patterns_free(patterns);
	config_free(c);
	if (err)
		fprintf(stderr,
			"%s: what was found on this host makes no configuration that isamon would take; "
			"nothing was written. Use dist's example, and set it by hand. The problems:\n%s",
			command, buf_str(&problems));
	return err;
}

/* Beside @path: the new text, tried. Returns 0 or -errno, which was said. */
static int write_new(const char *path, const struct buf *text, char new[PATH_SIZE])
{
	_cleanup_(file_closep) int fd = -1;
	int n = snprintf(new, PATH_SIZE, "%s.new-XXXXXX", path), err;

	if (n < 0 || n >= PATH_SIZE)
		return -ENAMETOOLONG;
	fd = mkostemp(new, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		fprintf(stderr, "%s: %s: %s\n", command, new, strerror(-err));
		return err;
	}
	err = fchmod(fd, 0644) ? -errno : file_write(fd, text->data, text->len);
	if (!err && fsync(fd))
		err = -errno;
	if (err)
		fprintf(stderr, "%s: %s: %s\n", command, new, strerror(-err));
	else
		err = try_it(new);
	if (err)
		unlink(new);
	return err;
}

static int keep_old(const char *path, char old[PATH_SIZE])
{
	const time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int n;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	n = snprintf(old, PATH_SIZE, "%s.old-%s", path, stamp);
	if (n < 0 || n >= PATH_SIZE)
		return -ENAMETOOLONG;
	if (link(path, old) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

static int put_in_place(const struct init_options *o, const char *new)
{
	char old[PATH_SIZE] = "";
	bool there = access(o->output, F_OK) == 0;
	int err = 0;

	if (there && says_something(o->output)) {
		err = keep_old(o->output, old);
		if (err) {
			fprintf(stderr, "%s: %s cannot be kept as %s: %s; it was left alone\n",
				command, o->output, old, strerror(-err));
			return err;
		}
	}
	/* Without one nothing may have come meanwhile. */
	if (there ? rename(new, o->output) : link(new, o->output))
		err = -errno;
	unlink(new);
	if (err)
		fprintf(stderr, "%s: %s: %s\n", command, o->output, strerror(-err));
	else if (*old && !o->json)
		printf("kept      %s\n", old);
	return err;
}

static int write_file(const struct init_options *o, const struct buf *text)
{
	char directory[PATH_SIZE], new[PATH_SIZE];
	char *slash;
	int err;

	snprintf(directory, sizeof(directory), "%s", o->output);
	slash = strrchr(directory, '/');
	if (slash && slash != directory) {
		*slash = 0;
		err = file_make_directory(directory, 0755);
		if (err) {
			fprintf(stderr, "%s: %s: %s\n", command, directory, strerror(-err));
			return CMD_FAILED;
		}
	}
	err = write_new(o->output, text, new);
	if (!err)
		err = put_in_place(o, new);
	if (err)
		return CMD_FAILED;
	if (!o->json)
		printf("wrote     %s\n\n"
		       "Read it, then: isamon check-config; systemctl enable --now isamon, or reload.\n",
		       o->output);
	return CMD_OK;
}

static int make(const struct init_options *o, const struct discovery *d)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	int err = init_text(d, &text);

	if (err) {
		fprintf(stderr, "%s: %s\n", command, strerror(-err));
		return CMD_FAILED;
	}
	if (!o->json)
		init_tell(d, o->print ? stderr : stdout);
	if (o->print && !o->json)
		fputs(buf_str(&text), stdout);
	return o->print ? CMD_OK : write_file(o, &text);
}

static int look(const struct init_options *o)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct discovery *d = calloc(1, sizeof(*d));
	int err, status = CMD_FAILED;

	if (!d)
		return CMD_FAILED;
	buf_init(&d->notes, 16384);
	err = discover(&o->look, &why, d);
	if (err)
		fprintf(stderr, "%s: %s\n", command, why.len ? buf_str(&why) : strerror(-err));
	else
		status = make(o, d);
	if (!err && o->json && status == CMD_OK) {
		_cleanup_(json_freep) json_t *j = init_json(d, o->print ? NULL : o->output);

		status = j ? tool_print_json(command, j) : CMD_FAILED;
	}
	buf_done(&d->notes);
	free(d);
	return status;
}

int cmd_init(int argc, char **argv)
{
	struct init_options o = { .look = { .root = "" }, .output = CONFIG_DEFAULT_PATH };
	const struct tool_option options[] = {
		{ "name", NULL, &o.look.name }, { "toml", NULL, &o.look.toml },
		{ "output", NULL, &o.output },  { "force", &o.force, NULL },
		{ "print", &o.print, NULL },    { "json", &o.json, NULL },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong(command, usage, TOOL_UNEXPECTED, argv[first]);
	if (!o.print && !o.force && access(o.output, F_OK) == 0 && says_something(o.output)) {
		fprintf(stderr,
			"%s: %s is there already and was left alone; --print shows what would be "
			"written, --force replaces it and keeps the old one beside\n",
			command, o.output);
		return CMD_NOT_OK;
	}
	return look(&o);
}
