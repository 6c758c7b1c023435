/* SPDX-License-Identifier: MIT */
/* What closing leaves behind, while minutes are on their way. */
#include "cmd/cloudwatch_parts.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static struct {
	char top[64];
	struct config *c;
	struct cloudwatch_parts parts;
	struct buf why;
} t;

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char name[512];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (unlink(name))
			remove_tree(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

/* The identity is given, so nobody is asked for it; nobody listens at the endpoint. */
static int load(void)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(65536);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/isamon.conf", t.top);
	f = fopen(path, "w");
	if (!f)
		return -1;
	fprintf(f,
		"[daemon]\nruntime_directory = %s/run\nstate_directory = %s/state\n"
		"[aws]\nregion = eu-west-1\ninstance_id = i-1\nendpoint_url = http://127.0.0.1:9\n"
		"imds_endpoint = http://127.0.0.1:9\n[cloudwatch]\nenabled = yes\n",
		t.top, t.top);
	fclose(f);
	return config_load(path, &problems, &t.c);
}

static void open_parts(void)
{
	REQUIRE_INT(cloudwatch_parts_open(&t.parts, 1800000000, &t.why), 0);
}

static void set_up(void)
{
	char run[80];

	memset(&t, 0, sizeof(t));
	buf_init(&t.why, 4096);
	snprintf(t.top, sizeof(t.top), "/tmp/isamon-unit.XXXXXX");
	REQUIRE(mkdtemp(t.top));
	snprintf(run, sizeof(run), "%s/run", t.top);
	REQUIRE_INT(mkdir(run, 0700), 0);
	REQUIRE_INT(load(), 0);
	cloudwatch_parts_init(&t.parts, event_base_new(), t.c);
	open_parts();
}

static void tear_down(void)
{
	cloudwatch_parts_close(&t.parts);
	event_base_free(t.parts.base);
	config_free(t.c);
	buf_done(&t.why);
	remove_tree(t.top);
}

static void closes_in_the_middle(void)
{
	const struct minute_request r = { .answered = true, .duration_ns = 1000000 };

	set_up();
	minute_request(t.parts.minute, &r);
	cloudwatch_parts_cut(&t.parts);
	EXPECT_UINT(pending_count(t.parts.pending), 1);
	EXPECT_INT(push_now(t.parts.push, NULL, NULL), 0);
	event_base_loop(t.parts.base, EVLOOP_ONCE | EVLOOP_NONBLOCK); /* a take has begun */
	cloudwatch_parts_close(&t.parts);
	open_parts();
	EXPECT_UINT(pending_count(t.parts.pending), 0);
	EXPECT_UINT(spool_stats(t.parts.spool).minutes, 1);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "closing while a minute is added and taken", closes_in_the_middle },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
