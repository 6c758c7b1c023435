/* SPDX-License-Identifier: MIT */
/*
 * Which format an Accept header asks for.
 *
 * Invariant: each format gets the quality of the most specific range that covers it (RFC 9110
 * 12.5.1). OpenMetrics is chosen when it is wanted more than text, or as much but by a narrower
 * range: so a browser and curl, which take anything, get text, and Prometheus, which names it,
 * gets it.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "metrics/expo.h"

struct span {
	const char *at, *end;
};

/* What a format's best range says so far. */
struct wish {
	int width;   /* 0: none; 1: anything; 2: any subtype; 3: the type itself */
	int quality; /* 0..1000 */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool span_is(struct span s, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(s.end - s.at) == len && strncasecmp(s.at, text, len) == 0;
}

static struct span span_trim(struct span s)
{
	while (s.at < s.end && is_space(*s.at))
		s.at++;
	while (s.at < s.end && is_space(s.end[-1]))
		s.end--;
	return s;
}

/* Takes what stands before the next @stop that is not inside quotes; *rest goes behind it. */
static struct span span_until(struct span *rest, char stop)
{
	struct span part = { rest->at, rest->at };
	bool quoted = false;

	for (; part.end < rest->end && (quoted || *part.end != stop); part.end++) {
		if (*part.end == '\\' && quoted && part.end + 1 < rest->end)
			part.end++;
		else if (*part.end == '"')
			quoted = !quoted;
	}
	rest->at = part.end < rest->end ? part.end + 1 : rest->end;
	return span_trim(part);
}

/* A weight, "0.875", in thousandths; -1 if it is none. */
static int quality_of(struct span s)
{
	int value, scale = 100;

	if (s.at == s.end || (*s.at != '0' && *s.at != '1'))
		return -1;
	value = *s.at++ == '1' ? 1000 : 0;
	if (s.at < s.end && *s.at++ != '.')
		return -1;
	for (; s.at < s.end; s.at++, scale /= 10) {
		if (*s.at < '0' || *s.at > '9' || !scale)
			return -1;
		value += (*s.at - '0') * scale;
	}
	return value <= 1000 ? value : -1;
}

static struct span unquote(struct span s)
{
	if (s.end - s.at >= 2 && *s.at == '"' && s.end[-1] == '"')
		return (struct span){ s.at + 1, s.end - 1 };
	return s;
}

/* What a type's parameters say; other ones than these two do not matter. */
struct parameters {
	int quality;
	struct span version; /* empty: not given */
};

static struct parameters parameters_of(struct span rest)
{
	struct parameters p = { .quality = 1000 };

	while (rest.at < rest.end) {
		struct span value = span_until(&rest, ';');
		struct span name = span_until(&value, '=');

		value = unquote(span_trim(value));
		if (span_is(name, "q"))
			p.quality = quality_of(value);
		else if (span_is(name, "version"))
			p.version = value;
	}
	return p;
}

static void wish_take(struct wish *w, int width, int quality)
{
	if (width < w->width || (width == w->width && quality <= w->quality))
		return;
	w->width = width;
	w->quality = quality;
}

static void take_range(struct span range, struct wish *text, struct wish *openmetrics)
{
	struct span type = span_until(&range, ';');
	struct parameters p = parameters_of(range);
	bool any_version = p.version.at == p.version.end;

	if (p.quality < 0)
		return;
	if (span_is(type, "*/*")) {
		wish_take(text, 1, p.quality);
		wish_take(openmetrics, 1, p.quality);
	} else if (span_is(type, "text/*")) {
		wish_take(text, 2, p.quality);
	} else if (span_is(type, "application/*")) {
		wish_take(openmetrics, 2, p.quality);
	} else if (span_is(type, "text/plain")) {
		if (any_version || span_is(p.version, "0.0.4"))
			wish_take(text, 3, p.quality);
	} else if (span_is(type, "application/openmetrics-text")) {
		if (any_version || span_is(p.version, "1.0.0") || span_is(p.version, "0.0.1"))
			wish_take(openmetrics, 3, p.quality);
	}
}

enum expo_format expo_negotiate(const char *accept)
{
	struct span rest = { accept, accept ? accept + strlen(accept) : accept };
	struct wish text = { 0 }, openmetrics = { 0 };

	while (rest.at < rest.end)
		take_range(span_until(&rest, ','), &text, &openmetrics);
	if (openmetrics.quality > text.quality)
		return EXPO_OPENMETRICS_1;
	if (openmetrics.quality && openmetrics.quality == text.quality &&
	    openmetrics.width > text.width)
		return EXPO_OPENMETRICS_1;
	return EXPO_TEXT_004;
}
