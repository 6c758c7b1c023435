/* SPDX-License-Identifier: MIT */
/*
 * A transport for tests: answers by a table, through the event loop, and remembers what it was asked. With it come clocks that
 * stand still until they are moved, pauses that take a hundredth of their time, and a log that is kept: all that is told
 * anywhere must not hold HUSH, which every secret of these tests begins with.
 */
#ifndef ISAMON_TEST_TRANSPORT_STUB_H
#define ISAMON_TEST_TRANSPORT_STUB_H

#include "unit.h"

#include <dlfcn.h>
#include <event2/event.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "aws/transport.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define HUSH "hush"
#define STUB_RULES 32
#define START_S 1795687200ull /* 2026-11-26T10:00:00Z */

struct stub_rule {
	const char *method;
	const char *url;  /* which begins so */
	const char *body; /* NULL: "" */
	int status;       /* 0: 200 */
	int err;          /* in place of an answer */
	bool unsent;
	bool held;          /* no answer before stub_release() */
	unsigned int times; /* that it is good for; 0: always */
	const char *headers;
};

struct transport_call {
	struct event *ev;
	struct stub_rule rule;
	transport_done_fn fn;
	void *ctx;
};

static struct {
	struct event_base *base;
	struct stub_rule rules[STUB_RULES];
	size_t n_rules;
	struct transport_call *held;
	struct buf asked; /* "GET URL\nName: value\n\nbody\n" of each */
	unsigned int n_asked, n_under_way;
	bool all_direct;
	struct buf told; /* logs, and what a test adds */
	uint64_t monotonic_ns, real_ns;
	unsigned int longest_pause_ms; /* that was asked of the loop */
} stub;

uint64_t clock_monotonic_ns(void)
{
	return stub.monotonic_ns;
}

uint64_t clock_realtime_ns(void)
{
	return stub.real_ns;
}

UNIT_USED_ static void pass_seconds(uint64_t s)
{
	stub.monotonic_ns += s * NS_PER_SEC;
	stub.real_ns += s * NS_PER_SEC;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[4096];
	va_list args;

	(void)level;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	buf_printf(&stub.told, "%s\n", line);
}

/* Stands before libevent's. */
int event_add(struct event *ev, const struct timeval *timeout)
{
	static int (*real)(struct event *, const struct timeval *);
	struct timeval tv = { 0 };
	uint64_t us;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "event_add");
	if (!timeout)
		return real(ev, NULL);
	us = (uint64_t)timeout->tv_sec * 1000000 + (uint64_t)timeout->tv_usec;
	if (us / 1000 > stub.longest_pause_ms)
		stub.longest_pause_ms = (unsigned int)(us / 1000);
	tv.tv_usec = (suseconds_t)(us / 100 % 1000000);
	tv.tv_sec = (time_t)(us / 100 / 1000000);
	return real(ev, &tv);
}

static void call_free(struct transport_call *call)
{
	if (stub.held == call)
		stub.held = NULL;
	stub.n_under_way--;
	event_free(call->ev);
	free(call);
}

static void stub_answer(evutil_socket_t fd, short what, void *ctx)
{
	struct transport_call *call = ctx;
	struct stub_rule r = call->rule;
	struct transport_answer a = {
		.err = r.err,
		.why = r.err ? strerror(-r.err) : "",
		.unsent = r.unsent,
		.status = r.err    ? 0 :
			  r.status ? r.status :
				     200,
		.body = r.body && !r.err ? r.body : "",
		.headers = r.headers ? r.headers : "",
	};
	transport_done_fn fn = call->fn;
	void *user = call->ctx;

	(void)fd;
	(void)what;
	a.body_len = strlen(a.body);
	call_free(call);
	fn(&a, user);
}

UNIT_USED_ static void stub_release(void)
{
	const struct timeval now = { 0 };

	if (EXPECT(stub.held))
		event_add(stub.held->ev, &now);
	stub.held = NULL;
}

static struct stub_rule stub_find(const struct transport_request *r)
{
	for (size_t i = 0; i < stub.n_rules; i++) {
		struct stub_rule *rule = &stub.rules[i];

		if (strcmp(rule->method, r->method) != 0 ||
		    strncmp(rule->url, r->url, strlen(rule->url)) != 0 || rule->times == UINT32_MAX)
			continue;
		if (rule->times && --rule->times == 0)
			rule->times = UINT32_MAX;
		return *rule;
	}
	FAIL_CASE("nobody expected %s %s", r->method, r->url);
	return (struct stub_rule){ .err = -ECONNREFUSED, .unsent = true };
}

