/* SPDX-License-Identifier: MIT */
/* Jobs, backups, restores: what is left of them on the disk. Works without the daemon, and makes no file. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "care/backup_list.h"
#include "care/job_process.h"
#include "care/restore.h"
#include "check/isamon_impl.h"
#include "config/job.h"
#include "store/job_history.h"

#define WHY_MAX 4096
#define OLD_S (2 * (int64_t)DAY_S)
#define VERY_OLD_S (7 * (int64_t)DAY_S)

static int64_t now_s(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_SEC);
}

static bool is_there(const char *directory, const char *file)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);

	return buf_printf(&path, "%s/%s", directory, file) == 0 &&
	       access(buf_str(&path), F_OK) == 0;
}

/* --- jobs */

static bool ended_badly(const struct check_input *in, const struct job_run *last)
{
	if (!last->started_ms || last->result == JOB_OK)
		return false;
	return last->result != JOB_RUNNING ||
	       job_process_is_free(in->config->runtime_directory, last->job);
}

static int tell_job(const struct check_input *in, const struct job_state *s, struct findings *out)
{
	struct finding_text t = {
		.id = "isamon.jobs",
		.subject = s->job,
		.result = FINDING_PROBLEM,
		.meaning = "its last run did not do what it should",
		.remedy = "isamon jobs history shows what it wrote, isamon jobs run runs it again",
	};
	_cleanup_(buf_done) struct buf how = BUF_INIT(200);
	char age[ISAMON_AGE_MAX];

	isamon_age((double)now_s() - (double)s->last.started_ms / 1000, age);
	if (ended_badly(in, &s->last)) {
		job_result_describe(s->last.result == JOB_RUNNING ? JOB_INTERRUPTED :
								    s->last.result,
				    s->last.code, &how);
		return findings_add(out, &t, "its last run, %s ago: %s", age, buf_str(&how));
	}
	t.result = FINDING_FINE;
	t.meaning = t.remedy = NULL;
	if (!s->last.started_ms)
		return findings_add(out, &t, "it never ran; its schedule is %s", s->schedule);
	return findings_add(out, &t, "its last run, %s ago, %s", age,
			    s->last.result == JOB_OK ? "was fine" : "goes on");
}

static int look_at_jobs(const struct check_input *in, struct job_history *h,
			struct job_state *states, struct findings *out)
{
	const struct config *c = in->config;
	size_t n = 0;
	int err;

	for (size_t i = 0; i < c->n_jobs; i++) {
		if (!c->jobs[i]->enabled)
			continue;
		snprintf(states[n].job, sizeof(states[n].job), "%s", c->jobs[i]->name);
		snprintf(states[n].schedule, sizeof(states[n].schedule), "%s",
			 c->jobs[i]->schedule);
		states[n++].seen_to_s = now_s();
	}
	if (!n)
		return findings_add(out,
				    &(struct finding_text){ .id = "isamon.jobs",
							    .result = FINDING_NOTE,
							    .meaning =
								    "no backup is made by itself" },
				    "no job is enabled");
	err = h ? job_history_look_wait(h, states, n) : 0;
	for (size_t i = 0; i < n && !err; i++)
		err = tell_job(in, &states[i], out);
	return err;
}

int isamon_check_jobs(const struct check_input *in, struct findings *out)
{
	const char *directory = in->config->state_directory;
	struct event_base *base = event_base_new();
	struct job_state *states = calloc(CONFIG_JOBS_MAX, sizeof(*states));
	struct job_history *h = NULL;
	int err = base && states ? 0 : -ENOMEM;

	if (!err && is_there(directory, JOB_HISTORY_FILE))
		err = job_history_new(base, directory, &h);
	if (!err)
		err = look_at_jobs(in, h, states, out);
	job_history_close(h, 0);
	if (base)
		event_base_free(base);
	free(states);
	return err;
}

/* --- backups */

static const struct catalogue_entry *newest(const struct backup_list *l, enum backup_kind kind)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].kind == kind)
			return &l->entries[i];
	return NULL;
}

static int tell_none(struct finding_text *t, const char *source, const char *directory,
		     struct findings *out)
{
	t->result = FINDING_PROBLEM;
	t->meaning = "if it is lost now, all of it is";
	t->remedy = "isamon backup create; isamon jobs list says whether it is made each night";
	return findings_add(out, t, "there is none of %s in %s", source, directory);
}

