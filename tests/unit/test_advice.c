/* SPDX-License-Identifier: MIT */
/* Each advice comes for its cause, with what was seen; a healthy week has none; and too little history is said. */
#include "advice_fixture.h"

/* --- histories that are not */

static void requests_wait(struct history_minute *m, int i, int n)
{
	(void)n;
	m->cpus = 8;
	m->cpu_ns = 160 * S;
	if (i % 10 == 0)
		m->queue_p99_ns = S / 3;
}

static void requests_wait_and_the_host_is_full(struct history_minute *m, int i, int n)
{
	requests_wait(m, i, n);
	m->host_cpu_ppm = 950000;
}

static void workers_wait_for_cpus(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->cpus = 2;
	m->workers = 9;
	m->delay_ns = 20 * S;
}

static void connections_are_not_kept(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->connections = m->requests - 10;
}

static void too_few_to_be_kept(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->requests = m->connections = 59;
}

static void only_websockets(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->connections = m->websockets = m->requests;
}

static void answers_are_streams(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->streams = 3;
}

static void many_connections(struct history_minute *m, int i, int n)
{
	(void)n;
	m->connections_max = i == 77 ? 1500 : 40;
}

static void files_run_out(struct history_minute *m, int i, int n)
{
	(void)n;
	m->free_fds_min = i == 100 ? 30 : 900;
	m->open_fds = i == 100 ? 1100 : 200;
}

static void connections_are_dropped(struct history_minute *m, int i, int n)
{
	(void)n;
	m->listen_drops = i % 100 == 0 ? 40 : 0;
}

static void memory_grows(struct history_minute *m, int i, int n)
{
	(void)n;
	m->memory_bytes = GIB + (int64_t)i * 200000;
}

static void memory_grows_fast(struct history_minute *m, int i, int n)
{
	(void)n;
	m->memory_bytes = GIB / 2 + (int64_t)i * 500000;
	m->host_available_bytes = GIB;
}

static void memory_grows_until_a_restart(struct history_minute *m, int i, int n)
{
	memory_grows(m, i, n);
	m->restarts = i % (2 * MINUTES_A_DAY) == 0;
}

static void memory_goes_up_and_down(struct history_minute *m, int i, int n)
{
	(void)n;
	m->memory_bytes = GIB + (i / MINUTES_A_DAY % 2) * GIB / 2 + i;
}

static void memory_is_short(struct history_minute *m, int i, int n)
{
	(void)n;
	if (i % 20 == 0)
		m->host_available_bytes = GIB / 4;
}

static void hardly_used(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->host_cpu_ppm = 90000;
	m->host_available_bytes = 6 * GIB;
}

static void always_busy(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->host_cpu_ppm = 930000;
}

static void others_have_its_cpu(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->host_steal_ppm = 150000;
}

static void nobody_at_night(struct history_minute *m, int i, int n)
{
	const int64_t hour = m->start_s / 3600 % 24;

	(void)i;
	(void)n;
	if (hour >= 22 || hour < 6)
		m->requests = m->timed = m->in_flight_max = 0;
}

static void only_a_conversation_at_night(struct history_minute *m, int i, int n)
{
	nobody_at_night(m, i, n);
	m->websockets_max = 1;
}

static void nobody_looked_at_night(struct history_minute *m, int i, int n)
{
	nobody_at_night(m, i, n);
	if (!m->requests)
		m->requests = m->in_flight_max = HISTORY_UNKNOWN;
}

static void off_at_night(struct history_minute *m, int i, int n)
{
	nobody_at_night(m, i, n);
	if (!m->requests)
		m->watched_s = 0; /* as if it had no row */
}

static void peaks(struct history_minute *m, int i, int n)
{
	(void)n;
	m->host_cpu_ppm = i % 20 == 0 ? 800000 : 100000;
}

static void more_workers_since_yesterday(struct history_minute *m, int i, int n)
{
	m->cpus = 8;
	if (i < n - 1400) {
		requests_wait(m, i, n);
		m->workers = 2;
	}
}

static void a_worker_was_replaced(struct history_minute *m, int i, int n)
{
	requests_wait(m, i, n);
	if (i > n - 60 && i < n - 55)
		m->workers = 3;
}

static void quiet_and_slow(struct history_minute *m, int i, int n)
{
	requests_wait(m, i, n);
	m->requests = m->timed = 1;
}

static void another_instance(struct history_minute *m, int i, int n)
{
	if (i < n - 2 * MINUTES_A_DAY) {
		m->cpus = 2;
		m->host_memory_bytes = 4 * GIB;
		m->host_available_bytes = GIB / 10;
		m->host_cpu_ppm = 950000;
	}
}

static void more_files_since_yesterday(struct history_minute *m, int i, int n)
{
	if (i < n - MINUTES_A_DAY)
		m->free_fds_min = 20;
	else
		m->free_fds_min = 65000;
}

/* A day has 16 hours; what was in the gaps nobody knows. */
static void memory_grows_with_gaps(struct history_minute *m, int i, int n)
{
	memory_grows(m, i, n);
	m->start_s = NOW_S - (int64_t)(7 - i / 960) * 86400 + (i % 960) * 60;
	if (i >= 7 * 960)
		m->start_s = NOW_S + (int64_t)(i - 7 * 960) * 60;
}

