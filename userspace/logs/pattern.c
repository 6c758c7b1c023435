/* SPDX-License-Identifier: MIT */
/*
 * Invariant: no match outlasts its limits. PCRE2's own limit of steps does not count what a single
 * \d+ passes over, so that a megabyte of digits would be scanned from each of its digits: a call-out
 * before each item of the expression looks at the clock, of the thread's CPU time, so that a
 * machine that stood still changes no result.
 */
#include "logs/pattern.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/clock.h"

#define MATCH_NS (50 * 1000000ull)
#define MATCH_STEPS 5000000
#define MATCH_HEAP_KIB 2048
/* How many call-outs pass between two looks at the clock, which costs 200 ns. */
#define LOOK_EVERY_SHORT 512
#define LOOK_EVERY_LONG 16
#define SHORT_BYTES 4096

struct pattern {
	pcre2_general_context *memory;
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_match_data *data;
	uint32_t n_groups;
	char *literal; /* the expression, if nothing in it is special: found ten times as fast */
	size_t literal_len;
};

/* One match's time. */
struct watch {
	unsigned int left; /* call-outs until the clock is looked at */
	unsigned int every;
	uint64_t end_ns; /* 0: the clock was not looked at yet */
};

static void *allocate(size_t n, void *ctx)
{
	(void)ctx;
	return malloc(n);
}

static void release(void *p, void *ctx)
{
	(void)ctx;
	free(p);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static int is_over(pcre2_callout_block *block, void *ctx)
{
	struct watch *w = ctx;

	(void)block;
	if (--w->left)
		return 0;
	w->left = w->every;
	if (!w->end_ns)
		w->end_ns = cpu_ns() + MATCH_NS;
	return cpu_ns() < w->end_ns ? 0 : PCRE2_ERROR_CALLOUT;
}

static int explain(int code, size_t at, struct buf *why)
{
	PCRE2_UCHAR text[160];

	if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	pcre2_get_error_message(code, text, sizeof(text));
	return buf_printf(why, "%s, at character %zu", (const char *)text, at + 1) ?: -EINVAL;
}

static int compile(struct pattern *p, const char *expression, struct buf *why)
{
	pcre2_compile_context *c = pcre2_compile_context_create(p->memory);
	size_t at = 0;
	int code = 0;

	if (!c)
		return -ENOMEM;
	p->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
				PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT, &code,
				&at, c);
	pcre2_compile_context_free(c);
	return p->code ? 0 : explain(code, at, why);
}

/* PCRE2's result; @w goes on from one match of a text to the next. */
static int match(const struct pattern *p, const char *text, size_t n, size_t from, struct watch *w)
{
	pcre2_set_callout(p->limits, is_over, w);
	return pcre2_match(p->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK, p->data,
			   p->limits);
}

static void watch_start(struct watch *w, size_t n)
{
	*w = (struct watch){ .every = n > SHORT_BYTES ? LOOK_EVERY_LONG : LOOK_EVERY_SHORT };
	w->left = w->every;
}

static int prepare(struct pattern *p)
{
	struct watch w;

	p->limits = pcre2_match_context_create(p->memory);
	/* One group is all that is asked for. */
	p->data = pcre2_match_data_create(2, p->memory);
	if (!p->limits || !p->data)
		return -ENOMEM;
	pcre2_set_match_limit(p->limits, MATCH_STEPS);
	pcre2_set_heap_limit(p->limits, MATCH_HEAP_KIB);
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &p->n_groups);
	/* What a match needs is allocated by the first. */
	watch_start(&w, 0);
	return match(p, "", 0, 0, &w) == PCRE2_ERROR_NOMEMORY ? -ENOMEM : 0;
}

static int keep_literal(struct pattern *p, const char *expression)
{
	if (!*expression || strpbrk(expression, "\\^$.[|()?*+{"))
		return 0;
	p->literal = strdup(expression);
	if (!p->literal)
		return -ENOMEM;
	p->literal_len = strlen(expression);
	return 0;
}

static void pattern_freep(struct pattern **p)
{
	pattern_free(*p);
}

int pattern_new(const char *expression, struct buf *why, struct pattern **ret)
{
	_cleanup_(pattern_freep) struct pattern *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->memory = pcre2_general_context_create(allocate, release, NULL);
	if (!p->memory)
		return -ENOMEM;
	err = compile(p, expression, why);
	if (!err)
		err = prepare(p);
	if (!err)
		err = keep_literal(p, expression);
	if (err)
		return err;
	*ret = take(p);
	return 0;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_data_free(p->data);
	pcre2_match_context_free(p->limits);
	pcre2_code_free(p->code);
	pcre2_general_context_free(p->memory);
	free(p->literal);
	free(p);
}

bool pattern_matches(const struct pattern *p, const char *text, size_t n)
{
	struct watch w;

	if (p->literal)
		return memmem(text, n, p->literal, p->literal_len) != NULL;
	watch_start(&w, n);
	return match(p, text, n, 0, &w) >= 0;
}

/* What of the match is to be replaced. */
static void masked_range(const struct pattern *p, size_t *ret_from, size_t *ret_to)
{
	const size_t *at = pcre2_get_ovector_pointer(p->data);
	const bool group = p->n_groups && at[2] != PCRE2_UNSET;

	*ret_from = at[group ? 2 : 0];
	*ret_to = at[group ? 3 : 1];
}

static size_t next_char(const char *text, size_t n, size_t at)
{
	for (at++; at < n && ((unsigned char)text[at] & 0xc0) == 0x80;)
		at++;
	return at;
}

int pattern_mask(const struct pattern *p, const char *text, size_t n, struct buf *out)
{
	size_t done = 0, at = 0, from, to;
	struct watch w;
	int code = PCRE2_ERROR_NOMATCH;

	watch_start(&w, n);
	while (at <= n && (code = match(p, text, n, at, &w)) >= 0) {
		const size_t end = pcre2_get_ovector_pointer(p->data)[1];

		masked_range(p, &from, &to);
		from = from < done ? done : from;
		if (to > from) {
			buf_add(out, text + done, from - done);
			buf_add_str(out, PATTERN_MASK);
			done = to;
		}
		at = end > at ? end : next_char(text, n, at);
		at = at < done ? done : at;
	}
	if (code == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	if (at > n || code == PCRE2_ERROR_NOMATCH)
		return buf_add(out, text + done, n - done);
	return buf_add_str(out, PATTERN_MASK);
}
