/* SPDX-License-Identifier: MIT */
/* Shipping: what CloudWatch Logs refuses, what is not there yet, and what cannot be written down. */
#include "unit/log_push_fixture.h"

static void creates(void)
{
	static const struct {
		const char *operation, *has;
		const struct aws_answer *answer;
	} steps[] = {
		{ "PutLogEvents", "hello", &missing },
		{ "CreateLogStream", "{\"logGroupName\":\"g\",\"logStreamName\":\"log0\"}",
		  &missing },
		{ "CreateLogGroup", "{\"logGroupName\":\"g\"}", &ok },
		{ "PutRetentionPolicy", "\"retentionInDays\":30", &ok },
		{ "CreateLogStream", "\"log0\"", &ok },
		{ "PutLogEvents", "hello", &ok },
	};

	set_up(1);
	write_line(0, "hello");
	go_on(3000);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		EXPECT_UINT(n_calls, i + 1);
		EXPECT_STR(last_call()->operation, steps[i].operation);
		EXPECT_HAS(buf_str(&last_call()->body), steps[i].has);
		answer(*steps[i].answer);
	}
	EXPECT_UINT(number(LOGS_EVENTS), 1);
	EXPECT_UINT(state.list[1].offset, 6);
	tear_down();
}

/* One that is made by somebody else meanwhile; one that is not there though it was made; one that may not be made. */
static void creates_hardly(void)
{
	static const struct aws_answer there = { .failure = AWS_REJECTED,
						 .code = "ResourceAlreadyExistsException" };
	static const struct aws_answer denied = { .failure = AWS_DENIED,
						  .code = "AccessDeniedException" };

	set_up(1);
	write_line(0, "hello");
	go_on(3000);
	answer(missing);
	answer(there);
	EXPECT_STR(last_call()->operation, "PutLogEvents");
	answer(missing);
	EXPECT_UINT(n_calls, 3);
	go_on(5000);
	EXPECT_STR(last_call()->operation, "PutLogEvents");
	answer(missing);
	EXPECT_STR(last_call()->operation, "CreateLogStream");
	answer(denied);
	EXPECT_UINT(n_calls, 5);
	go_on(60000);
	EXPECT_STR(last_call()->operation, "PutLogEvents");
	answer(ok);
	EXPECT_UINT(number(LOGS_EVENTS), 1);
	tear_down();
}

/* Answers as CloudWatch would that refuses each batch with "poison" in it. */
static void play(unsigned int max)
{
	for (unsigned int i = 0; i < max; i++) {
		if (!n_open)
			return;
		answer(strstr(buf_str(&last_call()->body), "poison") ? invalid : ok);
	}
}

static void poison(void)
{
	char line[32];

	set_up(1);
	write_line(0, "good");
	go_on(3000);
	answer(ok);
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line),
			 i == 137 || i == 138 || i == 999 ? "poison" : "line %u", i);
		write_line(0, line);
	}
	go_on(3000);
	play(200);
	EXPECT_UINT(number(LOGS_REFUSED), 3);
	EXPECT_UINT(number(LOGS_EVENTS), 998);
	EXPECT_UINT(state.list[1].offset, files[0].text.len);
	EXPECT(n_calls < 80);
	tear_down();
}

/* Nothing was ever taken: it is not the event's fault. */
static void refuses_all(void)
{
	set_up(1);
	write_line(0, "poison");
	go_on(3000);
	for (unsigned int i = 0; i < 5; i++) {
		answer(invalid);
		go_on(300000);
	}
	EXPECT_UINT(number(LOGS_REFUSED), 0);
	EXPECT_UINT(state.list[1].offset, 0);
	answer(ok);
	EXPECT_UINT(number(LOGS_EVENTS), 1);
	tear_down();
}

static void rejected(void)
{
	struct aws_answer a = ok;

	set_up(1);
	for (unsigned int i = 0; i < 10; i++)
		write_line(0, "line");
	go_on(3000);
	a.body =
		"{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":2,\"expiredLogEventEndIndex\":3,"
		"\"tooNewLogEventStartIndex\":9}}";
	answer(a);
	EXPECT_UINT(number(LOGS_TOO_OLD), 2);
	EXPECT_UINT(number(LOGS_EXPIRED), 1);
	EXPECT_UINT(number(LOGS_TOO_NEW), 1);
	EXPECT_UINT(number(LOGS_EVENTS), 6);
	write_line(0, "line");
	go_on(3000);
	a.body =
		"{\"rejectedLogEventsInfo\":{\"tooNewLogEventStartIndex\":-4,\"tooOldLogEventEndIndex\":\"x\"}}";
	answer(a);
	EXPECT_UINT(number(LOGS_EVENTS), 7);
	tear_down();
}

static void old_times(void)
{
	static char format[] = "%Y-%m-%dT%H:%M:%S%z";

	set_up(1);
	end();
	configs[0].timestamp = format;
	start();
	write_line(0, "2025-11-20T00:00:00+0000 well");
	write_line(0, "2025-11-01T00:00:00+0000 too old");
	write_line(0, "2025-11-27T00:00:00+0000 too new");
	go_on(5000);
	EXPECT_UINT(n_calls, 1);
	answer(ok);
	go_on(5000);
	if (n_open)
		answer(ok);
	EXPECT_UINT(number(LOGS_EVENTS), 3);
	EXPECT_UINT(number(LOGS_RETIMED), 2);
	tear_down();
}

/* What cannot be written down is not sent. */
static void no_disk(void)
{
	set_up(1);
	go_on(0);
	state.err = -ENOSPC;
	write_line(0, "hello");
	for (unsigned int i = 0; i < 5; i++) {
		go_on(3000);
		finish_put();
		EXPECT_UINT(n_calls, 0);
	}
	state.err = 0;
	go_on(3000);
	EXPECT_UINT(n_calls, 1);
	state.err = -ENOSPC;
	answer(ok);
	finish_put();
	write_line(0, "two");
	go_on(10000);
	finish_put();
	EXPECT_UINT(n_calls, 1);
	state.err = 0;
	go_on(5000);
	EXPECT_UINT(n_calls, 2);
	EXPECT_UINT(state.list[1].offset, 6);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "group, retention and stream are made", creates },
		{ "group and stream that are hardly made", creates_hardly },
		{ "one bad event does not stop the others", poison },
		{ "where nothing was ever taken nothing is thrown away", refuses_all },
		{ "what is rejected is counted", rejected },
		{ "times that CloudWatch does not take", old_times },
		{ "what cannot be written down is not sent", no_disk },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
