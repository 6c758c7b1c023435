/* SPDX-License-Identifier: MIT */
/* What the daemon says of itself: whether it runs, its probes, what it lost, and what waits to be sent. Its control socket is asked, so
 * nothing here is counted as a scrape of its port. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check/isamon_impl.h"
#include "serve/ask.h"

#define ANSWER_MAX (32u << 20)
#define ASK_MS 1000
#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0
#define LATE (15 * MINUTE)

const char *isamon_age(double seconds, char ret[ISAMON_AGE_MAX])
{
	if (!(seconds > 0))
		seconds = 0;
	if (seconds < 2 * MINUTE)
		snprintf(ret, ISAMON_AGE_MAX, "%.0f seconds", seconds);
	else if (seconds < 2 * HOUR)
		snprintf(ret, ISAMON_AGE_MAX, "%.0f minutes", seconds / MINUTE);
	else if (seconds < 2 * DAY)
		snprintf(ret, ISAMON_AGE_MAX, "%.0f hours", seconds / HOUR);
	else
		snprintf(ret, ISAMON_AGE_MAX, "%.0f days", seconds / DAY);
	return ret;
}

/* --- probes */

static const struct {
	const char *name, *meaning, *remedy;
} probes[] = {
	{ "http_close", "a request whose client fell silent stays in http_server_active_requests",
	  "the kernel refuses the program: journalctl -u isamon says why; a newer kernel has it" },
	{ "queue", "queue time and the workers of requests are not known",
	  "the kernel refuses the tracepoint: journalctl -u isamon says why" },
	{ "tasks", "processes are read off /proc, which costs more",
	  "the kernel refuses BPF iterators: journalctl -u isamon says why; a newer kernel has them" },
	{ "life", "ends of processes, their signals and OOM kills are not seen",
	  "the kernel refuses the programs: journalctl -u isamon says why; a newer kernel has them" },
	{ "listen_queue", "the listen queues of the ports are not known",
	  "load the kernel's tcp_diag: modprobe tcp_diag" },
	{ "cloudwatch", "metrics do not reach CloudWatch, and wait on the disk",
	  "isamon doctor aws; isamon status says what it lacks" },
	{ "logs", "logs do not reach CloudWatch Logs",
	  "isamon doctor aws; isamon status says what it lacks" },
};

static int tell_probe(const struct status_probe *p, struct findings *out)
{
	struct finding_text t = {
		.id = "isamon.probe",
		.subject = p->name,
		.result = FINDING_WARNING,
		.remedy = "journalctl -u isamon says why",
	};

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		if (strcmp(probes[i].name, p->name) != 0)
			continue;
		t.meaning = probes[i].meaning;
		t.remedy = probes[i].remedy;
	}
	return findings_add(out, &t, "it is off");
}

static int judge_probes(const struct status *s, struct findings *out)
{
	size_t off = 0;
	int err = 0;

	for (size_t i = 0; i < s->n_probes && !err; i++) {
		if (s->probes[i].up)
			continue;
		off++;
		err = tell_probe(&s->probes[i], out);
	}
	if (!err && !off)
		err = findings_add(out, &(struct finding_text){ .id = "isamon.probe" },
				   "all %zu are on", s->n_probes);
	return err;
}

/* --- what waits */

static enum finding_result judge_age(double seconds)
{
	if (!(seconds >= LATE))
		return FINDING_FINE;
	return seconds >= DAY ? FINDING_PROBLEM : FINDING_WARNING;
}

