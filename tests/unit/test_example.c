/* SPDX-License-Identifier: MIT */
/* The example configuration with values in their places: each key of the schema has one, and what comes out is a configuration. */
#include "unit.h"

#include <unistd.h>

#include "nomem.h"

#include "base/buf.c"
#include "config/example.c"

#include "config/config.h"
#include "config/parse.h"
#include "config/schema.h"

#define TEXT_MAX (256 * 1024)

static void is_the_example(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX);

	REQUIRE_INT(example_with(NULL, 0, &out), 0);
	EXPECT_STR(buf_str(&out), example_text());
	EXPECT_HAS(buf_str(&out), "[service]\n");
}

/* Every key without label can be set: its line is there. */
static void has_every_key(void)
{
	const struct schema *s = schema_config();

	for (size_t i = 0; i < s->n_keys; i++) {
		const struct schema_key *k = &s->keys[i];
		const struct example_value v = { .section = k->section,
						 .key = k->name,
						 .value = "VALUE",
						 .comment = "because" };
		_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX), line = BUF_INIT(1000);
		const char *at;

		if (schema_find_section(s, k->section)->item)
			continue;
		unit_begin("the example has [%s] %s", k->section, k->name);
		REQUIRE_INT(example_with(&v, 1, &out), 0);
		buf_printf(&line, "\n# because\n%s = VALUE\n", k->name);
		at = strstr(buf_str(&out), buf_str(&line));
		EXPECT_INT(at != NULL, true);
		if (at)
			EXPECT_INT(strstr(at + 1, buf_str(&line)) != NULL, false);
		EXPECT_UINT(out.len, strlen(example_text()) + line.len - 1);
	}
}

static const struct example_value values[] = {
	{ "service", NULL, "name", "shop", "found" },
	{ "service", NULL, "ports", "8080, 8081", NULL },
	{ "http", NULL, "route", "/a/{b}", NULL },
	{ "http", NULL, "route", "/c/{d}", NULL },
	{ "job", "backup", "schedule", "30 3 * * *", "as it was" },
	{ "job", "backup", "enabled", "no", NULL },
	{ "log", "nginx-error", NULL, NULL, NULL },
	{ "log", "application", "path", "/var/log/shop.log", NULL },
};

static void takes_values(void)
{
	static const char *const has[] = {
		"\n#name = agent-isa\n# found\nname = shop\n",
		"\nports = 8080, 8081\n",
		"\nroute = /a/{b}\nroute = /c/{d}\n",
		"\n[job \"backup\"]\n# as it was\nschedule = 30 3 * * *\ncommand = backup run\nenabled = no\n\n",
		"\n[log \"nginx-error\"]\npath = /var/log/nginx/error.log\n",
		"\n[log \"application\"]\npath = /var/log/shop.log\ntimestamp = ",
		"\n#[log \"journal\"]\n",
	};
	_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX), problems = BUF_INIT(10000);
	char path[] = "/tmp/isamon-example.XXXXXX";
	struct config *c = NULL;
	int fd;

	REQUIRE_INT(example_with(values, ARRAY_SIZE(values), &out), 0);
	for (size_t i = 0; i < ARRAY_SIZE(has); i++)
		EXPECT_HAS(buf_str(&out), has[i]);
	fd = mkstemp(path);
	EXPECT_INT(write(fd, out.data, out.len), (ssize_t)out.len);
	close(fd);
	EXPECT_INT(config_load(path, &problems, &c), 0);
	EXPECT_STR(buf_str(&problems), "");
	if (c) {
		EXPECT_STR(c->service_name, "shop");
		EXPECT_UINT(c->n_routes, 2);
		EXPECT_UINT(c->n_logs, 2);
	}
	config_free(c);
	unlink(path);
}

static void refuses(void)
{
	static const struct {
		const char *name;
		struct example_value value;
		int err;
	} rows[] = {
		{ "an unknown section", { "shop", NULL, "name", "x", NULL }, -ENOENT },
		{ "an unknown key", { "service", NULL, "nmae", "x", NULL }, -ENOENT },
		{ "a key of another section", { "http", NULL, "name", "x", NULL }, -ENOENT },
		{ "an unknown label", { "log", "x", "path", "/x", NULL }, -ENOENT },
		{ "a value of two lines", { "service", NULL, "name", "x\n[aws]", NULL }, -EINVAL },
		{ "a comment of two lines", { "service", NULL, "name", "x", "a\rb" }, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX);

		unit_begin("refuses %s", rows[i].name);
		EXPECT_INT(example_with(&rows[i].value, 1, &out), rows[i].err);
	}
}

static void survives_lack_of_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX);
		int err = example_with(values, ARRAY_SIZE(values), &out);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "without values it is the example as it stands", is_the_example },
		{ NULL, has_every_key },
		{ "values stand in their places, and it is a configuration", takes_values },
		{ NULL, refuses },
		{ "memory that runs out is told", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
