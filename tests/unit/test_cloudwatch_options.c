/* SPDX-License-Identifier: MIT */
/* What the configuration says, handed on to CloudWatch's parts; and what a look at the service tells the minute. */
#include "cmd/cloudwatch_options.h"

#include <unistd.h>

#include "cmd/cloudwatch_look.h"
#include "nomem.h"
#include "unit.h"

#include "../userspace/cmd/cloudwatch_options.c"

static struct config *load(const char *text)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(65536);
	char path[] = "/tmp/isamon-unit.XXXXXX";
	struct config *c = NULL;
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		return NULL;
	fputs(text, f);
	fclose(f);
	EXPECT_INT(config_load(path, &problems, &c), 0);
	unlink(path);
	return c;
}

static void everything(void)
{
	struct config *c = load("[cloudwatch]\nnamespace = Shop\nstorage_resolution = 1\n"
				"interval = 5\ndimension = Stage=a=b\ndimension = Team=x\n"
				"latency_by_route = yes\nspool_days = 2\nspool_size = 1 MiB\n");
	struct cloudwatch_push_options o;
	struct minute_options m;
	struct spool_limits l;

	REQUIRE(c);
	cloudwatch_minute_options(c, &m);
	EXPECT_UINT(m.interval_s, 5);
	EXPECT(m.latency_by_route && !m.queue && !m.turns && !m.restarts && !m.probes);
	cloudwatch_spool_limits(c, &l);
	EXPECT_UINT(l.max_age_s, 2 * 86400);
	EXPECT_UINT(l.max_bytes, 1 << 20);
	EXPECT_INT(cloudwatch_push_options(c, &o), 0);
	EXPECT_STR(o.push.put.metric_namespace, "Shop");
	EXPECT_UINT(o.push.put.resolution_s, 1);
	EXPECT_UINT(o.push.interval_s, 5);
	EXPECT(!o.push.put.instance_id);
	if (EXPECT_UINT(o.push.put.n_dimensions, 2)) {
		EXPECT_STR(o.push.put.dimensions[0].name, "Stage");
		EXPECT_STR(o.push.put.dimensions[0].value, "a=b");
		EXPECT_STR(o.push.put.dimensions[1].name, "Team");
		EXPECT_STR(o.push.put.dimensions[1].value, "x");
	}
	cloudwatch_push_options_done(&o);
	config_free(c);
}

static void no_memory(void)
{
	struct config *c = load("[cloudwatch]\ndimension = Stage=a\ndimension = Team=x\n");
	struct cloudwatch_push_options o;

	REQUIRE(c);
	for (unsigned int n = 1; nomem_again(n); n++) {
		int err = cloudwatch_push_options(c, &o);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		cloudwatch_push_options_done(&o);
	}
	config_free(c);
}

/* A reload has to see each of the keys. */
static void changes(void)
{
	static const struct {
		const char *key;
		bool aws, minute;
	} rows[] = {
		{ "[aws]\nregion = eu-west-1", false, true },
		{ "[aws]\ninstance_id = i-1", false, true },
		{ "[aws]\nprofile = x", false, true },
		{ "[aws]\nendpoint_url = http://127.0.0.1:1", false, true },
		{ "[aws]\nproxy = http://127.0.0.1:1", false, true },
		{ "[aws]\nimds_endpoint = http://127.0.0.1:1", false, true },
		{ "[cloudwatch]\nlatency_by_route = yes", true, false },
		{ "[cloudwatch]\nqueue = yes", true, false },
		{ "[cloudwatch]\nturns = yes", true, false },
		{ "[cloudwatch]\nrestarts = yes", true, false },
		{ "[cloudwatch]\nprobes = yes", true, false },
		{ "[cloudwatch]\nprocesses = yes", true, false },
		{ "[cloudwatch]\nspool_age = yes", true, false },
		{ "[cloudwatch]\nlog_errors = yes\n[logs]\nenabled = yes", true, false },
		{ "[cloudwatch]\nexceptions = yes\n[logs]\nenabled = yes", true, false },
		{ "[cloudwatch]\njobs = yes\n[job \"j\"]\nschedule = @daily\ncommand = version",
		  true, false },
		{ "[cloudwatch]\ninterval = 5\nstorage_resolution = 1", true, false },
		{ "[cloudwatch]\nnamespace = x", true, true },
		{ "[http]\nstream_threshold = 20", true, true },
	};
	struct config *plain = load("");
	struct minute_options a, b;

	REQUIRE(plain);
	cloudwatch_minute_options(plain, &a);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *c;
		char name[100];

		snprintf(name, sizeof(name), "%s", strchr(rows[i].key, '\n') + 1);
		unit_begin("a change of %.*s", (int)strcspn(name, " "), name);
		c = load(rows[i].key);
		if (!c)
			continue;
		cloudwatch_minute_options(c, &b);
		EXPECT_INT(cloudwatch_same_aws(plain, c), rows[i].aws);
		EXPECT_INT(cloudwatch_same_minute_options(&a, &b), rows[i].minute);
		config_free(c);
	}
	config_free(plain);
}

static void looks(void)
{
	static const struct {
		const char *name;
		bool known;
		uint64_t processes;
		bool service_up, has_processes;
	} rows[] = {
		{ "processes that are known", true, 3, true, true },
		{ "processes that nobody listens for any more", true, 1, false, true },
		{ "processes that are not looked at yet", false, 3, true, false },
		{ "nobody, while somebody listens", false, 0, true, false },
		{ "nobody, and nobody listens", false, 0, false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct service_usage usage = { .known = rows[i].known,
					       .processes = rows[i].processes,
					       .cpu_ns = 7,
					       .cpus = 2,
					       .memory_ratio = 0.25,
					       .restarts = 4 };
		struct self self = { .service_up = rows[i].service_up };
		struct minute_look l = { .monotonic_ns = 1, .spool_age_s = 60 };

		unit_begin("a look at %s", rows[i].name);
		self_probe(&self, "http", true);
		self_probe(&self, "life", false);
		cloudwatch_fill_look(&usage, &self, &l);
		EXPECT_INT(l.has_processes, rows[i].has_processes);
		EXPECT_UINT(l.processes, rows[i].processes);
		EXPECT_UINT(l.cpu_ns, 7);
		EXPECT_UINT(l.cpus, 2);
		EXPECT_NEAR(l.memory_ratio, 0.25, 0);
		EXPECT_UINT(l.restarts, 4);
		EXPECT_UINT(l.monotonic_ns, 1);
		EXPECT_NEAR(l.spool_age_s, 60, 0);
		if (EXPECT_UINT(l.n_probes, 2)) {
			EXPECT_STR(l.probes[0].name, "http");
			EXPECT(l.probes[0].up && !l.probes[1].up);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "everything is handed on", everything },
		{ "without memory", no_memory },
		{ NULL, changes },
		{ NULL, looks },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
