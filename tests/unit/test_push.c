/* SPDX-License-Identifier: MIT */
/* The pusher: every class of answer, pauses, order, and what the spool hears of it. */
#include "unit/push_play.h"

static void a_minute(void)
{
	struct push_stats s;

	set_up();
	put_minute(1);
	EXPECT(t.planned_ms > 0 && t.planned_ms <= 60000);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "{\"Namespace\":\"AgentISA\",\"MetricData\":[");
	EXPECT_HAS(cw.body, "{\"Name\":\"InstanceId\",\"Value\":\"i-0123456789abcdef0\"}");
	EXPECT_HAS(cw.body, "{\"Name\":\"AutoScalingGroupName\",\"Value\":\"web\"}");
	go_on(20);
	EXPECT_UINT(sp.pushed, 1);
	EXPECT_UINT(cw.calls, 1);
	EXPECT_UINT(n_told, 1);
	push_stats(p, &s);
	EXPECT_UINT(s.requests, 1);
	EXPECT_UINT(s.retries + s.failures, 0);
	EXPECT_UINT(s.sent_bytes, 100);
	EXPECT_INT(s.state, AWS_OK);
	EXPECT(s.last_success_s > START);
	EXPECT(t.planned_ms > 59000 && t.planned_ms <= 60000);
	tear_down();
}

static void many_minutes(void)
{
	uint64_t began;

	set_up();
	for (unsigned int i = 0; i < 1000; i++)
		put_minute(i);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "\"Value\":999"); /* the newest first */
	EXPECT(!strstr(cw.body, "\"Value\":0}"));
	began = t.now_ms;
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "\"Value\":0}");
	EXPECT(!strstr(cw.body, "\"Value\":999"));
	go_on(200);
	EXPECT_UINT(sp.pushed, 1000);
	EXPECT_UINT(sp.twice + sp.rejected, 0);
	EXPECT_UINT(cw.calls, 1 + (998 + 65) / 66);
	EXPECT(t.now_ms - began >= 250 * (cw.calls - 1));
	EXPECT(t.now_ms - began <= 250 * (cw.calls + 1));
	tear_down();
}

/* --- failures */

static const struct {
	enum aws_failure failure;
	const char *name;
	uint64_t first_ms;
} failures[] = {
	{ AWS_TRANSIENT, "transient", 1000 },
	{ AWS_THROTTLED, "throttled", 5000 },
	{ AWS_NO_CREDENTIALS, "no credentials", 1000 },
	{ AWS_NO_REGION, "no region", 1000 },
	{ AWS_DENIED, "denied", 10000 },
};

static void each_failure(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		uint64_t pause = failures[i].first_ms;
		struct push_stats s;

		unit_begin("kept and tried again, more and more slowly: %s", failures[i].name);
		set_up();
		put_minute(1);
		put_minute(2);
		put_minute(3);
		cw.answer.failure = failures[i].failure;
		EXPECT(next_call());
		for (unsigned int n = 1; n < 30; n++) {
			answer();
			EXPECT(t.planned_ms >= pause / 2 && t.planned_ms <= pause);
			pause = 2 * pause < 300000 ? 2 * pause : 300000;
			EXPECT(next_call());
			EXPECT_UINT(cw.calls, n + 1);
		}
		push_stats(p, &s);
		EXPECT_INT(s.state, failures[i].failure);
		EXPECT_STR(s.error, "what CloudWatch said?");
		EXPECT_UINT(s.failures, 29);
		EXPECT_UINT(sp.pushed + sp.rejected, 0);
		cw.answer.failure = AWS_OK;
		EXPECT_HAS(cw.body, "\"Value\":3"); /* the newest one when it comes back */
		go_on(100);
		EXPECT_UINT(sp.pushed, 3);
		EXPECT_UINT(sp.twice, 0);
		push_stats(p, &s);
		EXPECT_STR(s.error, "");
		tear_down();
	}
}

static void asked_pause(void)
{
	set_up();
	put_minute(1);
	cw.answer = (struct aws_answer){ .failure = AWS_THROTTLED, .retry_after_ms = 40000 };
	EXPECT(next_call());
	answer();
	EXPECT(t.planned_ms >= 40000 && t.planned_ms <= 50000);
	cw.answer.retry_after_ms = UINT64_MAX;
	EXPECT(next_call());
	answer();
	EXPECT(t.planned_ms >= 300000 && t.planned_ms <= 375000);
	tear_down();
}

