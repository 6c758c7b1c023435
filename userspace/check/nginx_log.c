/* SPDX-License-Identifier: MIT */
/* Lines of nginx's error log: "2026/11/26 16:20:00 [error] 12#12: *1 connect() failed (111: ...) while connecting to upstream, ...". */
#include "check/nginx_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "base/util.h"

#define STAMP_LEN 19
#define LINE_KEPT 4096

static const struct {
	const char *part;
	enum nginx_error error;
	bool of_upstream; /* only where the line speaks of the upstream */
} forms[] = {
	{ "(111: Connection refused)", NGINX_REFUSED, true },
	{ "(104: Connection reset by peer)", NGINX_RESET, true },
	{ "upstream prematurely closed", NGINX_CLOSED, false },
	{ "upstream timed out", NGINX_TIMED_OUT, false },
	{ "(113: No route to host)", NGINX_UNREACHABLE, true },
	{ "(101: Network is unreachable)", NGINX_UNREACHABLE, true },
	{ "no live upstreams", NGINX_NONE_LIVE, false },
	{ "(13: Permission denied) while connecting to upstream", NGINX_DENIED, false },
	{ "(24: Too many open files)", NGINX_FILES, false },
	{ "worker_connections are not enough", NGINX_CONNECTIONS, false },
};

const char *nginx_error_word(enum nginx_error e)
{
	static const char *const words[] = {
		[NGINX_REFUSED] = "refused",
		[NGINX_RESET] = "reset",
		[NGINX_CLOSED] = "closed without an answer",
		[NGINX_TIMED_OUT] = "timed out",
		[NGINX_UNREACHABLE] = "unreachable",
		[NGINX_NONE_LIVE] = "no live upstream",
		[NGINX_DENIED] = "permission denied",
		[NGINX_FILES] = "too many open files",
		[NGINX_CONNECTIONS] = "not enough worker_connections",
	};

	return words[e];
}

/* "2026/11/26 16:20:00" */
static bool parse_stamp(const char *line, size_t len, int64_t *ret_s)
{
	struct tm tm = { .tm_isdst = -1 };
	char text[STAMP_LEN + 1];
	time_t at;

	if (len < STAMP_LEN)
		return false;
	memcpy(text, line, STAMP_LEN);
	text[STAMP_LEN] = '\0';
	if (sscanf(text, "%4d/%2d/%2d %2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	at = mktime(&tm);
	*ret_s = at;
	return at != (time_t)-1;
}

static void keep_upstream(const char *line, size_t len, struct nginx_errors *ret)
{
	static const char head[] = "upstream: \"";
	const char *from = memmem(line, len, head, sizeof(head) - 1), *end;

	if (!from)
		return;
	from += sizeof(head) - 1;
	end = memchr(from, '"', (size_t)(line + len - from));
	if (end)
		utf8_make_plain(from, (size_t)(end - from), ret->upstream, sizeof(ret->upstream));
}

static bool has(const char *line, size_t len, const char *part)
{
	return memmem(line, len, part, strlen(part)) != NULL;
}

static void count_line(const char *line, size_t len, int64_t since_s, struct nginx_errors *ret)
{
	int64_t at_s;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!has(line, len, forms[i].part) ||
		    (forms[i].of_upstream && !has(line, len, "upstream")))
			continue;
		if (!parse_stamp(line, len, &at_s) || at_s < since_s)
			return;
		ret->of[forms[i].error].n++;
		if (at_s > ret->of[forms[i].error].last_s)
			ret->of[forms[i].error].last_s = at_s;
		keep_upstream(line, len, ret);
		return;
	}
}

void nginx_errors_count(const char *text, size_t len, int64_t since_s, struct nginx_errors *ret)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		const size_t n = end ? (size_t)(end - text) : len;

		count_line(text, n < LINE_KEPT ? n : LINE_KEPT, since_s, ret);
		text += n + (end != NULL);
		len -= n + (end != NULL);
	}
}

int nginx_errors_read(const char *path, size_t max, int64_t since_s, struct nginx_errors *ret)
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t size, n = 0;
	struct stat st;
	char *text;
	off_t from;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	from = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
	size = (size_t)(st.st_size - from);
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	while (n < size) {
		ssize_t got = pread(fd, text + n, size - n, from + (off_t)n);

		if (got <= 0 && !(got < 0 && errno == EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	/* A line that was cut at its beginning has no time, and is not counted. */
	nginx_errors_count(text, n, since_s, ret);
	free(text);
	return 0;
}
