/* SPDX-License-Identifier: MIT */
/* Shipping: what is written down when, what is sent, and again, over failures, kills and the end. */
#include "unit/log_push_fixture.h"

static void a_line(void)
{
	set_up(1);
	write_line(0, "hello");
	go_on(0);
	EXPECT_UINT(n_calls, 0); /* younger than a second */
	go_on(3000);
	EXPECT_UINT(n_calls, 1);
	EXPECT_STR(last_call()->operation, "PutLogEvents");
	EXPECT_HAS(buf_str(&last_call()->body),
		   "{\"logGroupName\":\"g\",\"logStreamName\":\"log0\",\"logEvents\":[{");
	EXPECT_HAS(buf_str(&last_call()->body), "\"message\":\"hello\"}]}");
	EXPECT_UINT(state.list[1].offset, 0);
	EXPECT(state.list[1].under_way);
	EXPECT_UINT(state.list[1].under_way_to, 6);
	answer(ok);
	EXPECT_UINT(state.list[1].offset, 6);
	EXPECT(!state.list[1].under_way);
	EXPECT_UINT(number(LOGS_EVENTS), 1);
	EXPECT_UINT(number(LOGS_BYTES), 5 + 26);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 0);
	go_on(5000);
	EXPECT_UINT(n_calls, 1);
	tear_down();
}

/* The batch that is next is written down in the transaction in which the one before moves. */
static void one_behind_the_other(void)
{
	unsigned int puts;

	set_up(1);
	write_line(0, "one");
	go_on(3000);
	write_line(0, "two");
	go_on(3000);
	EXPECT_UINT(n_calls, 1);
	puts = state.n_puts;
	answer(ok);
	EXPECT_UINT(state.n_puts, puts + 1);
	EXPECT_UINT(n_calls, 2);
	EXPECT_UINT(state.list[1].offset, 4);
	EXPECT(state.list[1].under_way);
	EXPECT_UINT(state.list[1].under_way_to, 8);
	EXPECT_HAS(buf_str(&last_call()->body), "[{\"timestamp\":17641400");
	EXPECT(!strstr(buf_str(&last_call()->body), "one"));
	answer(ok);
	EXPECT_UINT(state.list[1].offset, 8);
	tear_down();
}

static void each_failure(void)
{
	static const struct {
		enum aws_failure failure;
		const char *name;
		bool unknown;
	} rows[] = {
		{ AWS_TRANSIENT, "transient", false },
		{ AWS_TRANSIENT, "transient, of unknown outcome", true },
		{ AWS_THROTTLED, "throttled", false },
		{ AWS_NO_CREDENTIALS, "no credentials", false },
		{ AWS_NO_REGION, "no region", false },
		{ AWS_DENIED, "denied", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct aws_answer a = { .failure = rows[i].failure,
					      .outcome_unknown = rows[i].unknown };
		_cleanup_(buf_done) struct buf body = BUF_INIT(10000);

		unit_begin("the same again, more and more slowly: %s", rows[i].name);
		set_up(1);
		write_line(0, "hello");
		go_on(3000);
		buf_add(&body, last_call()->body.data, last_call()->body.len);
		for (unsigned int n = 1; n < 15; n++) {
			const size_t before = n_calls;

			answer(a);
			EXPECT_UINT(n_calls, before); /* not at once */
			EXPECT(state.list[1].under_way);
			go_on(300000);
			EXPECT_UINT(n_calls, before + 1);
			EXPECT_STR(buf_str(&last_call()->body), buf_str(&body));
		}
		answer(ok);
		EXPECT_UINT(state.list[1].offset, 6);
		EXPECT_UINT(number(LOGS_EVENTS), 1);
		EXPECT_UINT(number(LOGS_FAILURES), 14);
		EXPECT_UINT(number(LOGS_MAYBE_TWICE), rows[i].unknown);
		tear_down();
	}
}

static void killed(void)
{
	set_up(1);
	write_line(0, "one");
	write_line(0, "two");
	go_on(3000);
	write_line(0, "three");
	kill_and_start(0);
	go_on(3000);
	EXPECT_UINT(n_calls, 2);
	EXPECT_HAS(buf_str(&last_call()->body), "one");
	EXPECT_HAS(buf_str(&last_call()->body), "three");
	answer(ok);
	EXPECT_UINT(number(LOGS_EVENTS), 3);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 2);
	tear_down();
}

