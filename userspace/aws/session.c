/* SPDX-License-Identifier: MIT */
/* Puts the parts of aws/ together; each is freed before what it uses. */
#include "aws/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct aws_session {
	struct event_base *base;
	struct transport *transport;
	struct identity *identity;
	struct credentials *credentials;
	struct aws_client *client;
};

static const char *given(const char *text)
{
	return text && *text ? text : NULL;
}

static int open_transport(struct aws_session *s, const struct config *c, struct buf *why)
{
	const char *bundle = given(c->aws_ca_bundle);
	const struct transport_options o = {
		.proxy = given(c->aws_proxy),
		.ca_bundle = bundle ? bundle : getenv("AWS_CA_BUNDLE"),
	};

	return transport_new(s->base, &o, why, &s->transport);
}

static int open_identity(struct aws_session *s, const struct config *c, void (*changed)(void *ctx),
			 void *ctx)
{
	const struct identity_options o = {
		.region = given(c->aws_region),
		.instance_id = given(c->aws_instance_id),
		.profile = given(c->aws_profile),
		.config_file = given(c->aws_config_file),
		.imds_endpoint = given(c->aws_imds_endpoint),
	};

	return identity_new(s->base, s->transport, &o, changed, ctx, &s->identity);
}

static int open_credentials(struct aws_session *s, const struct config *c)
{
	const char *sts = given(c->aws_endpoint_url_sts);
	const struct credentials_options o = {
		.access_key_id = given(c->aws_access_key_id),
		.secret_access_key = given(c->aws_secret_access_key),
		.session_token = given(c->aws_session_token),
		.profile = given(c->aws_profile),
		.credentials_file = given(c->aws_credentials_file),
		.config_file = given(c->aws_config_file),
		.imds_endpoint = given(c->aws_imds_endpoint),
		.sts_endpoint = sts ? sts : given(c->aws_endpoint_url),
		.region = given(c->aws_region),
		.identity = s->identity,
	};

	return credentials_new(s->base, s->transport, &o, &s->credentials);
}

static int open_client(struct aws_session *s, const struct config *c)
{
	const struct aws_client_options o = {
		.endpoint_url = given(c->aws_endpoint_url),
		.cloudwatch_endpoint_url = given(c->aws_endpoint_url_cloudwatch),
		.logs_endpoint_url = given(c->aws_endpoint_url_logs),
		.sts_endpoint_url = given(c->aws_endpoint_url_sts),
	};

	return aws_client_new(s->base, s->transport, s->credentials, s->identity, &o, &s->client);
}

int aws_session_new(struct event_base *base, const struct config *c, void (*changed)(void *ctx),
		    void *ctx, struct buf *why, struct aws_session **ret)
{
	struct aws_session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->base = base;
	err = open_transport(s, c, why);
	if (!err)
		err = open_identity(s, c, changed, ctx);
	if (!err)
		err = open_credentials(s, c);
	if (!err)
		err = open_client(s, c);
	if (!err) {
		*ret = s;
		return 0;
	}
	if (!why->len)
		buf_printf(why, "cannot get ready for AWS: %s", strerror(-err));
	aws_session_free(s);
	return err;
}

void aws_session_free(struct aws_session *s)
{
	if (!s)
		return;
	aws_client_free(s->client);
	credentials_free(s->credentials);
	identity_free(s->identity);
	transport_free(s->transport);
	free(s);
}

struct aws_client *aws_session_client(struct aws_session *s)
{
	return s->client;
}

struct identity *aws_session_identity(struct aws_session *s)
{
	return s->identity;
}

struct credentials *aws_session_credentials(struct aws_session *s)
{
	return s->credentials;
}

struct transport *aws_session_transport(struct aws_session *s)
{
	return s->transport;
}

struct asking {
	aws_done_fn fn;
	void *ctx;
	bool done;
};

static void on_answer(const struct aws_answer *a, void *ctx)
{
	struct asking *asking = ctx;

	asking->done = true;
	asking->fn(a, asking->ctx);
}

/* One turn of the loop. Returns 0 or -EIO: there is nothing left that it could wait for. */
static int turn(const struct aws_session *s)
{
	return event_base_loop(s->base, EVLOOP_ONCE) ? -EIO : 0;
}

int aws_session_ask(struct aws_session *s, const struct aws_request *r, aws_done_fn fn, void *ctx)
{
	struct asking asking = { .fn = fn, .ctx = ctx };
	struct aws_call *call;
	int err = 0;

	while (!err && !identity_region(s->identity) && !identity_settled(s->identity))
		err = turn(s);
	if (!err)
		err = aws_client_call(s->client, r, on_answer, &asking, &call);
	if (err)
		return err;
	while (!err && !asking.done)
		err = turn(s);
	if (!asking.done)
		aws_call_cancel(call);
	return err;
}

int aws_session_s3(struct aws_session *s, const struct config *c,
		   bool (*progress)(uint64_t done, uint64_t total, void *ctx), struct buf *why,
		   struct s3 **ret)
{
	static const char *const encryptions[] = { NULL, "AES256", "aws:kms" };
	const struct s3_options o = {
		.bucket = c->backup_s3_bucket,
		.region = given(c->aws_region),
		.endpoint_url = given(c->aws_endpoint_url_s3),
		.endpoint_url_all = given(c->aws_endpoint_url),
		.storage_class = given(c->backup_s3_class),
		.sse = encryptions[c->backup_s3_encryption],
		.kms_key_id = given(c->backup_s3_kms_key),
		.bytes_per_s = c->backup_s3_bandwidth,
		.progress = progress,
	};

	return s3_new(s->base, s->transport, s->credentials, s->identity, &o, why, ret);
}
