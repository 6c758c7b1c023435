/* SPDX-License-Identifier: MIT */
/*
 * Whether the instance's metadata, and with it its role's keys, can be had by a plain GET, as version 1 allowed it: then whoever can make
 * the service fetch a URL of his choice has them. Asked only where AWS is configured. Nothing of the answer is kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds.h"
#include "base/buf.h"
#include "care/http.h"
#include "check/audit_impl.h"

#define ENDPOINT "http://169.254.169.254"
#define ENDPOINT_VARIABLE "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ASK_MS 1500
#define ANSWER_MAX 65536
#define ID "imds.v1"

static bool is_configured(const struct config *c)
{
	return *c->aws_imds_endpoint || *c->aws_region || *c->backup_s3_bucket ||
	       c->cloudwatch_enabled || c->logs_enabled;
}

static const char *endpoint_of(const struct config *c)
{
	const char *variable = getenv(ENDPOINT_VARIABLE);

	if (*c->aws_imds_endpoint)
		return c->aws_imds_endpoint;
	return variable && *variable ? variable : ENDPOINT;
}

static int judge(const struct http_reply *reply, const char *endpoint, const struct config *c,
		 struct findings *out)
{
	_cleanup_(buf_done) struct buf remedy = BUF_INIT(600);

	if (reply->err && reply->err != -EFBIG)
		return findings_add(out, AUDIT_TEXT(.id = ID, .result = FINDING_FINE),
				    "nobody answers at %s: %s", endpoint, buf_str(&reply->why));
	/* Of an answer that is too long the status is not told; who refuses says little. */
	if (reply->status != 200 && reply->err != -EFBIG)
		return findings_add(out, AUDIT_TEXT(.id = ID, .result = FINDING_FINE),
				    "%s refuses who has no token (status %d)", endpoint,
				    reply->status);
	buf_printf(
		&remedy,
		"aws ec2 modify-instance-metadata-options --instance-id %s --http-tokens required "
		"--http-put-response-hop-limit 1",
		*c->aws_instance_id ? c->aws_instance_id : "ID");
	return findings_add(
		out,
		AUDIT_TEXT(.id = ID, .result = FINDING_PROBLEM,
			   .meaning = "Who can make the service fetch a URL has the keys of the "
				      "instance's role.",
			   .remedy = buf_str(&remedy)),
		"%s answers without a token: IMDSv1 is allowed", endpoint);
}

int audit_imds(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf url = BUF_INIT(1200), why = BUF_INIT(1200);
	const char *endpoint = endpoint_of(in->config);
	struct http_reply reply;
	struct http *h;
	size_t n = strlen(endpoint);
	int err;

	if (!is_configured(in->config) || imds_disabled())
		return findings_add(out, AUDIT_TEXT(.id = ID, .result = FINDING_FINE),
				    "not asked: AWS is not configured");
	while (n && endpoint[n - 1] == '/')
		n--;
	buf_printf(&url, "%.*s/latest/meta-data/", (int)n, endpoint);
	err = http_new(&why, &h);
	if (err)
		return findings_add(out, AUDIT_TEXT(.id = ID, .result = FINDING_UNKNOWN), "%s",
				    buf_str(&why));
	http_ask(h,
		 &(struct transport_request){ .method = "GET",
					      .url = buf_str(&url),
					      .timeout_ms = ASK_MS,
					      .answer_max = ANSWER_MAX,
					      .direct = true },
		 &reply);
	err = judge(&reply, endpoint, in->config, out);
	http_reply_done(&reply);
	http_free(h);
	return err;
}
