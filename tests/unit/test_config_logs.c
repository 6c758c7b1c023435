/* SPDX-License-Identifier: MIT */
/* [logs] and [log "NAME"]: what is taken, what is refused and why; the defaults, which are the example's. */
#include "unit.h"

#include "config_sources.h"

#define BASE "[log \"a\"]\npath = /a\n"
#define LONG64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG512 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64

static void sets_every_key(void)
{
	static const char text[] =
		"[logs]\nenabled = yes\ngroup = /my/group\nretention_days = 3653\n"
		"[log \"one\"]\npath = /var/log/a*.log\npath = /b\nolddir = old\nship = no\ngroup = g\n"
		"stream = {name}/{instance_id}-{host} {date}\ntimestamp = %T\ntimezone = utc\n"
		"first_line = ^\\d\nencoding = latin-1\ninclude = a|b\ninclude = c\nexclude = d = e\n"
		"mask = x(y)\nmask_secrets = no\nstart = beginning\n[log \"two ñ\"]\nunit = u.service\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;
	const struct config_log *l;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), 0);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE(c);
	EXPECT(c->logs_enabled && !c->logs_are_default);
	EXPECT_STR(c->logs_group, "/my/group");
	EXPECT_UINT(c->logs_retention_days, 3653);
	REQUIRE_UINT(c->n_logs, 2);
	l = c->logs[0];
	EXPECT_STR(l->name, "one");
	EXPECT_UINT(l->line, 5);
	REQUIRE_UINT(l->n_paths, 2);
	EXPECT_STR(l->paths[0], "/var/log/a*.log");
	EXPECT_STR(l->olddir, "old");
	EXPECT_STR(l->unit, "");
	EXPECT(!l->ship);
	EXPECT_STR(l->group, "g");
	EXPECT_STR(l->stream, "{name}/{instance_id}-{host} {date}");
	EXPECT_STR(l->timestamp, "%T");
	EXPECT_INT((int)l->zone, CONFIG_LOG_UTC);
	EXPECT_STR(l->first_line, "^\\d");
	EXPECT_INT((int)l->encoding, CONFIG_LOG_LATIN1);
	EXPECT(l->n_include == 2 && l->n_exclude == 1 && l->n_mask == 1);
	EXPECT_STR(l->exclude[0], "d = e");
	EXPECT(!l->mask_secrets);
	EXPECT_INT((int)l->start, CONFIG_LOG_BEGINNING);
	l = c->logs[1];
	EXPECT_STR(l->name, "two ñ");
	EXPECT_STR(l->unit, "u.service");
	EXPECT(l->n_paths == 0 && l->ship && l->mask_secrets);
	EXPECT_STR(l->stream, "{name}");
	EXPECT_INT((int)l->zone, CONFIG_LOG_LOCAL);
	EXPECT_INT((int)l->encoding, CONFIG_LOG_UTF8);
	EXPECT_INT((int)l->start, CONFIG_LOG_END);
}

static void refuses(void)
{
	static const struct refused rows[] = {
		{ "\n[log \"a\"]\n",
		  "t.conf:2: [log \"a\"] path = must be given: write the path of a file, or "
		  "unit = of the journal\n" },
		{ BASE "unit = u\n",
		  "t.conf:3: [log \"a\"] unit = u: there is a path too; write one of them, "
		  "and another section for the other\n" },
		{ BASE "path = b\n",
		  "t.conf:3: [log \"a\"] path = b: not an absolute path; begin it with /\n" },
		{ "[log \"a\"]\nunit = u\nolddir = old\n",
		  "t.conf:3: [log \"a\"] olddir = old: a journal has none; leave it out\n" },
		{ BASE "olddir = /old/*\n",
		  "t.conf:3: [log \"a\"] olddir = /old/*: one directory, without * ? and [; "
		  "write it as in logrotate's file\n" },
		{ BASE "path = /var/*/a.log\nolddir = /old\n",
		  "t.conf:4: [log \"a\"] olddir = /old: the path names files in several directories; "
		  "write it relative to them, or a section for each\n" },
		{ BASE "path = /var/log/\n",
		  "t.conf:3: [log \"a\"] path = /var/log/: a directory; write a file in it, or a "
		  "pattern such as *.log\n" },
		{ BASE "group = a b\n",
		  "t.conf:3: [log \"a\"] group = a b: not a log group; write 1 to 512 "
		  "letters, digits and . - _ / #\n" },
		{ "[logs]\ngroup = a:b\n",
		  "t.conf:2: [logs] group = a:b: not a log group; write 1 to 512 "
		  "letters, digits and . - _ / #\n" },
		{ "[logs]\ngroup = aws/b\n",
		  "t.conf:2: [logs] group = aws/b: names that begin with aws/ are "
		  "AWS's own; write another\n" },
		{ BASE "group = " LONG512 "x\n",
		  "t.conf:3: [log \"a\"] group = " LONG64 LONG64 LONG64
		  "01234567...: 513 bytes long; write at "
		  "most 512\n" },
		{ BASE "stream = a:b\n",
		  "t.conf:3: [log \"a\"] stream = a:b: not a log stream; write 1 to 512 "
		  "characters without : and *\n" },
		{ BASE "stream = {name}-{pid}\n",
		  "t.conf:3: [log \"a\"] stream = {name}-{pid}: what is in braces is not known; write {name}, "
		  "{instance_id}, {host} or {date}\n" },
		{ BASE "stream = a}\n",
		  "t.conf:3: [log \"a\"] stream = a}: what is in braces is not known; "
		  "write {name}, {instance_id}, {host} or {date}\n" },
		{ BASE "encoding = utf8\n",
		  "t.conf:3: [log \"a\"] encoding = utf8: not known; write one of utf-8, latin-1\n" },
		{ "[logs]\nretention_days = 10\n",
		  "t.conf:2: [logs] retention_days = 10: CloudWatch knows only some; write 0 (for ever), 1, 3, "
		  "5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 "
		  "or 3653\n" },
		{ "[log \"x" LONG64 "\"]\n",
		  "t.conf:1: [log \"x" LONG64
		  "\"]: a name has at most 63 bytes; write a shorter one\n" },
		{ "[log \"a\xe2\x80\x8b\"]\n",
		  "t.conf:1: [log \"a\xe2\x80\x8b\"]: the name has characters that "
		  "cannot be seen; write others\n" },
		{ BASE "[log \"a\"]\n",
		  "t.conf:3: [log \"a\"]: stands in line 1 already; give it another name, "
		  "or make one of them\n" },
	};

	expect_refused(rows, ARRAY_SIZE(rows));
}

