/* SPDX-License-Identifier: MIT */
/* isamon doctor --bundle: the findings and the evidence in one file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check/evidence.h"
#include "cmd/cmd.h"
#include "cmd/doctor_cmd.h"

#define TEXT_MAX (4u << 20)
#define WHY_MAX 4096
#define KIB 1024

static int collect(const struct doctor *d, struct bundle *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX), json = BUF_INIT(TEXT_MAX);
	_cleanup_(json_freep) json_t *j = doctor_to_json(d);
	struct evidence_findings found;
	int err = j ? json_add_text(j, JSON_INDENT(2), &json) : -ENOMEM;

	err = err ?: doctor_format(d, false, &text);
	if (err)
		return err;
	found = (struct evidence_findings){ .text = buf_str(&text), .json = buf_str(&json) };
	return evidence_collect(&d->input, &found, b);
}

int doctor_bundle(const struct doctor *d, const char *path, bool force)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	_cleanup_(mask_done) struct mask m = { .n = 0 };
	_cleanup_(bundle_freep) struct bundle *b = NULL;
	int err = mask_add_known(&m, d->input.config);

	if (err == -E2BIG)
		buf_printf(&why, "more than %d secrets are known here: nothing was written",
			   MASK_SECRETS_MAX);
	err = err ?: bundle_open(path, force, &m, &why, &b);
	err = err ?: collect(d, b);
	err = err ?: bundle_finish(b, &why);
	if (err) {
		fprintf(stderr, DOCTOR ": %s\n", why.len ? buf_str(&why) : strerror(-err));
		return CMD_FAILED;
	}
	fprintf(stderr,
		DOCTOR ": %s has the evidence, %" PRIu64
		       " KiB; known secrets, and those of known forms, "
		       "are out of it: look through it all the same before you give it away\n",
		path, (bundle_size(b) + KIB - 1) / KIB);
	return CMD_OK;
}
