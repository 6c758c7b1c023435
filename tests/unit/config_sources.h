/* SPDX-License-Identifier: MIT */
/* For tests of the configuration: its sources, with allocations that can fail, and the reading of a
 * text. */
#ifndef ISAMON_CONFIG_SOURCES_H
#define ISAMON_CONFIG_SOURCES_H

#include "nomem.h"
#include "unit.h"

#include "base/buf.c"
#include "base/table.c"
#include "config/alarm.c"
#include "config/check_alarm.c"
#include "config/check_aws.c"
#include "config/check_backup.c"
#include "config/check_doctor.c"
#include "config/check_jobs.c"
#include "config/check_logs.c"
#include "config/check_service.c"
#include "config/config.c"
#include "config/job.c"
#include "config/log.c"
#include "config/parse.c"
#include "config/problems.c"
#include "config/published.c"
#include "config/schema.c"
#include "config/value.c"

/* @file: what fstat(2) says of it; NULL: the text is of none. */
static int parse_file(const char *text, size_t len, const struct stat *file, struct config **ret,
		      struct buf *problems)
{
	struct parse_source source = { .name = "t.conf", .text = text, .len = len };
	_cleanup_(config_freep) struct config *c = NULL;
	int err = config_new(&c);

	if (err == 0)
		err = config_parse(&source, file, c, problems);
	*ret = err ? NULL : take(c);
	return err;
}

static int parse(const char *text, size_t len, struct config **ret, struct buf *problems)
{
	return parse_file(text, len, NULL, ret, problems);
}

/* Of a text that has no problem. */
UNIT_USED_ static struct config *config_of(const char *text)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(10000);
	struct config *c = NULL;

	parse(text, strlen(text), &c, &problems);
	EXPECT_STR(buf_str(&problems), "");
	return c;
}

/* A text that is refused, and all that is said of it. */
struct refused {
	const char *text, *expected;
};

/* Each is a case of its own. */
UNIT_USED_ static void expect_refused(const struct refused *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("the problem in %.*s", (int)strcspn(rows[i].expected, "\n"),
			   rows[i].expected);
		EXPECT_INT(parse(rows[i].text, strlen(rows[i].text), &c, &found), -EINVAL);
		EXPECT_STR(buf_str(&found), rows[i].expected);
	}
}

UNIT_USED_ static void expect_taken(const char *const *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("row %zu is taken", i);
		EXPECT_INT(parse(rows[i], strlen(rows[i]), &c, &found), 0);
		EXPECT_STR(buf_str(&found), "");
	}
}

#endif
