/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "cmd/logs_supervisor.h"

#define P "[program:a]\ncommand=x\n"

static const struct {
	const char *text;
	bool expected;
} rows[] = {
	{ "", false },
	{ P, false },
	{ P "stdout_logfile=/l", true },
	{ P "stderr_logfile = /l \r\n", true },
	{ "[supervisord]\nlogfile: /l ; the log\n", true },
	{ P "stdout_logfile=/l2\n", false },
	{ P "; stdout_logfile=/l\n#stdout_logfile=/l\n", false },
	{ P "stdout_logfile=/l\nstdout_logfile_maxbytes=10MB\n", true },
	{ P "stdout_logfile_maxbytes = 0 ; never\nstdout_logfile=/l\n", false },
	{ P "stdout_logfile_maxbytes=0MB\nstdout_logfile=/l\n", false },
	{ P "stdout_logfile_maxbytes=05\nstdout_logfile=/l\n", true },
	{ P "stdout_logfile_maxbytes=\nstdout_logfile=/l\n", true },
	{ P "stderr_logfile_maxbytes=0\nstdout_logfile=/l\n", true },
	/* of another program */
	{ P "stdout_logfile_maxbytes=0\n[program:b]\nstdout_logfile=/l\n", true },
	{ P "stdout_logfile=/l\nstdout_logfile_maxbytes=0\n" P "stdout_logfile_maxbytes=1\n",
	  false },
	{ P "stdout_logfile=\n\n=\n[\nstdout_logfile", false },
};

static void reads(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("section %zu", i);
		EXPECT_INT(supervisor_rotates(rows[i].text, "/l"), rows[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, reads } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
