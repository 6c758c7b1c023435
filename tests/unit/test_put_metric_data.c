/* SPDX-License-Identifier: MIT */
/* Bodies of PutMetricData: what is in them, and that none passes CloudWatch's limits. */
#include "unit.h"

#include <jansson.h>

#include "ship/minute.h"
#include "ship/put_metric_data.h"

static const char five[] =
	"[{\"n\":\"RequestCount\",\"u\":\"Count\",\"v\":7},"
	"{\"n\":\"ErrorCount\",\"u\":\"Count\",\"v\":0},"
	"{\"n\":\"ResponseTime\",\"u\":\"Milliseconds\",\"st\":[7,70,10,10],\"vs\":[10],\"cs\":[7]},"
	"{\"n\":\"CPUUtilization\",\"u\":\"Percent\",\"v\":1.5},"
	"{\"n\":\"ProbeUp\",\"u\":\"None\",\"d\":[[\"Probe\",\"http\"]],\"v\":1}]";

static const struct put_options plain = { .metric_namespace = "AgentISA", .resolution_s = 60 };

static struct put_options options(void)
{
	struct put_options o = plain;

	o.instance_id = "i-0123456789abcdef0";
	o.dimensions[0] = (struct datum_dimension){ "AutoScalingGroupName", "web" };
	o.dimensions[1] = (struct datum_dimension){ "Stage", "a \"quoted\" one" };
	o.n_dimensions = 2;
	return o;
}

static json_t *parse(const struct put_request *r)
{
	return json_loadb(r->body.data, r->body.len, 0, NULL);
}

static const char *name_of(const json_t *all, size_t datum, size_t dimension)
{
	const json_t *d = json_array_get(json_object_get(all, "MetricData"), datum);

	return json_string_value(json_object_get(
		json_array_get(json_object_get(d, "Dimensions"), dimension), "Name"));
}

static size_t n_data(const json_t *all)
{
	return json_array_size(json_object_get(all, "MetricData"));
}

static void sets(void)
{
	struct put_options o = options();
	struct put_request r;
	json_t *all;

	EXPECT_UINT(put_sets(&plain), 1);
	EXPECT_UINT(put_sets(&o), 3);
	EXPECT_INT(put_begin(&r, &o), 0);
	EXPECT_INT(put_add(&r, &o, 1764140040, five, strlen(five)), 0);
	EXPECT_INT(put_end(&r), 0);
	EXPECT_UINT(r.n_metrics, 15);
	all = parse(&r);
	EXPECT_STR(json_string_value(json_object_get(all, "Namespace")), "AgentISA");
	EXPECT_UINT(n_data(all), 15);
	EXPECT_STR(name_of(all, 0, 0), NULL);
	EXPECT_STR(name_of(all, 1, 0), "InstanceId");
	EXPECT_STR(name_of(all, 1, 1), NULL);
	EXPECT_STR(name_of(all, 2, 0), "AutoScalingGroupName");
	EXPECT_STR(name_of(all, 2, 1), "Stage");
	EXPECT_STR(name_of(all, 12, 0), "Probe");
	EXPECT_STR(name_of(all, 13, 1), "Probe");
	EXPECT_STR(name_of(all, 14, 2), "Probe");
	json_decref(all);
	put_done(&r);
}

static void without_anything(void)
{
	struct put_request r;

	EXPECT_INT(put_begin(&r, &plain), 0);
	EXPECT_INT(put_add(&r, &plain, 60, five, strlen(five)), 0);
	EXPECT_INT(put_end(&r), 0);
	EXPECT_UINT(r.n_metrics, 5);
	EXPECT(!strstr(r.body.data, "InstanceId"));
	put_done(&r);
}

static void thousand(void)
{
	struct put_options o = options();
	struct put_request r;
	unsigned int n = 0;
	json_t *all;

	EXPECT_INT(put_begin(&r, &o), 0);
	while (put_add(&r, &o, 60 * n, five, strlen(five)) == 0)
		n++;
	EXPECT_UINT(n, 66);
	EXPECT_UINT(r.n_metrics, 990);
	EXPECT_INT(put_add(&r, &o, 60, five, strlen(five)), -E2BIG);
	EXPECT_INT(put_end(&r), 0);
	all = parse(&r);
	EXPECT_UINT(n_data(all), 990);
	json_decref(all);
	put_done(&r);
	EXPECT_INT(put_begin(&r, &plain), 0);
	for (n = 0; put_add(&r, &plain, 60 * n, five, strlen(five)) == 0;)
		n++;
	EXPECT_UINT(r.n_metrics, PUT_METRICS_MAX);
	put_done(&r);
}

