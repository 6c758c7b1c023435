/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the rules of a bucket: what is merged is a list of rules again, has all that were there as they were, and one more behind them; and as a
 * file that is changed: a diff has each old line once, and the new ones.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/advice_diff.h"
#include "check/advice_lifecycle.h"

#define ROOM (1u << 20)
#define PREFIX "daily/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void merge(const char *rules, size_t len)
{
	_cleanup_(buf_done) struct buf once = BUF_INIT(ROOM), twice = BUF_INIT(ROOM),
				       shown = BUF_INIT(ROOM);
	struct advice_lifecycle l, merged;
	const bool ok = advice_lifecycle_read(rules, len, PREFIX, &l);
	const int err = advice_lifecycle_merge(rules, len, PREFIX, true, &once);

	advice_lifecycle_format(rules, len, &shown);
	require(ok == !err);
	if (err)
		return;
	require(advice_lifecycle_read(buf_str(&once), once.len, PREFIX, &merged));
	require(merged.covers && merged.aborts_uploads && merged.n == l.n + 1);
	require(!advice_lifecycle_merge(buf_str(&once), once.len, PREFIX, true, &twice));
	require(twice.len > once.len && memcmp(twice.data, once.data, once.len) == 0);
}

static size_t count(const char *diff, char sign)
{
	size_t n = 0;

	for (const char *at = diff; *at; at += strcspn(at, "\n"), at += *at == '\n')
		n += *at == sign;
	return n;
}

static void diff(const char *text, unsigned int seed)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(ROOM);
	const size_t n_lines = advice_lines(text);
	struct advice_edits *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return;
	for (int i = 0; i < 3; i++, seed >>= 5)
		advice_edit(e, n_lines ? seed % (n_lines + 1) : 0, false, "new %d", i);
	err = advice_diff("f", text, e, &out);
	require(!err || err == -EILSEQ); /* it is no plain text */
	if (err) {
		free(e);
		return;
	}
	/* With the two lines of the head; a last line without an end is replaced by itself. */
	require(count(buf_str(&out), '+') - count(buf_str(&out), '-') == 3);
	require(strstr(buf_str(&out), "+new 0\n") && strstr(buf_str(&out), "+new 2\n"));
	free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int seed = 0;
	char *text;

	if (size < 2 || size > 65536)
		return 0;
	memcpy(&seed, data, 2);
	data += 2;
	size -= 2;
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	merge(text, size);
	diff(text, seed);
	free(text);
	return 0;
}
