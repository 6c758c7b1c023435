/* SPDX-License-Identifier: MIT */
/* What is advised for nginx leaves each location all else that it has; where that cannot be sure, there is no diff. */
#include "advice_fixture.h"

#define OTHER_SITE "/etc/nginx/sites-enabled/other"
#define PASS "        proxy_pass http://127.0.0.1:8000;\n"
#define LOCATION(inside) "server {\n    location / {\n" inside "    }\n}\n"
#define WORDS "# an upstream with"

static const struct {
	const char *name, *site, *other; /* NULL: one site only */
	const char *has[4], *has_not;
} keepalives[] = {
	{ "two sites, one upstream",
	  LOCATION(PASS),
	  LOCATION(PASS),
	  { "+++ " SITE "\n@@ -1,5 +1,14 @@\n+upstream agent-isa {\n",
	    "+++ " OTHER_SITE "\n@@ -1,5 +1,8 @@\n server {\n" },
	  "agent-isa-2" },
	{ "two addresses are two",
	  "server {\n    location / {\n" PASS
	  "    }\n    location /b/ {\n        proxy_pass http://127.0.0.1:8001/x/;\n    }\n}\n",
	  NULL,
	  { "+upstream agent-isa {\n+    server 127.0.0.1:8000;\n",
	    "+upstream agent-isa-2 {\n+    server 127.0.0.1:8001;\n",
	    "+        proxy_pass http://agent-isa;\n",
	    "+        proxy_pass http://agent-isa-2/x/;\n" },
	  NULL },
	{ "a name that is taken",
	  "upstream agent-isa {\n    server 10.0.0.1:80;\n}\n" LOCATION(PASS),
	  NULL,
	  { "+upstream agent-isa-2 {\n", "+        proxy_pass http://agent-isa-2;\n" },
	  NULL },
	{ "the Host that was sent stays",
	  LOCATION(PASS),
	  NULL,
	  { "+        proxy_set_header Connection \"\";\n+        proxy_set_header Host 127.0.0.1:8000;\n" },
	  NULL },
	{ "headers of the server stay inherited",
	  "server {\n    proxy_set_header X-A a;\n    proxy_set_header Host $host;\n    location / {\n" PASS
	  "    }\n}\n",
	  NULL,
	  { "     proxy_set_header Host $host;\n+    proxy_set_header Connection \"\";\n" },
	  "+        proxy_set_header" },
	{ "those of everything, too",
	  "proxy_set_header X-A a;\n" LOCATION(PASS),
	  NULL,
	  { WORDS },
	  "+++" },
	{ "within an if",
	  LOCATION("        if ($a) {\n    " PASS "        }\n"),
	  NULL,
	  { WORDS },
	  "+++" },
	{ "where HTTP/1.0 is wanted",
	  LOCATION("        proxy_http_version 1.0;\n" PASS),
	  NULL,
	  { WORDS },
	  "+++" },
	{ "behind the method of balancing",
	  "upstream u {\n    server 127.0.0.1:8000;\n    least_conn;\n}\n"
	  "server {\n    location / {\n        proxy_pass http://u;\n    }\n}\n",
	  NULL,
	  { "     least_conn;\n+    keepalive 32;\n+    keepalive_timeout 4s;\n }\n" },
	  "Host" },
};

static void use_sites(const char *site, const char *other)
{
	static const char *const paths[] = { NGINX, SITE, OTHER_SITE };
	_cleanup_(buf_done) struct buf text = BUF_INIT(65536);

	write_file(SITE, site);
	write_file(OTHER_SITE, other ?: "");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		buf_printf(&text, "# configuration file %s:\n", paths[i]);
		advice_host_read(&host, paths[i], &text);
		buf_add_char(&text, '\n');
	}
	EXPECT_INT(advice_host_use_proxy(config, buf_str(&text), text.len, &host), 0);
}

static void remove_sites(void)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "%s%s", top, OTHER_SITE);
	unlink(whole);
	tear_down();
}

static void not_kept(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->connections = m->requests;
	m->streams = 1;
}

