/* SPDX-License-Identifier: MIT */
/* Runs of jobs, and backups, as lines. */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "care/backup_list.h"
#include "check/evidence_impl.h"
#include "store/job_history.h"

#define RUNS_MAX 200
#define WHY_MAX 4096
#define TIME_MAX_BYTES 32

static const char *when(int64_t s, char ret[TIME_MAX_BYTES])
{
	const time_t at = s;
	struct tm tm;

	if (s <= 0 || !gmtime_r(&at, &tm) ||
	    !strftime(ret, TIME_MAX_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(ret, TIME_MAX_BYTES, "-");
	return ret;
}

static int add_run(const struct job_run *r, void *ctx)
{
	char begun[TIME_MAX_BYTES], ended[TIME_MAX_BYTES];
	struct buf *out = ctx;

	buf_printf(out, "== %s, %s to %s: ", r->job, when(r->started_ms / 1000, begun),
		   when(r->ended_ms / 1000, ended));
	job_result_describe(r->result, r->code, out);
	buf_add_char(out, '\n');
	if (r->output && r->output_len) {
		buf_add(out, r->output, r->output_len);
		buf_add_char(out, '\n');
	}
	return out->err; /* the newest come first: what has no room is the oldest */
}

static int add_jobs(const struct config *c, struct bundle *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(BUNDLE_TEXT_MAX), path = BUF_INIT(4096);
	struct event_base *base = event_base_new();
	struct job_history *h = NULL;
	int err = base ? buf_printf(&path, "%s/" JOB_HISTORY_FILE, c->state_directory) : -ENOMEM;

	if (!err && access(buf_str(&path), F_OK))
		err = -errno;
	err = err ?: job_history_new(base, c->state_directory, &h);
	err = err ?: job_history_each(h, NULL, RUNS_MAX, add_run, &text);
	job_history_close(h, 0);
	if (base)
		event_base_free(base);
	if (!err || err == -EFBIG)
		return bundle_add(b, "jobs", NULL, buf_str(&text), text.len);
	bundle_miss(b, "jobs", err == -ENOENT ? "no job ever ran" : strerror(-err));
	return err == -ENOMEM ? err : 0;
}

static void add_backup(const struct catalogue_entry *e, struct buf *out)
{
	static const char *const verdicts[] = { "not verified", "sound", "DAMAGED" };
	static const char *const remotes[] = { "", ", to be sent to S3", ", in S3" };
	char created[TIME_MAX_BYTES];

	buf_printf(out, "%s  %s  %" PRIu64 " bytes, %" PRIu64 " files, %s%s%s\n", e->file,
		   when(e->created_s, created), e->archive_bytes, e->files, verdicts[e->verdict],
		   remotes[e->remote], e->local ? "" : ", not here");
}

static int add_backups(const struct config *c, struct bundle *b)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX), why_catalogue = BUF_INIT(WHY_MAX),
				       text = BUF_INIT(BUNDLE_TEXT_MAX);
	_cleanup_(backup_list_done) struct backup_list list = { 0 };
	_cleanup_(catalogue_closep) struct catalogue *catalogue = NULL;
	int err = catalogue_open(c->state_directory, &catalogue);

	err = err   ?:
		      backup_list_load(c->backup_directory, c->backup_name, catalogue, &why,
				       &why_catalogue, &list);
	if (why_catalogue.len)
		bundle_miss(b, "backups", buf_str(&why_catalogue));
	if (err) {
		bundle_miss(b, "backups", why.len ? buf_str(&why) : strerror(-err));
		return err == -ENOMEM ? err : 0;
	}
	buf_printf(&text, "%zu in %s\n", list.n, c->backup_directory);
	for (size_t i = 0; i < list.n; i++)
		add_backup(&list.entries[i], &text);
	return bundle_add(b, "backups", NULL, buf_str(&text), text.len);
}

int evidence_add_care(const struct config *c, struct bundle *b)
{
	int err = add_jobs(c, b);

	return err ?: add_backups(c, b);
}