/* Nothing but that isamon ran. */
static void nothing_is_known(struct history_minute *m, int i, int n)
{
	const int64_t start_s = m->start_s;

	(void)i;
	(void)n;
	history_minute_init(m, start_s);
	m->watched_s = 60;
}

/* --- cases */

static void has_no_advice_for_a_healthy_week(void)
{
	set_up();
	fill(&week, 7 * MINUTES_A_DAY, NULL);
	ask();
	if (!EXPECT_UINT(advices.n, 0))
		list();
	EXPECT_UINT(advices.n_lacks, 0);
	fill(&week, 7 * MINUTES_A_DAY, nothing_is_known);
	ask();
	if (!EXPECT_UINT(advices.n, 0))
		list();
	tear_down();
}

static const struct {
	const char *name;
	spoil_fn spoil;
	const char *id; /* NULL: none */
	const char *seen, *change;
} causes[] = {
	{ "requests wait", requests_wait, "workers.more", "10 % of the 10080 minutes",
	  "-command=/v/bin/uvicorn app:app --workers 4\n+command=/v/bin/uvicorn app:app --workers 6\n" },
	{ "no room for more workers", requests_wait_and_the_host_is_full, "cost.larger", "CPUs",
	  "the next larger size" },
	{ "workers wait for CPUs", workers_wait_for_cpus, "workers.fewer", "9 workers on 2 CPUs",
	  "+command=/v/bin/uvicorn app:app --workers 2\n" },
	{ "connections are not kept", connections_are_not_kept, "proxy.keepalive", "0.98 for each",
	  "+upstream agent-isa {\n+    server 127.0.0.1:8000;\n+    keepalive 32;\n" },
	{ "too few to be kept", too_few_to_be_kept, NULL, NULL, NULL },
	{ "WebSockets have their own", only_websockets, NULL, NULL, NULL },
	{ "answers are streams", answers_are_streams, "proxy.buffering", "30240 streams",
	  "+        proxy_buffering off;\n" },
	{ "many connections", many_connections, "proxy.connections", "up to 1500 connections",
	  "-    worker_connections 768;\n+    worker_connections 16384;\n" },
	{ "files run out", files_run_out, "limits.files", "within 30 open files",
	  "+minfds = 65536\n" },
	{ "connections are dropped", connections_are_dropped, "limits.backlog",
	  "turned away 4040 connections", "--workers 4 --backlog 8192\n" },
	{ "memory grows", memory_grows, "memory.grows", "1.1 GiB, 1.4 GiB",
	  " enabled = yes\n+\n+[job \"restart\"]\n" },
	{ "memory grows fast", memory_grows_fast, "memory.grows",
	  "1.0 GiB available now: enough for 1 day more", "+schedule = 30 4 * * *\n" },
	{ "memory grows slowly", memory_grows, "memory.grows", "enough for 14 days more",
	  "+schedule = 30 4 * * SUN\n" },
	{ "memory grows until a restart", memory_grows_until_a_restart, NULL, NULL, NULL },
	{ "memory goes up and down", memory_goes_up_and_down, NULL, NULL, NULL },
	{ "memory is short", memory_is_short, "memory.short", "in 5 % of the minutes",
	  "more memory" },
	{ "hardly used", hardly_used, "cost.smaller", "9 % or less in 99 %",
	  "modify-instance-attribute" },
	{ "always busy", always_busy, "cost.larger", "93 %", "the next larger size" },
	{ "others have its CPU", others_have_its_cpu, "cost.larger",
	  "15 % of the CPU that it wanted", "not burstable" },
	{ "nobody at night", nobody_at_night, "cost.schedule", "from 22:00 to 06:00 UTC",
	  "cron(15 22 * * ? *)" },
	{ "a conversation at night", only_a_conversation_at_night, NULL, NULL, NULL },
	{ "nobody looked at night", nobody_looked_at_night, NULL, NULL, NULL },
	{ "off at night", off_at_night, NULL, NULL, NULL },
	{ "a new number of workers", more_workers_since_yesterday, NULL, NULL, NULL },
	{ "a worker was replaced", a_worker_was_replaced, "workers.more", "4 workers",
	  "--workers 6" },
	{ "quiet, and the one request waits", quiet_and_slow, NULL, NULL, NULL },
	{ "another instance", another_instance, NULL, NULL, NULL },
	{ "a higher limit of files", more_files_since_yesterday, NULL, NULL, NULL },
	{ "memory grows, and the host is off each night", memory_grows_with_gaps, NULL, NULL,
	  NULL },
	{ "peaks", peaks, "cost.scaling", "10 % or less were busy in half",
	  "TargetTrackingScaling" },
};

