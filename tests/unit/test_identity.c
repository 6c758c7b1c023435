/* SPDX-License-Identifier: MIT */
/* Region and instance id: who decides, what is asked again, and what is said of what is missing. */
#include "transport_stub.h"

#include "aws/identity.h"
#include "aws/imds.h"

#define IMDS "http://imds.test"
#define DOCUMENT IMDS "/latest/dynamic/instance-identity/document"

static unsigned int n_changed;

static void on_changed(void *ctx)
{
	(void)ctx;
	n_changed++;
}

static struct identity *make(struct identity_options o)
{
	struct identity *i = NULL;

	n_changed = 0;
	if (!o.imds_endpoint)
		o.imds_endpoint = IMDS "/";
	EXPECT_INT(identity_new(stub.base, NULL, &o, on_changed, NULL, &i), 0);
	return i;
}

static void run_until_settled(const struct identity *i)
{
	double until = stub_clock() + 5;

	while (!identity_settled(i) && stub_clock() < until)
		event_base_loop(stub.base, EVLOOP_NONBLOCK);
	EXPECT(identity_settled(i));
}

static void configured(void)
{
	struct identity *i;

	stub_begin();
	setenv("AWS_REGION", "us-east-1", 1);
	i = make((struct identity_options){ .region = "eu-west-1", .instance_id = "i-1" });
	EXPECT(identity_settled(i));
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_STR(identity_instance_id(i), "i-1");
	EXPECT_STR(identity_why(i), "");
	stub_settle();
	EXPECT_UINT(stub.n_asked, 0);
	identity_free(i);
	stub_end();
}

static void environment(void)
{
	struct identity *i;

	stub_begin();
	setenv("AWS_DEFAULT_REGION", "us-west-2", 1);
	i = make((struct identity_options){ .region = "", .instance_id = "x y" });
	EXPECT_STR(identity_region(i), "us-west-2");
	EXPECT_STR(identity_instance_id(i), "x y");
	identity_free(i);
	setenv("AWS_REGION", "us-east-1", 1);
	i = make((struct identity_options){ .instance_id = "x" });
	EXPECT_STR(identity_region(i), "us-east-1");
	identity_free(i);
	EXPECT_UINT(stub.n_asked, 0);
	stub_end();
}

static void profile(void)
{
	char path[] = "/tmp/test_identity.XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "[profile x]\nregion = eu-north-1\nsso_session = y\n";
	struct identity *i;

	stub_begin();
	REQUIRE(fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
	close(fd);
	i = make((struct identity_options){
		.instance_id = "i-1", .profile = "x", .config_file = path });
	EXPECT_STR(identity_region(i), "eu-north-1");
	identity_free(i);
	unlink(path);
	stub_end();
}

static void document(void)
{
	struct identity *i;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS "/latest/api/token", .body = HUSH);
	STUB(.method = "GET", .url = DOCUMENT,
	     .body = "{\"region\":\"eu-west-1\",\"instanceId\":\"i-0abc\",\"x\":[1,{}]}");
	i = make((struct identity_options){ 0 });
	EXPECT(!identity_settled(i));
	EXPECT(!identity_region(i) && !identity_instance_id(i));
	EXPECT_HAS(identity_why(i), "region and instance id are not known");
	run_until_settled(i);
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_STR(identity_instance_id(i), "i-0abc");
	EXPECT_STR(identity_why(i), "");
	EXPECT_UINT(n_changed, 1);
	EXPECT_UINT(stub.n_asked, 2);
	EXPECT(stub.all_direct);
	identity_free(i);
	/* What is given stays. */
	i = make((struct identity_options){ .region = "us-east-1" });
	run_until_settled(i);
	EXPECT_STR(identity_region(i), "us-east-1");
	EXPECT_STR(identity_instance_id(i), "i-0abc");
	identity_free(i);
	stub_end();
}

