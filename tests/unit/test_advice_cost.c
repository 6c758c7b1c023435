/* SPDX-License-Identifier: MIT */
/* Capacity, and what is not in the history: databases, log groups, metrics, buckets. */
#include "advice_fixture.h"

static void hardly_used(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->host_cpu_ppm = 90000;
	m->host_available_bytes = 6 * GIB;
}

static void wants_no_size_of_what_is_not_ec2(void)
{
	set_up();
	host.on_ec2 = false;
	fill(&week, 7 * MINUTES_A_DAY, hardly_used);
	ask();
	EXPECT_UINT(advices.n, 0);
	fill(&week, 10, NULL);
	ask();
	EXPECT_UINT(advices.n_lacks, 6);
	tear_down();
}

static void commits_to_what_always_runs(void)
{
	set_up();
	fill(&week, 7 * MINUTES_A_DAY, NULL);
	fill(&month, 15 * MINUTES_A_DAY, NULL);
	ask();
	REQUIRE_UINT(advices.n, 1);
	EXPECT_STR(advices.list[0].id, "cost.reserved");
	/* It was off for a third of it. */
	for (size_t i = 0; i < month.n; i++)
		if (i > MINUTES_A_DAY)
			month.list[i].start_s += 5 * 86400;
	ask();
	EXPECT_UINT(advices.n, 0);
	/* What is to be made smaller is not bound. */
	fill(&week, 7 * MINUTES_A_DAY, hardly_used);
	fill(&month, 15 * MINUTES_A_DAY, hardly_used);
	ask();
	REQUIRE_UINT(advices.n, 1);
	EXPECT_STR(advices.list[0].id, "cost.smaller");
	tear_down();
}

/* --- what is not in the history */

static void saves_what_is_not_needed(void)
{
	const struct advice *a;

	set_up();
	config->logs_enabled = config->cloudwatch_enabled = true;
	config->cloudwatch_latency_by_route = true;
	config->backup_s3_bucket = (free(config->backup_s3_bucket), strdup("bucket"));
	host.aws.has_group = host.aws.has_lifecycle = true;
	host.aws.group_bytes = 200000000000;
	host.metrics = (struct advice_metrics){ .known = true,
						.n = 60,
						.n_routes = 50,
						.usd = 18,
						.routes_usd = 15,
						.requests_usd = 26,
						.requests_usd_minutes = 0.44 };
	ask();
	a = advices_find(&advices, "cost.retention");
	if (EXPECT(a != NULL)) {
		EXPECT_HAS(a->evidence, "6.00 USD a month");
		EXPECT_HAS(a->change, " [logs]\n+retention_days = 90\n enabled = yes\n");
	}
	a = advices_find(&advices, "cost.metrics");
	if (EXPECT(a != NULL))
		EXPECT_HAS(a->change, "-latency_by_route = yes\n+latency_by_route = no\n");
	EXPECT(advices_find(&advices, "cost.interval") != NULL);
	a = advices_find(&advices, "cost.lifecycle");
	if (EXPECT(a != NULL)) {
		EXPECT(a->applies);
		EXPECT_HAS(a->change, "+++ s3://bucket?lifecycle\n");
		EXPECT_HAS(a->change, "+  <ID>isamon-backups</ID>\n");
	}
	EXPECT_UINT(advices.n, 4);
	host.aws.group_retention_days = 30;
	host.aws.covers_prefix = host.aws.aborts_uploads = true;
	host.metrics.routes_usd = 1;
	host.metrics.requests_usd = 0.44;
	ask();
	if (!EXPECT_UINT(advices.n, 0))
		list();
	tear_down();
}

static void looks_at_databases(void)
{
	set_up();
	fill(&week, 2 * MINUTES_A_DAY, NULL);
	host.n_databases = 1;
	host.databases[0] = (struct advice_database){
		.path = "/d",
		.known = true,
		.figures = { .file_bytes = 1u << 30,
			     .page_size = 4096,
			     .n_pages = 262144,
			     .n_free = 100 },
	};
	snprintf(host.databases[0].figures.journal_mode, 16, "wal");
	ask();
	EXPECT_UINT(advices.n, 0);
	snprintf(host.databases[0].figures.journal_mode, 16, "delete");
	ask();
	EXPECT(advices_find(&advices, "database.wal") != NULL);
	host.databases[0].figures.n_free = 131072;
	host.databases[0].figures.wal_bytes = 1u << 30;
	ask();
	EXPECT_UINT(advices.n, 3);
	host.n_databases = 0;
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "only EC2 has sizes", wants_no_size_of_what_is_not_ec2 },
		{ "what always runs", commits_to_what_always_runs },
		{ "what is not needed is saved", saves_what_is_not_needed },
		{ "databases", looks_at_databases },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
