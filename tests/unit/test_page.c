/* SPDX-License-Identifier: MIT */
/* The page as a whole: the same in pieces of any size, well-formed, to the liking of others' tools. */
#include "unit.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/table.h"
#include "metrics/self.h"
#include "unit/http_records.h"

extern char **environ;

/* Some of everything, hostile names included. */
static struct http_metrics *filled(void)
{
	static const char *const paths[] = {
		"/",
		"/a",
		"/b/17",
		"/caf%C3%A9",
		"/\"q\"\\\\",
		"/\xff\xfe",
		"/x y",
		"/%0a{}=,",
		"*",
		"host:443",
		"/emoji/%F0%9F%98%80",
		"/long/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct http_totals t = { .connections = 4, .started = 50, .records_lost = 1 };
	struct http_metrics *m = NULL;

	if (http_metrics_new(NULL, 30, &m))
		return NULL;
	for (unsigned int i = 0; i < 400; i++) {
		struct http_record r = record(paths[i % ARRAY_SIZE(paths)], 200 + i % 5 * 100);

		r.method = (uint8_t)(i % HTTP_METHOD_N);
		r.end_ns = r.start_ns + (uint64_t)i * i * i * 777;
		r.first_byte_ns = r.start_ns + (r.end_ns - r.start_ns) / 2;
		r.request_bytes = i * i * 100;
		r.response_bytes = 1ull << i % 40;
		r.end = (uint8_t)(i % 9 ? 0 : i % HTTP_END_N);
		add_record(m, &r);
	}
	http_metrics_set_totals(m, &t);
	return m;
}

static void make_page(struct page *p, struct http_metrics *m, struct self *self)
{
	self_probe(self, "http", true);
	self_probe(self, "http_close", false);
	self->scrapes = 3;
	self->last_scrape_s = 0.00125;
	page_add(p, http_metrics_collect, m);
	page_add(p, self_collect, self);
}

static void pieces(void)
{
	static const size_t sizes[] = { 1, 2, 100, 1000, 4096, 10000, 65536 };
	struct http_metrics *m = filled();

	for (int format = EXPO_TEXT_004; format <= EXPO_OPENMETRICS_1; format++) {
		struct page p = { .n = 0 };
		char *whole;

		page_add(&p, http_metrics_collect, m);
		whole = read_page(&p, (enum expo_format)format, SIZE_MAX);
		EXPECT(strlen(whole) > 50000);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			char *got = read_page(&p, (enum expo_format)format, sizes[i]);

			EXPECT(strcmp(got, whole) == 0);
			free(got);
		}
		free(whole);
	}
	http_metrics_free(m);
}

static void no_collectors(void)
{
	struct page p = { .n = 0 };
	char *text = read_page(&p, EXPO_TEXT_004, 1);
	char *openmetrics = read_page(&p, EXPO_OPENMETRICS_1, 1);

	EXPECT_STR(text, "");
	EXPECT_STR(openmetrics, "# EOF\n");
	free(text);
	free(openmetrics);
}

static void full_buffer(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
	struct http_metrics *m = filled();
	struct page p = { .n = 0 };
	struct page_reader r;

	page_add(&p, http_metrics_collect, m);
	page_read_start(&r, &p, EXPO_TEXT_004);
	EXPECT_INT(page_read(&r, &out, SIZE_MAX), -EFBIG);
	EXPECT(!r.done);
	http_metrics_free(m);
}

/* The page's lines: each family once and in one piece, each sample once and under its own family. */
static void expect_well_formed(const char *page)
{
	static const char *const suffixes[] = {
		"", "_bucket", "_sum", "_count", "_total", "_info"
	};
	struct table *families = table_new(), *samples = table_new();
	char family[128] = "", line[2048];

	for (const char *at = page, *end; *at; at = end + 1) {
		size_t len, i;

		end = strchr(at, '\n');
		REQUIRE(end && (size_t)(end - at) < sizeof(line));
		len = (size_t)(end - at);
		memcpy(line, at, len);
		line[len] = '\0';
		if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
			EXPECT(!table_get(families, family, strlen(family)));
			EXPECT_INT(table_put(families, family, strlen(family), family), 0);
			continue;
		}
		if (line[0] == '#')
			continue;
		REQUIRE(strrchr(line, ' '));
		*strrchr(line, ' ') = '\0';
		if (table_get(samples, line, strlen(line)))
			FAIL_CASE("twice: %s", line);
		EXPECT_INT(table_put(samples, line, strlen(line), family), 0);
		REQUIRE_INT(strncmp(line, family, strlen(family)), 0);
		line[strcspn(line, "{")] = '\0';
		for (i = 0; i < ARRAY_SIZE(suffixes); i++)
			if (strcmp(line + strlen(family), suffixes[i]) == 0)
				break;
		EXPECT(i < ARRAY_SIZE(suffixes));
	}
	table_free(families, NULL);
	table_free(samples, NULL);
}