/* The batch after the first kill is shorter than the one before, as not all of the file is there yet. */
static void killed_twice(void)
{
	size_t all;

	set_up(1);
	for (unsigned int i = 0; i < 5; i++)
		write_line(0, "one");
	go_on(3000);
	all = files[0].text.len;
	EXPECT_UINT(state.list[1].under_way_to, all);
	files[0].text.len = 2 * strlen("one\n");
	kill_and_start(state.list[1].offset);
	go_on(3000);
	EXPECT_UINT(n_calls, 2);
	EXPECT_UINT(state.list[1].under_way_to, all);
	answer(ok);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 2);
	EXPECT_UINT(state.list[1].offset, 2 * strlen("one\n"));
	EXPECT(state.list[1].under_way);
	EXPECT_UINT(state.list[1].under_way_to, all);
	files[0].text.len = all;
	kill_and_start(state.list[1].offset);
	write_line(0, "two");
	go_on(3000);
	answer(ok);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 3);
	EXPECT_UINT(number(LOGS_EVENTS), 4);
	EXPECT(!state.list[1].under_way);
	tear_down();
}

static void three_at_once(void)
{
	set_up(6);
	for (unsigned int i = 0; i < 6; i++)
		write_line(i, "hello");
	go_on(5000);
	EXPECT_UINT(n_open, LOG_PUSH_CALLS);
	for (unsigned int i = 0; i < 6; i++) {
		for (size_t j = 0; j < n_calls; j++)
			if (calls[j].open) {
				answer_call(&calls[j], ok);
				break;
			}
		go_on(2000);
	}
	EXPECT_UINT(number(LOGS_EVENTS), 6);
	EXPECT_UINT(most_open, LOG_PUSH_CALLS);
	tear_down();
}

/* However much there is: no more is read than two batches hold, and all of it arrives. */
static void backlog(void)
{
	size_t most = 0;

	set_up(1);
	for (unsigned int i = 0; i < 300000; i++)
		buf_printf(&files[0].text,
			   "line %u: what a log has to say, and somewhat more than that\n", i);
	write_line(0, "the last one");
	go_on(0);
	while (n_open && !unit_state.result) {
		most = last_call()->body.len > most ? last_call()->body.len : most;
		answer(ok);
		go_on(1000);
	}
	EXPECT_UINT(number(LOGS_EVENTS), 300001);
	EXPECT_UINT(state.list[1].offset, files[0].text.len);
	EXPECT(most < 2 * PUT_LOGS_BYTES_MAX);
	EXPECT(files[0].most_read_ahead < 2 * PUT_LOGS_BYTES_MAX + 2 * LANE_CHUNK);
	tear_down();
}

/* All lanes together hold no more files open than the process may. */
static void shares_descriptors(void)
{
	struct rlimit usual, limit;

	getrlimit(RLIMIT_NOFILE, &usual);
	limit = usual;
	limit.rlim_cur = 1024;
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	set_up(1);
	EXPECT_UINT(told_open_max, 512);
	tear_down();
	set_up(LANES_MAX);
	EXPECT(told_open_max > 100 && LANES_MAX * told_open_max < 1024);
	tear_down();
	setrlimit(RLIMIT_NOFILE, &usual);
}

static bool is_stopped;

static void on_stopped(void *ctx)
{
	(void)ctx;
	is_stopped = true;
}

static void stops(void)
{
	set_up(2);
	write_line(0, "hello");
	go_on(3000);
	write_line(1, "not sent any more");
	is_stopped = false;
	log_push_stop(push, on_stopped, NULL);
	go_on(2000);
	EXPECT(!is_stopped);
	answer(ok);
	go_on(100);
	EXPECT(is_stopped);
	EXPECT_UINT(n_calls, 1);
	EXPECT_UINT(state.list[1].offset, 6);
	EXPECT(!state.list[1].under_way);
	tear_down();
}

/* What waited when it stopped counts as sent only if it may have been. */
static void stops_while_it_waits(void)
{
	for (int unknown = 0; unknown < 2; unknown++) {
		set_up(1);
		write_line(0, "hello");
		go_on(3000);
		answer((struct aws_answer){ .failure = AWS_TRANSIENT, .outcome_unknown = unknown });
		EXPECT(state.list[1].under_way);
		is_stopped = false;
		log_push_stop(push, on_stopped, NULL);
		go_on(100);
		EXPECT(is_stopped);
		EXPECT_INT(state.list[1].under_way, unknown);
		EXPECT_UINT(state.list[1].offset, 0);
		end();
		files[0].offset = files[0].done = 0;
		start();
		go_on(3000);
		answer(ok);
		EXPECT_UINT(number(LOGS_EVENTS), 1);
		EXPECT_UINT(number(LOGS_MAYBE_TWICE), unknown);
		tear_down();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a line: written down, sent, moved", a_line },
		{ "one batch behind the other", one_behind_the_other },
		{ NULL, each_failure },
		{ "killed: sent again, and counted", killed },
		{ "killed again behind a batch that is shorter", killed_twice },
		{ "three calls at once", three_at_once },
		{ "a backlog is not read into memory", backlog },
		{ "stops behind what is under way", stops },
		{ "what waits at the end was not sent", stops_while_it_waits },
		{ "lanes share the descriptors", shares_descriptors },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
