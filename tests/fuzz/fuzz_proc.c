/* SPDX-License-Identifier: MIT */
/* Any text as a file of /proc/PID: the first byte says which. What is refused changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void fuzz_stat(const char *text)
{
	struct proc_stat st;

	memset(&st, 0x55, sizeof(st));
	if (!proc_parse_stat(text, &st))
		require(st.start_ticks == 0x5555555555555555ull);
	else
		require(memchr(st.name, 0, sizeof(st.name)) && st.parent >= 0 && st.group >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const parsers[])(const char *, struct proc_sample *) = {
		proc_parse_status, proc_parse_switches, proc_parse_schedstat,
		proc_parse_io,     proc_parse_limits,   proc_parse_rollup,
	};
	const size_t n = sizeof(parsers) / sizeof(parsers[0]);
	struct proc_sample s = { 0 };
	const struct proc_sample before = { 0 };
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % (n + 1) == n)
		fuzz_stat(text);
	else if (!parsers[data[0] % (n + 1)](text, &s))
		require(memcmp(&s, &before, sizeof(s)) == 0);
	proc_split_cpu(&s);
	require(s.user_ns + s.system_ns == s.cpu_ns);
	free(text);
	return 0;
}
