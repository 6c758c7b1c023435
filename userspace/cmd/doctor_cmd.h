/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon doctor`. */
#ifndef ISAMON_DOCTOR_CMD_H
#define ISAMON_DOCTOR_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "check/areas.h"

#define DOCTOR "isamon doctor"
#define DOCTOR_AREAS_MAX 16
#define DOCTOR_CHECKS_MAX 128

struct doctor {
	struct area areas[DOCTOR_AREAS_MAX];
	size_t n_areas;
	const struct check *checks[DOCTOR_CHECKS_MAX]; /* of all these areas */
	size_t n_checks;
	struct check_input input;
	/* What the last round found. */
	struct findings found;
	uint64_t took_ns;
	json_t *fixes; /* of --fix: what was tried, objects for --json; NULL: nothing is to be repaired */
};

/* Runs the checks; what was found before is forgotten. Returns 0 or -errno, which was said. */
int doctor_look(struct doctor *d);

/* Repairs what can be, asking before each unless @yes; then d->found is what there is after it. Returns 0; -EPERM, -ENOTTY or another -errno, which
 * was said. */
int doctor_fix(struct doctor *d, bool yes);

/* For people: at most 80 columns, grouped by area; the last line is the diagnosis. Returns 0 or -errno of the buffer. */
int doctor_format(const struct doctor *d, bool colour, struct buf *out);
/* NULL: no memory. The caller frees. */
json_t *doctor_to_json(const struct doctor *d);

/* Writes what was found, and evidence, to the file @path; one that is there only with @force. Returns CMD_OK or CMD_FAILED; says what it did, or why not. */
int doctor_bundle(const struct doctor *d, const char *path, bool force);

#endif
