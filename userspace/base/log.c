/* SPDX-License-Identifier: MIT */
/*
 * The log. Where standard error leads is asked anew for each message (one fstat), because it may be
 * redirected, and because no state is kept but the level.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

#define LOG_MESSAGE_MAX 8192
#define LOG_PREFIX_MAX 96
#define LOG_CUT " [cut]"

static enum log_level log_level_max = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	const char *word;
	int priority; /* syslog's, as sd-daemon(3) has it */
} log_levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "error: ", 3 },
	[LOG_LEVEL_WARNING] = { "warning", "warning: ", 4 },
	[LOG_LEVEL_INFO] = { "info", "", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", "debug: ", 7 },
};

void log_set_level(enum log_level level)
{
	log_level_max = level;
}

/* JOURNAL_STREAM is "device:inode" of the stream that the service manager made
 * (systemd.exec(5)). */
static bool log_is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[48];

	if (!stream)
		return false;
	snprintf(mine, sizeof(mine), "%llu:%llu", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino);
	return strcmp(stream, mine) == 0;
}

static size_t log_prefix(enum log_level level, char *to, size_t size)
{
	const char *word = log_levels[level].word;
	struct timespec now = { 0 };
	struct stat st = { 0 };
	struct tm tm = { 0 };
	size_t n;

	if (fstat(STDERR_FILENO, &st) == 0 && log_is_journal(&st))
		return (size_t)snprintf(to, size, "<%d>", log_levels[level].priority);
	if (!S_ISREG(st.st_mode))
		return (size_t)snprintf(to, size, "isamon: %s", word);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(to + n, size - n, ".%03ldZ isamon[%ld]: %s",
				    now.tv_nsec / 1000000, (long)getpid(), word);
}

static void log_write_all(const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		bytes += done;
		n -= (size_t)done;
	}
}

/* Of @n bytes of @text; tabs stay. Returns its length. */
static size_t log_make_plain(const char *text, size_t n, char *to)
{
	size_t at = 0;

	for (size_t done = 0; done < n; done++) {
		const char *tab = memchr(text + done, '\t', n - done);
		const size_t part = tab ? (size_t)(tab - text) - done : n - done;

		utf8_make_plain(text + done, part, to + at, part + 1);
		at += strlen(to + at);
		done += part;
		if (tab)
			to[at++] = '\t';
	}
	return at;
}

/* Writes each line of @text behind the prefix. */
static void log_lines(enum log_level level, const char *text)
{
	char line[LOG_PREFIX_MAX + LOG_MESSAGE_MAX + 1];
	size_t n_prefix = log_prefix(level, line, LOG_PREFIX_MAX);

	do {
		size_t n = strcspn(text, "\n");
		size_t n_line = n_prefix + log_make_plain(text, n, line + n_prefix);

		line[n_line++] = '\n';
		log_write_all(line, n_line);
		text += n;
		if (*text)
			text++;
	} while (*text);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char text[LOG_MESSAGE_MAX];
	int saved = errno;
	va_list args;
	int n;

	if (level > log_level_max)
		return;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0)
		snprintf(text, sizeof(text), "(a message that cannot be formatted: %s)", fmt);
	if (n >= (int)sizeof(text))
		memcpy(text + sizeof(text) - sizeof(LOG_CUT), LOG_CUT, sizeof(LOG_CUT));
	log_lines(level, text);
	errno = saved;
}
