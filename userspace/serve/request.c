/* SPDX-License-Identifier: MIT */
/*
 * Parses a request head from a stranger. Strict where leniency lets two parsers disagree (RFC 9112 2.2,
 * 5.1, 6.3): control bytes, folded lines, a space ahead of the colon and any kind of body are
 * refused; the connection is closed behind a refusal.
 */
#include "serve/request.h"

#include <string.h>
#include <strings.h>

#define REQUEST_LIST_MAX 4096

#define STATUS_BAD_REQUEST 400
#define STATUS_METHOD_NOT_ALLOWED 405
#define STATUS_BODY_TOO_LARGE 413
#define STATUS_TARGET_TOO_LONG 414
#define STATUS_HEAD_TOO_LARGE 431
#define STATUS_VERSION 505

struct seen {
	bool close;
	bool keep_alive;
	unsigned int hosts;
};

static bool is_eol(char c)
{
	return c == '\r' || c == '\n';
}

size_t request_head_length(const char *bytes, size_t len)
{
	const char *end = bytes + len, *p = bytes, *nl;

	while (p < end && is_eol(*p))
		p++;
	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		p = nl + 1;
		if (p < end && *p == '\n')
			return (size_t)(p + 1 - bytes);
		if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
			return (size_t)(p + 2 - bytes);
	}
	return 0;
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *s)
{
	size_t n = strspn(s, "!#$%&'*+-.^_`|~0123456789"
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 0 && s[n] == '\0';
}

static bool has_control(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

/* Cuts the next line off, without its end; NULL at the empty line, or at a broken one. */
static char *next_line(char **at, bool *bad)
{
	char *line = *at, *nl = strchr(line, '\n');
	size_t n;

	if (!nl)
		return NULL;
	*at = nl + 1;
	n = (size_t)(nl - line);
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	*bad = has_control(line, n);
	return n && !*bad ? line : NULL;
}

/* Origin form, absolute form (its authority is skipped), and "*", which is nobody's path. */
static const char *path_of(char *target)
{
	char *p = target, *authority;

	if (*p != '/') {
		authority = strstr(p, "://");
		if (!authority)
			return NULL;
		p = strchr(authority + 3, '/');
		if (!p)
			return "/";
	}
	p[strcspn(p, "?#")] = '\0';
	return p;
}

static unsigned int parse_line(char *line, struct request *r)
{
	char *target = strchr(line, ' '), *version;

	if (!target)
		return STATUS_BAD_REQUEST;
	*target++ = '\0';
	version = strchr(target, ' ');
	if (!is_token(line) || !version || version == target)
		return STATUS_BAD_REQUEST;
	*version++ = '\0';
	if (strncmp(version, "HTTP/", 5) != 0)
		return STATUS_BAD_REQUEST;
	r->http_1_0 = strcmp(version, "HTTP/1.0") == 0;
	if (!r->http_1_0 && strcmp(version, "HTTP/1.1") != 0)
		return STATUS_VERSION;
	if (strlen(target) > REQUEST_TARGET_MAX)
		return STATUS_TARGET_TOO_LONG;
	r->head_only = strcmp(line, "HEAD") == 0;
	if (!r->head_only && strcmp(line, "GET") != 0)
		return STATUS_METHOD_NOT_ALLOWED;
	r->path = path_of(target);
	return r->path ? 0 : STATUS_BAD_REQUEST;
}

static bool list_has(const char *list, const char *word)
{
	size_t n, word_len = strlen(word);
	const char *p;

	for (p = list; *p; p += n) {
		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (n == word_len && strncasecmp(p, word, n) == 0)
			return true;
	}
	return false;
}

static unsigned int join(struct buf *list, const char *value)
{
	if (list->len)
		buf_add_str(list, ", ");
	return buf_add_str(list, value) ? STATUS_HEAD_TOO_LARGE : 0;
}

static unsigned int take_header(const char *name, const char *value, struct request *r,
				struct seen *seen)
{
	if (strcasecmp(name, "accept") == 0)
		return join(&r->accept, value);
	if (strcasecmp(name, "accept-encoding") == 0) {
		r->has_accept_encoding = true;
		return join(&r->accept_encoding, value);
	}
	if (strcasecmp(name, "connection") == 0) {
		seen->close |= list_has(value, "close");
		seen->keep_alive |= list_has(value, "keep-alive");
	} else if (strcasecmp(name, "host") == 0) {
		seen->hosts++;
	} else if (strcasecmp(name, "transfer-encoding") == 0) {
		return STATUS_BODY_TOO_LARGE;
	} else if (strcasecmp(name, "content-length") == 0 && strcmp(value, "0") != 0) {
		return STATUS_BODY_TOO_LARGE;
	}
	return 0;
}

static unsigned int parse_header(char *line, struct request *r, struct seen *seen)
{
	char *value = strchr(line, ':');
	size_t n;

	if (!value)
		return STATUS_BAD_REQUEST;
	*value++ = '\0';
	if (!is_token(line))
		return STATUS_BAD_REQUEST;
	value += strspn(value, " \t");
	n = strlen(value);
	while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		n--;
	value[n] = '\0';
	return take_header(line, value, r, seen);
}

static unsigned int parse(char *at, struct request *r)
{
	struct seen seen = { 0 };
	unsigned int status;
	bool bad = false;
	char *line;

	line = next_line(&at, &bad);
	if (!line)
		return STATUS_BAD_REQUEST;
	status = parse_line(line, r);
	while (!status && (line = next_line(&at, &bad)))
		status = parse_header(line, r, &seen);
	if (status)
		return status;
	if (bad || seen.hosts > 1 || (!seen.hosts && !r->http_1_0)) /* RFC 9112 3.2 */
		return STATUS_BAD_REQUEST;
	r->keep_alive = !seen.close && (!r->http_1_0 || seen.keep_alive);
	return 0;
}

unsigned int request_parse(char *head, size_t len, struct request *r)
{
	*r = (struct request){ .accept = BUF_INIT(REQUEST_LIST_MAX),
			       .accept_encoding = BUF_INIT(REQUEST_LIST_MAX) };
	if (!len || head[len - 1] != '\n' || memchr(head, '\0', len))
		return STATUS_BAD_REQUEST;
	/* The last byte, the empty line's end, makes room for the end of the string; the line before it
	 * still has its own, and a missing one ends the loop over the lines just the same. */
	head[len - 1] = '\0';
	while (is_eol(*head))
		head++;
	return parse(head, r);
}

void request_done(struct request *r)
{
	buf_done(&r->accept);
	buf_done(&r->accept_encoding);
}
