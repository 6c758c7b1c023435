/* SPDX-License-Identifier: MIT */
/* An answer that is longer than what is taken is an answer all the same. */
#include "unit.h"

#include "check/audit_imds.c"
#undef ANSWER_MAX
#include "check/proxy_front.c"

static void in_front(void)
{
	static const struct {
		int err, status;
		enum finding_result result;
		bool bad_gateway;
	} rows[] = {
		{ 0, 200, FINDING_FINE, false },
		{ 0, 404, FINDING_FINE, false },
		{ -EFBIG, 0, FINDING_FINE, false },
		{ 0, 502, FINDING_PROBLEM, true },
		{ -ECONNREFUSED, 0, FINDING_PROBLEM, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings f = { 0 };
		struct proxy *p = calloc(1, sizeof(*p));
		const struct http_reply r = { .err = rows[i].err, .status = rows[i].status };

		REQUIRE(p);
		p->out = &f;
		unit_begin("error %d, status %d", rows[i].err, rows[i].status);
		EXPECT_INT(tell_answer(p, "http://127.0.0.1/", &r), 0);
		EXPECT_INT(f.list[0].result, rows[i].result);
		EXPECT_INT(p->bad_gateway, rows[i].bad_gateway);
		free(p);
	}
}

static void of_metadata(void)
{
	static const struct {
		int err, status;
		enum finding_result result;
	} rows[] = {
		{ 0, 200, FINDING_PROBLEM },
		{ -EFBIG, 0, FINDING_PROBLEM },
		{ 0, 401, FINDING_FINE },
		{ -ETIMEDOUT, 0, FINDING_FINE },
	};
	static char empty[] = "";
	const struct config c = { .aws_instance_id = empty };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings f = { 0 };
		const struct http_reply r = { .err = rows[i].err, .status = rows[i].status };

		unit_begin("metadata: error %d, status %d", rows[i].err, rows[i].status);
		EXPECT_INT(judge(&r, "http://127.0.0.1", &c, &f), 0);
		EXPECT_INT(f.list[0].result, rows[i].result);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, in_front }, { NULL, of_metadata } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