static void refused(void)
{
	static const char bad[] = "[{\"n\":\"RequestCount\",\"u\":\"Count\",\"v\":7},{\"n\":1}]";
	struct put_options o = options();
	struct put_request r;
	json_t *all;

	EXPECT_INT(put_begin(&r, &o), 0);
	EXPECT_INT(put_add(&r, &o, 60, bad, strlen(bad)), -EINVAL);
	EXPECT_UINT(r.n_metrics, 0);
	EXPECT_INT(put_add(&r, &o, 60, five, strlen(five)), 0);
	EXPECT_INT(put_add(&r, &o, 60, bad, strlen(bad)), -EINVAL);
	EXPECT_INT(put_end(&r), 0);
	all = parse(&r);
	EXPECT_UINT(n_data(all), 15);
	json_decref(all);
	put_done(&r);
}

/* --- the worst that can be */

struct worst {
	char texts[8][512], route[256];
	struct put_options options;
	double values[DATUM_VALUES_MAX], counts[DATUM_VALUES_MAX];
};

/* 2048 bytes of dimensions, each of which becomes two; no number is shorter than it can be. */
static void worst_make(struct worst *w)
{
	w->options = (struct put_options){ .metric_namespace = "AgentISA",
					   .resolution_s = 60,
					   .instance_id = "i-0123456789abcdef0",
					   .n_dimensions = 8 };
	for (size_t i = 0; i < 8; i++) {
		memset(w->texts[i], '"', 128);
		w->texts[i][128] = '\0';
		memset(w->texts[i] + 256, '\\', 128);
		w->texts[i][256 + 128] = '\0';
		w->options.dimensions[i] =
			(struct datum_dimension){ w->texts[i], w->texts[i] + 256 };
	}
	memset(w->route, '"', sizeof(w->route) - 1);
	w->route[sizeof(w->route) - 1] = '\0';
	for (size_t i = 0; i < DATUM_VALUES_MAX; i++) {
		w->values[i] = 0.01234 + 0.00001 * (double)i;
		w->counts[i] = 9007199254740000.0 + (double)i;
	}
}

static void worst_case(void)
{
	static struct worst w;
	_cleanup_(buf_done) struct buf payload = BUF_INIT(4u << 20);
	struct datum data[MINUTE_PART_MAX];
	struct put_request r;
	json_t *all;

	worst_make(&w);
	for (size_t i = 0; i < MINUTE_PART_MAX; i++)
		data[i] = (struct datum){ .name = "MemoryUtilization",
					  .unit = "Milliseconds",
					  .dimensions = { { "Route", w.route } },
					  .n_dimensions = 1,
					  .count = 9007199254740000.0,
					  .sum = 0.1 + 0.2,
					  .min = 0.1 + 0.2,
					  .max = 0.1 + 0.2,
					  .n_values = DATUM_VALUES_MAX,
					  .values = w.values,
					  .counts = w.counts };
	EXPECT_INT(datum_encode(data, MINUTE_PART_MAX, &payload), 0);
	EXPECT_INT(put_begin(&r, &w.options), 0);
	EXPECT_INT(put_add(&r, &w.options, 1764140040, payload.data, payload.len), 0);
	EXPECT_UINT(r.n_metrics, 3 * MINUTE_PART_MAX);
	EXPECT_INT(put_add(&r, &w.options, 1764140040, payload.data, payload.len), -E2BIG);
	EXPECT_UINT(r.n_metrics, 3 * MINUTE_PART_MAX);
	EXPECT_INT(put_end(&r), 0);
	EXPECT(r.body.len <= PUT_BYTES_MAX);
	all = parse(&r);
	EXPECT_UINT(n_data(all), 3 * MINUTE_PART_MAX);
	json_decref(all);
	put_done(&r);
}

/* Whatever the size of what comes last, the end fits. */
static void exactly_full(void)
{
	for (unsigned int length = 1; length < 400; length += 7) {
		_cleanup_(buf_done) struct buf payload = BUF_INIT(10000);
		char name[500];
		struct put_request r;
		unsigned int n = 0;
		int err;

		memset(name, 'n', length);
		name[length] = '\0';
		EXPECT_INT(datum_encode(&(struct datum){ .name = name, .unit = "None" }, 1,
					&payload),
			   0);
		EXPECT_INT(put_begin(&r, &plain), 0);
		buf_printf(&r.body, "%*s", PUT_BYTES_MAX - 2000, "");
		while ((err = put_add(&r, &plain, 60, payload.data, payload.len)) == 0)
			n++;
		EXPECT_INT(err, -E2BIG);
		EXPECT(n >= 3);
		EXPECT_INT(put_end(&r), 0);
		EXPECT(r.body.len <= PUT_BYTES_MAX && r.body.len > PUT_BYTES_MAX - 600);
		put_done(&r);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "each metric with every set of dimensions", sets },
		{ "without instance id and dimensions there is one of each", without_anything },
		{ "at most a thousand metrics, whole minutes only", thousand },
		{ "a payload that is none leaves nothing behind", refused },
		{ "the largest part of a minute fits into a request", worst_case },
		{ "a full request still ends", exactly_full },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
