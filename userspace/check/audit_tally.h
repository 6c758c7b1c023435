/* SPDX-License-Identifier: MIT */
/* Sums of logins: how many failed, from where, and who came in. */
#ifndef ISAMON_AUDIT_TALLY_H
#define ISAMON_AUDIT_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "check/audit_login.h"

#define AUDIT_SOURCES_MAX 20000 /* addresses; further ones count, but have no name */
#define AUDIT_CONNECTIONS_MAX 50000
#define AUDIT_TRIES_TO_GUESS \
	5 /* failed ones before one that succeeded: that was guessed, or forgotten */

struct audit_source {
	char from[AUDIT_LOGIN_FROM_MAX];
	uint64_t failed, root, accepted;
	int64_t last_failed_s, last_root_s, last_accepted_s;
	char last_user[64], root_method[24];
	char guessed[64]; /* the user whose password fitted after several that did not; "" */
	int64_t guessed_s;
	uint64_t tries; /* failed ones before that */
};

struct audit_tally {
	struct table *sources;     /* address -> struct audit_source */
	struct table *connections; /* address and port -> a mark: what has been counted of it */
	struct audit_source **list;
	size_t n, size;
	uint64_t failed, accepted;
	int64_t last_failed_s;
};

/* Returns 0 or -ENOMEM. */
int audit_tally_init(struct audit_tally *t);
void audit_tally_done(struct audit_tally *t);
/* Adds one; they come in the order of time. Returns 0 or -ENOMEM. */
int audit_tally_add(struct audit_tally *t, const struct audit_login *l);

#endif
