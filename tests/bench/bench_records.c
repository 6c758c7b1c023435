/* SPDX-License-Identifier: MIT */
/*
 * What a line of a log costs from its bytes to a record, with Agent-ISA's rules (a time stamp begins a record; secrets are
 * masked), on one core: lines of 150 bytes, one in a hundred with a traceback of ten lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "logs/records.h"

#define MIX_BYTES (8u << 20)
#define PIECE_BYTES (64 * 1024)
#define ROUNDS 20

static uint64_t n_records;

static int count(const struct record *r, void *ctx)
{
	(void)ctx;
	n_records += r->shipped;
	return 0;
}

static void make_line(struct buf *b, unsigned int i, const char *tail)
{
	static const char *const levels[] = { "INFO", "INFO", "INFO", "DEBUG", "WARNING", "ERROR" };
	static const char words[] =
		"answered session 7f3c in 1234 ms: model=claude, 512 tokens in, 96 tokens out, finished by "
		"the end of the turn, nothing left over from before";
	const size_t from = b->len;

	buf_printf(b, "2026-11-23 18:%02u:%02u,%03u - app.agent.chat - %s - %s", i / 60000 % 60,
		   i / 1000 % 60, i % 1000, levels[i % ARRAY_SIZE(levels)], tail);
	buf_add(b, words, 149 - (b->len - from));
	buf_add_char(b, '\n');
}

static void make_traceback(struct buf *b)
{
	buf_add_str(b, "Traceback (most recent call last):\n");
	for (unsigned int i = 0; i < 4; i++)
		buf_printf(b,
			   "  File \"/opt/agent-isa/app/OpenManusWeb/app.py\", line %u, in call\n"
			   "    return await self.session.post(url, payload)\n",
			   i);
	buf_add_str(b, "openai.RateLimitError: try again in 20 s\n");
}

/* Returns the number of lines. */
static size_t make_mix(struct buf *b, const char *tail)
{
	size_t lines = 0;

	for (unsigned int i = 0; b->len < MIX_BYTES - 2000; i++, lines++) {
		make_line(b, i, tail);
		if (i % 100 == 99) {
			make_traceback(b);
			lines += 10;
		}
	}
	return lines;
}

static void must(int err)
{
	if (err) {
		fprintf(stderr, "bench_records: %s\n", strerror(-err));
		abort();
	}
}

/* Lines a second. */
static double run(const struct config_log *c, const struct buf *mix, size_t lines)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	struct record_rules *rules;
	struct records *r;
	uint64_t start, offset = 0;

	must(record_rules_new(c, &why, &rules));
	must(records_new(rules, count, NULL, &r));
	start = clock_monotonic_ns();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (size_t at = 0, taken; at < mix->len; at += taken, offset += taken) {
			const size_t n = mix->len - at < PIECE_BYTES ? mix->len - at : PIECE_BYTES;

			must(records_feed(r, mix->data + at, n, offset, 1795460400000, &taken));
		}
	}
	must(records_flush(r, 1795460400000, true));
	start = clock_monotonic_ns() - start;
	records_free(r);
	record_rules_free(rules);
	return (double)(lines * ROUNDS) / ((double)start / 1e9);
}

static void report(const char *what, double rate, double to)
{
	printf("%-44s %6.2f million lines/s, %4.0f MB/s, %5.0f ns; %.2f of the first\n", what,
	       rate / 1e6, rate * 150 / 1e6, 1e9 / rate, rate / to);
}

int main(void)
{
	static char stamp[] = "%Y-%m-%d %H:%M:%S,%f", none[] = "";
	static char email[] = "[a-z0-9.]+@[a-z0-9.]+", debug[] = " - DEBUG - ";
	struct config_log c = { .timestamp = stamp, .first_line = none };
	_cleanup_(buf_done) struct buf plain = BUF_INIT(MIX_BYTES), secret = BUF_INIT(MIX_BYTES);
	const size_t lines = make_mix(&plain, "");
	const size_t secrets = make_mix(&secret, "token=0123456789abcdef0123456789 ");
	double first;

	run(&c, &plain, lines);
	first = run(&c, &plain, lines);
	report("without masks", first, first);
	c.mask_secrets = true;
	report("secrets masked", run(&c, &plain, lines), first);
	report("secrets masked, one in each line", run(&c, &secret, secrets), first);
	c.exclude[0] = debug;
	c.n_exclude = 1;
	report("and one exclude", run(&c, &plain, lines), first);
	c.mask[0] = email;
	c.n_mask = 1;
	report("and one mask, an expression", run(&c, &plain, lines), first);
	printf("%llu records\n", (unsigned long long)n_records);
	return 0;
}
