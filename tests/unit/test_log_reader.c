/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "unit.h"

#include "logs/log_reader.h"

/* 2026-11-26 10:00:00 UTC; the files of a case are in a directory of its own. */
#define NOW_S 1795687200
#define MS 1000

static struct {
	char dir[200];
	struct follow_name names[8];
	const struct follow_name *list[8];
	char paths[8][300];
	size_t n;
	struct config_log config;
	struct record_rules *rules;
	int refused;
} t;

static void begin(const char *timestamp)
{
	static char empty[] = "", format[64];
	const char *tmp = getenv("TMPDIR");

	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "%s/log_reader.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(t.dir))
		abort();
	snprintf(format, sizeof(format), "%s", timestamp);
	t.config.name = empty;
	t.config.timestamp = format;
	t.config.first_line = empty;
	t.config.zone = CONFIG_LOG_UTC;
	if (record_rules_new(&t.config, NULL, &t.rules))
		abort();
}

static void end(void)
{
	for (size_t i = 0; i < t.n; i++)
		unlink(t.paths[i]);
	rmdir(t.dir);
	record_rules_free(t.rules);
}

/* A file that was written to last so many seconds ago. */
static void put(const char *name, const char *text, int ago_s)
{
	struct follow_name *f = &t.names[t.n];
	char path[sizeof(t.paths[0])] = "";
	const struct timespec times[2] = { { .tv_sec = NOW_S - ago_s },
					   { .tv_sec = NOW_S - ago_s } };

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	memcpy(t.paths[t.n], path, sizeof(path));
	f->is_gzip = strstr(name, ".gz") != NULL;
	if (f->is_gzip) {
		gzFile z = gzopen(t.paths[t.n], "w");

		gzwrite(z, text, (unsigned int)strlen(text));
		gzclose(z);
	} else {
		FILE *file = fopen(t.paths[t.n], "w");

		fputs(text, file);
		fclose(file);
	}
	utimensat(AT_FDCWD, t.paths[t.n], times, 0);
	f->path = f->live = t.paths[t.n];
	f->is_live = strcmp(name, "a.log") == 0;
	f->mtime_ns = (NOW_S - ago_s) * 1000000000ll;
	t.list[t.n] = f;
	t.n++;
}

static void refuse(const char *path, int err, void *ctx)
{
	(void)path;
	(void)ctx;
	EXPECT(err < 0);
	t.refused++;
}

static struct log_reader *open_all(int64_t since_ms)
{
	struct log_reader *r = NULL;

	EXPECT_INT(log_reader_new(t.rules, t.list, t.n, since_ms, NOW_S * 1000ll, refuse, NULL, &r),
		   0);
	return r;
}

/* "seconds before now:text|" of all that it gives. */
static const char *rest(struct log_reader *r)
{
	static struct buf out = BUF_INIT(1 << 20);
	struct log_record *l;

	buf_reset(&out);
	while (r && log_reader_next(r, &l) == 0 && l) {
		buf_printf(&out, "%lld:%s|", (long long)(l->time_ms / MS - NOW_S), l->text);
		free(l);
	}
	return buf_str(&out);
}

static void over_files(void)
{
	struct log_reader *r;
	bool all = false;

	begin("%H:%M:%S");
	put("a.log", "09:59:58 six\n09:59:59 seven", 1);
	put("a.log.2.gz", "09:59:50 one\nmore\n09:59:51 two\n", 9);
	put("a.log.1", "09:59:53 three\n09:59:54 four\nTraceback\n", 6);
	r = open_all(INT64_MIN);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(
		rest(r),
		"-10:09:59:50 one\nmore|-9:09:59:51 two|-7:09:59:53 three|-6:09:59:54 four\nTraceback|"
		"-2:09:59:58 six|-1:09:59:59 seven|");
	EXPECT_INT(log_reader_back(r, 1000, &all), 0);
	EXPECT(all); /* not what is compressed */
	EXPECT_STR(
		rest(r),
		"-7:09:59:53 three|-6:09:59:54 four\nTraceback|-2:09:59:58 six|-1:09:59:59 seven|");
	EXPECT_INT(log_reader_back(r, 30, &all), 0);
	EXPECT(!all);
	EXPECT_STR(
		rest(r), /* no end of a record without its beginning */
		"-7:09:59:53 three|-6:09:59:54 four\nTraceback|-2:09:59:58 six|-1:09:59:59 seven|");
	EXPECT_INT(log_reader_back(r, 3, &all), 0);
	EXPECT_STR(rest(r), "-1:09:59:59 seven|");
	log_reader_free(r);
	end();
}

