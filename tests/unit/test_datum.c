/* SPDX-License-Identifier: MIT */
/* Metrics into the spool's text, out of it again, and into CloudWatch's. */
#include "unit.h"

#include <jansson.h>
#include <math.h>

#include "ship/datum.h"

#define PAIR "[\"a\",\"b\"]"
#define FIVE_DIMENSIONS \
	"[{\"n\":\"x\",\"u\":\"None\",\"v\":1,\"d\":[" PAIR "," PAIR "," PAIR "," PAIR "," PAIR \
	"]}]"

static const double values[DATUM_VALUES_MAX] = { 0.01048, 1.5, 250 };
static const double counts[DATUM_VALUES_MAX] = { 1, 2, 3 };

static const struct datum data[] = {
	{ .name = "RequestCount", .unit = "Count", .value = 0 },
	{ .name = "A \"name\" \\ \n", .unit = "None", .value = -1.25e-7 },
	{ .name = "ResponseTime",
	  .unit = "Milliseconds",
	  .dimensions = { { "Route", "/api/{id}" } },
	  .n_dimensions = 1,
	  .count = 6,
	  .sum = 753.1,
	  .min = 0.01,
	  .max = 1e300,
	  .n_values = 3,
	  .values = values,
	  .counts = counts },
	{ .name = "MemoryUtilization",
	  .unit = "Percent",
	  .count = 4,
	  .sum = 0.1 + 0.2,
	  .min = 0,
	  .max = 9007199254740993.0 },
};

static bool same(const struct datum *a, const struct datum *b)
{
	bool is = strcmp(a->name, b->name) == 0 && strcmp(a->unit, b->unit) == 0 &&
		  a->n_dimensions == b->n_dimensions && a->value == b->value &&
		  a->count == b->count && a->sum == b->sum && a->min == b->min &&
		  a->max == b->max && a->n_values == b->n_values;

	for (size_t i = 0; is && i < a->n_dimensions; i++)
		is = strcmp(a->dimensions[i].name, b->dimensions[i].name) == 0 &&
		     strcmp(a->dimensions[i].value, b->dimensions[i].value) == 0;
	for (size_t i = 0; is && i < a->n_values; i++)
		is = a->values[i] == b->values[i] && a->counts[i] == b->counts[i];
	return is;
}

static int expect_next(const struct datum *d, void *ctx)
{
	size_t *n = ctx;

	if (EXPECT(*n < ARRAY_SIZE(data)))
		EXPECT(same(d, &data[*n]));
	(*n)++;
	return 0;
}

static void there_and_back(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	size_t n = 0;

	EXPECT_INT(datum_encode(data, ARRAY_SIZE(data), &out), 0);
	EXPECT_HAS(out.data, "[{\"n\":\"RequestCount\",\"u\":\"Count\",\"v\":0},");
	EXPECT_HAS(out.data, "\"d\":[[\"Route\",\"/api/{id}\"]],\"st\":[6,753.1,0.01,1e+300],"
			     "\"vs\":[0.01048,1.5,250],\"cs\":[1,2,3]}");
	EXPECT_INT(datum_decode(out.data, out.len, expect_next, &n), 0);
	EXPECT_UINT(n, ARRAY_SIZE(data));
	buf_reset(&out);
	EXPECT_INT(datum_encode(NULL, 0, &out), 0);
	EXPECT_STR(out.data, "[]");
	EXPECT_INT(datum_decode(out.data, out.len, expect_next, &n), 0);
}

static int stop(const struct datum *d, void *ctx)
{
	(void)d;
	++*(int *)ctx;
	return -EIO;
}

static void stops(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	int n = 0;

	EXPECT_INT(datum_encode(data, ARRAY_SIZE(data), &out), 0);
	EXPECT_INT(datum_decode(out.data, out.len, stop, &n), -EIO);
	EXPECT_INT(n, 1);
}

static void not_numbers(void)
{
	static const double bad[] = { NAN, INFINITY, -INFINITY };

	for (size_t i = 0; i < ARRAY_SIZE(bad) * 2; i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
		struct datum d = { .name = "x", .unit = "None", .value = bad[i / 2] };

		if (i % 2)
			d = (struct datum){ .name = "x",
					    .unit = "None",
					    .count = 1,
					    .n_values = 1,
					    .values = &bad[i / 2],
					    .counts = counts };
		EXPECT_INT(datum_encode(&d, 1, &out), -EINVAL);
		buf_reset(&out);
		EXPECT_INT(datum_write(&d, NULL, 0, 0, 60, &out), -EINVAL);
	}
}

static void too_much(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(100000);
	static const struct datum_dimension dimensions[DATUM_DIMENSIONS_MAX];
	struct datum d = data[2];

	EXPECT_INT(datum_write(&d, dimensions, DATUM_DIMENSIONS_MAX, 0, 60, &out), -EINVAL);
	d.n_values = DATUM_VALUES_MAX + 1;
	EXPECT_INT(datum_encode(&d, 1, &out), -EINVAL);
	EXPECT_INT(datum_write(&d, NULL, 0, 0, 60, &out), -EINVAL);
	d = data[2];
	d.n_dimensions = DATUM_OWN_DIMENSIONS_MAX + 1;
	EXPECT_INT(datum_encode(&d, 1, &out), -EINVAL);
}

