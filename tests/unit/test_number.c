/* SPDX-License-Identifier: MIT */
/* Numbers: the whole string, within the range, or an error and nothing written. */
#include "unit.h"

#include "base/number.h"

static void numbers(void)
{
	static const struct {
		const char *text;
		uint64_t min, max, value;
		int err;
	} rows[] = {
		{ "0", 0, UINT64_MAX, 0, 0 },
		{ "8000", 1, 65535, 8000, 0 },
		{ "007", 0, 10, 7, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, 0 },
		{ "18446744073709551616", 0, UINT64_MAX, 0, -ERANGE },
		{ "99999999999999999999999999", 0, UINT64_MAX, 0, -ERANGE },
		{ "99999999999999999999999999x", 0, UINT64_MAX, 0, -EINVAL },
		{ "0", 1, 5, 0, -ERANGE },
		{ "6", 1, 5, 0, -ERANGE },
		{ "", 0, 5, 0, -EINVAL },
		{ "-1", 0, 5, 0, -EINVAL },
		{ "+1", 0, 5, 0, -EINVAL },
		{ " 1", 0, 5, 0, -EINVAL },
		{ "1 ", 0, 5, 0, -EINVAL },
		{ "0x1", 0, 5, 0, -EINVAL },
		{ "1.0", 0, 5, 0, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = 4711;

		unit_begin("the number \"%s\"", rows[i].text);
		EXPECT_INT(number_parse_u64(rows[i].text, rows[i].min, rows[i].max, &value),
			   rows[i].err);
		EXPECT_UINT(value, rows[i].err ? 4711 : rows[i].value);
	}
}

static void doubles(void)
{
	static const struct {
		const char *text;
		double value;
		int err;
	} rows[] = {
		{ "10", 10, 0 },         { "-0.5", -0.5, 0 },   { "1e6", 1e6, 0 },
		{ ".5", 0.5, 0 },        { "+3", 3, 0 },        { "1e400", 0, -ERANGE },
		{ "", 0, -EINVAL },      { " 1", 0, -EINVAL },  { "1 ", 0, -EINVAL },
		{ "0x10", 0, -EINVAL },  { "nan", 0, -EINVAL }, { "inf", 0, -EINVAL },
		{ "1.2.3", 0, -EINVAL }, { "e", 0, -EINVAL },   { "-", 0, -EINVAL },
		{ "1,5", 0, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double value = 4711;

		unit_begin("the decimal \"%s\"", rows[i].text);
		EXPECT_INT(number_parse_double(rows[i].text, &value), rows[i].err);
		EXPECT_NEAR(value, rows[i].err ? 4711 : rows[i].value, 0);
	}
}

static void bools(void)
{
	static const struct {
		const char *text;
		int value;
	} rows[] = {
		{ "yes", 1 }, { "no", 0 },  { "true", 1 },  { "false", 0 }, { "on", 1 },
		{ "off", 0 }, { "1", 1 },   { "0", 0 },     { "YES", 1 },   { "False", 0 },
		{ "", -1 },   { "ja", -1 }, { "yes ", -1 }, { "2", -1 },    { "y", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int value = -1;

		unit_begin("the boolean \"%s\"", rows[i].text);
		EXPECT_INT(number_parse_bool(rows[i].text, &value),
			   rows[i].value < 0 ? -EINVAL : 0);
		EXPECT_INT(value, rows[i].value);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, numbers },
						  { NULL, doubles },
						  { NULL, bools } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
