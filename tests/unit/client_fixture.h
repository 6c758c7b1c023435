/* SPDX-License-Identifier: MIT */
/* A client, its stubs, the server it talks to, and what the last call ended with. */
#ifndef ISAMON_CLIENT_FIXTURE_H
#define ISAMON_CLIENT_FIXTURE_H

#include "aws/client.h"
#include "unit/client_stubs.h"
#include "unit/http_server.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMQ=="
#define JSON "Content-Type: application/x-amz-json-1.0\r\n"
#define ID "x-amzn-RequestId: 8f7a-1\r\n"
#define XML "Content-Type: text/xml\r\n"

#define TEXT(code, text) "{\"__type\":\"com.amazonaws#" code "\",\"message\":\"" text "\"}"

/* Answers are put together here, because their length and date must be right. */
static char answers[8][16384];

UNIT_USED_ static const char *answer(unsigned int i, const char *status, const char *headers,
				     const char *body)
{
	snprintf(answers[i], sizeof(answers[i]), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		 status, strlen(body), headers, body);
	return answers[i];
}

static struct event_base *base;
static struct transport *transport;
static struct aws_client *client;
static char endpoint[128];
static struct server_step steps[8];
static struct aws_client_options options;

static struct {
	unsigned int n;
	struct aws_answer a;
	char code[64], message[2048], body[4096], id[128];
} got;

UNIT_USED_ static void on_done(const struct aws_answer *a, void *ctx)
{
	(void)ctx;
	got.n++;
	got.a = *a;
	snprintf(got.code, sizeof(got.code), "%s", a->code);
	snprintf(got.message, sizeof(got.message), "%s", a->message);
	snprintf(got.body, sizeof(got.body), "%s", a->body);
	snprintf(got.id, sizeof(got.id), "%s", a->request_id);
}

UNIT_USED_ static void set_up(size_t n_steps)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	const struct transport_options o = { 0 };

	memset(&got, 0, sizeof(got));
	credentials = (struct credentials){ .key = { "AKIDEXAMPLE", SECRET, TOKEN } };
	identity = (struct identity){ "eu-west-1", "" };
	base = event_base_new();
	server_start(base, steps, n_steps);
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", server.port);
	options = (struct aws_client_options){ .endpoint_url = endpoint };
	EXPECT_INT(transport_new(base, &o, &why, &transport), 0);
	EXPECT_INT(aws_client_new(base, transport, &credentials, &identity, &options, &client), 0);
}

UNIT_USED_ static void tear_down(void)
{
	aws_client_free(take(client));
	transport_free(take(transport));
	server_stop();
	event_base_free(base);
}

UNIT_USED_ static const struct aws_request put = {
	.service = AWS_CLOUDWATCH,
	.operation = "PutMetricData",
	.body = "{\"Namespace\":\"AgentISA\"}",
	.body_len = 24,
	.timeout_ms = 500,
};

UNIT_USED_ static void ask(const struct aws_request *r)
{
	const unsigned int n = got.n;

	EXPECT_INT(aws_client_call(client, r, on_done, NULL, NULL), 0);
	EXPECT_UINT(got.n, n);
	loop_until(base, &got.n, n + 1);
}

UNIT_USED_ static void forget_environment(void)
{
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_ENDPOINT_URL_CLOUDWATCH");
	unsetenv("AWS_ENDPOINT_URL_LOGS");
	unsetenv("AWS_ENDPOINT_URL_STS");
}

#endif
