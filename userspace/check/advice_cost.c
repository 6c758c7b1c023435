/* SPDX-License-Identifier: MIT */
/* What costs more than it must: logs that are kept for ever, metrics that are many, backups in the dearest class. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check/advice_facts.h"
#include "check/advice_impl.h"
#include "check/advice_lifecycle.h"

#define RETENTION_DAYS "90"
#define USD_LEAST 5
/* ship/cost.h */
#define PRICES "by the list prices of us-east-1 in 2025; yours may differ"

#define RELOAD "# then: systemctl reload isamon\n"
#define UNDO "the diff backwards (patch -R), then systemctl reload isamon"

static int change_config(const struct advice_case *c, const char *section, const char *key,
			 const char *value, struct buf *out)
{
	int err = advice_set_key(c->host, c->config_path, section, key, " = ", value, out);

	if (err == -ENOMEM)
		return err;
	if (err)
		buf_printf(out, "[%s]\n%s = %s\n", section, key, value);
	return buf_add_str(out, RELOAD);
}

int advice_cost_retention(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const struct advice_aws *aws = &c->host->aws;
	int err;

	if (!c->config->logs_enabled || c->config->logs_retention_days || !aws->has_group ||
	    aws->group_retention_days)
		return 0;
	buf_printf(&d.evidence, "the log group %s keeps everything for ever; it has ",
		   c->config->logs_group);
	advice_bytes(&d.evidence, (double)aws->group_bytes);
	buf_add_str(&d.evidence,
		    " now, and more each month; what is kept is paid each month, by its "
		    "compressed size\n");
	err = change_config(c, "logs", "retention_days", RETENTION_DAYS, &d.change);
	if (err)
		return err;
	buf_add_str(
		&d.effect,
		"CloudWatch deletes what is older than " RETENTION_DAYS
		" days, also of what is there already: "
		"that cannot be undone. Choose the number by what must be kept, and export what must be "
		"kept for longer");
	buf_add_str(&d.undo, "aws logs delete-retention-policy --log-group-name ");
	advice_quoted(&d.undo, c->config->logs_group);
	buf_add_str(&d.undo, ", and the diff backwards; what was deleted stays so");
	return advice_draft_add(ret, &d, "cost.retention", "Logs are kept for ever", false);
}

static int advise_routes(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const struct advice_metrics *m = &c->host->metrics;
	int err;

	if (!c->config->cloudwatch_latency_by_route || m->routes_usd < USD_LEAST)
		return 0;
	buf_printf(
		&d.evidence,
		"%zu metrics go to CloudWatch (%.2f USD a month), %zu of them are response times by route (%.2f "
		"USD), " PRICES "\n",
		m->n, m->usd, m->n_routes, m->routes_usd);
	err = change_config(c, "cloudwatch", "latency_by_route", "no", &d.change);
	if (err)
		return err;
	buf_printf(
		&d.effect,
		"%.2f USD a month less. Times by route are in Prometheus and in isamon top all the same; alarms "
		"and dashboards of CloudWatch that name a Route lose their data",
		m->routes_usd);
	buf_add_str(&d.undo, UNDO);
	return advice_draft_add(ret, &d, "cost.metrics", "Metrics by route are most of the bill",
				false);
}

static int advise_interval(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const struct advice_metrics *m = &c->host->metrics;
	const double less = m->requests_usd - m->requests_usd_minutes;
	int err;

	if (less < USD_LEAST)
		return 0;
	buf_printf(
		&d.evidence,
		"an interval of %llu s makes requests of PutMetricData for %.2f USD a month, " PRICES
		"\n",
		(unsigned long long)c->config->cloudwatch_interval_s, m->requests_usd);
	err = change_config(c, "cloudwatch", "interval", "60", &d.change);
	if (err)
		return err;
	buf_printf(
		&d.effect,
		"%.2f USD a month less; CloudWatch sees minutes, and an alarm comes up to a minute later",
		less);
	buf_add_str(&d.undo, UNDO);
	return advice_draft_add(ret, &d, "cost.interval", "Minutes instead of seconds", false);
}

int advice_cost_metrics(const struct advice_case *c, struct advices *ret)
{
	int err;

	if (!c->config->cloudwatch_enabled || !c->host->metrics.known)
		return 0;
	err = advise_routes(c, ret);
	return err ? err : advise_interval(c, ret);
}