static void series_made_in_between(void)
{
	static const size_t sizes[] = { 1, 700, 3000 };

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct buf all = BUF_INIT(64 << 20), piece = BUF_INIT(1 << 20);
		struct http_metrics *m = NULL;
		struct page p = { .n = 0 };
		struct page_reader r;
		unsigned int n = 0;

		REQUIRE_INT(http_metrics_new(NULL, 200, &m), 0);
		for (char path[] = "/first-a"; path[7] < 'f'; path[7]++)
			add_n(m, path, 200, 1);
		page_add(&p, http_metrics_collect, m);
		page_read_start(&r, &p, EXPO_TEXT_004);
		while (!r.done && !page_read(&r, &piece, sizes[s])) {
			char path[32];

			snprintf(path, sizeof(path), "/r-%c%c", 'a' + n % 26, 'a' + n / 26 % 26);
			add_n(m, path, 200, 1);
			add_abort_record(m, path, HTTP_END_ABORT_SERVER, HTTP_PHASE_INSIDE, 200);
			buf_add(&all, piece.data, piece.len);
			buf_reset(&piece);
			n++;
		}
		EXPECT(n > 3);
		expect_well_formed(buf_str(&all));
		buf_done(&all);
		buf_done(&piece);
		http_metrics_free(m);
	}
}

static void families_in_one_piece(void)
{
	struct http_metrics *m = filled();
	struct self self = { 0 };
	struct page p = { .n = 0 };
	char *text, *openmetrics;

	make_page(&p, m, &self);
	text = read_page(&p, EXPO_TEXT_004, SIZE_MAX);
	expect_well_formed(text);
	openmetrics = read_page(&p, EXPO_OPENMETRICS_1, SIZE_MAX);
	expect_well_formed(openmetrics);
	free(text);
	free(openmetrics);
	http_metrics_free(m);
}

/* Runs a program with @input as its standard input; what it says is left in @said. Returns its exit
 * status, or -1 if it is not there. */
static int run_on(char *const argv[], const char *input, char *said, size_t size)
{
	char in_path[] = "/tmp/isamon-test-XXXXXX", out_path[] = "/tmp/isamon-test-XXXXXX";
	int in = mkstemp(in_path), out = mkstemp(out_path), status = -1;
	posix_spawn_file_actions_t actions;
	ssize_t n;
	pid_t pid;

	if (in < 0 || out < 0 || write(in, input, strlen(input)) != (ssize_t)strlen(input))
		return -1;
	lseek(in, 0, SEEK_SET);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	n = pread(out, said, size - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(in);
	close(out);
	unlink(in_path);
	unlink(out_path);
	return status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127 ? -1 :
										WEXITSTATUS(status);
}

static void expect_accepted(char *const argv[], enum expo_format format, int missing_status)
{
	struct http_metrics *m = filled();
	struct self self = { 0 };
	struct page p = { .n = 0 };
	char *text, said[1500];
	int status;

	make_page(&p, m, &self);
	text = read_page(&p, format, 5000);
	status = run_on(argv, text, said, sizeof(said));
	if (status < 0 || status == missing_status)
		unit_skip("%s is not there: %s", argv[0], said);
	else if (status || *said)
		FAIL_CASE("got status %d, \"%s\", expected 0 and nothing", status, said);
	free(text);
	http_metrics_free(m);
}

static void promtool_accepts(void)
{
	static char promtool[] = "promtool", check[] = "check", metrics[] = "metrics";
	char *const argv[] = { promtool, check, metrics, NULL };

	expect_accepted(argv, EXPO_TEXT_004, -1);
}

#define PYTHON_TRY \
	"import sys\n" \
	"try:\n" \
	"    from prometheus_client.%s import text_string_to_metric_families as parse\n" \
	"except ImportError as e:\n" \
	"    print(e)\n" \
	"    sys.exit(77)\n" \
	"data = sys.stdin.buffer.read().decode('utf-8', 'strict')\n" \
	"n = sum(len(f.samples) for f in parse(data))\n" \
	"assert n > 1000, n\n"

static void python_accepts(enum expo_format format, const char *parser)
{
	static char python[] = "/usr/bin/python3", option[] = "-c";
	char program[1000];
	char *const argv[] = { python, option, program, NULL };

	snprintf(program, sizeof(program), PYTHON_TRY, parser);
	expect_accepted(argv, format, 77);
}

static void python_accepts_openmetrics(void)
{
	python_accepts(EXPO_OPENMETRICS_1, "openmetrics.parser");
}

static void python_accepts_text(void)
{
	python_accepts(EXPO_TEXT_004, "parser");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "pieces of any size make the same page", pieces },
		{ "an empty page", no_collectors },
		{ "a full buffer is an error", full_buffer },
		{ "families are in one piece", families_in_one_piece },
		{ "series made in between break nothing", series_made_in_between },
		{ "promtool accepts the page", promtool_accepts },
		{ "prometheus_client accepts OpenMetrics", python_accepts_openmetrics },
		{ "prometheus_client accepts text", python_accepts_text },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
