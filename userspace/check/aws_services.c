/* SPDX-License-Identifier: MIT */
/*
 * The services that isamon uses. Listing is tried; writing is tried for S3 alone, and only when it was asked for: CloudWatch and its logs have no
 * way to try it without doing it, so what the daemon last got is told. Invariant: nothing is called allowed that AWS has not allowed.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws/s3.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "check/aws_impl.h"
#include "metrics/status_json.h"
#include "serve/ask.h"

#define ASK_MS 1000
#define STATUS_MAX (4u << 20)
#define FRESH_S 900.0
#define PROBE "isamon-doctor-probe"

/* --- S3 */

static int stop_listing(const struct s3_entry *e, void *ctx)
{
	(void)e;
	*(bool *)ctx = true;
	return 1;
}

/* Fills in what an error of S3's means. */
static void explain_s3(int err, struct finding_text *t)
{
	t->result = FINDING_PROBLEM;
	t->meaning = "backups do not get to S3";
	switch (err) {
	case -ENXIO: t->remedy = "create the bucket, or correct s3_bucket in [backup]"; break;
	case -EXDEV: t->remedy = "write the bucket's region as region in [aws]"; break;
	case -EACCES:
		t->remedy =
			"allow s3:ListBucket on the bucket, and s3:PutObject and s3:GetObject on its "
			"objects, in the policy of the role";
		break;
	case -EINVAL:
	case -EPROTO:
	case -EOPNOTSUPP: t->remedy = "look at [backup] and [aws]"; break;
	default:
		t->result = FINDING_UNKNOWN;
		t->meaning = NULL;
		t->remedy = "isamon doctor network says whether hosts are reached";
	}
}

static int list_bucket(struct s3 *s, const struct config *c, struct findings *out, bool *ret_ok)
{
	struct finding_text t = { .id = "aws.s3", .subject = c->backup_s3_bucket };
	bool some = false;
	int err = s3_list(s, c->backup_s3_prefix, stop_listing, &some);

	*ret_ok = err == 0 || err == 1;
	if (*ret_ok)
		return findings_add(out, &t, "it can be listed; there is %s under \"%s\"",
				    some ? "something" : "nothing", c->backup_s3_prefix);
	explain_s3(err, &t);
	return findings_add(out, &t, "%s", s3_why(s));
}

static int probe_file(void)
{
	static const char text[] = "isamon doctor tries whether it may write here.\n";
	int fd = memfd_create(PROBE, MFD_CLOEXEC);

	if (fd >= 0 && write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1) {
		close(fd);
		errno = EIO;
		return -1;
	}
	return fd;
}

static int try_delete(struct s3 *s, const char *key, struct findings *out)
{
	struct finding_text t = { .id = "aws.s3-write", .subject = key };

	if (s3_delete(s, key) == 0)
		return findings_add(out, &t,
				    "an object was put there, found as it was sent, and deleted");
	/* isamon itself deletes nothing in S3. */
	t.result = FINDING_NOTE;
	t.meaning = "isamon needs no more than that; the probe is left";
	t.remedy = "delete it by hand";
	return findings_add(out, &t, "an object was put there, but not deleted: %s", s3_why(s));
}

static int try_write(struct s3 *s, const struct config *c, struct findings *out)
{
	const char *prefix = c->backup_s3_prefix;
	size_t n = strlen(prefix);
	_cleanup_(buf_done) struct buf key = BUF_INIT(S3_KEY_MAX);
	_cleanup_(file_closep) int fd = probe_file();
	struct finding_text t = { .id = "aws.s3-write" };
	struct s3_put put = { .fd = fd };
	struct s3_sent sent;
	int err;

	if (fd < 0)
		return -errno;
	while (n && prefix[n - 1] == '/')
		n--;
	buf_printf(&key, "%.*s%s" PROBE "-%llu", (int)n, prefix, n ? "/" : "",
		   (unsigned long long)clock_realtime_ns());
	put.key = t.subject = buf_str(&key);
	err = s3_put_file(s, &put, &sent);
	if (!err)
		return try_delete(s, put.key, out);
	explain_s3(err, &t);
	return findings_add(out, &t, "%s", s3_why(s));
}

int aws_check_s3(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(AWS_WHY_MAX);
	_cleanup_(lone_session_close) struct lone_session look = { 0 };
	const struct finding_text t = { .id = "aws.s3", .result = FINDING_UNKNOWN };
	const struct config *c = in->config;
	struct s3 *s = NULL;
	bool listed;
	int err;

	if (!*c->backup_s3_bucket)
		return findings_add(out, &(struct finding_text){ .id = "aws.s3" },
				    "backups are not sent there: no s3_bucket in [backup]");
	err = aws_check_begin(in, "aws.s3", &look, out);
	if (err)
		return err > 0 ? 0 : err;
	err = aws_session_s3(look.session, c, NULL, &why, &s);
	if (err)
		return findings_add(out, &t, "%s", why.len ? buf_str(&why) : strerror(-err));
	err = list_bucket(s, c, out, &listed);
	/* Who may write need not be allowed to list. */
	if (!err && in->ask_s3)
		err = try_write(s, c, out);
	s3_free(s);
	return err;
}