/* --- lifecycle */

static int diff_rules(const struct advice_case *c, const char *prefix, bool moves, struct buf *out)
{
	_cleanup_(buf_done) struct buf old = BUF_INIT(ADVICE_FILE_MAX),
				       merged = BUF_INIT(ADVICE_FILE_MAX),
				       new = BUF_INIT(ADVICE_FILE_MAX);
	const struct buf *rules = &c->host->aws.lifecycle;
	struct advice_edits e = { .n = 0 };
	size_t same = 0;
	char name[512];
	int err = advice_lifecycle_merge(buf_str(rules), rules->len, prefix, moves, &merged);

	if (!err)
		err = advice_lifecycle_format(buf_str(rules), rules->len, &old);
	if (!err)
		err = advice_lifecycle_format(buf_str(&merged), merged.len, &new);
	if (err)
		return err;
	same = old.len; /* what is new stands behind */
	if (new.len < same || memcmp(old.data ?: "", new.data, same) != 0)
		return -EPROTO;
	snprintf(name, sizeof(name), "s3://%s?lifecycle", c->config->backup_s3_bucket);
	if (new.len &&new.data[new.len - 1] == '\n')
		new.data[--new.len] = '\0';
	err = advice_edit(&e, advice_lines(buf_str(&old)), false, "%s", buf_str(&new) + same);
	return err ? err : advice_diff(name, buf_str(&old), &e, out);
}

int advice_lifecycle_prefix(const struct config *c, char *to, size_t size)
{
	size_t n = strlen(c->backup_s3_prefix);
	int len;

	while (n && c->backup_s3_prefix[n - 1] == '/')
		n--;
	len = snprintf(to, size, "%.*s%s", (int)n, c->backup_s3_prefix, n ? "/" : "");
	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

bool advice_lifecycle_moves(const struct config *c, const struct advice_aws *aws)
{
	return !aws->covers_prefix &&
	       (!*c->backup_s3_class || strcmp(c->backup_s3_class, "STANDARD") == 0);
}

int advice_cost_lifecycle(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const struct advice_aws *aws = &c->host->aws;
	const bool moves = advice_lifecycle_moves(c->config, aws);
	char prefix[1100];
	int err;

	if (!*c->config->backup_s3_bucket || !aws->has_lifecycle || (!moves && aws->aborts_uploads))
		return 0;
	err = advice_lifecycle_prefix(c->config, prefix, sizeof(prefix));
	if (err)
		return err;
	buf_printf(&d.evidence, "s3://%s/%s has backups;", c->config->backup_s3_bucket, prefix);
	if (moves)
		buf_add_str(
			&d.evidence,
			" no rule of the bucket moves or ends them, so each stays in the class STANDARD;");
	if (!aws->aborts_uploads)
		buf_add_str(
			&d.evidence,
			" no rule ends uploads that broke off, whose parts are paid for and not listed;");
	d.evidence.data[d.evidence.len - 1] = '\n';
	if (!*prefix)
		buf_add_str(
			&d.evidence,
			"s3_prefix is empty: the rule is for everything in the bucket, not for backups only\n");
	err = diff_rules(c, prefix, moves, &d.change);
	if (err)
		return err == -EPROTO ? 0 : err;
	buf_add_str(&d.change, "# isamon advise --apply cost.lifecycle\n");
	if (moves)
		buf_printf(
			&d.effect,
			"what is older than %d days is kept in a cheaper class, about half the price of STANDARD a "
			"GB and month (see https://aws.amazon.com/s3/pricing/ for your region), as readable as "
			"before; moving it and reading it back costs extra, and it is paid for %d days at least. "
			"Nothing is ever deleted by it; ",
			FACT_S3_IA_DAYS, FACT_S3_IA_DAYS);
	buf_printf(&d.effect, "parts of uploads that broke off go after %d days",
		   ADVICE_LIFECYCLE_ABORT_DAYS);
	buf_printf(&d.undo,
		   "delete the rule that begins with \"" ADVICE_LIFECYCLE_ID
		   "\" from the bucket; what was moved stays in STANDARD_IA until it is copied");
	return advice_draft_add(ret, &d, "cost.lifecycle", "A lifecycle for the backups in S3",
				true);
}
