/* SPDX-License-Identifier: MIT */
/* Both ends of a job's report. Whoever reads it trusts the format only, as anything may have been written there. */
#include "base/job_report.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

#define FD_MAX 1023

/* -1: no job runs. */
static int report_fd(void)
{
	const char *text = getenv(JOB_REPORT_VARIABLE);
	uint64_t fd;

	return text && number_parse_u64(text, 3, FD_MAX, &fd) == 0 ? (int)fd : -1;
}

void job_report_begin(void)
{
	const int fd = report_fd();

	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void job_report_bytes(uint64_t n)
{
	const int fd = report_fd();

	if (fd >= 0)
		dprintf(fd, "bytes %llu\n", (unsigned long long)n);
}

int64_t job_report_read(const char *text)
{
	static const char key[] = "bytes ";
	int64_t bytes = -1;

	while (*text) {
		const size_t len = strcspn(text, "\n");
		char number[24];
		uint64_t n;

		if (len < sizeof(number) + sizeof(key) - 2 && text[len] == '\n' &&
		    strncmp(text, key, sizeof(key) - 1) == 0) {
			snprintf(number, sizeof(number), "%.*s", (int)(len - sizeof(key) + 1),
				 text + sizeof(key) - 1);
			if (number_parse_u64(number, 0, INT64_MAX, &n) == 0)
				bytes = (int64_t)n;
		}
		text += len + (text[len] == '\n');
	}
	return bytes;
}
