/* SPDX-License-Identifier: MIT */
/*
 * Findings of an audit against those of the one before, and against what is accepted.
 *
 * Compared is what was found wrong: high, medium and low, each named by its id and its subject. What was fine, or could not be looked at,
 * is not compared; where a check could not look, what it had found before stays, and is not said to have gone.
 */
#ifndef ISAMON_AUDIT_COMPARE_H
#define ISAMON_AUDIT_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "check/finding.h"
#include "config/config.h"

#define AUDIT_STATE_NAME "audit.json"

struct audit_mark {
	bool is_new;
	bool accepted;
	int64_t since_s; /* first seen */
};

struct audit_report {
	struct findings found;
	struct audit_mark *marks; /* one for each of found.list */
	json_t *gone;   /* array of {id, subject, result, since}; no reference of the last run's */
	int64_t last_s; /* when the last run was; 0: there was none, and all is new */
	size_t n[FINDING_UNKNOWN + 1]; /* by result, without the accepted ones */
	size_t n_new, n_accepted;
	size_t n_bad, n_bad_new; /* high and medium, without the accepted ones */
};

/* Compares r->found with @last, a state, or NULL. Fills in the rest. Returns 0 or -ENOMEM; -EPROTO: @last is no state (then as NULL). */
int audit_compare(struct audit_report *r, const json_t *last, const struct config *c,
		  int64_t now_s);
void audit_report_done(struct audit_report *r);

/* Whether it is one of those that are compared. */
bool audit_is_bad(enum finding_result r);
/* "high", "medium", "low"; of others as finding_result_name(). */
const char *audit_grade(enum finding_result r);

/* What the next run compares with. NULL: no memory. */
json_t *audit_state_make(const struct audit_report *r, const json_t *last, int64_t now_s);

/* The state in @directory. Returns 0, *ret NULL if there is none; -EACCES; -EPROTO: it cannot be understood; another -errno. */
int audit_state_read(const char *directory, json_t **ret);
/* Writes it there, 0600, in place of the old one, whole or not at all. Makes the directory. Blocks on the disk. Returns 0 or -errno. */
int audit_state_write(const char *directory, const json_t *state);

#endif