static void unknown_outcome(void)
{
	struct push_stats s;

	set_up();
	put_minute(1);
	cw.answer = (struct aws_answer){ .failure = AWS_TRANSIENT,
					 .outcome_unknown = true,
					 .attempts = 3 };
	EXPECT(next_call());
	answer();
	EXPECT(row_of(1)->maybe_sent && !row_of(1)->under_way);
	cw.answer = (struct aws_answer){ 0 };
	go_on(20);
	EXPECT_UINT(sp.pushed, 1);
	EXPECT_UINT(sp.twice, 1);
	push_stats(p, &s);
	EXPECT_UINT(s.retries, 2);
	/* Within one call: the second attempt went well, the first may have, too. */
	put_minute(2);
	cw.answer = (struct aws_answer){ .outcome_unknown = true, .attempts = 2 };
	go_on(20);
	EXPECT_UINT(sp.pushed, 2);
	EXPECT_UINT(sp.twice, 2);
	tear_down();
}

static void rejection(void)
{
	static const unsigned int poisoned[] = { 1, 2, 7, 60 };

	for (size_t i = 0; i < ARRAY_SIZE(poisoned); i++) {
		char poison[40];
		struct push_stats s;

		unit_begin("only what is refused alone is removed: %u of 60", poisoned[i]);
		snprintf(poison, sizeof(poison), "\"Value\":%u}",
			 poisoned[i] == 60 ? 59 : poisoned[i]);
		set_up();
		for (unsigned int id = 0; id < 60; id++)
			put_minute(id);
		cw.poison = poison;
		go_on(1000);
		EXPECT_UINT(sp.pushed, 59);
		EXPECT_UINT(sp.rejected, 1);
		EXPECT_UINT(sp.twice, 0);
		EXPECT(!row_of(poisoned[i] == 60 ? 59 : poisoned[i])->here);
		push_stats(p, &s);
		EXPECT_INT(s.state, AWS_OK);
		EXPECT(s.failures >= 2);
		tear_down();
	}
}

static void all_rejected(void)
{
	struct push_stats s;

	set_up();
	for (unsigned int id = 0; id < 150; id++)
		put_minute(id);
	cw.answer.failure = AWS_REJECTED;
	go_on(2000);
	EXPECT_UINT(sp.rejected, 150);
	EXPECT_UINT(sp.pushed, 0);
	push_stats(p, &s);
	EXPECT_INT(s.state, AWS_REJECTED);
	EXPECT_STR(s.error, "what CloudWatch said?");
	tear_down();
}

static void damaged_minutes(void)
{
	set_up();
	put_row(1, "not JSON");
	put_minute(2);
	put_row(3, "[{}]");
	put_row(4, "[");
	go_on(50);
	EXPECT_UINT(sp.rejected, 3);
	EXPECT_UINT(sp.pushed, 1);
	put_row(5, "[");
	go_on(50);
	EXPECT_UINT(sp.rejected, 4);
	tear_down();
}

static void now(void)
{
	set_up();
	put_minute(1);
	EXPECT_INT(push_now(p, done, NULL), 0);
	EXPECT_INT(push_now(p, done, NULL), -EBUSY);
	EXPECT_UINT(t.planned_ms, 0);
	go_on(20);
	EXPECT_UINT(n_done, 1);
	EXPECT_UINT(sp.pushed, 1);
	/* In a pause, and it fails again. */
	put_minute(2);
	cw.answer.failure = AWS_TRANSIENT;
	EXPECT(next_call());
	answer();
	EXPECT(t.planned_ms >= 500);
	EXPECT_INT(push_now(p, done, NULL), 0);
	EXPECT_UINT(t.planned_ms, 0);
	EXPECT(next_call());
	EXPECT_UINT(n_done, 1);
	answer();
	EXPECT_UINT(n_done, 2);
	/* While a call is under way: behind it. */
	cw.answer.failure = AWS_OK;
	EXPECT(next_call());
	EXPECT_INT(push_now(p, done, NULL), 0);
	go_on(20);
	EXPECT_UINT(n_done, 3);
	EXPECT_UINT(sp.pushed, 2);
	tear_down();
}

static void wake(void)
{
	set_up();
	put_minute(1);
	push_wake(p); /* no pause: nothing happens */
	EXPECT(t.planned_ms > 0);
	cw.answer.failure = AWS_NO_CREDENTIALS;
	for (unsigned int i = 0; i < 12; i++) {
		EXPECT(next_call());
		answer();
	}
	EXPECT(t.planned_ms >= 150000);
	cw.answer.failure = AWS_OK;
	push_wake(p);
	EXPECT_UINT(t.planned_ms, 0);
	go_on(10);
	EXPECT_UINT(sp.pushed, 1);
	tear_down();
}