int transport_start(struct transport *t, const struct transport_request *r, transport_done_fn fn,
		    void *ctx, struct transport_call **ret_call)
{
	struct transport_call *call = calloc(1, sizeof(*call));
	const struct timeval now = { 0 };

	(void)t;
	buf_printf(&stub.asked, "%s %s\n", r->method, r->url);
	for (size_t i = 0; i < r->n_headers; i++)
		buf_printf(&stub.asked, "%s: %s\n", r->headers[i].name, r->headers[i].value);
	buf_add_str(&stub.asked, "\n");
	buf_add(&stub.asked, r->body, r->body_len);
	buf_add_str(&stub.asked, "\n");
	stub.n_asked++;
	stub.n_under_way++;
	stub.all_direct = stub.all_direct && r->direct;
	EXPECT(r->timeout_ms && r->connect_timeout_ms && r->answer_max);
	call->rule = stub_find(r);
	call->fn = fn;
	call->ctx = ctx;
	call->ev = evtimer_new(stub.base, stub_answer, call);
	if (call->rule.held)
		stub.held = call;
	else
		event_add(call->ev, &now);
	if (ret_call)
		*ret_call = call;
	return 0;
}

void transport_cancel(struct transport_call *call)
{
	if (call)
		call_free(call);
}

bool transport_header(const struct transport_answer *a, const char *name, struct buf *ret)
{
	const char *at = strcasestr(a->headers, name);

	if (!at)
		return false;
	at += strlen(name) + 2;
	buf_add(ret, at, strcspn(at, "\r\n"));
	return true;
}

UNIT_USED_ static void stub_rule_add(struct stub_rule r)
{
	REQUIRE(stub.n_rules < STUB_RULES);
	stub.rules[stub.n_rules++] = r;
}

/* STUB(.method = ..., ...) */
#define STUB(...) stub_rule_add((struct stub_rule){ __VA_ARGS__ })

/* Forgets rules and questions; clocks and what was told stay. */
UNIT_USED_ static void stub_clear(void)
{
	stub.n_rules = 0;
	stub.n_asked = 0;
	stub.longest_pause_ms = 0;
	buf_reset(&stub.asked);
}

UNIT_USED_ static void stub_begin(void)
{
	static const char *const variables[] = {
		"AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",
		"AWS_PROFILE",
		"AWS_REGION",
		"AWS_DEFAULT_REGION",
		"AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_EC2_METADATA_DISABLED",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_STS",
	};

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	setenv("HOME", "/nowhere/at/all", 1);
	memset(&stub, 0, sizeof(stub));
	buf_init(&stub.asked, 1000000);
	buf_init(&stub.told, 1000000);
	stub.all_direct = true;
	stub.base = event_base_new();
	stub.monotonic_ns = 1000 * NS_PER_SEC;
	stub.real_ns = START_S * NS_PER_SEC;
}

UNIT_USED_ static void stub_end(void)
{
	EXPECT_UINT(stub.n_under_way, 0);
	if (strstr(buf_str(&stub.told), HUSH))
		FAIL_CASE("a secret was told: %s", buf_str(&stub.told));
	buf_done(&stub.asked);
	buf_done(&stub.told);
	event_base_free(stub.base);
}

UNIT_USED_ static double stub_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs the loop until *@done, five seconds at most. */
UNIT_USED_ static void stub_run(const bool *done)
{
	double until = stub_clock() + 5;

	while (!*done && stub_clock() < until) {
		event_base_loop(stub.base, EVLOOP_NONBLOCK);
		if (!*done)
			usleep(200);
	}
	EXPECT(*done);
}

/* Runs the loop until @n questions were asked. */
UNIT_USED_ static void stub_run_asked(unsigned int n)
{
	double until = stub_clock() + 5;

	while (stub.n_asked < n && stub_clock() < until) {
		event_base_loop(stub.base, EVLOOP_NONBLOCK);
		usleep(200);
	}
	EXPECT_UINT(stub.n_asked, n);
}

/* What is due now and calls for no pause. */
UNIT_USED_ static void stub_settle(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(stub.base, EVLOOP_NONBLOCK);
}

#endif
