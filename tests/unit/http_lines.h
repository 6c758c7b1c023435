/* SPDX-License-Identifier: MIT */
/* What the page of some metrics says, line by line. */
#ifndef ISAMON_TEST_HTTP_LINES_H
#define ISAMON_TEST_HTTP_LINES_H

#include "unit.h"

#include "unit/http_records.h"

__attribute__((unused)) static struct http_metrics *new_metrics(size_t max_series)
{
	struct http_metrics *m = NULL;

	http_metrics_new(NULL, max_series, &m);
	return m;
}

/* That each of the @n lines is in the page. */
__attribute__((unused)) static void expect_lines(struct http_metrics *m, const char *const *lines,
						 size_t n)
{
	char *page = metrics_page(m);

	for (size_t i = 0; i < n; i++) {
		char line[600];

		snprintf(line, sizeof(line), "\n%s\n", lines[i]);
		EXPECT(unit_has(page, line, "page", __FILE__, __LINE__));
	}
	free(page);
}
#define EXPECT_LINES(m, ...) \
	expect_lines((m), (const char *const[]){ __VA_ARGS__ }, \
		     ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

/* The sum of a family's samples: what the page says of all its label sets. */
__attribute__((unused)) static uint64_t sum_of(struct http_metrics *m, const char *sample)
{
	char *page = metrics_page(m);
	size_t len = strlen(sample);
	uint64_t sum = 0;

	for (const char *at = page; (at = strstr(at, sample)); at += len) {
		const char *value = at + strcspn(at, "\n");

		if (at > page && at[-1] == '\n' && (at[len] == '{' || at[len] == ' ')) {
			while (value > at && value[-1] != ' ')
				value--;
			sum += strtoull(value, NULL, 10);
		}
	}
	free(page);
	return sum;
}

/* That nothing of the page has @part in it. */
__attribute__((unused)) static void expect_absent(struct http_metrics *m, const char *part)
{
	char *page = metrics_page(m);
	const char *at = strstr(page, part);

	if (at)
		FAIL_CASE("\"%.200s\" is on the page", at);
	free(page);
}

#endif