static int judge_cloudwatch(const struct status *s, double now_s, struct findings *out)
{
	struct finding_text t = { .id = "isamon.spool", .subject = "CloudWatch" };
	double since = now_s - (isfinite(s->cloudwatch_success_s) && s->cloudwatch_success_s > 0 ?
					s->cloudwatch_success_s :
					s->isamon_since_s);
	char age[ISAMON_AGE_MAX];

	if (s->cloudwatch_on != 1)
		return 0;
	if (s->cloudwatch_minutes == STATUS_UNKNOWN || !s->cloudwatch_minutes)
		return findings_add(out, &t, "no minute waits to be sent");
	t.result = judge_age(since);
	if (*s->cloudwatch_problem && t.result == FINDING_FINE)
		t.result = FINDING_WARNING;
	if (t.result != FINDING_FINE) {
		t.meaning = "metrics wait on the disk until CloudWatch takes them, 14 days at most";
		t.remedy = "isamon doctor aws";
	}
	return findings_add(out, &t, "%" PRIu64 " minutes wait; it last took some %s ago%s%s",
			    s->cloudwatch_minutes, isamon_age(since, age),
			    *s->cloudwatch_problem ? ": " : "", s->cloudwatch_problem);
}

static int judge_logs(const struct status *s, double now_s, struct findings *out)
{
	struct finding_text t = { .id = "isamon.spool", .subject = "CloudWatch Logs" };
	double since =
		isfinite(s->logs_oldest_s) && s->logs_oldest_s > 0 ? now_s - s->logs_oldest_s : 0;
	char age[ISAMON_AGE_MAX];

	if (s->logs_on != 1)
		return 0;
	t.result = judge_age(since);
	if (*s->logs_problem && t.result == FINDING_FINE)
		t.result = FINDING_WARNING;
	if (t.result != FINDING_FINE) {
		t.meaning =
			"logs wait in their files; what is rotated away and removed meanwhile is lost";
		t.remedy = "isamon doctor aws";
	}
	return findings_add(out, &t, "the oldest that has not arrived is %s old%s%s",
			    isamon_age(since, age), *s->logs_problem ? ": " : "", s->logs_problem);
}

int isamon_judge_status(const struct status *s, double now_s, struct findings *out)
{
	char age[ISAMON_AGE_MAX];
	int err = findings_add(out, &(struct finding_text){ .id = "isamon.daemon" },
			       "it runs since %s, and answers",
			       isamon_age(now_s - s->isamon_since_s, age));

	err = err ?: judge_probes(s, out);
	err = err ?: judge_cloudwatch(s, now_s, out);
	return err ?: judge_logs(s, now_s, out);
}

/* --- what was lost */

bool isamon_page_sum(const char *page, const char *name, const char *label, double *ret)
{
	size_t n = strlen(name);
	bool found = false;
	double sum = 0;

	for (const char *line = page; line && *line;
	     line = strchr(line, '\n'), line += line != NULL) {
		const char *value = line + strcspn(line, " \n");
		const char *has;

		if (strncmp(line, name, n) != 0 || (line[n] != '{' && line[n] != ' '))
			continue;
		has = label ? strstr(line, label) : line;
		/* A label of ours has no blank in its value. */
		if (*value != ' ' || !has || has > value)
			continue;
		sum += strtod(value, NULL);
		found = true;
	}
	if (found)
		*ret = sum;
	return found;
}

static const struct lost {
	const char *family, *label, *subject;
	enum finding_result result;
	const char *what, *meaning, *remedy;
} lost[] = {
	{ "isamon_trace_lost_total", NULL, "records", FINDING_WARNING, "records of the kernel",
	  "not every request and process was counted", "double ring_size in [http]" },
	{ "isamon_trace_bad_records_total", NULL, "bad records", FINDING_PROBLEM,
	  "records that made no sense", "a fault of isamon, or a kernel it does not know",
	  "make a bundle (isamon doctor --bundle FILE), and report it" },
	{ "isamon_cloudwatch_minutes_dropped_total", NULL, "minutes", FINDING_WARNING,
	  "minutes for CloudWatch, given up", "metrics of these minutes are missing there",
	  "isamon doctor aws; spool_size and spool_days in [cloudwatch]" },
	{ "isamon_cloudwatch_minutes_rejected_total", NULL, "refused minutes", FINDING_WARNING,
	  "minutes that CloudWatch found wrong", "metrics of these minutes are missing there",
	  "the log says why: journalctl -u isamon" },
	{ "isamon_logs_lost_bytes_total", NULL, "log bytes", FINDING_WARNING,
	  "bytes of logs that were cut off before they were read", "these lines never arrive",
	  "isamon logs check: rotate without copytruncate" },
	{ "isamon_logs_events_rejected_total", NULL, "log events", FINDING_WARNING,
	  "events that CloudWatch Logs refused for good", "these lines never arrive",
	  "the log says why: journalctl -u isamon; timestamp in [log]" },
	{ "isamon_logs_files_unreadable", NULL, "log files", FINDING_WARNING,
	  "files of logs that cannot be read now", "their lines do not arrive",
	  "the log says why: journalctl -u isamon" },
	{ "isamon_config_reloads_total", "result=\"refused\"", "configuration", FINDING_WARNING,
	  "times the daemon refused its changed configuration", "it may still work by an old one",
	  "isamon check-config, then systemctl reload isamon" },
};

