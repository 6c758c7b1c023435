/* SPDX-License-Identifier: MIT */
/*
 * Two steps: places that are worth looking at closely are found sixteen bytes at a time, by one byte and
 * the two before it; then what stands there is read.
 * Invariant: what is read at one place is bounded, or is passed over afterwards: the whole is linear.
 */
#include "logs/secrets.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "logs/secret_forms.h"

typedef unsigned char lanes __attribute__((vector_size(16)));

#define LANES sizeof(lanes)
#define HERE(c) (here == (unsigned char)(c))
#define BEFORE(c) (before == (unsigned char)(c))
#define BEFORE_THAT(c) (before_that == (unsigned char)(c))
#define ANY_CASE(v, c) (((v) | (unsigned char)0x20) == (unsigned char)(c))

/* = and : behind anything but a digit; J of eyJ, A of AKIA and ASIA, a of Bearer, - of sk- and xoxb-,
 * _ of ghp_ and github_pat_. For one byte and for a vector of them. */
#define IS_CANDIDATE(here, before, before_that) \
	(((HERE('=') | HERE(':')) & ((before ^ (unsigned char)'0') > (unsigned char)9)) | \
	 (HERE('J') & BEFORE('y') & BEFORE_THAT('e')) | \
	 (HERE('A') & BEFORE('I') & (BEFORE_THAT('K') | BEFORE_THAT('S'))) | \
	 (ANY_CASE(here, 'a') & ANY_CASE(before, 'e') & ANY_CASE(before_that, 'b')) | \
	 (HERE('-') & (BEFORE('k') | BEFORE_THAT('x'))) | \
	 (HERE('_') & (BEFORE_THAT('h') | BEFORE('t'))))

static bool is_candidate(const char *text, size_t at)
{
	const unsigned char *u = (const unsigned char *)text;
	const unsigned char here = u[at], before = u[at - 1], before_that = u[at - 2];

	return IS_CANDIDATE(here, (unsigned char)before, before_that);
}

static bool have_candidate(const char *text)
{
	uint64_t halves[2];
	lanes here, before, before_that, found;

	memcpy(&here, text, LANES);
	memcpy(&before, text - 1, LANES);
	memcpy(&before_that, text - 2, LANES);
	found = (lanes)IS_CANDIDATE(here, before, before_that);
	memcpy(halves, &found, LANES);
	return halves[0] | halves[1];
}

/* The first candidate from @at >= 2 on; @n: there is none. */
static size_t find(const char *text, size_t n, size_t at)
{
	while (at + LANES <= n && !have_candidate(text + at))
		at += LANES;
	while (at < n && !is_candidate(text, at))
		at++;
	return at;
}

int secrets_mask(const char *text, size_t n, struct buf *out, bool *ret_found)
{
	size_t done = 0, from, to;

	*ret_found = false;
	for (size_t at = find(text, n, 2); at < n; at = find(text, n, at)) {
		if (!secret_forms_read(text, n, at, &from, &to) || to <= done) {
			at++;
			continue;
		}
		*ret_found = true;
		from = from < done ? done : from;
		buf_add(out, text + done, from - done);
		buf_add_str(out, "***");
		done = to;
		at = to > at ? to : at + 1;
	}
	return *ret_found ? buf_add(out, text + done, n - done) : 0;
}

int secrets_each(const char *text, size_t n, secrets_fn fn, void *ctx)
{
	size_t done = 0, from, to;
	int err = 0;

	for (size_t at = find(text, n, 2); at < n && !err; at = find(text, n, at)) {
		if (!secret_forms_read(text, n, at, &from, &to) || to <= done) {
			at++;
			continue;
		}
		err = fn(text + from, to - from, ctx);
		done = to;
		at = to > at ? to : at + 1;
	}
	return err;
}