static void since(void)
{
	struct log_reader *r;

	begin("%H:%M:%S");
	put("a.log", "09:59:58 six\n", 1);
	put("a.log.1", "09:50:53 three\n", 547);
	put("a.log.2", "08:00:00 old\n", 7200);
	r = open_all((NOW_S - 600) * 1000ll);
	EXPECT_INT(log_reader_find(r, (NOW_S - 600) * 1000ll), 0);
	EXPECT_STR(rest(r), "-547:09:50:53 three|-2:09:59:58 six|");
	log_reader_free(r);
	r = open_all((NOW_S - 10) * 1000ll);
	EXPECT_INT(log_reader_find(r, (NOW_S - 10) * 1000ll), 0);
	EXPECT_STR(rest(r), "-2:09:59:58 six|");
	log_reader_free(r);
	end();
}

static void without_times(void)
{
	struct log_reader *r;

	begin("");
	put("a.log", "x\ny\n", 5);
	put("a.log.1", "w\n", 50);
	r = open_all(INT64_MIN);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(rest(r), "-50:w|-50:x|-50:y|");
	log_reader_free(r);
	end();
	begin("%H:%M:%S");
	put("a.log", "first\n09:59:58 x\n", 1);
	r = open_all(INT64_MIN);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(rest(r), "-2:first|-2:09:59:58 x|");
	log_reader_free(r);
	end();
}

/* For whoever goes on with it: the last record may not be whole yet. */
static void open_end(void)
{
	struct log_reader *r;
	struct log_end at;

	begin("%H:%M:%S");
	put("a.log", "09:59:58 x\n09:59:59 y\nmo", 0);
	r = open_all(INT64_MIN);
	log_reader_set_open_end(r, true);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(rest(r), "-2:09:59:58 x|");
	EXPECT_INT(log_reader_end(r, &at), 0);
	EXPECT_UINT(at.offset, 11);
	EXPECT_STR(at.path, t.paths[0]);
	log_reader_free(r);
	end();
	begin("%H:%M:%S");
	put("a.log", "09:59:58 x\n09:59:59 y\n", 2);
	r = open_all(INT64_MIN);
	log_reader_set_open_end(r, true);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(rest(r), "-2:09:59:58 x|-1:09:59:59 y|");
	EXPECT_INT(log_reader_end(r, &at), 0);
	EXPECT_UINT(at.offset, 22);
	log_reader_free(r);
	end();
}

static void not_there(void)
{
	struct log_reader *r = NULL;

	begin("");
	put("a.log", "x\n", 0);
	put("a.log.1", "y\n", 5);
	unlink(t.paths[0]);
	r = open_all(INT64_MIN);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(rest(r), "-5:y|");
	EXPECT_INT(log_reader_end(r, &(struct log_end){ 0 }), -ENOENT);
	log_reader_free(r);
	unlink(t.paths[1]);
	EXPECT_INT(log_reader_new(t.rules, t.list, t.n, INT64_MIN, 0, refuse, NULL, &r), -ENOENT);
	EXPECT_INT(t.refused, 0);
	mkdir(t.paths[0], 0755);
	EXPECT_INT(log_reader_new(t.rules, t.list, t.n, INT64_MIN, 0, refuse, NULL, &r), -EISDIR);
	EXPECT_INT(t.refused, 1);
	rmdir(t.paths[0]);
	put("a.log.2.gz", "z\n", 5);
	EXPECT_INT(truncate(t.paths[2], 5), 0);
	r = open_all(INT64_MIN);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	EXPECT_STR(rest(r), "");
	log_reader_free(r);
	end();
}

/* More than a block, and more records than are held. */
static void many(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1 << 22);
	struct log_reader *r;
	struct log_record *l;
	bool all;
	int n = 0;

	begin("%H:%M:%S");
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "09:%02d:%02d %d\n\tmore\n", i / 60 % 60, i % 60, i);
	put("a.log", buf_str(&text), 0);
	r = open_all(INT64_MIN);
	EXPECT_INT(log_reader_find(r, INT64_MIN), 0);
	while (log_reader_next(r, &l) == 0 && l) {
		int got = -1;

		sscanf(l->text + 9, "%d", &got);
		if (got != n++)
			FAIL_CASE("record %d: got %d", n - 1, got);
		free(l);
	}
	EXPECT_INT(n, 20000);
	EXPECT_INT(log_reader_back(r, 100000, &all), 0);
	EXPECT(!all);
	EXPECT_INT(log_reader_next(r, &l), 0);
	free(l);
	log_reader_free(r);
	end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "over rotated files, also compressed ones", over_files },
		{ "since a time", since },
		{ "records without a time", without_times },
		{ "an end that is open", open_end },
		{ "files that are not there, or damaged", not_there },
		{ "many records", many },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
