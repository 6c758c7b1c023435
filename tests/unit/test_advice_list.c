/* SPDX-License-Identifier: MIT */
/* The list of advice is whole or as it was; what is asked of minutes passes over what they do not know. */
#include "nomem.h"

#include "check/advice.c"
#include "check/advice_minutes.c"

#include "unit.h"

static struct advices advices;

static void is_json(void)
{
	_cleanup_(buf_done) struct buf bad = BUF_INIT(100), change = BUF_INIT(100);
	const struct advice_text t = { .id = "a.b",
				       .title = "t",
				       .evidence = &bad,
				       .change = &change,
				       .effect = "e",
				       .undo = "u",
				       .applies = true };
	json_t *j, *o;

	buf_add_str(&bad, "one \xff\x1b[2J\ntwo\n");
	buf_add_str(&change, "\tx\n");
	EXPECT_INT(advices_add(&advices, &t), 0);
	j = advices_to_json(&advices);
	REQUIRE_UINT(json_array_size(j), 1);
	o = json_array_get(j, 0);
	EXPECT_STR(json_string_value(json_array_get(json_object_get(o, "evidence"), 0)),
		   "one ??[2J");
	EXPECT_UINT(json_array_size(json_object_get(o, "evidence")), 2);
	EXPECT_STR(json_string_value(json_object_get(o, "change")), "\tx\n");
	EXPECT(json_is_true(json_object_get(o, "applies")));
	json_decref(j);
	for (int i = 1; i < ADVICE_MAX; i++)
		EXPECT_INT(advices_add(&advices, &t), 0);
	EXPECT_INT(advices_add(&advices, &t), -E2BIG);
	advices_done(&advices);
}

static void is_as_it_was_without_memory(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100);
	const struct advice_text t = { .id = "a.b",
				       .title = "t",
				       .evidence = &text,
				       .change = &text,
				       .effect = "e",
				       .undo = "u" };

	buf_add_str(&text, "line\n");
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct advices a = { .n = 0 };
		int err = advices_add(&a, &t);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT_UINT(a.n, err ? 0 : 1);
		advices_done(&a);
	}
}

static void refuses_what_is_cut(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(3);
	const struct advice_text t = { .id = "a.b",
				       .title = "t",
				       .evidence = &text,
				       .change = &text,
				       .effect = "e",
				       .undo = "u" };

	buf_add_str(&text, "too long");
	EXPECT_INT(advices_add(&advices, &t), -EFBIG);
	EXPECT_UINT(advices.n, 0);
}

/* --- minutes */

static struct advice_minutes minutes;

static void fill(const int64_t *values, size_t n)
{
	advice_minutes_done(&minutes);
	for (size_t i = 0; i < n; i++) {
		struct history_minute m;

		history_minute_init(&m, (int64_t)i * 60);
		m.watched_s = 60;
		m.requests = values[i];
		EXPECT_INT(advice_minutes_add(&m, &minutes), 0);
	}
}

static void passes_over_what_is_not_known(void)
{
	static const int64_t values[] = { 5, -1, 1, 4, 2, -1, 3, -1 };
	size_t n;

	fill(values, ARRAY_SIZE(values));
	EXPECT_INT(minutes.watched_s, 480);
	EXPECT_NEAR(advice_quantile(&minutes, advice_requests, 0.5, &n), 3, 1e-9);
	EXPECT_UINT(n, 5);
	EXPECT_NEAR(advice_quantile(&minutes, advice_requests, 0, NULL), 1, 1e-9);
	EXPECT_NEAR(advice_quantile(&minutes, advice_requests, 1, NULL), 5, 1e-9);
	EXPECT_NEAR(advice_share(&minutes, advice_requests, 4), 0.4, 1e-9);
	EXPECT_NEAR(advice_sum(&minutes, advice_requests), 15, 1e-9);
	EXPECT_NEAR(advice_most(&minutes, advice_requests), 5, 1e-9);
	EXPECT_NEAR(advice_least(&minutes, advice_requests), 1, 1e-9);
	EXPECT_NEAR(advice_last(&minutes, advice_requests), 3, 1e-9);
	fill(values + 1, 1);
	EXPECT(isnan(advice_quantile(&minutes, advice_requests, 0.5, &n)));
	EXPECT_UINT(n, 0);
	EXPECT(isnan(advice_least(&minutes, advice_requests)));
	EXPECT(isnan(advice_last(&minutes, advice_requests)));
	EXPECT_NEAR(advice_share(&minutes, advice_requests, 0), 0, 1e-9);
	advice_minutes_done(&minutes);
	EXPECT(isnan(advice_quantile(&minutes, advice_requests, 0.5, NULL)));
}

static void minutes_without_memory(void)
{
	struct history_minute m;

	history_minute_init(&m, 0);
	m.requests = 7;
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct advice_minutes a = { .n = 0 };
		int err = advice_minutes_add(&m, &a);
		double q = advice_quantile(&a, advice_requests, 0.5, NULL);

		EXPECT_INT(err, n == 1 && nomem_hit() ? -ENOMEM : 0);
		EXPECT(nomem_hit() ? isnan(q) != 0 : q > 6);
		advice_minutes_done(&a);
	}
}

static const struct {
	double value;
	const char *bytes, *percent;
} texts[] = {
	{ 0, "0 B", "0 %" },        { 0.001, "0 B", "less than 1 %" },
	{ 0.5, "0 B", "50 %" },     { 1023, "1023 B", NULL },
	{ 1536, "1.5 KiB", NULL },  { 20.0 * 1024 * 1024, "20 MiB", NULL },
	{ 5e15, "4547 TiB", NULL },
};

static void writes_numbers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(100);

		advice_bytes(&out, texts[i].value);
		EXPECT_STR(buf_str(&out), texts[i].bytes);
		buf_reset(&out);
		advice_percent(&out, texts[i].value);
		if (texts[i].percent)
			EXPECT_STR(buf_str(&out), texts[i].percent);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "JSON", is_json },
		{ "without memory it is as it was", is_as_it_was_without_memory },
		{ "what is cut is no advice", refuses_what_is_cut },
		{ "what is not known is passed over", passes_over_what_is_not_known },
		{ "minutes without memory", minutes_without_memory },
		{ "numbers", writes_numbers },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
