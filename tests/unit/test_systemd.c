/* SPDX-License-Identifier: MIT */
/* What systemctl shows, as a state. */
#include "unit.h"

#include "care/systemd.h"

#define NOW_US 5000000000ull
#define NOW_S 1795000000

static void rows(void)
{
	static const struct {
		const char *text;
		enum service_run run;
		const char *word;
		int pid, exit_status;
		int64_t since_s;
		const char *why;
	} table[] = {
		{ "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\nResult=success\n"
		  "ExecMainStartTimestampMonotonic=4990000000\nExecMainCode=0\nExecMainStatus=0\n",
		  SERVICE_RUNNING, "active (running)", 42, -1, NOW_S - 10, "" },
		{ "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\nExecMainCode=1\n"
		  "ExecMainStatus=3\nMainPID=0\n",
		  SERVICE_STARTING, "activating (auto-restart)", 0, 3, 0, "Result=exit-code" },
		{ "ActiveState=failed\nSubState=failed\nResult=signal\nExecMainCode=2\nExecMainStatus=9\n",
		  SERVICE_FAILED, "failed (failed)", 0, 137, 0, "Result=signal" },
		{ "ActiveState=deactivating\nSubState=stop-sigterm\n", SERVICE_STOPPING,
		  "deactivating (stop-sigterm)", 0, -1, 0, "" },
		{ "ActiveState=inactive\nSubState=dead\nResult=success\n", SERVICE_STOPPED,
		  "inactive (dead)", 0, -1, 0, "" },
		{ "ActiveState=reloading\nMainPID=99999999999999999999\n", SERVICE_RUNNING,
		  "reloading", 0, -1, 0, "" },
		{ "LoadState=masked\nActiveState=inactive\nSubState=dead\n", SERVICE_STOPPED,
		  "inactive (dead)", 0, -1, 0, "the unit is masked: systemctl unmask frees it" },
		{ "LoadState=bad-setting\nActiveState=inactive\nSubState=dead\n", SERVICE_STOPPED,
		  "inactive (dead)", 0, -1, 0,
		  "its file cannot be used (bad-setting): systemd-analyze verify says why" },
		{ "ActiveState=dreaming\n", SERVICE_UNKNOWN, "dreaming", 0, -1, 0, "" },
		{ "ActiveState\n=\nMainPID=-1\nX=ActiveState=active", SERVICE_UNKNOWN, "", 0, -1, 0,
		  "" },
		{ "", SERVICE_UNKNOWN, "", 0, -1, 0, "" },
		{ "ActiveState=\x1b[31m0123456789012345678901234567890123456789\n", SERVICE_UNKNOWN,
		  "?[31m0123456789012345678901234", 0, -1, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct service_process p;
		struct systemd_unit u;

		unit_begin("%.40s", *table[i].text ? table[i].text : "nothing");
		for (char *c = unit_state.name; *c; c++)
			if (*c < ' ')
				*c = ' ';
		systemd_parse_show(table[i].text, &u);
		systemd_state_of(&u, NOW_US, NOW_S, &p);
		EXPECT_INT((int)p.run, (int)table[i].run);
		EXPECT_HAS(p.word, table[i].word);
		EXPECT_INT(p.pid, table[i].pid);
		EXPECT_INT(p.exit_status, table[i].exit_status);
		EXPECT_INT(p.since_s, table[i].since_s);
		EXPECT_STR(p.why, table[i].why);
	}
}

static void flags(void)
{
	struct systemd_unit u;

	systemd_parse_show("CanReload=yes\nJob=17\nNRestarts=5\nLoadState=masked\n", &u);
	EXPECT(u.can_reload);
	EXPECT_UINT(u.job, 17);
	EXPECT_UINT(u.n_restarts, 5);
	EXPECT_STR(u.load, "masked");
	systemd_parse_show("CanReload=no\nJob=\n", &u);
	EXPECT(!u.can_reload);
	EXPECT_UINT(u.job, 0);
}

static void reloads(void)
{
	static const struct {
		const char *text;
		bool reloading, failed;
	} table[] = {
		{ "ActiveState=active\nReloadResult=success\nJob=\n", false, false },
		{ "ActiveState=active\nReloadResult=success\nJob=12\n", true, false },
		{ "ActiveState=reloading\nReloadResult=success\n", true, false },
		{ "ActiveState=active\nReloadResult=exit-code\n", false, true },
		{ "ActiveState=active\n", false, false },
		{ "ActiveState=inactive\nJob=12\n", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct service_process p;
		struct systemd_unit u;

		systemd_parse_show(table[i].text, &u);
		systemd_state_of(&u, NOW_US, NOW_S, &p);
		EXPECT_INT(p.reloading, table[i].reloading);
		EXPECT_INT(p.reload_failed, table[i].failed);
	}
}

static void names(void)
{
	static const char *const bad[] = { "", "-x", "a b", "../x", "*.service" };
	struct systemd *s = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(500);

		EXPECT_INT(systemd_open(bad[i], &why, &s), -EINVAL);
		EXPECT_HAS(buf_str(&why), "not the name of a unit");
	}
}

static void sums(void)
{
	struct service_state s = { .n = 0 };

	service_state_sum(&s);
	EXPECT_INT((int)s.run, SERVICE_UNKNOWN);
	s.n = 3;
	s.processes[1].run = SERVICE_STARTING;
	service_state_sum(&s);
	EXPECT_STR(service_run_word(s.run), "starting");
	s.processes[2].run = SERVICE_FAILED;
	service_state_sum(&s);
	EXPECT_STR(service_run_word(s.run), "failed");
}

static void signals(void)
{
	static const struct {
		int exit_status, signal;
	} table[] = { { -1, 0 },   { 0, 0 },    { 128, 0 }, { 129, 1 },
		      { 143, 15 }, { 192, 64 }, { 203, 0 }, { 255, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		EXPECT_INT(service_exit_signal(table[i].exit_status), table[i].signal);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, rows },
		{ "what it can, and what is queued", flags },
		{ "a reload that goes on, and one that failed", reloads },
		{ "names of units", names },
		{ "the worst of several is told", sums },
		{ "signals, and what systemd says with its own numbers", signals },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
