/* SPDX-License-Identifier: MIT */
/* A session, made of a configuration, as a tool uses it. */
#include "unit/http_server.h"

#include "aws/session.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nx-amzn-RequestId: id-1\r\nContent-Length: 2\r\n\r\n{}"

static struct event_base *base;
static struct config *config;
static struct aws_session *session;

static struct {
	unsigned int n;
	enum aws_failure failure;
	unsigned int attempts;
	char message[2048];
} got;

static void on_answer(const struct aws_answer *a, void *ctx)
{
	(void)ctx;
	got.n++;
	got.failure = a->failure;
	got.attempts = a->attempts;
	snprintf(got.message, sizeof(got.message), "%s", a->message);
}

static void set(char **option, const char *value)
{
	free(*option);
	*option = strdup(value);
}

static void set_up(const struct server_step *steps)
{
	char url[64];

	memset(&got, 0, sizeof(got));
	base = event_base_new();
	server_start(base, steps, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
	EXPECT_INT(config_new(&config), 0);
	set(&config->aws_endpoint_url, url);
	set(&config->aws_imds_endpoint, url);
	set(&config->aws_region, "eu-west-1");
	set(&config->aws_instance_id, "i-1");
	set(&config->aws_access_key_id, "AKIDEXAMPLE");
	set(&config->aws_secret_access_key, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	set(&config->aws_credentials_file, "/nowhere/credentials");
	set(&config->aws_config_file, "/nowhere/config");
}

static void begin(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);

	EXPECT_INT(aws_session_new(base, config, NULL, NULL, &why, &session), 0);
	EXPECT_STR(buf_str(&why), "");
}

static void tear_down(void)
{
	aws_session_free(take(session));
	config_freep(&config);
	server_stop();
	event_base_free(base);
}

static const struct aws_request list = {
	.service = AWS_CLOUDWATCH,
	.operation = "ListMetrics",
	.body = "{}",
	.body_len = 2,
	.timeout_ms = 1000,
	.attempts = 1,
};

static void ask(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };

	set_up(steps);
	begin();
	EXPECT_INT(aws_session_ask(session, &list, on_answer, NULL), 0);
	EXPECT_UINT(got.n, 1);
	EXPECT_INT(got.failure, AWS_OK);
	EXPECT_HAS(server_header(0, "authorization"), "Credential=AKIDEXAMPLE/");
	EXPECT_HAS(server_header(0, "authorization"), "/eu-west-1/monitoring/aws4_request");
	EXPECT_STR(identity_instance_id(aws_session_identity(session)), "i-1");
	EXPECT_INT(aws_session_ask(session, &list, on_answer, NULL), 0);
	EXPECT_UINT(got.n, 2);
	EXPECT_INT(server.accepted, 1);
	tear_down();
}

/* The one service's URL goes before that of all. */
static void one_url(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };

	set_up(steps);
	set(&config->aws_endpoint_url_cloudwatch, config->aws_endpoint_url);
	set(&config->aws_endpoint_url, "http://127.0.0.1:1");
	begin();
	EXPECT_INT(aws_session_ask(session, &list, on_answer, NULL), 0);
	EXPECT_INT(got.failure, AWS_OK);
	tear_down();
}

static void no_region(void)
{
	static const struct server_step steps[] = {
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", SERVER_KEEP, 0 }
	};

	set_up(steps);
	set(&config->aws_region, "");
	begin();
	EXPECT_INT(aws_session_ask(session, &list, on_answer, NULL), 0);
	EXPECT_INT(got.failure, AWS_NO_REGION);
	EXPECT_HAS(got.message, "ListMetrics: ");
	EXPECT_UINT(got.attempts, 0);
	tear_down();
}

static void no_endpoint(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };

	set_up(steps);
	set(&config->aws_endpoint_url, "127.0.0.1:80");
	begin();
	EXPECT_INT(aws_session_ask(session, &list, on_answer, NULL), 0);
	EXPECT_INT(got.failure, AWS_NO_REGION);
	EXPECT_HAS(got.message, "endpoint_url is not a URL");
	tear_down();
}

static void unused(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 5000 } };

	set_up(steps);
	set(&config->aws_region, "");
	begin();
	EXPECT_INT(aws_client_call(aws_session_client(session), &list, on_answer, NULL, NULL), 0);
	loop_for(base, 50);
	EXPECT(aws_session_credentials(session) != NULL);
	tear_down();
	EXPECT(got.n <= 1);
	aws_session_free(NULL);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a tool asks, and asks again", ask },
		{ "one service has a URL of its own", one_url },
		{ "a region that nobody knows", no_region },
		{ "an endpoint that is no URL", no_endpoint },
		{ "it ends in the middle of everything", unused },
	};
	static const char *const variables[] = { "http_proxy",
						 "all_proxy",
						 "AWS_REGION",
						 "AWS_DEFAULT_REGION",
						 "AWS_PROFILE",
						 "AWS_ENDPOINT_URL",
						 "AWS_ENDPOINT_URL_CLOUDWATCH",
						 "AWS_EC2_METADATA_DISABLED" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