static int count(const struct datum *d, void *ctx)
{
	EXPECT(isfinite(d->value) && isfinite(d->sum));
	++*(int *)ctx;
	return 0;
}

static void foreign(void)
{
	static const char *const texts[] = {
		"",
		"[",
		"{}",
		"null",
		"[null]",
		"[1]",
		"[{}]",
		"[{\"n\":\"x\",\"u\":\"None\"}]",
		"[{\"n\":\"x\",\"v\":1}]",
		"[{\"n\":\"\",\"u\":\"None\",\"v\":1}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"v\":\"1\"}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"v\":1e999}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"v\":NaN}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"d\":{},\"v\":1}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"d\":[[\"a\"]],\"v\":1}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"d\":[[\"a\",1]],\"v\":1}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"v\":1,\"d\":[[\"a\",\"b\"],[\"a\",\"b\"],[\"\",\"b\"]]}]",
		FIVE_DIMENSIONS,
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[1,2,3]}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[0,2,3,4]}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[1,2,3,null]}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[1,2,3,4],\"vs\":[]}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[1,2,3,4],\"vs\":[1]}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[1,2,3,4],\"vs\":[1],\"cs\":[1,2]}]",
		"[{\"n\":\"x\",\"u\":\"None\",\"st\":[1,2,3,4],\"vs\":7,\"cs\":[1,2]}]",
		"[{\"n\":\"x\\u0000y\",\"u\":\"None\",\"v\":1}]",
	};
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (datum_decode(texts[i], strlen(texts[i]), count, &n) != -EINVAL)
			FAIL_CASE("taken: %s", texts[i]);
	EXPECT_INT(n, 0);
	EXPECT_INT(datum_decode(NULL, 0, count, &n), -EINVAL);
}

static void for_cloudwatch(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	static const struct datum_dimension host = { "InstanceId", "i-1" };

	EXPECT_INT(datum_write(&data[0], NULL, 0, 1764140040, 60, &out), 0);
	EXPECT_STR(out.data, "{\"MetricName\":\"RequestCount\",\"Unit\":\"Count\","
			     "\"Timestamp\":1764140040,\"StorageResolution\":60,\"Value\":0}");
	buf_reset(&out);
	EXPECT_INT(datum_write(&data[2], &host, 1, 1764140041, 1, &out), 0);
	EXPECT_STR(
		out.data,
		"{\"MetricName\":\"ResponseTime\",\"Unit\":\"Milliseconds\",\"Timestamp\":1764140041,"
		"\"StorageResolution\":1,\"Dimensions\":[{\"Name\":\"InstanceId\",\"Value\":\"i-1\"},"
		"{\"Name\":\"Route\",\"Value\":\"/api/{id}\"}],\"StatisticValues\":{\"SampleCount\":6,"
		"\"Sum\":753.1,\"Minimum\":0.01,\"Maximum\":1e+300},\"Values\":[0.01048,1.5,250],"
		"\"Counts\":[1,2,3]}");
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		json_t *j;

		buf_reset(&out);
		EXPECT_INT(datum_write(&data[i], NULL, 0, 1, 60, &out), 0);
		j = json_loadb(out.data, out.len, 0, NULL);
		EXPECT_STR(json_string_value(json_object_get(j, "MetricName")), data[i].name);
		json_decref(j);
	}
}

/* Every number reads back as it was, and none is longer than it must be. */
static void numbers(void)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ -0.0, "0" },
		{ 1, "1" },
		{ 100, "100" },
		{ 1e15, "1000000000000000" },
		{ 1e22, "1e+22" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1234.5678, "1234.5678" },
		{ 5e-324, "4.94065645841247e-324" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000), expected = BUF_INIT(1000);
		struct datum d = { .name = "x", .unit = "None", .value = rows[i].value };

		buf_printf(&expected, "[{\"n\":\"x\",\"u\":\"None\",\"v\":%s}]", rows[i].text);
		EXPECT_INT(datum_encode(&d, 1, &out), 0);
		EXPECT_STR(out.data, expected.data);
	}
}

static void full_buffer(void)
{
	for (size_t max = 0; max < 150; max++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(max);

		EXPECT_INT(datum_write(&data[2], NULL, 0, 1, 60, &out), -EFBIG);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what was encoded is decoded", there_and_back },
		{ "an error of the callback ends it", stops },
		{ "NaN and infinity are refused", not_numbers },
		{ "more than a datum can have is refused", too_much },
		{ "other texts are refused", foreign },
		{ "CloudWatch's form", for_cloudwatch },
		{ "numbers are short and exact", numbers },
		{ "a full buffer is told", full_buffer },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