/* The network comes late. */
static void asks_again(void)
{
	struct identity *i;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .status = 403, .times = 8);
	STUB(.method = "PUT", .url = IMDS, .body = HUSH);
	STUB(.method = "GET", .url = DOCUMENT,
	     .body = "{\"region\":\"eu-west-1\",\"instanceId\":\"i-1\"}");
	i = make((struct identity_options){ 0 });
	run_until_settled(i);
	EXPECT_HAS(identity_why(i), "set region and instance_id in [aws]: the instance's metadata "
				    "(http://imds.test) refused (403)");
	EXPECT_UINT(n_changed, 0);
	stub_run_asked(10);
	stub_settle();
	EXPECT_UINT(stub.longest_pause_ms, 60000);
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_UINT(n_changed, 1);
	EXPECT_STR(identity_why(i), "");
	identity_free(i);
	stub_end();
}

static void half_known(void)
{
	struct identity *i;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .body = HUSH);
	STUB(.method = "GET", .url = DOCUMENT,
	     .body = "{\"region\":\"eu-west-1\",\"instanceId\":7}", .times = 1);
	STUB(.method = "GET", .url = DOCUMENT, .body = "<html>", .times = 1, .held = true);
	STUB(.method = "GET", .url = DOCUMENT,
	     .body = "{\"region\":\"Q Q\",\"instanceId\":\"i-1\"}", .held = true);
	i = make((struct identity_options){ 0 });
	run_until_settled(i);
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_STR(identity_why(i), "the instance id is not known; set instance_id in [aws]: the "
				    "instance's identity document does not hold it");
	stub_run_asked(3);
	stub_release();
	stub_run_asked(4);
	EXPECT_HAS(identity_why(i), "not the JSON that was expected");
	stub_release();
	stub_settle();
	EXPECT_STR(identity_instance_id(i), "i-1");
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_UINT(n_changed, 2);
	identity_free(i);
	stub_end();
}

static void cannot_be(void)
{
	struct identity *i;

	stub_begin();
	setenv("AWS_REGION", "us-east-1", 1);
	i = make((struct identity_options){ .region = "eu west\n", .instance_id = "i\t1" });
	EXPECT(identity_settled(i));
	EXPECT(!identity_region(i) && !identity_instance_id(i));
	EXPECT_STR(identity_why(i), "[aws] region holds \"eu west?\", which is no region; [aws] "
				    "instance_id holds \"i?1\", which is no instance id");
	stub_settle();
	EXPECT_UINT(stub.n_asked, 0);
	identity_free(i);
	stub_end();
}

static void disabled(void)
{
	struct identity *i;

	stub_begin();
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	i = make((struct identity_options){ .region = "eu-west-1" });
	run_until_settled(i);
	EXPECT_HAS(identity_why(i), "AWS_EC2_METADATA_DISABLED");
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_UINT(stub.n_asked, 0);
	identity_free(i);
	stub_end();
}

static void freed_at_work(void)
{
	struct identity *i;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .held = true);
	i = make((struct identity_options){ 0 });
	stub_run_asked(1);
	identity_free(i);
	i = make((struct identity_options){ 0 });
	identity_free(i);
	identity_free(NULL);
	stub_end();
}

static void forms(void)
{
	EXPECT(imds_is_region("eu-west-1") && imds_is_region("x"));
	EXPECT(imds_is_region("12345678901234567890123456789012"));
	EXPECT(!imds_is_region("123456789012345678901234567890123"));
	EXPECT(!imds_is_region("") && !imds_is_region("EU") && !imds_is_region("a.b") &&
	       !imds_is_region("a/b"));
	EXPECT(imds_is_instance_id("i-0 ~") && !imds_is_instance_id("") &&
	       !imds_is_instance_id("\x7f") && !imds_is_instance_id("\xc3\xa4"));
	EXPECT(imds_is_instance_id(
		"1234567890123456789012345678901234567890123456789012345678901234"));
	EXPECT(!imds_is_instance_id(
		"12345678901234567890123456789012345678901234567890123456789012345"));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "both configured: nobody is asked", configured },
		{ "AWS_REGION goes before AWS_DEFAULT_REGION", environment },
		{ "the profile's region, whatever else it says", profile },
		{ "the identity document", document },
		{ "asked again, slower and slower, until it is there", asks_again },
		{ "half of it is known", half_known },
		{ "what is configured and cannot be is told", cannot_be },
		{ "the environment forbids to ask", disabled },
		{ "freed while it asks", freed_at_work },
		{ "what can be a region, and an instance id", forms },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
