/* SPDX-License-Identifier: MIT */
/* Shipping: what is counted on the way, once, whether and whenever it is sent. */
#include "unit/log_push_fixture.h"

static void not_shipped(void)
{
	struct logs_figures f = { 0 };

	set_up(1);
	configs[0].ship = false;
	write_line(0, "ERROR: a");
	write_line(0, "Traceback (most recent call last):");
	write_line(0, "  File \"x\", line 1");
	write_line(0, "KeyError: 'y'");
	go_on(5000);
	EXPECT_UINT(n_calls, 0);
	EXPECT_UINT(state.list[1].offset, files[0].text.len);
	EXPECT_INT(log_push_figures(push, &f), 0);
	EXPECT_UINT(f.logs[0].levels[RECORD_ERROR], 2);
	EXPECT_UINT(f.logs[0].n_exceptions, 1);
	EXPECT_STR(f.logs[0].exceptions[0].type, "KeyError");
	EXPECT_UINT(f.n[LOGS_LINES], 4);
	logs_figures_done(&f);
	tear_down();
}

/* To the log's two lanes. */
static void write_both(const char *text)
{
	write_line(0, text);
	write_line(1, text);
}

static void write_traceback(void)
{
	write_both("Traceback (most recent call last):");
	write_both("  File \"x\", line 1");
	write_both("KeyError: 'y'");
}

static void expect_counted(uint64_t errors, uint64_t exceptions)
{
	EXPECT_UINT(number(LOGS_COUNTING), 1);
	EXPECT_UINT(number(LOGS_COUNTED_ERRORS), errors);
	EXPECT_UINT(number(LOGS_COUNTED_EXCEPTIONS), exceptions);
}

/* CloudWatch takes nothing, for hours, and the first lane does not go on. */
static void counts_whatever_happens(void)
{
	struct logs_figures f = { 0 };

	counting = true;
	n_quiet = 0;
	set_up(1);
	REQUIRE_UINT(n_files, 2);
	EXPECT_UINT(n_quiet, 1);
	EXPECT_INT((int)files[1].start, CONFIG_LOG_END);
	expect_counted(0, 0);
	write_both("ERROR: a");
	write_both("INFO: b");
	write_both("CRITICAL: c");
	go_on(3000);
	EXPECT_UINT(n_calls, 1);
	expect_counted(2, 0);
	for (unsigned int i = 0; i < 5; i++) {
		answer((struct aws_answer){ .failure = AWS_DENIED });
		write_traceback();
		go_on(300000);
		expect_counted(3 + i, 1 + i);
	}
	EXPECT_UINT(state.list[1].offset, 0);
	EXPECT_UINT(state.list[2].offset, files[1].text.len);
	EXPECT_STR(state.list[2].log, "\1log0");
	answer(ok);
	go_on(3000);
	answer(ok);
	expect_counted(7, 5);
	EXPECT_INT(log_push_figures(push, &f), 0);
	EXPECT_UINT(f.n[LOGS_LINES], 3 + 5 * 3);
	EXPECT_UINT(f.n[LOGS_FILES], 1);
	EXPECT_UINT(f.n_logs, 1);
	EXPECT_UINT(f.logs[0].levels[RECORD_ERROR], 6);
	logs_figures_done(&f);
	tear_down();
}

/* Whenever it is killed, what is told grows by each error once. */
static void counts_over_kills(void)
{
	uint64_t told = 0, errors = 0;

	counting = true;
	set_up(1);
	for (unsigned int i = 0; i < 40; i++) {
		write_both("ERROR: a");
		errors++;
		go_on(i * 70 % 1900);
		EXPECT(number(LOGS_COUNTED_ERRORS) >= told);
		told = number(LOGS_COUNTED_ERRORS);
		kill_and_start(0);
		EXPECT(number(LOGS_COUNTED_ERRORS) >= told);
		EXPECT(number(LOGS_COUNTED_ERRORS) <= errors);
	}
	go_on(5000);
	expect_counted(errors, 0);
	tear_down();
}

static void counts_with_the_disk(void)
{
	counting = true;
	set_up(1);
	write_both("ERROR: a");
	go_on(3000);
	state.err = -ENOSPC;
	write_both("ERROR: b");
	go_on(10000);
	EXPECT_UINT(number(LOGS_COUNTING), 0);
	EXPECT_UINT(number(LOGS_COUNTED_ERRORS), 1);
	state.err = 0;
	go_on(5000);
	expect_counted(2, 0);
	tear_down();
}

/* Begun anew, the state file has what was counted, also of a log that is gone. */
static void counts_are_kept(void)
{
	counting = true;
	set_up(2);
	REQUIRE_UINT(n_files, 4);
	write_line(1, "ERROR: a");
	write_line(3, "ERROR: b");
	go_on(5000);
	expect_counted(2, 0);
	n_configs = 1;
	kill_and_start(0);
	expect_counted(2, 0);
	state.n_counts = 0;
	state.lost = true;
	go_on(1000);
	EXPECT_UINT(state.n_counts, 2);
	n_configs = 2;
	kill_and_start(0);
	expect_counted(2, 0);
	EXPECT_STR(state.forgotten, "");
	tear_down();
	/* Not wanted: nobody counts, and it is forgotten where that was. */
	set_up(1);
	EXPECT_UINT(n_files, 1);
	EXPECT_STR(state.forgotten, "\1");
	EXPECT_UINT(number(LOGS_COUNTING), 0);
	tear_down();
}

static void counts_what_is_not_shipped(void)
{
	counting = true;
	set_up(1);
	configs[0].ship = false;
	kill_and_start(0);
	EXPECT_UINT(n_files, 1);
	write_line(0, "ERROR: a");
	go_on(3000);
	expect_counted(1, 0);
	kill_and_start(0);
	expect_counted(1, 0);
	EXPECT_UINT(n_calls, 0);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a log that is not shipped is counted", not_shipped },
		{ "errors are counted when they were read, whatever CloudWatch Logs says",
		  counts_whatever_happens },
		{ "each error is counted once, over kills", counts_over_kills },
		{ "what is not written down is not counted yet, which is said",
		  counts_with_the_disk },
		{ "what was counted is kept", counts_are_kept },
		{ "a log that is not shipped is read once, and counted",
		  counts_what_is_not_shipped },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
