/* SPDX-License-Identifier: MIT */
/* Packages, as others print them. Invariant: at most PACKAGES_MAX are kept; names and versions are without blanks and control characters. */
#include "care/packages.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A word of @text at *at, up to one of @ends or a blank. Returns whether there is one that fits. */
static bool word(const char **at, const char *ends, char *to, size_t size)
{
	size_t n = 0;
	const char *s = *at;

	while ((unsigned char)s[n] > ' ' && s[n] != 0x7f && !strchr(ends, s[n]))
		n++;
	*at += n;
	if (!n || n >= size)
		return false;
	memcpy(to, s, n);
	to[n] = '\0';
	return true;
}

static void skip_blanks(const char **at)
{
	*at += strspn(*at, " \t");
}

static int add(struct packages *p, const struct package *one)
{
	if (p->n == PACKAGES_MAX) {
		p->more = true;
		return 0;
	}
	if (p->n == p->size) {
		size_t size = p->size ? 2 * p->size : 64;
		struct package *list = reallocarray(p->list, size, sizeof(*list));

		if (!list)
			return -ENOMEM;
		p->list = list;
		p->size = size;
	}
	p->list[p->n++] = *one;
	p->n_security += one->security;
	return 0;
}

void packages_done(struct packages *p)
{
	free(p->list);
	*p = (struct packages){ .n = 0 };
}

/* --- apt */

/* "NEW ORIGIN:RELEASE/SUITE, ORIGIN:RELEASE/SUITE [ARCH])": whether one of them is for security. */
static bool is_for_security(const char *at, const char *end)
{
	while (at < end && *at != '[') {
		char origin[PACKAGES_NAME_MAX];

		skip_blanks(&at);
		if (*at == '[')
			break;
		if (word(&at, ",)[", origin, sizeof(origin)) &&
		    (strcasestr(origin, "-security") || strncasecmp(origin, "UbuntuESM", 9) == 0))
			return true;
		while (at < end && !strchr(" ,[", *at))
			at++;
		at += at < end && *at == ',';
	}
	return false;
}

/* Behind "Inst ". */
static bool take_apt(const char *at, const char *end, struct package *ret)
{
	*ret = (struct package){ .name = "" };
	if (!word(&at, "", ret->name, sizeof(ret->name)))
		return false;
	skip_blanks(&at);
	if (*at == '[') {
		at++;
		if (!word(&at, "]", ret->old, sizeof(ret->old)) || *at != ']')
			return false;
		at++;
		skip_blanks(&at);
	}
	if (*at != '(')
		return false;
	at++;
	if (!word(&at, ")", ret->new, sizeof(ret->new)))
		return false;
	ret->security = is_for_security(at, end);
	return true;
}

int packages_add_apt(struct packages *p, const char *text)
{
	int err = 0;

	p->knows_old = true;
	while (!err && *text) {
		const char *end = text + strcspn(text, "\n");
		struct package one;

		if (strncmp(text, "Inst ", 5) == 0 && take_apt(text + 5, end, &one))
			err = add(p, &one);
		else if (strncmp(text, "Remv ", 5) == 0)
			p->n_removed++;
		text = end + (*end == '\n');
	}
	return err;
}

/* --- dnf */

static bool mark(struct packages *p, const struct package *one)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->list[i].name, one->name) == 0) {
			p->n_security += one->security && !p->list[i].security;
			p->list[i].security |= one->security;
			return true;
		}
	return false;
}

/* NAME.ARCH, of an architecture that rpm has: messages have dots, too. */
static bool is_dnf_name(const char *name)
{
	static const char *const archs[] = { "noarch", "x86_64",  "aarch64", "i686",
					     "i386",   "armv7hl", "ppc64le", "s390x" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && dot != name && i < sizeof(archs) / sizeof(archs[0]); i++)
		if (strcmp(dot + 1, archs[i]) == 0)
			return true;
	return false;
}

