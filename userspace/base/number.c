/* SPDX-License-Identifier: MIT */
/* Strict parsing of numbers: the whole string counts, or it is none. */
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

int number_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	bool overflow = false;
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(v, 10, &v);
		overflow |= __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v);
	}
	if (overflow || v < min || v > max)
		return -ERANGE;
	*ret_value = v;
	return 0;
}

int number_parse_double(const char *s, double *ret_value)
{
	char *end;
	double v;

	/* strtod(3) takes white space, "inf", "nan" and hexadecimal too. */
	if (!*s || s[strspn(s, "0123456789+-.eE")])
		return -EINVAL;
	v = strtod(s, &end);
	if (*end || end == s)
		return -EINVAL;
	if (!isfinite(v))
		return -ERANGE;
	*ret_value = v;
	return 0;
}

int number_parse_bool(const char *s, int *ret_value)
{
	static const char *const words[][2] = {
		{ "no", "yes" },
		{ "false", "true" },
		{ "off", "on" },
		{ "0", "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int v = 0; v < 2; v++) {
			if (strcasecmp(s, words[i][v]) == 0) {
				*ret_value = v;
				return 0;
			}
		}
	}
	return -EINVAL;
}
