/* SPDX-License-Identifier: MIT */
/* One login out of a line or a record. Invariant: no byte of a name is taken for an address. */
#include "check/audit_login.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utmp.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/utf8.h"
#include "base/util.h"
#include "base/when.h"

#define MESSAGE_BYTES 1024

static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char address[AUDIT_LOGIN_FROM_MAX];

	snprintf(address, sizeof(address), "%s", text);
	address[strcspn(address, "%")] = '\0'; /* fe80::1%eth0 */
	return inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1;
}

/* The last word before *end, which moves to where it begins. Ends it with a NUL. */
static char *word_before(char *text, char **end)
{
	char *at = *end;

	while (at > text && at[-1] == ' ')
		at--;
	*at = '\0';
	while (at > text && at[-1] != ' ')
		at--;
	*end = at;
	return at;
}

/* "... ADDRESS port N" at the end of @text, which then ends before it. */
static bool take_address(char *text, struct audit_login *ret)
{
	char *end = text + strlen(text);
	const char *port = word_before(text, &end), *word, *from;
	uint64_t number;

	if (number_parse_u64(port, 1, 65535, &number))
		return false;
	word = word_before(text, &end);
	if (strcmp(word, "port") != 0)
		return false;
	from = word_before(text, &end);
	if (!is_address(from) || strlen(from) >= sizeof(ret->from))
		return false;
	snprintf(ret->from, sizeof(ret->from), "%s", from);
	ret->port = (unsigned int)number;
	while (end > text && end[-1] == ' ')
		end--;
	*end = '\0';
	return true;
}

static bool take_end(char *text, const char *word)
{
	const size_t n = strlen(text), len = strlen(word);

	if (n < len || strcmp(text + n - len, word) != 0)
		return false;
	text[n - len] = '\0';
	return true;
}

static const char *behind(const char *text, const char *begin)
{
	const size_t n = strlen(begin);

	return strncmp(text, begin, n) == 0 ? text + n : NULL;
}

static void set_user(struct audit_login *l, const char *name)
{
	const char *unknown = behind(name, "invalid user ");

	name = unknown ? unknown : name;
	utf8_make_plain(name, strlen(name), l->user, sizeof(l->user));
}

/* "METHOD for USER from ADDRESS port N ssh2", and behind it perhaps ": RSA SHA256:..." of an accepted key, which no stranger wrote. */
static bool take_try(char *text, struct audit_login *ret)
{
	char *name = strstr(text, " for "), *key = NULL;

	if (!name)
		return false;
	if (ret->kind == AUDIT_LOGIN_ACCEPTED)
		for (char *at = name; (at = strstr(at, " ssh2: ")); at++)
			key = at;
	if (key)
		key[5] = '\0';
	if (!take_end(text, " ssh2") || !take_address(text, ret) || !take_end(text, " from"))
		return false;
	*name = '\0';
	snprintf(ret->method, sizeof(ret->method), "%.*s", (int)strcspn(text, "/ "), text);
	if (text + strlen(text) < name)
		return false;
	set_user(ret, name + 5);
	return true;
}

/* "USER ADDRESS port N [preauth]" */
static bool take_gone(char *text, struct audit_login *ret)
{
	if (!take_end(text, " [preauth]") || !take_address(text, ret))
		return false;
	set_user(ret, text);
	return true;
}

/* "USER from ADDRESS port N" */
static bool take_unknown(char *text, struct audit_login *ret)
{
	if (!take_address(text, ret) || !take_end(text, " from"))
		return false;
	set_user(ret, text);
	return true;
}

static bool take_message(char *text, struct audit_login *ret)
{
	static const struct {
		const char *begin;
		enum audit_login_kind kind;
		bool (*read)(char *text, struct audit_login *ret);
	} forms[] = {
		{ "Accepted ", AUDIT_LOGIN_ACCEPTED, take_try },
		{ "Failed ", AUDIT_LOGIN_FAILED, take_try },
		{ "Invalid user ", AUDIT_LOGIN_GAVE_UP, take_unknown },
		{ "Connection closed by authenticating user ", AUDIT_LOGIN_GAVE_UP, take_gone },
		{ "Connection closed by invalid user ", AUDIT_LOGIN_GAVE_UP, take_gone },
		{ "Connection reset by authenticating user ", AUDIT_LOGIN_GAVE_UP, take_gone },
		{ "Connection reset by invalid user ", AUDIT_LOGIN_GAVE_UP, take_gone },
		{ "Disconnected from authenticating user ", AUDIT_LOGIN_GAVE_UP, take_gone },
		{ "Disconnected from invalid user ", AUDIT_LOGIN_GAVE_UP, take_gone },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const size_t n = strlen(forms[i].begin);

		if (strncmp(text, forms[i].begin, n) != 0)
			continue;
		ret->kind = forms[i].kind;
		return forms[i].read(text + n, ret);
	}
	return false;
}