static bool is_version(const char *s)
{
	return isdigit((unsigned char)*s) && strchr(s, '-');
}

/* "dnf upgrade --releasever=2023.6.20241031", of the notice of a newer release. The last one is the newest. */
static void take_release(const char *text, char ret[32])
{
	static const char key[] = "--releasever=";

	while ((text = strstr(text, key))) {
		size_t n;

		text += sizeof(key) - 1;
		n = strspn(text, "0123456789.");
		if (!n || n >= 32)
			continue;
		memcpy(ret, text, n);
		ret[n] = '\0';
	}
}

/* Words, not lines: a name that is too long has a line of its own. */
int packages_add_dnf(struct packages *p, const char *text, bool security)
{
	char now[PACKAGES_NAME_MAX];
	struct package one = { .name = "" };
	int err = 0;

	take_release(text, p->release);
	while (!err && *text) {
		text += strspn(text, " \t\r\n");
		if (strncmp(text, "Obsoleting Packages", 19) == 0)
			break; /* what follows is listed above already */
		if (!word(&text, "", now, sizeof(now))) {
			*one.name = '\0';
			text += *text && !strchr(" \t\r\n", *text);
			continue;
		}
		if (*one.name && is_version(now)) {
			memcpy(one.new, now, sizeof(now));
			one.security = security;
			err = mark(p, &one) ? 0 : add(p, &one);
			*one.name = '\0';
			continue;
		}
		*one.name = '\0';
		if (is_dnf_name(now))
			memcpy(one.name, now, sizeof(now));
	}
	return err;
}

/* --- room */

/* "1,234 kB", "45.3 MB", "26 M": of 1000 for apt, of 1024 for dnf. Returns false if it is none. */
static bool take_size(const char *at, unsigned int base, uint64_t *ret)
{
	static const char units[] = "kMGT";
	char digits[32];
	size_t n = 0;
	double value;
	const char *unit;

	at += strspn(at, " ");
	for (; (isdigit((unsigned char)*at) || *at == '.' || *at == ',') && n + 1 < sizeof(digits);
	     at++)
		if (*at != ',')
			digits[n++] = *at;
	digits[n] = '\0';
	if (!n || !isdigit((unsigned char)digits[0]))
		return false;
	value = strtod(digits, NULL);
	at += strspn(at, " ");
	unit = *at ? strchr(units, *at == 'K' ? 'k' : *at) : NULL;
	for (const char *u = units; unit && *unit && u <= unit; u++)
		value *= base;
	if (!(value >= 0 && value < 1e15))
		return false;
	*ret = (uint64_t)value;
	return true;
}

static const char *behind(const char *text, const char *what)
{
	const char *at = strstr(text, what);

	return at ? at + strlen(what) : NULL;
}

/* "Need to get 45.3 MB/46.0 MB of archives." "After this operation, 1,234 kB of additional disk space will be used." or "... disk space
 * will be freed." */
void packages_room_apt(const char *text, struct packages_room *ret)
{
	const char *get = behind(text, "Need to get "),
		   *after = behind(text, "After this operation, ");
	uint64_t bytes;

	*ret = (struct packages_room){ .known = false };
	ret->known = get && take_size(get, 1000, &ret->fetch_bytes);
	if (!after || !take_size(after, 1000, &bytes))
		return;
	ret->known = true;
	ret->disk_bytes =
		memmem(after, strcspn(after, "\n"), "freed", 5) ? -(int64_t)bytes : (int64_t)bytes;
}

/* "Total download size: 26 M", "Installed size: 80 M" (of new packages). */
void packages_room_dnf(const char *text, struct packages_room *ret)
{
	const char *get = behind(text, "Total download size: "),
		   *after = behind(text, "Installed size: ");
	uint64_t bytes;

	*ret = (struct packages_room){ .known = false };
	ret->known = get && take_size(get, 1024, &ret->fetch_bytes);
	if (after && take_size(after, 1024, &bytes))
		ret->disk_bytes = (int64_t)bytes;
}
