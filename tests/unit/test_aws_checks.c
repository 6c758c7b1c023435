/* SPDX-License-Identifier: MIT */
/* Elements of STS's answer; and where nothing of AWS is used, nothing is asked. */
#include "unit.h"

#include "check/aws_checks.h"
#include "check/aws_impl.h"

static void elements(void)
{
	static const char xml[] =
		"<GetCallerIdentityResponse><GetCallerIdentityResult>"
		"<Arn>arn:aws:iam::1:user/x</Arn><Empty></Empty><Bad>\x1b[31m</Bad>"
		"<Unclosed>abc";
	char text[AWS_ELEMENT_MAX];

	EXPECT_STR(aws_check_element(xml, "Arn", text), "arn:aws:iam::1:user/x");
	EXPECT_STR(aws_check_element(xml, "Empty", text), "");
	EXPECT_STR(aws_check_element(xml, "Bad", text), "");
	EXPECT_STR(aws_check_element(xml, "Unclosed", text), "");
	EXPECT_STR(aws_check_element(xml, "None", text), "");
	EXPECT_STR(aws_check_element("", "Arn", text), "");
}

static void unused(void)
{
	struct config *c = NULL;

	REQUIRE_INT(config_new(&c), 0);
	EXPECT(!aws_checks_wanted(c));
	for (size_t i = 0; i < n_aws_checks; i++) {
		const struct check_input in = { .config = c };
		_cleanup_(findings_done) struct findings found = { .n = 0 };

		EXPECT_INT(aws_checks[i].run(&in, &found), 0);
		EXPECT_UINT(found.n, 1);
		EXPECT(findings_worst(&found) <= FINDING_NOTE);
	}
	c->cloudwatch_enabled = true;
	EXPECT(aws_checks_wanted(c));
	config_free(c);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "elements of an answer", elements },
		{ "nothing is asked where nothing is used", unused },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