static void comes_for_its_cause(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		const struct advice *a;

		set_up();
		fill(&week, 7 * MINUTES_A_DAY, causes[i].spoil);
		ask();
		a = causes[i].id ? advices_find(&advices, causes[i].id) : NULL;
		if (!EXPECT_UINT(advices.n, causes[i].id != NULL) ||
		    (causes[i].id && !EXPECT(a != NULL))) {
			printf("of: %s\n", causes[i].name);
			list();
		} else if (a) {
			EXPECT_HAS(a->evidence, causes[i].seen);
			EXPECT_HAS(a->change, causes[i].change);
			EXPECT(*a->title && *a->effect && *a->undo);
		}
		tear_down();
	}
}

/* What nginx -T would be after the change has no such advice. */
static void is_content_with_what_it_said(void)
{
	set_up();
	write_file(SITE, "upstream agent-isa {\n"
			 "    server 127.0.0.1:8000;\n"
			 "    keepalive 32;\n"
			 "}\n"
			 "server {\n"
			 "    location / {\n"
			 "        proxy_pass http://agent-isa;\n"
			 "        proxy_buffering off;\n"
			 "    }\n"
			 "}\n");
	write_file(NGINX, "worker_processes auto;\nevents { worker_connections 8192; }\n");
	use_proxy();
	EXPECT(host.has_proxy);
	fill(&week, 7 * MINUTES_A_DAY, connections_are_not_kept);
	for (size_t i = 0; i < week.n; i++) {
		week.list[i].streams = 3;
		week.list[i].connections_max = 1500;
	}
	ask();
	if (!EXPECT_UINT(advices.n, 0))
		list();
	tear_down();
}

static void changes_all_that_nginx_needs(void)
{
	const struct advice *a;

	set_up();
	fill(&week, 7 * MINUTES_A_DAY, connections_are_not_kept);
	ask();
	a = advices_find(&advices, "proxy.keepalive");
	if (EXPECT(a != NULL))
		EXPECT_HAS(a->change, "--- " SITE "\n+++ " SITE "\n@@ -1,11 +1,20 @@\n"
				      "+upstream agent-isa {\n"
				      "+    server 127.0.0.1:8000;\n"
				      "+    keepalive 32;\n"
				      "+    keepalive_timeout 4s;\n"
				      "+}\n"
				      "+\n"
				      " server {\n"
				      "     listen 80;\n"
				      "     location / {\n"
				      "-        proxy_pass http://127.0.0.1:8000;\n"
				      "+        proxy_pass http://agent-isa;\n"
				      "+        proxy_http_version 1.1;\n"
				      "+        proxy_set_header Connection \"\";\n"
				      "         proxy_set_header Host $host;\n"
				      "     }\n"
				      "     location /ws/ {\n"
				      "-        proxy_pass http://127.0.0.1:8000;\n"
				      "+        proxy_pass http://agent-isa;\n"
				      "+        proxy_set_header Host 127.0.0.1:8000;\n"
				      "         proxy_http_version 1.1;\n");
	tear_down();
}

static void gives_words_where_no_diff_is_sure(void)
{
	const struct advice *a;

	set_up();
	write_file(SITE, "server { location / { proxy_pass http://127.0.0.1:8000; } }\n");
	use_proxy();
	fill(&week, 7 * MINUTES_A_DAY, connections_are_not_kept);
	ask();
	a = advices_find(&advices, "proxy.keepalive");
	if (EXPECT(a != NULL)) {
		EXPECT(!strstr(a->change, "+++"));
		EXPECT_HAS(a->change, "an upstream with \"keepalive 32;\"");
	}
	tear_down();
}

static void replaces_workers_of_gunicorn(void)
{
	const struct advice *a;

	set_up();
	write_file(SUPERVISOR, "[program:agent-isa]\ncommand=/v/bin/gunicorn app:app\n");
	advice_host_done(&host);
	EXPECT_INT(advice_host_look(config, top, &host), 0);
	fill(&week, 7 * MINUTES_A_DAY, memory_grows);
	ask();
	a = advices_find(&advices, "memory.grows");
	if (EXPECT(a != NULL))
		EXPECT_HAS(
			a->change,
			"+command=/v/bin/gunicorn app:app --max-requests 216000 --max-requests-jitter 21600\n");
	tear_down();
}

static void says_what_is_lacking(void)
{
	set_up();
	fill(&week, 600, requests_wait);
	ask();
	EXPECT_UINT(advices.n, 0);
	REQUIRE_UINT(advices.n_lacks, 10);
	EXPECT_STR(advices.lacks[0].subject, "workers");
	EXPECT_INT(advices.lacks[0].need_s, 20 * 3600);
	EXPECT_INT(advices.lacks[0].have_s, 600 * 60);
	fill(&week, 2 * MINUTES_A_DAY, requests_wait);
	ask();
	EXPECT(advices_find(&advices, "workers.more") != NULL);
	EXPECT_UINT(advices.n_lacks, 5);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a healthy week has none", has_no_advice_for_a_healthy_week },
		{ "each comes for its cause", comes_for_its_cause },
		{ "what was done is not said again", is_content_with_what_it_said },
		{ "all of nginx is changed", changes_all_that_nginx_needs },
		{ "words where no diff is sure", gives_words_where_no_diff_is_sure },
		{ "workers of gunicorn are replaced", replaces_workers_of_gunicorn },
		{ "what is lacking is said", says_what_is_lacking },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
