/* SPDX-License-Identifier: MIT */
/*
 * Checks, side by side: each in a process of its own, so that none of them can hold up, break or leak into another, and each can be
 * ended when its time is over.
 */
#ifndef ISAMON_CHECK_H
#define ISAMON_CHECK_H

#include "check/finding.h"
#include "config/config.h"

#define CHECK_TIMEOUT_MS 3000

/* What a check may look at beside the host. */
struct check_input {
	const struct config *config;
	const char *config_path; /* of the file it came from; NULL: the default one */
	bool ask_s3;             /* put an object into the bucket and delete it: was asked for */
};

/*
 * Looks, and adds what it finds (of what is fine, too: one finding at least). Reads only; nothing of the host is changed. May block. Runs in a child: files and memory may
 * be left to its end. Returns 0; -errno: it could not look, what it added until then counts.
 */
typedef int (*check_fn)(const struct check_input *in, struct findings *out);

struct check {
	const char *area; /* "service", as it is asked for */
	const char *id;   /* "service.health": of what is found when the check itself fails */
	check_fn run;
	unsigned int timeout_ms; /* 0: CHECK_TIMEOUT_MS */
};

/*
 * Runs the @n, all at once, and gives what they found in the order of the table. One that fails, dies, or is not done in time is a finding
 * itself: unknown, and why. What a check has started is ended with it, also what has become a daemon: every child that the caller has afterwards
 * he had before. Blocks for the longest time-out at most (and what it takes to end processes). Returns 0 or -errno: nothing could be run.
 */
int checks_run(const struct check *const checks[], size_t n, const struct check_input *in,
	       struct findings *ret);

#endif
