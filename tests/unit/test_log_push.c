/* SPDX-License-Identifier: MIT */
/*
 * Shipping: what is written down when, what is sent, and again, for every class of answer. Files, state file and CloudWatch are plays;
 * the clock is ours; records are the real ones.
 */
#include "unit/unit.h"

#include <event2/event.h>
#include <jansson.h>

#include "base/clock.h"
#include "logs/log_push_impl.h"

static int no_timer(struct event *e, const struct timeval *tv);
#undef event_add
#define event_add(e, tv) no_timer(e, tv)
#include "logs/log_push.c"
#undef event_add

#define START_S 1764140040ull
#define LANES_MAX 6

static uint64_t now_ns;

uint64_t clock_monotonic_ns(void)
{
	return now_ns;
}

uint64_t clock_realtime_ns(void)
{
	return START_S * NS_PER_SEC + now_ns;
}

static struct event *timer_due;

/* Timers are the tests' own; one that is due at once comes with the next turn. */
static int no_timer(struct event *e, const struct timeval *tv)
{
	if (!tv->tv_sec && !tv->tv_usec)
		timer_due = e;
	return 0;
}

/* --- files: one a log */

struct follow {
	int unused;
};

struct followed {
	struct follow_hooks hooks;
	char name[64];
	uint64_t id;
	struct buf text;
	uint64_t offset, done;
	size_t most_read_ahead;
	bool over;
	enum config_log_start start;
	void *ctx;
};

static struct followed files[LANES_MAX];
static size_t n_files;
static struct follow the_follow;
static size_t told_open_max;

void follow_set_open_max(struct follow *f, size_t n)
{
	(void)f;
	told_open_max = n;
}

static unsigned int n_quiet;

void follow_set_quiet(struct follow *f)
{
	(void)f;
	n_quiet++;
}

void followed_put_off(struct followed *d)
{
	(void)d;
}

int follow_new(struct event_base *base, const struct config_log *c, const struct position *known,
	       size_t n_known, const struct follow_hooks *hooks, struct buf *why,
	       struct follow **ret)
{
	struct followed *f = &files[n_files++];

	(void)base;
	(void)why;
	f->hooks = *hooks;
	f->id = n_files;
	f->start = c->start;
	snprintf(f->name, sizeof(f->name), "%s", c->name);
	for (size_t i = 0; i < n_known; i++)
		f->offset = f->done = known[i].offset;
	*ret = &the_follow;
	return 0;
}

void follow_free(struct follow *f)
{
	(void)f;
}

void follow_stats(const struct follow *f, struct follow_stats *ret)
{
	(void)f;
	*ret = (struct follow_stats){ .files = 1 };
}

ssize_t followed_read(struct followed *f, void *bytes, size_t size, uint64_t *ret_offset)
{
	size_t n = f->text.len - f->offset < size ? f->text.len - f->offset : size;

	*ret_offset = f->offset;
	memcpy(bytes, buf_str(&f->text) + f->offset, n);
	f->offset += n;
	if (f->offset - f->done > f->most_read_ahead)
		f->most_read_ahead = f->offset - f->done;
	return (ssize_t)n;
}

void followed_seek(struct followed *f, uint64_t offset)
{
	f->offset = offset;
}

void followed_done(struct followed *f, uint64_t offset)
{
	EXPECT(offset >= f->done);
	f->done = offset;
}

void followed_position(const struct followed *f, struct position *ret)
{
	*ret = (struct position){ .id = f->id, .offset = f->done };
	snprintf(ret->log, sizeof(ret->log), "%s", f->name);
}

bool followed_is_over(const struct followed *f)
{
	return f->over;
}

void followed_set_ctx(struct followed *f, void *ctx)
{
	f->ctx = ctx;
}

void *followed_ctx(const struct followed *f)
{
	return f->ctx;
}

/* --- the state file */

static struct {
	struct position list[LANES_MAX + 1]; /* by id, as written */
	struct position counts[LANES_MAX];   /* whose rows have no id, by name */
	size_t n_counts;
	char forgotten[8];
	bool lost;
	struct position pending[64];
	size_t n_pending;
	void (*done)(int err, void *ctx);
	void *ctx;
	unsigned int n_puts;
	int err;
} state;

