/* SPDX-License-Identifier: MIT */
/* Figures of logs: to JSON and back, summed, and on the page. */
#include "unit/unit.h"

#include "metrics/logs_figures.h"
#include "metrics/logs_page.h"

static struct logs_figures sample(uint64_t factor)
{
	struct logs_figures f = { .up = true, .problem = "none" };
	struct logs_log *l;

	for (size_t i = 0; i < LOGS_NUMBERS; i++)
		f.n[i] = factor * (i + 1);
	l = logs_figures_log(&f, "app \"x\"");
	l->levels[4] = 3 * factor;
	logs_log_exception(l, "ValueError", 10, factor);
	logs_log_exception(l, "a.b.Error and what is behind it", 9, 2 * factor);
	l = logs_figures_log(&f, "nginx");
	l->levels[0] = factor;
	return f;
}

static void there_and_back(void)
{
	struct logs_figures f = sample(1), g;
	_cleanup_(buf_done) struct buf a = BUF_INIT(100000), b = BUF_INIT(100000);

	EXPECT_INT(logs_figures_write(&f, &a), 0);
	EXPECT_UINT(strchr(buf_str(&a), '\n') - buf_str(&a), a.len - 1);
	EXPECT_INT(logs_figures_parse(buf_str(&a), a.len - 1, &g), 0);
	EXPECT(g.up);
	EXPECT_UINT(g.n[LOGS_LAST_SUCCESS_S], LOGS_NUMBERS);
	EXPECT_STR(g.logs[0].exceptions[1].type, "a.b.Error");
	EXPECT_INT(logs_figures_write(&g, &b), 0);
	EXPECT_STR(buf_str(&b), buf_str(&a));
	logs_figures_done(&f);
	logs_figures_done(&g);
}

static void no_figures(void)
{
	static const char *const rows[] = {
		"",
		"{}",
		"[]",
		"nothing",
		"{\"up\":true}",
		"{\"up\":true,\"problem\":\"\",\"logs\":[]}",
	};
	struct logs_figures f = sample(1), g;
	_cleanup_(buf_done) struct buf a = BUF_INIT(100000);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!EXPECT_INT(logs_figures_parse(rows[i], strlen(rows[i]), &g), -EPROTO))
			FAIL_CASE("%s", rows[i]);
	EXPECT_INT(logs_figures_write(&f, &a), 0);
	for (size_t n = 0; n < a.len - 1; n++)
		EXPECT_INT(logs_figures_parse(buf_str(&a), n, &g), -EPROTO);
	logs_figures_done(&f);
}

static void sums(void)
{
	struct logs_figures a = sample(1), b = sample(10), s;

	b.n[LOGS_LAST_SUCCESS_S] = 0;
	EXPECT_INT(logs_figures_sum(&a, &b, &s), 0);
	EXPECT_UINT(s.n[LOGS_EVENTS], 11);
	EXPECT_UINT(s.n[LOGS_FILES], 10 * (LOGS_FILES + 1));
	EXPECT_UINT(s.n[LOGS_LAST_SUCCESS_S], LOGS_NUMBERS);
	EXPECT_UINT(s.n_logs, 2);
	EXPECT_UINT(s.logs[0].levels[4], 33);
	EXPECT_UINT(s.logs[0].exceptions[0].n, 11);
	EXPECT_UINT(s.logs[0].n_exceptions, 2);
	logs_figures_done(&a);
	logs_figures_done(&b);
	logs_figures_done(&s);
}

/* After reloads there were others before; what counts for all is still summed up. */
static void too_many_for_a_sum(void)
{
	struct logs_figures a = { .n = { [LOGS_EVENTS] = 1 } }, b = { .n = { [LOGS_EVENTS] = 2 } },
			    s;
	char name[20];

	for (unsigned int i = 0; i < LOGS_LOGS_MAX; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		logs_figures_log(&a, name);
		snprintf(name, sizeof(name), "b%u", i);
		logs_figures_log(&b, name);
	}
	REQUIRE_INT(logs_figures_sum(&a, &b, &s), 0);
	EXPECT_UINT(s.n[LOGS_EVENTS], 3);
	EXPECT_UINT(s.n_logs, LOGS_LOGS_MAX);
	logs_figures_done(&a);
	logs_figures_done(&b);
	logs_figures_done(&s);
}

/* Paths have any bytes, and may have been cut. */
static void strange_problem(void)
{
	struct logs_figures f = { .problem = "cannot open /a\xff\xc3" }, g;
	_cleanup_(buf_done) struct buf a = BUF_INIT(100000);

	REQUIRE_INT(logs_figures_write(&f, &a), 0);
	REQUIRE_INT(logs_figures_parse(buf_str(&a), a.len - 1, &g), 0);
	EXPECT_STR(g.problem, "cannot open /a??");
	logs_figures_done(&g);
}

static void many_types(void)
{
	struct logs_log l = { .name = "x" };
	uint64_t sum = 0;
	char type[20];

	for (unsigned int i = 0; i < 200; i++) {
		snprintf(type, sizeof(type), "E%u", i % 70);
		logs_log_exception(&l, type, strlen(type), 2);
	}
	EXPECT_UINT(l.n_exceptions, LOGS_EXCEPTIONS);
	EXPECT_STR(l.exceptions[LOGS_EXCEPTIONS - 1].type, "other");
	for (size_t i = 0; i < l.n_exceptions; i++)
		sum += l.exceptions[i].n;
	EXPECT_UINT(sum, 400);
}

static void many_logs(void)
{
	struct logs_figures f = { 0 };
	char name[20];

	for (unsigned int i = 0; i < LOGS_LOGS_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		EXPECT(logs_figures_log(&f, name) != NULL);
	}
	EXPECT(!logs_figures_log(&f, "one more"));
	EXPECT(logs_figures_log(&f, "0") == &f.logs[0]);
	logs_figures_done(&f);
}

static void page(void)
{
	struct logs_page p = { .enabled = true, .figures = sample(1) };
	_cleanup_(buf_done) struct buf out = BUF_INIT(100000);
	struct page_cursor at = { 0, 0 };
	struct expo e = { EXPO_TEXT_004, &out };

	while (!logs_page_collect(&e, &at, out.len + 1, &p))
		;
	EXPECT_HAS(buf_str(&out),
		   "isamon_log_records_total{log=\"app \\\"x\\\"\",level=\"error\"} 3\n");
	EXPECT_HAS(
		buf_str(&out),
		"isamon_log_exceptions_total{log=\"app \\\"x\\\"\",exception=\"a.b.Error\"} 2\n");
	EXPECT_HAS(buf_str(&out), "isamon_logs_events_pushed_total 1\n");
	EXPECT_HAS(buf_str(&out), "isamon_logs_events_rejected_total{reason=\"refused\"} 6\n");
	EXPECT_HAS(buf_str(&out), "isamon_logs_replaced_total{what=\"nul\"} 19\n");
	p.enabled = false;
	buf_reset(&out);
	at = (struct page_cursor){ 0, 0 };
	EXPECT(logs_page_collect(&e, &at, 100000, &p));
	EXPECT_STR(buf_str(&out), "");
	logs_figures_done(&p.figures);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "to JSON and back", there_and_back },
		{ "what are no figures", no_figures },
		{ "of processes that have ended and the present one", sums },
		{ "of more logs than there may be", too_many_for_a_sum },
		{ "a problem that is no UTF-8", strange_problem },
		{ "types of exceptions are bounded", many_types },
		{ "logs are bounded", many_logs },
		{ "the page", page },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