/* --- what the daemon last got */

/* Returns whether a daemon told it. */
static bool ask_status(const struct config *c, struct status *ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096), body = BUF_INIT(STATUS_MAX);

	return buf_printf(&path, "%s/isamon.sock", c->runtime_directory) == 0 &&
	       ask_daemon(buf_str(&path), "/status", ASK_MS, &body) == 0 &&
	       status_json_parse(buf_str(&body), body.len, ret) == 0;
}

/* What pushes tell of a permission; @success_s: when the last one was taken. */
static int tell_pushes(const char *id, const char *action, const char *problem, double success_s,
		       struct findings *out)
{
	double ago_s = (double)clock_realtime_ns() / NS_PER_SEC - success_s;
	struct finding_text t = { .id = id, .subject = action };

	if (*problem) {
		t.result = FINDING_PROBLEM;
		t.meaning = "what the daemon has for AWS waits on this host";
		t.remedy = "do what it says; it tries again by itself";
		return findings_add(out, &t, "the daemon's last attempt: %s", problem);
	}
	if (isfinite(success_s) && success_s > 0 && ago_s < FRESH_S)
		return findings_add(out, &t, "allowed: AWS took the daemon's last ones %.0f s ago",
				    ago_s > 0 ? ago_s : 0);
	t.result = FINDING_NOTE;
	t.meaning = "whether it is allowed is not proven: it cannot be tried without doing it";
	t.remedy = "isamon metrics push --once; isamon status";
	if (isfinite(success_s) && success_s > 0)
		return findings_add(out, &t, "AWS took the daemon's last ones %.0f minutes ago",
				    ago_s / 60);
	return findings_add(out, &t, "no daemon has sent any since it began");
}

int aws_check_cloudwatch(const struct check_input *in, struct findings *out)
{
	_cleanup_(lone_session_close) struct lone_session look = { 0 };
	struct status s;
	int err;

	if (!in->config->cloudwatch_enabled)
		return findings_add(out, &(struct finding_text){ .id = "aws.cloudwatch" },
				    "metrics are not published: enabled = no in [cloudwatch]");
	err = aws_check_begin(in, "aws.cloudwatch", &look, out);
	if (err)
		return err > 0 ? 0 : err;
	if (!ask_status(in->config, &s))
		status_init(&s);
	return tell_pushes("aws.cloudwatch", "cloudwatch:PutMetricData", s.cloudwatch_problem,
			   s.cloudwatch_success_s, out);
}

/* --- logs */

static const char *first_group(const json_t *answer, const char *wanted)
{
	const json_t *list = json_object_get(answer, "logGroups");
	const json_t *group;
	size_t i;

	json_array_foreach(list, i, group)
		if (strcmp(json_member_text(group, "logGroupName", ""), wanted) == 0)
			return wanted;
	return NULL;
}

static int tell_group(const struct config *c, const struct aws_said *said, struct findings *out)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	struct finding_text t = { .id = "aws.logs", .subject = c->logs_group };

	if (said->failure == AWS_DENIED) {
		t.result = FINDING_NOTE;
		return findings_add(out, &t,
				    "whether the group is there may not be asked; shipping does "
				    "not need that (logs:DescribeLogGroups)");
	}
	if (said->failure != AWS_OK) {
		t.result = FINDING_UNKNOWN;
		t.remedy = "isamon doctor network says whether hosts are reached";
		return findings_add(out, &t, "%s", buf_str(&said->why));
	}
	answer = json_loadb(buf_str(&said->body), said->body.len, 0, NULL);
	if (first_group(answer, c->logs_group))
		return findings_add(out, &t, "the group is there");
	t.result = FINDING_NOTE;
	t.meaning =
		"it is made with the first event, for which logs:CreateLogGroup must be allowed";
	return findings_add(out, &t, "there is no such group yet");
}

int aws_check_logs(const struct check_input *in, struct findings *out)
{
	_cleanup_(lone_session_close) struct lone_session look = { 0 };
	_cleanup_(buf_done) struct buf body = BUF_INIT(4096);
	_cleanup_(json_freep) json_t *request = NULL;
	const struct config *c = in->config;
	struct aws_said said;
	struct status s;
	int err;

	if (!c->logs_enabled)
		return findings_add(out, &(struct finding_text){ .id = "aws.logs" },
				    "logs are not shipped: enabled = no in [logs]");
	err = aws_check_begin(in, "aws.logs", &look, out);
	if (err)
		return err > 0 ? 0 : err;
	request = json_pack("{s:s, s:i}", "logGroupNamePrefix", c->logs_group, "limit", 50);
	err = request ? json_add_text(request, JSON_COMPACT, &body) : -ENOMEM;
	if (err)
		return err;
	aws_check_ask(&look, AWS_LOGS, "DescribeLogGroups", buf_str(&body), &said);
	err = tell_group(c, &said, out);
	aws_said_done(&said);
	if (err)
		return err;
	if (!ask_status(c, &s))
		status_init(&s);
	return tell_pushes("aws.logs", "logs:PutLogEvents", s.logs_problem, s.logs_success_s, out);
}
