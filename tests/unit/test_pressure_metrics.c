/* SPDX-License-Identifier: MIT */
/* The families of pressure: what is known is there, and nothing else. */
#include "metrics/pressure_metrics.h"

#include "unit.h"

static char *write_page(struct pressure_figures *f, enum expo_format format, size_t enough)
{
	struct buf out = BUF_INIT(65536);
	struct page page = { .n = 0 };
	struct page_reader r;
	size_t limit = enough;

	page_add(&page, pressure_metrics_collect, f);
	page_read_start(&r, &page, format);
	while (!r.done && page_read(&r, &out, limit) == 0)
		limit = out.len + enough;
	return buf_steal(&out);
}

static struct pressure_figures all(void)
{
	struct pressure_figures f = {
		.ports = { { 8000, true, 3, 128, 41 }, { 8001, false, 0, 0, 2 } },
		.n_ports = 2,
		.has_throttling = true,
		.periods = 70,
		.throttled_periods = 50,
		.throttled_ns = 1234567891,
		.has_memory = true,
		.memory_high = 11,
		.memory_max = 12,
	};

	for (size_t r = 0; r < PRESSURE_RESOURCES; r++) {
		for (size_t k = 0; k < PRESSURE_KINDS; k++) {
			f.has_pressure[r][k] = true;
			f.pressure_ns[r][k] = (r * 2 + k) * 500000000;
		}
	}
	return f;
}

static void everything(void)
{
	static const char *const lines[] = {
		"\nisamon_listen_queue_length{port=\"8000\"} 3\n",
		"\nisamon_listen_queue_limit{port=\"8000\"} 128\n",
		"\nisamon_listen_drops_total{port=\"8000\"} 41\n",
		"\nisamon_listen_drops_total{port=\"8001\"} 2\n",
		"\nisamon_service_cpu_periods_total 70\n",
		"\nisamon_service_cpu_throttled_periods_total 50\n",
		"\nisamon_service_cpu_throttled_seconds_total 1.234567891\n",
		"\nisamon_service_memory_events_total{event=\"high\"} 11\n",
		"\nisamon_service_memory_events_total{event=\"max\"} 12\n",
		"\nisamon_service_pressure_seconds_total{resource=\"cpu\",kind=\"some\"} 0\n",
		"\nisamon_service_pressure_seconds_total{resource=\"cpu\",kind=\"full\"} 0.5\n",
		"\nisamon_service_pressure_seconds_total{resource=\"memory\",kind=\"some\"} 1\n",
		"\nisamon_service_pressure_seconds_total{resource=\"memory\",kind=\"full\"} 1.5\n",
		"\nisamon_service_pressure_seconds_total{resource=\"io\",kind=\"some\"} 2\n",
		"\nisamon_service_pressure_seconds_total{resource=\"io\",kind=\"full\"} 2.5\n",
	};
	struct pressure_figures f = all();
	char *page = write_page(&f, EXPO_TEXT_004, 100000);

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		EXPECT_HAS(page, lines[i]);
	EXPECT(!strstr(page, "isamon_listen_queue_length{port=\"8001\"}"));
	EXPECT(!strstr(page, "isamon_listen_queue_limit{port=\"8001\"}"));
	free(page);
}

static void nothing(void)
{
	struct pressure_figures f = { .n_ports = 0 };
	char *page = write_page(&f, EXPO_OPENMETRICS_1, 100000);

	EXPECT_STR(page, "# EOF\n");
	free(page);
}

static void nobody_listens(void)
{
	struct pressure_figures f = { .ports = { { .port = 8000, .drops = 5 } }, .n_ports = 1 };
	char *page = write_page(&f, EXPO_TEXT_004, 100000);

	EXPECT_HAS(page, "\nisamon_listen_drops_total{port=\"8000\"} 5\n");
	EXPECT(!strstr(page, "isamon_listen_queue"));
	EXPECT(!strstr(page, "isamon_service"));
	free(page);
}

static void in_pieces(void)
{
	struct pressure_figures f = all();
	char *whole = write_page(&f, EXPO_OPENMETRICS_1, 100000);
	char *pieces = write_page(&f, EXPO_OPENMETRICS_1, 1);

	EXPECT_STR(pieces, whole);
	EXPECT_HAS(whole, "# UNIT isamon_service_pressure_seconds seconds\n");
	EXPECT_HAS(whole, "# TYPE isamon_listen_drops counter\n");
	free(whole);
	free(pieces);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "everything that is known", everything },
		{ "what is not known is absent", nothing },
		{ "where nobody listens there is no queue", nobody_listens },
		{ "in pieces it is the same", in_pieces },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
