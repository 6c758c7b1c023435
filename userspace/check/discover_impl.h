/* SPDX-License-Identifier: MIT */
/* Between the parts of discover. */
#ifndef ISAMON_DISCOVER_IMPL_H
#define ISAMON_DISCOVER_IMPL_H

#include "base/util.h"
#include "check/discover.h"

#define DISCOVER_FILE_MAX (256u * 1024)

/* How the service is run, by one of Supervisor's programs or a unit of systemd. "": not said. */
struct discover_run {
	char name[64];
	char file[512]; /* that says so */
	char command[DISCOVER_VALUE_MAX], directory[512], user[64];
	char output[512], errors[512]; /* files that its output goes to */
	char environment[512];         /* a file of variables */
};

/* What was found and guessed; @value: one that cannot stand in a configuration (control characters, too long, "") is left out. */
struct discover_value {
	const char *section, *label, *key; /* label NULL: none */
	const char *value;
	bool guessed;
};
void discover_add(struct discovery *d, const struct discover_value *v, const char *source, ...)
	_printf_(3, 4);

/* One of the service's files below o->root: @ret gets all of it, less than DISCOVER_FILE_MAX. Returns 0 or -errno. */
int discover_read(const struct discover_options *o, const char *path, struct buf *ret);
bool discover_exists(const struct discover_options *o, const char *path);
/* Whether it is there, is root's, and others may not read it: no log of the application's, whatever its user wrote into its file. */
bool discover_is_roots_alone(const struct discover_options *o, const char *path);

/* The paths below o->root that match, in order, at most @max, without the root. Returns their number. */
typedef void (*discover_path_fn)(const char *path, void *ctx);
void discover_each(const struct discover_options *o, const char *pattern, discover_path_fn fn,
		   void *ctx);

/* The program of Supervisor or the unit of systemd that runs the service: the one of o->name, or the only one whose command looks like a web
 * service. */
enum discover_certainty { DISCOVER_NONE, DISCOVER_GUESSED, DISCOVER_NAMED };
enum discover_certainty discover_supervisor(const struct discover_options *o, struct discovery *d,
					    struct discover_run *ret);
enum discover_certainty discover_systemd(const struct discover_options *o, struct discovery *d,
					 struct discover_run *ret);
/* What follows from it. */
void discover_program(const struct discover_options *o, struct discovery *d,
		      const struct discover_run *run, enum discover_certainty certainty);
void discover_unit(const struct discover_options *o, struct discovery *d,
		   const struct discover_run *run, enum discover_certainty certainty);
/* Whether a command looks like one: python, uvicorn, gunicorn, hypercorn, node and their like. */
bool discover_is_web(const char *command);

/* What a command line says: ports, environment, directory; and the user and the logs. */
void discover_command(const struct discover_options *o, struct discovery *d,
		      const struct discover_run *run);

/* The application's TOML file. Returns 0, -ENOENT, -EINVAL, -ENOMEM, explained in @why. */
int discover_toml(const struct discover_options *o, struct buf *why, struct discovery *d);

#endif
