/* SPDX-License-Identifier: MIT */
/* A play of shipping: logs that are written to, time that passes, and calls that are answered as the test likes. */
#ifndef ISAMON_TEST_LOG_PUSH_FIXTURE_H
#define ISAMON_TEST_LOG_PUSH_FIXTURE_H

#include "unit/log_push_stubs.h"

static struct event_base *base;
static struct config_log configs[LANES_MAX];
static const struct config_log *logs[LANES_MAX];
static struct log_push *push;
static size_t n_configs;
static struct log_push_options options;
static bool counting; /* wanted by the next set_up() */

UNIT_USED_ static void turn(void)
{
	struct event *due = take(timer_due);

	if (due)
		event_active(due, 0, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Until nothing happens any more but what the test is to answer; time passes. */
UNIT_USED_ static void go_on(unsigned int ms)
{
	for (unsigned int i = 0; i < ms / 100 + 1; i++) {
		now_ns += 100 * NS_PER_MS;
		on_tick(-1, 0, push);
		for (int j = 0; j < 20; j++) {
			turn();
			if (!state.err)
				finish_put();
		}
	}
}

UNIT_USED_ static void start(void)
{
	n_files = 0;
	EXPECT_INT(log_push_new(base, NULL, NULL, NULL, logs, n_configs, &options, &push), 0);
	for (size_t i = 0; i < n_files; i++)
		files[i].hooks.ready(&files[i], files[i].hooks.ctx);
}

UNIT_USED_ static void end(void)
{
	log_push_free(take(push));
	state.done = NULL;
}

UNIT_USED_ static void set_up(size_t n)
{
	static char empty[] = "", stream[] = "{name}", name[LANES_MAX][8];

	memset(&state, 0, sizeof(state));
	n_configs = n;
	n_calls = n_open = most_open = 0;
	now_ns = NS_PER_SEC;
	timer_due = NULL;
	options =
		(struct log_push_options){ .group = "g", .retention_days = 30, .count = counting };
	base = event_base_new();
	for (size_t i = 0; i < n; i++) {
		snprintf(name[i], sizeof(name[i]), "log%u", (unsigned int)(i % 10));
		configs[i] = (struct config_log){ .name = name[i],
						  .unit = empty,
						  .ship = true,
						  .group = empty,
						  .stream = stream,
						  .timestamp = empty,
						  .first_line = empty };
		logs[i] = &configs[i];
	}
	for (size_t i = 0; i < LANES_MAX; i++)
		files[i] = (struct followed){ .text = BUF_INIT(64 << 20) };
	start();
}

UNIT_USED_ static void tear_down(void)
{
	end();
	for (size_t i = 0; i < LANES_MAX; i++)
		buf_done(&files[i].text);
	counting = false;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		buf_done(&calls[i].body);
		calls[i].open = false;
	}
	event_base_free(base);
}

UNIT_USED_ static void write_line(size_t i, const char *text)
{
	buf_add_str(&files[i].text, text);
	buf_add_char(&files[i].text, '\n');
	files[i].hooks.ready(&files[i], files[i].hooks.ctx);
}

UNIT_USED_ static void answer_call(struct aws_call *call, struct aws_answer a)
{
	EXPECT(call->open);
	call->open = false;
	n_open--;
	a.code = a.code ? a.code : "";
	a.message = "asked for by the test";
	a.body = a.body ? a.body : "{}";
	a.body_len = strlen(a.body);
	a.request_id = "";
	a.attempts = 1;
	call->fn(&a, call->ctx);
}

UNIT_USED_ static void answer(struct aws_answer a)
{
	answer_call(last_call(), a);
	go_on(0);
}

static const struct aws_answer ok = { .failure = AWS_OK, .status = 200 };
static const struct aws_answer invalid = { .failure = AWS_REJECTED,
					   .code = "InvalidParameterException" };
static const struct aws_answer missing = { .failure = AWS_REJECTED,
					   .code = "ResourceNotFoundException" };

UNIT_USED_ static uint64_t number(enum logs_number n)
{
	struct logs_figures f = { 0 };
	uint64_t value;

	EXPECT_INT(log_push_figures(push, &f), 0);
	value = f.n[n];
	logs_figures_done(&f);
	return value;
}

/* As by SIGKILL: what is not in the state file is read again, from where all of it begins, or from what had arrived. */
UNIT_USED_ static void kill_and_start(uint64_t arrived)
{
	end();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i].open = false;
	n_open = 0;
	for (size_t i = 0; i < LANES_MAX; i++)
		files[i].offset = files[i].done = arrived;
	start();
}

#endif