static int judge_overdue(const char *page, struct findings *out)
{
	const struct finding_text t = {
		.id = "isamon.jobs",
		.result = FINDING_WARNING,
		.meaning = "they were not started when their time came",
		.remedy = "isamon jobs list",
	};
	double n;

	if (!isamon_page_sum(page, "isamon_job_overdue", NULL, &n) || n < 1)
		return 0;
	return findings_add(out, &t, "%.0f jobs are overdue", n);
}

int isamon_judge_page(const char *page, double now_s, struct findings *out)
{
	bool any = false;
	int err = 0;

	(void)now_s;
	for (size_t i = 0; i < ARRAY_SIZE(lost) && !err; i++) {
		const struct lost *l = &lost[i];
		const struct finding_text t = {
			.id = "isamon.lost",
			.subject = l->subject,
			.result = l->result,
			.meaning = l->meaning,
			.remedy = l->remedy,
		};
		double n;

		if (!isamon_page_sum(page, l->family, l->label, &n) || n < 1)
			continue;
		any = true;
		err = findings_add(out, &t, "%.0f %s, since it began", n, l->what);
	}
	if (!err && !any)
		err = findings_add(out, &(struct finding_text){ .id = "isamon.lost" },
				   "nothing was lost since it began");
	return err ?: judge_overdue(page, out);
}

/* --- asking */

static int tell_silent(const char *path, int err, struct findings *out)
{
	struct finding_text t = { .id = "isamon.daemon", .result = FINDING_PROBLEM };

	if (err == -EACCES) {
		t.result = FINDING_UNKNOWN;
		t.remedy = "run it as root";
		return findings_add(out, &t, "only root may ask it at %s", path);
	}
	t.meaning = "nothing is measured, no alarm goes off, no job runs";
	if (err == -ENOENT || err == -ECONNREFUSED) {
		t.remedy = "systemctl enable --now isamon";
		return findings_add(out, &t, "no daemon answers at %s", path);
	}
	t.remedy = "journalctl -u isamon says more; systemctl restart isamon";
	if (err == -EBUSY || err == -ECONNRESET || err == -EPIPE)
		t.result = FINDING_WARNING;
	return findings_add(out, &t, "it does not answer at %s: %s", path, strerror(-err));
}

int isamon_check_daemon(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096), body = BUF_INIT(ANSWER_MAX);
	double now_s = (double)clock_realtime_ns() / NS_PER_SEC;
	struct status s;
	int err = buf_printf(&path, "%s/isamon.sock", in->config->runtime_directory);

	if (err)
		return err;
	err = ask_daemon(buf_str(&path), "/status", ASK_MS, &body);
	if (!err)
		err = status_json_parse(buf_str(&body), body.len, &s);
	if (err)
		return tell_silent(buf_str(&path), err, out);
	err = isamon_judge_status(&s, now_s, out);
	if (err)
		return err;
	err = ask_daemon(buf_str(&path), "/metrics", ASK_MS, &body);
	if (err)
		return findings_add(out,
				    &(struct finding_text){ .id = "isamon.lost",
							    .result = FINDING_UNKNOWN },
				    "its metrics cannot be had: %s", strerror(-err));
	return isamon_judge_page(buf_str(&body), now_s, out);
}