static void identity(void)
{
	uint64_t began;

	set_up();
	put_minute(1);
	who.instance_id = NULL;
	who.settled = false;
	EXPECT_INT(push_now(p, done, NULL), 0);
	for (unsigned int i = 0; i < 5; i++)
		next();
	EXPECT_UINT(cw.calls, 0);
	EXPECT_UINT(t.planned_ms, 1000);
	who.instance_id = "i-late";
	push_wake(p);
	EXPECT_UINT(t.planned_ms, 0);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "i-late");
	tear_down();

	set_up();
	put_minute(1);
	who.instance_id = NULL;
	who.settled = false;
	began = t.now_ms;
	for (unsigned int i = 0; i < 200 && !cw.calls; i++)
		next();
	EXPECT(t.now_ms - began >= 60000 && t.now_ms - began < 125000);
	EXPECT(!strstr(cw.body, "InstanceId"));
	go_on(10);
	EXPECT_UINT(sp.pushed, 1);
	tear_down();

	set_up(); /* asked, and not known: no EC2 */
	put_minute(1);
	who.instance_id = NULL;
	EXPECT_INT(push_now(p, done, NULL), 0);
	next();
	next();
	EXPECT_UINT(cw.calls, 1);
	tear_down();
}

static void other_options(void)
{
	struct push_options o = options;

	set_up();
	o.put.metric_namespace = "Other";
	o.put.n_dimensions = 0;
	o.interval_s = 5;
	put_minute(1);
	EXPECT(next_call());
	EXPECT_INT(push_set_options(p, &o), 0);
	EXPECT_HAS(cw.body, "AgentISA");
	go_on(10);
	EXPECT(t.planned_ms <= 5000);
	EXPECT_INT(push_set_options(p, &options), 0);
	EXPECT_INT(push_set_options(p, &o), 0);
	EXPECT(t.planned_ms <= 5000);
	put_minute(2);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "\"Other\"");
	EXPECT(!strstr(cw.body, "AutoScaling"));
	tear_down();
}

static void freed(void)
{
	set_up();
	put_minute(1);
	EXPECT(next_call());
	tear_down();
	EXPECT_UINT(cw.cancelled, 1);
	EXPECT(row_of(1)->here && row_of(1)->maybe_sent && !row_of(1)->under_way);

	set_up(); /* during a take: what it gives goes back */
	put_minute(1);
	put_minute(2);
	next();
	tear_down();
	give_taken();
	EXPECT(row_of(2)->here && !row_of(2)->maybe_sent && !row_of(2)->under_way);
	EXPECT(!row_of(1)->under_way);

	set_up(); /* in a pause */
	put_minute(1);
	cw.answer.failure = AWS_TRANSIENT;
	EXPECT(next_call());
	answer();
	tear_down();
	EXPECT(!row_of(1)->under_way && !row_of(1)->maybe_sent);
	push_free(NULL);
}

static void without_memory(void)
{
	set_up();
	put_minute(1);
	sp.take_err = -EIO;
	next();
	next();
	EXPECT_UINT(t.planned_ms, 1000);
	sp.take_err = 0;
	cw.no_memory = true;
	next();
	next();
	EXPECT(!row_of(1)->under_way);
	cw.no_memory = false;
	EXPECT(next_call());
	sp.no_memory = true;
	answer();
	EXPECT_UINT(sp.pushed, 0);
	for (unsigned int i = 0; i < 5; i++)
		next();
	EXPECT_UINT(sp.takes, 3); /* nothing is taken before that is told */
	sp.no_memory = false;
	go_on(10);
	EXPECT_UINT(sp.pushed, 1);
	EXPECT_UINT(cw.calls, 1);
	tear_down();
}

static void each_allocation(void)
{
	unsigned int n;

	for (n = 1; nomem_again(n); n++) {
		struct push *q = NULL;
		int err;

		base = event_base_new();
		err = push_new(base, NULL, NULL, NULL, &options, NULL, NULL, &q);
		EXPECT(err == 0 || (err == -ENOMEM && nomem_hit()));
		push_free(q);
		event_base_free(base);
	}
	EXPECT(n > 4);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a minute is pushed at the host's moment", a_minute },
		{ "many minutes: the newest, then the oldest, 4 requests a second", many_minutes },
		{ NULL, each_failure },
		{ "a pause that CloudWatch asks for is kept, up to 5 minutes", asked_pause },
		{ "an unknown outcome is counted when it is pushed again", unknown_outcome },
		{ NULL, rejection },
		{ "all are refused: all are removed", all_rejected },
		{ "a minute that is none is removed, the others are pushed", damaged_minutes },
		{ "at once, without regard to pauses", now },
		{ "waking ends a pause", wake },
		{ "the instance id is waited for, but not for ever", identity },
		{ "other options hold from the next request on", other_options },
		{ "what is under way at the end waits again", freed },
		{ "for lack of memory it is tried again", without_memory },
		{ "each allocation may fail", each_allocation },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