static int tell_newest(struct finding_text *t, const struct config *c,
		       const struct catalogue_entry *e, struct findings *out)
{
	int64_t age_s = now_s() - e->created_s;
	const char *verified = e->verdict == BACKUP_SOUND ? "verified" : "not verified";
	char age[ISAMON_AGE_MAX];

	if (e->verdict == BACKUP_UNSOUND) {
		t->result = FINDING_PROBLEM;
		t->meaning = "the newest backup cannot be trusted";
		t->remedy =
			"isamon backup create makes another; isamon backup list shows which are sound";
		return findings_add(out, t, "%s is damaged: %s", e->id, e->why);
	}
	if (age_s > OLD_S) {
		t->result = age_s > VERY_OLD_S ? FINDING_PROBLEM : FINDING_WARNING;
		t->meaning = "what was changed since is in no backup";
		t->remedy =
			"isamon jobs list says why none was made; isamon backup create makes one";
	} else if (*c->backup_s3_bucket && e->remote == BACKUP_TO_SEND) {
		t->result = FINDING_WARNING;
		t->meaning = "if this host is lost, it is lost, too";
		t->remedy = "isamon doctor aws; isamon backup run sends what is not there";
	} else if (e->verdict == BACKUP_NOT_VERIFIED) {
		t->result = FINDING_NOTE;
		t->meaning = "nobody has tried whether it can be read";
		t->remedy = "isamon backup verify";
	}
	return findings_add(out, t, "%s is %s old, %s%s", e->id, isamon_age((double)age_s, age),
			    verified,
			    e->remote == BACKUP_SENT    ? ", and in S3" :
			    e->remote == BACKUP_TO_SEND ? ", and not in S3 yet" :
							  "");
}

static int tell_kind(const struct config *c, const struct backup_list *l, enum backup_kind kind,
		     struct findings *out)
{
	const char *source = kind == BACKUP_DATA ? c->backup_data : c->backup_config;
	struct finding_text t = {
		.id = "isamon.backup",
		.subject = kind == BACKUP_DATA ? "data" : "configuration",
	};
	const struct catalogue_entry *e = newest(l, kind);

	if (strcmp(source, CONFIG_BACKUP_NONE) == 0)
		return findings_add(out, &t, "is not to be kept");
	if (e)
		return tell_newest(&t, c, e, out);
	if (access(source, F_OK) == 0)
		return tell_none(&t, source, c->backup_directory, out);
	t.result = FINDING_NOTE;
	t.remedy = "if it is elsewhere, say where in [backup]";
	return findings_add(out, &t, "there is no %s that could be kept", source);
}

int isamon_check_backups(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX), why_catalogue = BUF_INIT(WHY_MAX);
	_cleanup_(backup_list_done) struct backup_list list = { 0 };
	_cleanup_(catalogue_closep) struct catalogue *catalogue = NULL;
	const struct config *c = in->config;
	int err = catalogue_open(c->state_directory, &catalogue);

	err = err   ?:
		      backup_list_load(c->backup_directory, c->backup_name, catalogue, &why,
				       &why_catalogue, &list);
	if (err)
		return findings_add(out,
				    &(struct finding_text){ .id = "isamon.backup",
							    .result = FINDING_UNKNOWN },
				    "%s", why.len ? buf_str(&why) : strerror(-err));
	if (why_catalogue.len)
		err = findings_add(out,
				   &(struct finding_text){
					   .id = "isamon.backup",
					   .subject = "catalogue",
					   .result = FINDING_WARNING,
					   .meaning = "which backups are verified is not known",
				   },
				   "%s", buf_str(&why_catalogue));
	err = err ?: tell_kind(c, &list, BACKUP_DATA, out);
	return err ?: tell_kind(c, &list, BACKUP_CONFIG, out);
}

/* --- restores */

static int look_at_restore(const char *target, struct findings *out)
{
	struct finding_text t = { .id = "isamon.restore", .subject = target };
	struct restore_status s;
	int err = restore_look(target, &s);

	if (err == -ENOENT || (!err && !s.unfinished))
		return findings_add(out, &t, "none is unfinished");
	t.result = FINDING_UNKNOWN;
	if (err)
		return findings_add(out, &t, "it cannot be looked at: %s", strerror(-err));
	t.result = s.working ? FINDING_NOTE : FINDING_PROBLEM;
	if (!s.working) {
		t.meaning =
			"the directory may be the old one or the new one, and the service may be stopped";
		t.remedy = "isamon restore --status; isamon restore --resume, or --abort";
	}
	return findings_add(out, &t, "%s is %s, at the step \"%s\"", s.id,
			    s.working ? "under way" : "unfinished", s.step);
}

int isamon_check_restore(const struct check_input *in, struct findings *out)
{
	const char *const targets[] = { in->config->backup_data, in->config->backup_config };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(targets) && !err; i++)
		if (strcmp(targets[i], CONFIG_BACKUP_NONE) != 0)
			err = look_at_restore(targets[i], out);
	if (!err && !out->n)
		err = findings_add(out, &(struct finding_text){ .id = "isamon.restore" },
				   "nothing is kept that could be restored");
	return err;
}