static const char *changed(const char *id)
{
	const struct advice *a;

	fill(&week, 7 * MINUTES_A_DAY, not_kept);
	ask();
	a = advices_find(&advices, id);
	return a ? a->change : "";
}

static void keeps_all_else(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(keepalives); i++) {
		const char *change;
		bool good = true;

		set_up();
		config->ports[config->n_ports++] = 8001;
		use_sites(keepalives[i].site, keepalives[i].other);
		change = changed("proxy.keepalive");
		for (size_t j = 0; j < 4 && keepalives[i].has[j]; j++)
			good &= EXPECT_HAS(change, keepalives[i].has[j]) != 0;
		if (keepalives[i].has_not)
			good &= EXPECT(!strstr(change, keepalives[i].has_not)) != 0;
		if (!good)
			printf("of: %s\n%s\n", keepalives[i].name, change);
		remove_sites();
	}
}

static const struct {
	const char *command, *want;
} timeouts[] = {
	{ "/v/bin/uvicorn app:app --timeout-keep-alive 75", "keepalive_timeout 74s;" },
	{ "/v/bin/uvicorn app:app --timeout-keep-alive 1", WORDS },
	{ "/v/bin/gunicorn app:app --keep-alive=30", "keepalive_timeout 29s;" },
	{ "/v/bin/gunicorn app:app", "keepalive_timeout 1s;" },
	{ "/v/bin/hypercorn app:app", "keepalive_timeout 4s;" },
};

static void lets_go_before_the_service(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		set_up();
		use_sites(LOCATION(PASS), NULL);
		snprintf(host.run.command, sizeof(host.run.command), "%s", timeouts[i].command);
		EXPECT_HAS(changed("proxy.keepalive"), timeouts[i].want);
		remove_sites();
	}
}

static void says_each_directive_once(void)
{
	const char *change;

	set_up();
	use_sites(LOCATION("        proxy_buffering on;\n" PASS), NULL);
	change = changed("proxy.buffering");
	EXPECT_HAS(change, "-        proxy_buffering on;\n+        proxy_buffering off;\n");
	EXPECT(!strstr(change, " proxy_pass http://127.0.0.1:8000;\n+"));
	remove_sites();
}

static void many(struct history_minute *m, int i, int n)
{
	(void)i;
	(void)n;
	m->connections_max = 1500;
}

static const struct {
	const char *nginx, *has, *has_not;
} rooms[] = {
	{ "worker_processes 2;\nevents {\n    worker_connections\t768;\n}\nhttp {\n}\n",
	  " worker_processes 2;\n+worker_rlimit_nofile 16384;\n events {\n-    worker_connections\t768;\n"
	  "+    worker_connections\t8192;\n",
	  "# and" },
	{ "worker_processes 2;\nworker_rlimit_nofile 1024;\nevents { worker_connections 768; }\nhttp {\n}\n",
	  "-worker_rlimit_nofile 1024;\n+worker_rlimit_nofile 16384;\n"
	  "-events { worker_connections 768; }\n+events { worker_connections 8192; }\n",
	  "# and" },
	{ "events { worker_connections 768; }\nhttp {\n}\n", "# and worker_rlimit_nofile 32768;",
	  "+worker_r" },
	{ "worker_processes 2;\nhttp {\n}\n", "# worker_connections 8192; in \"events\"", "+++" },
};

static void gives_files_to_connections(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		const struct advice *a;

		set_up();
		write_file(NGINX, rooms[i].nginx);
		use_sites(LOCATION(PASS), NULL);
		fill(&week, 7 * MINUTES_A_DAY, many);
		ask();
		a = advices_find(&advices, "proxy.connections");
		if (EXPECT(a != NULL)) {
			EXPECT_HAS(a->change, rooms[i].has);
			EXPECT(!strstr(a->change, rooms[i].has_not));
		}
		remove_sites();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "all else stays", keeps_all_else },
		{ "nginx lets go first", lets_go_before_the_service },
		{ "each directive once", says_each_directive_once },
		{ "files for connections", gives_files_to_connections },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
