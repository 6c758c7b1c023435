/* SPDX-License-Identifier: MIT */
/*
 * isamon advise --apply cost.lifecycle. Invariant: what is written is the bucket's rules as they were read a moment ago, with isamon's own among them,
 * and nothing is written that was not shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/advice_lifecycle.h"
#include "cmd/advise_cmd.h"
#include "cmd/cmd.h"

#define WHY_MAX 2048

static int failed(const char *why)
{
	fprintf(stderr, ADVISE ": %s\n", why);
	return CMD_FAILED;
}

static int show(const struct config *c, const struct advice_host *h)
{
	const struct advice_minutes none = { .n = 0 };
	const struct advice_case one = { .config = c, .minutes = &none, .all = &none, .host = h };
	struct advices a = { .n = 0 };
	int err = advice_cost_lifecycle(&one, &a);

	if (!err && a.n)
		printf("%s", a.list[0].change);
	err = err ? err : (int)a.n;
	advices_done(&a);
	return err;
}

/* What is there afterwards is what was written, whoever wrote. */
static int verify(const struct config *c, struct s3 *s3, const struct advice_host *h,
		  const char *prefix)
{
	struct s3_lifecycle l = { .rules = BUF_INIT(ADVICE_FILE_MAX) };
	struct advice_lifecycle found = { .n = 0 };
	int err = s3_lifecycle_get(s3, &l);
	bool there = !err &&
		     advice_lifecycle_read(buf_str(&l.rules), l.rules.len, prefix, &found) &&
		     found.aborts_uploads && (found.covers || !advice_lifecycle_moves(c, &h->aws));

	buf_done(&l.rules);
	if (err)
		return failed(s3_why(s3));
	return there ? CMD_OK :
		       failed("S3 took the rules, but does not have them: look at the bucket");
}

static int put(const struct config *c, struct advise_s3 *s, struct s3_lifecycle *old,
	       const struct advice_host *h, const char *prefix)
{
	struct s3_lifecycle l = { .rules = BUF_INIT(ADVICE_FILE_MAX) };
	int err = advice_lifecycle_merge(buf_str(&old->rules), old->rules.len, prefix,
					 advice_lifecycle_moves(c, &h->aws), &l.rules);

	memcpy(l.minimum_size, old->minimum_size, sizeof(l.minimum_size));
	if (!err)
		err = s3_lifecycle_put(s->s3, &l);
	buf_done(&l.rules);
	return err ? failed(s3_why(s->s3)) : CMD_OK;
}

static int apply(const struct config *c, struct advise_s3 *s, struct s3_lifecycle *old, bool yes,
		 struct advice_host *h)
{
	struct advice_lifecycle found;
	char prefix[1100];
	int n, status;

	if (s3_lifecycle_get(s->s3, old))
		return failed(s3_why(s->s3));
	if (advice_lifecycle_prefix(c, prefix, sizeof(prefix)) ||
	    !advice_lifecycle_read(buf_str(&old->rules), old->rules.len, prefix, &found))
		return failed("the bucket's lifecycle is not understood, and is left alone");
	h->aws.has_lifecycle = true;
	h->aws.covers_prefix = found.covers;
	h->aws.aborts_uploads = found.aborts_uploads;
	if (buf_add(&h->aws.lifecycle, buf_str(&old->rules), old->rules.len))
		return failed("the rules are too long");
	n = show(c, h);
	if (n < 0)
		return failed(strerror(-n));
	if (!n) {
		printf("nothing to do: the bucket has such rules\n");
		return CMD_OK;
	}
	n = tool_confirm(ADVISE, "Write these rules?", yes);
	if (n <= 0)
		return n ? CMD_FAILED : CMD_NOT_OK;
	status = put(c, s, old, h, prefix);
	if (!status)
		status = verify(c, s->s3, h, prefix);
	if (!status)
		printf("written, and read back\n");
	return status;
}

int advise_apply_lifecycle(const struct config *c, bool yes)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct s3_lifecycle old = { .rules = BUF_INIT(ADVICE_FILE_MAX) };
	struct advice_host *h;
	struct advise_s3 s;
	int err, status;

	if (!*c->backup_s3_bucket)
		return failed(
			"backups go to no bucket: s3_bucket in [backup] of the configuration is empty");
	h = calloc(1, sizeof(*h));
	if (!h)
		return failed(strerror(ENOMEM));
	buf_init(&h->aws.lifecycle, ADVICE_FILE_MAX);
	err = advise_s3_open(c, &s, &why);
	status =
		err ? failed(why.len ? buf_str(&why) : strerror(-err)) : apply(c, &s, &old, yes, h);
	advise_s3_close(&s);
	buf_done(&old.rules);
	buf_done(&h->aws.lifecycle);
	free(h);
	return status;
}