bool audit_login_message(const char *text, size_t n, struct audit_login *ret)
{
	char message[MESSAGE_BYTES], *at = message;
	unsigned int times;
	int skip = 0;

	*ret = (struct audit_login){ .times = 1 };
	if (n >= sizeof(message) || memchr(text, '\0', n))
		return false;
	memcpy(message, text, n);
	message[n] = '\0';
	/* rsyslog: "message repeated 3 times: [ Failed ...]" */
	if (sscanf(message, "message repeated %9u times: [ %n", &times, &skip) == 1 && skip &&
	    take_end(message, "]")) {
		ret->times = times;
		at += skip;
	}
	return take_message(at, ret);
}

/* "Nov  6 10:00:00": of this year, or of the last one where that would be to come. */
static int64_t old_time(const char *text, int64_t now_s)
{
	const time_t now = now_s;
	struct tm tm, t;
	time_t at;

	if (!localtime_r(&now, &tm))
		return 0;
	t = tm;
	if (!strptime(text, "%b %e %H:%M:%S", &t))
		return 0;
	t.tm_isdst = -1;
	at = mktime(&t);
	if (at > now + DAY_S) {
		t.tm_year = tm.tm_year - 1;
		t.tm_isdst = -1;
		at = mktime(&t);
	}
	return at;
}

/* Sets where the name of the host begins. "Nov  6 10:00:00 HOST" or "2026-11-06T10:00:00.123456+01:00 HOST". */
static int64_t time_of(const char *line, int64_t now_s, const char **ret_host)
{
	int64_t ms;
	char text[48];
	size_t n;

	if (isdigit((unsigned char)*line)) {
		n = strcspn(line, " ");
		*ret_host = line + n + (line[n] == ' ');
		snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : 0), line);
		return when_parse(text, now_s * 1000, &ms) ? 0 : ms / 1000;
	}
	if (strlen(line) < 17)
		return 0;
	snprintf(text, sizeof(text), "%.15s", line);
	*ret_host = line + 16;
	return old_time(text, now_s);
}

bool audit_login_line(const char *line, size_t n, int64_t now_s, struct audit_login *ret)
{
	const char *at, *colon, *program;
	char text[MESSAGE_BYTES];
	int64_t time_s;

	if (n >= sizeof(text) || memchr(line, '\0', n))
		return false;
	memcpy(text, line, n);
	text[n] = '\0';
	at = text;
	time_s = time_of(text, now_s, &at);
	if (time_s <= 0)
		return false;
	at += strcspn(at, " ");
	at += strspn(at, " ");
	program = behind(at, "sshd-session[") ?: behind(at, "sshd[");
	colon = program ? strstr(program, "]: ") : NULL;
	if (!colon || !audit_login_message(colon + 3, strlen(colon + 3), ret))
		return false;
	ret->time_s = time_s;
	return true;
}

size_t audit_login_record_size(void)
{
	return sizeof(struct utmp);
}

bool audit_login_record(const void *bytes, size_t n, bool failed, struct audit_login *ret)
{
	struct utmp u;

	*ret = (struct audit_login){ .kind = failed ? AUDIT_LOGIN_FAILED : AUDIT_LOGIN_ACCEPTED,
				     .times = 1 };
	if (n != sizeof(u))
		return false;
	memcpy(&u, bytes, sizeof(u));
	if (u.ut_type != USER_PROCESS && !(failed && u.ut_type == LOGIN_PROCESS))
		return false;
	utf8_make_plain(u.ut_user, sizeof(u.ut_user), ret->user, sizeof(ret->user));
	utf8_make_plain(u.ut_host, sizeof(u.ut_host), ret->from, sizeof(ret->from));
	ret->time_s = u.ut_tv.tv_sec;
	return *ret->user && ret->time_s > 0;
}
