/* SPDX-License-Identifier: MIT */
/* What a host says of the service that runs on it: values for isamon's configuration, and where each was found. For `isamon init`. */
#ifndef ISAMON_DISCOVER_H
#define ISAMON_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DISCOVERED_MAX 64
#define DISCOVER_VALUE_MAX 1024

struct discovered {
	char section[32], label[64], key[32]; /* label "": a section without one */
	char value[DISCOVER_VALUE_MAX];
	char source[DISCOVER_VALUE_MAX]; /* "/etc/agent-isa/production.toml: [server] port" */
	bool guessed; /* it was concluded, and may be wrong: the source says from what */
};

struct discovery {
	struct discovered list[DISCOVERED_MAX];
	size_t n;
	struct buf notes; /* what else the operator should know, a line each; buf_done() it */
};

struct discover_options {
	const char *root; /* everything is looked for below it; "": the host as it is */
	const char *name; /* of the service; NULL: agent-isa, or the only one that looks like it */
	const char *toml; /* the application's configuration; NULL: where it usually is */
};

#define DISCOVER_DEFAULT_NAME "agent-isa"

/*
 * Looks at the files of Supervisor, systemd, nginx and the application. Reads only; blocks on files only. The first that says something about a key
 * decides, but what was found stands above what was guessed. Returns 0; -ENOENT: o->toml or the service o->name is not there; -EINVAL: o->toml is
 * not TOML; -ENOMEM; explained in @why. @ret->notes must have been initialized.
 */
int discover(const struct discover_options *o, struct buf *why, struct discovery *ret);

/* The one that is known of a key, or NULL. @label NULL: a section without one. */
const struct discovered *discover_find(const struct discovery *d, const char *section,
				       const char *label, const char *key);

#endif
