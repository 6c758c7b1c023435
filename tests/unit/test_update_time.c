/* SPDX-License-Identifier: MIT */
/* What an update runs ends in its time, whatever it does with its outputs. */
#include <unistd.h>

#include "unit.h"

#include "base/clock.h"
#include "care/update_run.h"

static int run(const char *script, unsigned int timeout_s, struct buf *out)
{
	const struct update_run how = { .timeout_s = timeout_s, .log_fd = -1, .echo_fd = -1 };
	const char *argv[] = { "sh", "-c", script, NULL };

	return update_run(&how, argv, out);
}

static void rows(void)
{
	static const struct {
		const char *name, *script;
		unsigned int timeout_s;
		int result;
		const char *out;
	} table[] = {
		{ "an exit status, and both outputs", "echo a; echo b >&2; exit 3", 30, 3,
		  "a\nb\n" },
		{ "one that closes its output is waited for",
		  "echo a; exec >&- 2>&-; sleep 0.3; exit 4", 30, 4, "a\n" },
		{ "one that closes its output has its time limit all the same",
		  "exec >&- 2>&-; sleep 1000", 1, -ETIMEDOUT, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(100);
		const uint64_t begun = clock_monotonic_ns();

		unit_begin("%s", table[i].name);
		alarm(60);
		EXPECT_INT(run(table[i].script, table[i].timeout_s, &out), table[i].result);
		EXPECT_STR(buf_str(&out), table[i].out);
		EXPECT(clock_monotonic_ns() - begun < 14 * NS_PER_SEC);
		alarm(0);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, rows } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