int positions_each(struct positions *p, int (*fn)(const struct position *at, void *ctx), void *ctx)
{
	int err = 0;

	(void)p;
	for (size_t i = 1; i <= LANES_MAX && !err; i++)
		if (state.list[i].id)
			err = fn(&state.list[i], ctx);
	for (size_t i = 0; i < state.n_counts && !err; i++)
		err = fn(&state.counts[i], ctx);
	return err;
}

static void put_one(const struct position *at)
{
	size_t i = 0;

	if (at->log[0] != '\2') {
		state.list[at->id] = *at;
		return;
	}
	while (i < state.n_counts && strcmp(state.counts[i].log, at->log) != 0)
		i++;
	state.counts[i] = *at;
	state.n_counts += i == state.n_counts;
}

static void finish_put(void)
{
	void (*done)(int err, void *ctx) = state.done;

	state.done = NULL;
	if (!done)
		return;
	for (size_t i = 0; i < state.n_pending && !state.err; i++)
		put_one(&state.pending[i]);
	done(state.err, state.ctx);
}

static void on_registered_here(int err, void *ctx)
{
	(void)err;
	(void)ctx;
}

/* A lane's is finished at once if there is another's already: only one can be looked at. */
int positions_put(struct positions *p, const struct position *list, size_t n,
		  void (*done)(int err, void *ctx), void *ctx)
{
	(void)p;
	finish_put();
	EXPECT(n <= ARRAY_SIZE(state.pending));
	memcpy(state.pending, list, n * sizeof(*list));
	state.n_pending = n;
	state.n_puts++;
	state.done = done ? done : on_registered_here;
	state.ctx = ctx;
	return 0;
}

int positions_forget(struct positions *p, int64_t seen_s)
{
	(void)p;
	(void)seen_s;
	return 0;
}

int positions_forget_logs(struct positions *p, const char *prefix)
{
	(void)p;
	snprintf(state.forgotten, sizeof(state.forgotten), "%s", prefix);
	return 0;
}

bool positions_lost(struct positions *p)
{
	(void)p;
	return take(state.lost);
}

/* --- CloudWatch */

struct aws_call {
	bool open;
	aws_done_fn fn;
	void *ctx;
	char operation[40];
	struct buf body;
};

static struct aws_call calls[64];
static size_t n_calls, n_open, most_open;

int aws_client_call(struct aws_client *c, const struct aws_request *r, aws_done_fn fn, void *ctx,
		    struct aws_call **ret_call)
{
	struct aws_call *call = &calls[n_calls++ % ARRAY_SIZE(calls)];

	(void)c;
	EXPECT_INT(r->service, AWS_LOGS);
	EXPECT(!call->open);
	buf_done(&call->body);
	*call = (struct aws_call){ true, fn, ctx, "", BUF_INIT(9 << 20) };
	snprintf(call->operation, sizeof(call->operation), "%s", r->operation);
	buf_add(&call->body, r->body, r->body_len);
	n_open++;
	most_open = n_open > most_open ? n_open : most_open;
	*ret_call = call;
	return 0;
}

void aws_call_cancel(struct aws_call *call)
{
	if (call && call->open) {
		call->open = false;
		n_open--;
	}
}

int64_t aws_client_skew_s(const struct aws_client *c)
{
	(void)c;
	return 0;
}

const char *identity_instance_id(const struct identity *i)
{
	(void)i;
	return "i-0abc";
}

bool identity_settled(const struct identity *i)
{
	(void)i;
	return true;
}

static struct aws_call *last_call(void)
{
	return &calls[(n_calls - 1) % ARRAY_SIZE(calls)];
}

/* --- the play */

static struct event_base *base;
static struct config_log configs[LANES_MAX];
static const struct config_log *logs[LANES_MAX];
static struct log_push *push;
static size_t n_configs;
static struct log_push_options options;
static bool counting; /* wanted by the next set_up() */

