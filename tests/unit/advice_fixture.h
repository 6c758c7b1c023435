/* SPDX-License-Identifier: MIT */
/* A healthy history, a host with the service under Supervisor behind nginx, and what is advised for both. */
#ifndef ISAMON_TEST_ADVICE_H
#define ISAMON_TEST_ADVICE_H

#include "check/advice.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "check/advice_impl.h"
#include "unit.h"

#define S ((int64_t)NS_PER_SEC)
#define MINUTES_A_DAY 1440
#define NOW_S 1800057600 /* midnight, UTC: a multiple of 86400 */
#define GIB (1ll << 30)

static struct advice_minutes week, month;
static struct advice_host host;
static struct config *config;
static struct advices advices;
static char top[200];

/* --- histories */

typedef void (*spoil_fn)(struct history_minute *m, int i, int n);

UNIT_USED_ static struct history_minute healthy(int64_t start_s)
{
	return (struct history_minute){
		.start_s = start_s,
		.watched_s = 60,
		.requests = 600,
		.timed = 600,
		.errors = 0,
		.p50_ns = S / 50,
		.p99_ns = S / 5,
		.queue_p99_ns = S / 500,
		.in_flight_max = 6,
		.connections_max = 40,
		.websockets_max = 0,
		.connections = 20,
		.websockets = 2,
		.streams = 0,
		.listen_drops = 0,
		.restarts = 0,
		.sampled_ns = 60 * S,
		.cpu_ns = 30 * S,
		.delay_ns = S,
		.cpus = 4,
		.processes_max = 5,
		.workers = 4,
		.memory_bytes = 3 * GIB / 2,
		.open_fds = 200,
		.free_fds_min = 900,
		.host_cpu_ppm = 450000,
		.host_steal_ppm = 0,
		.host_memory_bytes = 8 * GIB,
		.host_available_bytes = 4 * GIB,
		.host_swap_bytes = 0,
		.disk_bytes = 100 * GIB,
		.disk_free_bytes = 60 * GIB,
	};
}

UNIT_USED_ static void fill(struct advice_minutes *a, int n, spoil_fn spoil)
{
	advice_minutes_done(a);
	for (int i = 0; i < n; i++) {
		struct history_minute m = healthy(NOW_S - (int64_t)(n - i) * 60);

		if (spoil)
			spoil(&m, i, n);
		EXPECT_INT(advice_minutes_add(&m, a), 0);
	}
}

/* --- a host */

UNIT_USED_ static void write_file(const char *path, const char *text)
{
	char whole[600];
	FILE *f;

	for (const char *at = path + 1; (at = strchr(at, '/')); at++) {
		snprintf(whole, sizeof(whole), "%s%.*s", top, (int)(at - path), path);
		mkdir(whole, 0700);
	}
	snprintf(whole, sizeof(whole), "%s%s", top, path);
	f = fopen(whole, "w");
	if (!EXPECT(f != NULL))
		return;
	fputs(text, f);
	fclose(f);
}

#define SUPERVISOR "/etc/supervisor/conf.d/agent-isa.conf"
#define SUPERVISORD "/etc/supervisor/supervisord.conf"
#define SITE "/etc/nginx/sites-enabled/agent-isa"
#define NGINX "/etc/nginx/nginx.conf"
#define CONFIG "/etc/isamon/isamon.conf"
#define VENDOR "/sys/class/dmi/id/sys_vendor"

static const struct {
	const char *path, *text;
} files[] = {
	{ SUPERVISORD,
	  "[supervisord]\nlogfile = /x\n[include]\nfiles = /etc/supervisor/conf.d/*.conf\n" },
	{ SUPERVISOR, "[program:agent-isa]\ncommand=/v/bin/uvicorn app:app --workers 4\n" },
	{ NGINX, "events {\n    worker_connections 768;\n}\nhttp {\n}\n" },
	{ SITE, "server {\n"
		"    listen 80;\n"
		"    location / {\n"
		"        proxy_pass http://127.0.0.1:8000;\n"
		"        proxy_set_header Host $host;\n"
		"    }\n"
		"    location /ws/ {\n"
		"        proxy_pass http://127.0.0.1:8000;\n"
		"        proxy_http_version 1.1;\n"
		"        proxy_set_header Upgrade $http_upgrade;\n"
		"        proxy_set_header Connection \"upgrade\";\n"
		"    }\n"
		"}\n" },
	{ CONFIG, "[cloudwatch]\nenabled = yes\nlatency_by_route = yes\n[logs]\nenabled = yes\n" },
	{ VENDOR, "Amazon EC2\n" },
};

UNIT_USED_ static void use_proxy(void)
{
	static const char *const paths[] = { NGINX, SITE };
	_cleanup_(buf_done) struct buf text = BUF_INIT(65536);

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		buf_printf(&text, "# configuration file %s:\n", paths[i]);
		advice_host_read(&host, paths[i], &text);
		buf_add_char(&text, '\n');
	}
	EXPECT_INT(advice_host_use_proxy(config, buf_str(&text), text.len, &host), 0);
}

UNIT_USED_ static void set_up(void)
{
	snprintf(top, sizeof(top), "%s/test_advice.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	EXPECT(mkdtemp(top) != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		write_file(files[i].path, files[i].text);
	EXPECT_INT(config_new(&config), 0);
	EXPECT_INT(advice_host_look(config, top, &host), 0);
	use_proxy();
}

UNIT_USED_ static void tear_down(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char whole[600];

		snprintf(whole, sizeof(whole), "%s%s", top, files[i].path);
		unlink(whole);
	}
	for (int depth = 0; depth < 6; depth++) /* from the deepest */
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			char whole[600];

			snprintf(whole, sizeof(whole), "%s%s", top, files[i].path);
			for (int up = 0; up <= depth && strlen(whole) > strlen(top); up++) {
				*strrchr(whole, '/') = '\0';
				rmdir(whole);
			}
		}
	advice_host_done(&host);
	config_free(take(config));
	advices_done(&advices);
	advice_minutes_done(&week);
	advice_minutes_done(&month);
}

UNIT_USED_ static void ask(void)
{
	const struct advice_case c = { .config = config,
				       .config_path = CONFIG,
				       .minutes = &week,
				       .all = month.n ? &month : &week,
				       .host = &host,
				       .now_s = NOW_S };

	advices_done(&advices);
	EXPECT_INT(advise(&c, &advices), 0);
}

UNIT_USED_ static void list(void)
{
	for (size_t i = 0; i < advices.n; i++)
		printf("there is: %s\n%s%s%s\n", advices.list[i].id, advices.list[i].evidence,
		       advices.list[i].change, advices.list[i].effect);
}

#endif