static void takes_thirty_two(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(20000), found = BUF_INIT(1000);
	_cleanup_(config_freep) struct config *c = NULL, *none = NULL;

	for (int i = 1; i <= CONFIG_LOGS_MAX; i++)
		buf_printf(&text, "[log \"%d\"]\npath = /%d\n", i, i);
	EXPECT_INT(parse(text.data, text.len, &c, &found), 0);
	REQUIRE(c);
	EXPECT_UINT(c->n_logs, CONFIG_LOGS_MAX);
	buf_add_str(&text, "[log \"more\"]\npath = /x\n");
	EXPECT_INT(parse(text.data, text.len, &none, &found), -EINVAL);
	EXPECT_STR(buf_str(&found),
		   "t.conf:65: [log \"more\"]: one too many; there may be 32 logs\n");
}

/* The sections [log] of dist/isamon.conf, uncommented. */
static void example_load(struct config **ret, struct buf *found)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000), logs = BUF_INIT(100000);
	const char *at, *end;

	REQUIRE_INT(file_read("dist/isamon.conf", &text), 0);
	at = strstr(buf_str(&text), "\n#[log ");
	REQUIRE(at);
	end = strstr(at, "\n# Jobs");
	REQUIRE(end);
	for (at++; at < end; at += strcspn(at, "\n") + 1)
		if (*at == '#')
			buf_add(&logs, at + 1, strcspn(at, "\n"));
	parse(logs.data, logs.len, ret, found);
}

static void examples_are_the_defaults(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL, *initial = NULL;

	example_load(&c, &found);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE_INT(config_new(&initial), 0);
	EXPECT(initial->logs_are_default);
	REQUIRE(c && c->n_logs == initial->n_logs);
	EXPECT_UINT(c->n_logs, 7);
	for (size_t i = 0; i < c->n_logs; i++) {
		const struct config_log *a = c->logs[i], *b = initial->logs[i];

		EXPECT_STR(a->name, b->name);
		EXPECT_UINT(a->n_paths, b->n_paths);
		if (a->n_paths && b->n_paths)
			EXPECT_STR(a->paths[0], b->paths[0]);
		EXPECT_STR(a->unit, b->unit);
		EXPECT_STR(a->timestamp, b->timestamp);
		EXPECT_STR(a->first_line, b->first_line);
		EXPECT_UINT(b->line, 0);
	}
}

static void defaults_are_fine(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;

	REQUIRE_INT(config_new(&c), 0);
	EXPECT_INT(config_check(c, "x", &found), 0);
	EXPECT_STR(buf_str(&found), "");
	EXPECT(!c->logs_enabled);
	EXPECT_STR(c->logs_group, "agent-isa");
	EXPECT_UINT(c->logs_retention_days, 0);
}

static void survives_lack_of_memory(void)
{
	static const char text[] = BASE "mask = a\n[log \"b\"]\nunit = u\n";

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;
		int err = parse(text, sizeof(text) - 1, &c, &found);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT((c != NULL) == (err == 0));
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "every key can be set", sets_every_key },
		{ NULL, refuses },
		{ "there may be 32", takes_thirty_two },
		{ "the defaults are those of dist/isamon.conf", examples_are_the_defaults },
		{ "the defaults are fine", defaults_are_fine },
		{ "a lack of memory is survived", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
