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

/* --- sizes, at the borders */

static int64_t cpu_ppm, free_bytes, steal_ppm;

static void used_so(struct history_minute *m, int i, int n)
{
	(void)n;
	m->host_cpu_ppm = i % 50 == 0 ? cpu_ppm : 1000; /* 2 % of them */
	if (i % 10 == 0)                                /* and 10 % */
		m->host_steal_ppm = steal_ppm;
	if (cpu_ppm > 800000 && i % 10 < 2)
		m->host_cpu_ppm = cpu_ppm;
	m->host_available_bytes = i == 500 ? free_bytes : 7 * GIB;
	m->host_memory_bytes = 8 * GIB;
	m->cpus = 2;
}

static const struct {
	const char *type;
	int64_t cpu_ppm, free_mib, steal_ppm;
	const char *id, *change; /* NULL: no advice on the size */
} sizes[] = {
	{ "m5.xlarge", 350000, 4916, 0, "cost.smaller", "--instance-type m5.large\n" },
	{ "m5.xlarge", 351000, 4916, 0, NULL, NULL },
	{ "m5.xlarge", 350000, 4915, 0, NULL, NULL }, /* 60 % of 8 GiB are 4915.2 MiB */
	{ "m5.large", 100000, 6000, 0, NULL, NULL },  /* there is none below it */
	{ "m6g.large", 100000, 6000, 0, "cost.smaller", "--instance-type m6g.medium\n" },
	{ "m6g.medium", 100000, 6000, 0, NULL, NULL },
	{ "c7gn.large", 100000, 6000, 0, "cost.smaller", "--instance-type c7gn.medium\n" },
	{ "g5.large", 100000, 6000, 0, NULL, NULL },
	{ "t3.large", 100000, 6000, 0, "cost.smaller", "--instance-type t3.medium\n" },
	{ "t3.nano", 100000, 6000, 0, NULL, NULL },
	{ "m5.24xlarge", 100000, 6000, 0, "cost.smaller", "--instance-type FAMILY.SIZE\n" },
	{ "", 100000, 6000, 0, "cost.smaller", "--instance-type FAMILY.SIZE\n" },
	{ "m5.large", 850000, 6000, 0, "cost.larger", "--instance-type m5.xlarge\n" },
	{ "m5.large", 849000, 6000, 0, NULL, NULL },
	{ "m5.16xlarge", 900000, 6000, 0, "cost.larger", "--instance-type FAMILY.SIZE\n" },
	{ "t3.micro", 100000, 6000, 50000, "cost.larger", "not burstable" },
	{ "t3.micro", 100000, 6000, 49000, "cost.smaller", "t3.nano" },
	{ "m5.large", 100000, 6000, 50000, "cost.larger", "other hardware" },
};

static void finds_the_size(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct advice *smaller, *larger, *a;

		set_up();
		snprintf(host.instance_type, sizeof(host.instance_type), "%s", sizes[i].type);
		cpu_ppm = sizes[i].cpu_ppm;
		free_bytes = sizes[i].free_mib << 20;
		steal_ppm = sizes[i].steal_ppm;
		fill(&week, 7 * MINUTES_A_DAY, used_so);
		ask();
		smaller = advices_find(&advices, "cost.smaller");
		larger = advices_find(&advices, "cost.larger");
		a = smaller ?: larger;
		if (!EXPECT(!smaller || !larger) ||
		    !EXPECT_STR(a ? a->id : "", sizes[i].id ?: "") ||
		    (a && !EXPECT_HAS(a->change, sizes[i].change)))
			printf("of: %s, row %zu\n", sizes[i].type, i);
		tear_down();
	}
}

static const struct {
	const char *vendor, *uuid, *product;
	bool ec2;
	const char *type;
} firmwares[] = {
	{ "Amazon EC2\n", NULL, "m5.large\n", true, "m5.large" },
	{ "Amazon EC2\n", NULL, "u-6tb1.112xlarge\n", true, "u-6tb1.112xlarge" },
	{ "Amazon EC2\n", NULL, "m5.large; rm -r /\n", true, "" },
	{ "Amazon EC2\n", NULL, NULL, true, "" },
	{ "Xen\n", "ec2e1916-9099-7caf-fd21-012345abcdef\n", "HVM domU\n", true, "" },
	{ "Xen\n", "45e12aec-dcd1-b213-94ed-012345abcdef\n", "HVM domU\n", false, "" },
	{ "QEMU\n", NULL, "m5.large\n", false, "" },
	{ NULL, NULL, NULL, false, "" },
};

static void remove_file(const char *path)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "%s%s", top, path);
	unlink(whole);
	*strrchr(whole, '/') = '\0';
	rmdir(whole);
}

static void knows_the_instance(void)
{
	static const char product[] = "/sys/class/dmi/id/product_name",
			  uuid[] = "/sys/hypervisor/uuid";

	for (size_t i = 0; i < ARRAY_SIZE(firmwares); i++) {
		set_up();
		write_file(VENDOR, firmwares[i].vendor ?: "");
		if (firmwares[i].product)
			write_file(product, firmwares[i].product);
		if (firmwares[i].uuid)
			write_file(uuid, firmwares[i].uuid);
		advice_host_done(&host);
		EXPECT_INT(advice_host_look(config, top, &host), 0);
		if (!EXPECT_INT(host.on_ec2, firmwares[i].ec2) ||
		    !EXPECT_STR(host.instance_type, firmwares[i].type))
			printf("of: row %zu\n", i);
		remove_file(product);
		remove_file(uuid);
		tear_down();
	}
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
		EXPECT_HAS(a->evidence, "it has 186 GiB now");
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
		{ "the size", finds_the_size },
		{ "the instance", knows_the_instance },
		{ "what is not needed is saved", saves_what_is_not_needed },
		{ "databases", looks_at_databases },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
