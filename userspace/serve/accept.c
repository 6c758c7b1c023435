/* SPDX-License-Identifier: MIT */
/*
 * Parses Accept-Encoding in one pass over a string from a stranger: nothing is allocated, nothing
 * copied, and every byte is looked at once.
 */
#include "serve/accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define QUALITY_ONE 1000 /* q=1.000 */
#define QUALITY_UNSET (-1)

struct qualities {
	int gzip;
	int identity;
	int any;
};

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9110 12.4.2: "0" or "1" and up to three decimals. Thousandths, or -1. */
static int parse_quality(const char *p, const char **ret_end)
{
	int q, unit = QUALITY_ONE / 10;

	if (*p != '0' && *p != '1')
		return -1;
	q = (*p++ - '0') * QUALITY_ONE;
	if (*p == '.')
		for (p++; unit && is_digit(*p); p++, unit /= 10)
			q += (*p - '0') * unit;
	*ret_end = p;
	return q <= QUALITY_ONE ? q : -1;
}

/* What stands behind the name of a coding: nothing, or ";q=". Thousandths, or -1. */
static int parse_weight(const char *p)
{
	int q;

	p = skip_space(p);
	if (*p == ',' || *p == '\0')
		return QUALITY_ONE;
	if (*p != ';')
		return -1;
	p = skip_space(p + 1);
	if ((*p != 'q' && *p != 'Q') || p[1] != '=')
		return -1;
	q = parse_quality(p + 2, &p);
	if (q < 0)
		return -1;
	p = skip_space(p);
	return *p == ',' || *p == '\0' ? q : -1;
}

static bool is_name(const char *p, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(p, name, n) == 0;
}

static void take_element(const char *p, struct qualities *q)
{
	size_t n = strcspn(p, " \t;,");
	int weight = parse_weight(p + n);

	if (weight < 0)
		return;
	if (is_name(p, n, "gzip") || is_name(p, n, "x-gzip"))
		q->gzip = weight;
	else if (is_name(p, n, "identity"))
		q->identity = weight;
	else if (is_name(p, n, "*"))
		q->any = weight;
}

enum accept_coding accept_coding(const char *header)
{
	struct qualities q = { QUALITY_UNSET, QUALITY_UNSET, QUALITY_UNSET };
	const char *p;

	if (!header)
		return ACCEPT_IDENTITY;
	for (p = header; *p; p += *p == ',') {
		p = skip_space(p);
		take_element(p, &q);
		p += strcspn(p, ",");
	}
	if (q.gzip == QUALITY_UNSET)
		q.gzip = q.any == QUALITY_UNSET ? 0 : q.any;
	/* Not named, identity is fine, but everything that is named is liked better. */
	if (q.identity == QUALITY_UNSET)
		q.identity = q.any == QUALITY_UNSET ? 1 : q.any;
	if (q.gzip > 0 && q.gzip >= q.identity)
		return ACCEPT_GZIP;
	return q.identity > 0 ? ACCEPT_IDENTITY : ACCEPT_NOTHING;
}