static void turn(void)
{
	struct event *due = take(timer_due);

	if (due)
		event_active(due, 0, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Until nothing happens any more but what the test is to answer; time passes. */
static void go_on(unsigned int ms)
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

static void start(void)
{
	n_files = 0;
	EXPECT_INT(log_push_new(base, NULL, NULL, NULL, logs, n_configs, &options, &push), 0);
	for (size_t i = 0; i < n_files; i++)
		files[i].hooks.ready(&files[i], files[i].hooks.ctx);
}

static void end(void)
{
	log_push_free(take(push));
	state.done = NULL;
}

static void set_up(size_t n)
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

static void tear_down(void)
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

static void write_line(size_t i, const char *text)
{
	buf_add_str(&files[i].text, text);
	buf_add_char(&files[i].text, '\n');
	files[i].hooks.ready(&files[i], files[i].hooks.ctx);
}

static void answer_call(struct aws_call *call, struct aws_answer a)
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

static void answer(struct aws_answer a)
{
	answer_call(last_call(), a);
	go_on(0);
}

static const struct aws_answer ok = { .failure = AWS_OK, .status = 200 };
static const struct aws_answer invalid = { .failure = AWS_REJECTED,
					   .code = "InvalidParameterException" };
static const struct aws_answer missing = { .failure = AWS_REJECTED,
					   .code = "ResourceNotFoundException" };

static uint64_t number(enum logs_number n)
{
	struct logs_figures f = { 0 };
	uint64_t value;

	EXPECT_INT(log_push_figures(push, &f), 0);
	value = f.n[n];
	logs_figures_done(&f);
	return value;
}

/* --- cases */

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
	end();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i].open = false;
	n_open = 0;
	files[0].offset = files[0].done = 0;
	start();
	go_on(3000);
	EXPECT_UINT(n_calls, 2);
	EXPECT_HAS(buf_str(&last_call()->body), "one");
	EXPECT_HAS(buf_str(&last_call()->body), "three");
	answer(ok);
	EXPECT_UINT(number(LOGS_EVENTS), 3);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 2);
	tear_down();
}

static void kill_and_start(void)
{
	const uint64_t arrived = state.list[1].offset;

	end();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i].open = false;
	n_open = 0;
	files[0].offset = files[0].done = arrived;
	start();
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
	kill_and_start();
	go_on(3000);
	EXPECT_UINT(n_calls, 2);
	EXPECT_UINT(state.list[1].under_way_to, all);
	answer(ok);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 2);
	EXPECT_UINT(state.list[1].offset, 2 * strlen("one\n"));
	EXPECT(state.list[1].under_way);
	EXPECT_UINT(state.list[1].under_way_to, all);
	files[0].text.len = all;
	kill_and_start();
	write_line(0, "two");
	go_on(3000);
	answer(ok);
	EXPECT_UINT(number(LOGS_MAYBE_TWICE), 3);
	EXPECT_UINT(number(LOGS_EVENTS), 4);
	EXPECT(!state.list[1].under_way);
	tear_down();
}

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

/* --- counting */

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

/* As by SIGKILL: what is not in the state file is read again. */
static void kill_all(void)
{
	end();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i].open = false;
	n_open = 0;
	for (size_t i = 0; i < LANES_MAX; i++)
		files[i].offset = files[i].done = 0;
	start();
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
		kill_all();
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
	kill_all();
	expect_counted(2, 0);
	state.n_counts = 0;
	state.lost = true;
	go_on(1000);
	EXPECT_UINT(state.n_counts, 2);
	n_configs = 2;
	kill_all();
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
	kill_all();
	EXPECT_UINT(n_files, 1);
	write_line(0, "ERROR: a");
	go_on(3000);
	expect_counted(1, 0);
	kill_all();
	expect_counted(1, 0);
	EXPECT_UINT(n_calls, 0);
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

static bool is_stopped;

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
		{ "group, retention and stream are made", creates },
		{ "group and stream that are hardly made", creates_hardly },
		{ "one bad event does not stop the others", poison },
		{ "where nothing was ever taken nothing is thrown away", refuses_all },
		{ "what is rejected is counted", rejected },
		{ "what cannot be written down is not sent", no_disk },
		{ "three calls at once", three_at_once },
		{ "a log that is not shipped is counted", not_shipped },
		{ "errors are counted when they were read, whatever CloudWatch Logs says",
		  counts_whatever_happens },
		{ "each error is counted once, over kills", counts_over_kills },
		{ "what is not written down is not counted yet, which is said",
		  counts_with_the_disk },
		{ "what was counted is kept", counts_are_kept },
		{ "a log that is not shipped is read once, and counted",
		  counts_what_is_not_shipped },
		{ "a backlog is not read into memory", backlog },
		{ "times that CloudWatch does not take", old_times },
		{ "stops behind what is under way", stops },
		{ "what waits at the end was not sent", stops_while_it_waits },
		{ "lanes share the descriptors", shares_descriptors },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
