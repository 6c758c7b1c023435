/* SPDX-License-Identifier: MIT */
/* [job "NAME"]: what is taken, and what is refused and why. */
#include "unit.h"

#include "config_sources.h"

#define BASE "[job \"a\"]\nschedule = @daily\ncommand = db check\n"

static void sets_every_key(void)
{
	static const char text[] =
		BASE "[job \"b.-_9\"]\nschedule = 0 2 * * *\ncommand = x \"y z\"\n"
		     "enabled = no\ntime_limit = 60\npriority = normal\n"
		     "missed = skip\noutput_limit = 1 MiB\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;
	const struct config_job *j;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), 0);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE(c);
	REQUIRE_UINT(c->n_jobs, 4);
	j = config_job_find(c, "a");
	REQUIRE(j == c->jobs[2]);
	EXPECT_UINT(j->line, 1);
	EXPECT(j->enabled && j->time_limit_s == 14400 && j->output_bytes == 65536);
	EXPECT(j->priority == CONFIG_JOB_LOW && j->missed == CONFIG_JOB_RUN);
	j = config_job_find(c, "b.-_9");
	REQUIRE(j);
	EXPECT_STR(j->schedule, "0 2 * * *");
	EXPECT_STR(j->command, "x \"y z\"");
	EXPECT(!j->enabled && j->time_limit_s == 60 && j->output_bytes == 1048576);
	EXPECT(j->priority == CONFIG_JOB_NORMAL && j->missed == CONFIG_JOB_SKIP);
	EXPECT(!config_job_find(c, "c"));
}

static void backup_is_there(void)
{
	static const char none[] = "[service]\n", off[] = "[job \"backup\"]\nenabled = no\n",
			  other[] =
				  "\n[job \"backup\"]\nschedule = @weekly\ncommand = logs check\n",
			  twice[] = "[job \"backup\"]\n[job \"backup\"]\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL, *d = NULL, *e = NULL, *f = NULL;

	EXPECT_INT(parse(none, sizeof(none) - 1, &c, &found), 0);
	REQUIRE(c && c->n_jobs == 2);
	EXPECT(c->jobs[0]->is_default && c->jobs[0]->enabled && c->jobs[0]->line == 0);
	EXPECT_STR(c->jobs[0]->name, "backup");
	EXPECT_STR(c->jobs[0]->schedule, "0 2 * * *");
	EXPECT_STR(c->jobs[0]->command, "backup run");
	EXPECT_INT(parse(off, sizeof(off) - 1, &d, &found), 0);
	REQUIRE(d && d->n_jobs == 2);
	EXPECT(!d->jobs[0]->is_default && !d->jobs[0]->enabled && d->jobs[0]->line == 1);
	EXPECT_STR(d->jobs[0]->schedule, "0 2 * * *");
	EXPECT_INT(parse(other, sizeof(other) - 1, &e, &found), 0);
	REQUIRE(e && e->n_jobs == 2);
	EXPECT(e->jobs[0]->enabled && e->jobs[0]->line == 2);
	EXPECT_STR(e->jobs[0]->schedule, "@weekly");
	EXPECT_STR(e->jobs[0]->command, "logs check");
	EXPECT_STR(buf_str(&found), "");
	EXPECT_INT(parse(twice, sizeof(twice) - 1, &f, &found), -EINVAL);
	EXPECT_STR(buf_str(&found),
		   "t.conf:2: [job \"backup\"]: stands in line 1 already; give it another "
		   "name, or make one of them\n");
}

/* Each Sunday, where backups are made, unless a section of its own says something else. */
static void drill_is_there(void)
{
	static const struct {
		const char *text;
		bool enabled, is_default;
	} rows[] = {
		{ "[service]\n", true, true },
		{ "[job \"backup\"]\nenabled = no\n", false, true },
		{ "[job \"backup\"]\nschedule = @daily\n", true, true },
		{ "[job \"restore-drill\"]\nenabled = no\n", false, false },
		{ "[job \"restore-drill\"]\nenabled = yes\n[job \"backup\"]\nenabled = no\n", true,
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;
		const struct config_job *j;

		unit_begin("%s", rows[i].text);
		EXPECT_INT(parse(rows[i].text, strlen(rows[i].text), &c, &found), 0);
		REQUIRE(c);
		j = config_job_find(c, "restore-drill");
		REQUIRE(j);
		EXPECT_STR(j->schedule, "30 4 * * SUN");
		EXPECT_STR(j->command, "backup drill --scheduled");
		EXPECT(j->enabled == rows[i].enabled && j->is_default == rows[i].is_default);
	}
}

/* Those of dist/isamon.conf. */
static void examples_are_the_defaults(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000);

	REQUIRE_INT(file_read("dist/isamon.conf", &text), 0);
	EXPECT_HAS(buf_str(&text),
		   "\n#[job \"backup\"]\n#schedule = 0 2 * * *\n#command = backup run\n\n");
	EXPECT_HAS(
		buf_str(&text),
		"\n#[job \"restore-drill\"]\n#schedule = 30 4 * * SUN\n#command = backup drill --scheduled\n\n");
}

static void refuses(void)
{
	static const struct refused rows[] = {
		{ "\n[job \"a\"]\ncommand = x\n",
		  "t.conf:2: [job \"a\"] schedule = must be given; write when, such as 0 2 * * * "
		  "(each day at 02:00), or @daily\n" },
		{ "[job \"a\"]\nschedule = x\n",
		  "t.conf:1: [job \"a\"] command = must be given; write a command of isamon's, such "
		  "as db check\n" },
		{ "[job \"../a\"]\n",
		  "t.conf:1: [job \"../a\"]: the name of a job has letters, digits, . _ and - only, "
		  "and no . first; write another\n" },
		{ "[job \".a\"]\n",
		  "t.conf:1: [job \".a\"]: the name of a job has letters, digits, . _ and - only, "
		  "and no . first; write another\n" },
		{ BASE "missed = maybe\n",
		  "t.conf:4: [job \"a\"] missed = maybe: not known; write one of run, skip\n" },
		{ BASE BASE,
		  "t.conf:4: [job \"a\"]: stands in line 1 already; give it another name, "
		  "or make one of them\n" },
	};

	expect_refused(rows, ARRAY_SIZE(rows));
}

static void takes_thirty_two(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(20000), found = BUF_INIT(1000);
	_cleanup_(config_freep) struct config *c = NULL, *none = NULL;

	for (int i = 2; i < CONFIG_JOBS_MAX; i++)
		buf_printf(&text, "[job \"%d\"]\nschedule = @daily\ncommand = x\n", i);
	EXPECT_INT(parse(text.data, text.len, &c, &found), 0);
	REQUIRE(c);
	EXPECT_UINT(c->n_jobs, CONFIG_JOBS_MAX);
	buf_add_str(&text, "[job \"more\"]\n");
	EXPECT_INT(parse(text.data, text.len, &none, &found), -EINVAL);
	EXPECT_STR(buf_str(&found),
		   "t.conf:91: [job \"more\"]: one too many; there may be 32 jobs\n");
}

static void survives_lack_of_memory(void)
{
	static const char text[] = BASE;

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;
		int err = parse(text, sizeof(text) - 1, &c, &found);

		if (!EXPECT(nomem_hit() ? err == -ENOMEM : err == 0))
			return;
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "every key of a job is set, or has its default", sets_every_key },
		{ NULL, refuses },
		{ "there is a backup by default", backup_is_there },
		{ "and a drill of its restore", drill_is_there },
		{ "and they are the example's", examples_are_the_defaults },
		{ "there may be thirty-two", takes_thirty_two },
		{ "lack of memory", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
