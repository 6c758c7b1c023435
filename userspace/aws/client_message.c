/* SPDX-License-Identifier: MIT */
/*
 * One line about a call that failed: what, where, why, and what to do.
 *
 * A stranger's words are struck of our secrets first, then made plain, then cut, in this order: cut first, a part of
 * a secret would not be recognized.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/client_impl.h"
#include "base/utf8.h"

/* Of the other side's own words: our advice stands behind them, and the sentence is cut to some 500 bytes where it is shown. */
#define TEXT_MAX 240

static const struct {
	const char *name;
	const char *prefix; /* of its actions in a policy */
	const char *key;    /* of [aws] */
} words[AWS_SERVICES] = {
	[AWS_CLOUDWATCH] = { "CloudWatch", "cloudwatch", "endpoint_url_cloudwatch" },
	[AWS_LOGS] = { "CloudWatch Logs", "logs", "endpoint_url_logs" },
	[AWS_STS] = { "STS", "sts", "endpoint_url_sts" },
};

void client_scrub(const struct aws_call *call, char *text)
{
	secret_strike(text, call->keys.secret);
	secret_strike(text, call->keys.token);
}

/* What to do about it. */
static void add_advice(struct aws_call *call, enum fault_kind kind, const struct fault *f)
{
	const char *source = credentials_source(call->client->credentials);
	struct buf *b = &call->message;

	switch (kind) {
	case FAULT_TRANSIENT:
		if (!f->code[0] && call->answer.status < 500)
			buf_printf(
				b,
				"; that is not how AWS answers: is a proxy in between, or %s in [aws] wrong?",
				words[call->service].key);
		break;
	case FAULT_THROTTLED:
		buf_add_str(b, "; too many calls, of this host or of others of the account");
		break;
	case FAULT_CREDENTIALS:
		if (strstr(f->text, "scoped to a valid region"))
			buf_printf(b, "; region in [aws] is not that of %s",
				   words[call->service].key);
		else if (fault_is_skew(f->code))
			buf_printf(
				b,
				"; the secret key of %s does not belong to its id, or this host's clock is wrong",
				source);
		else
			buf_printf(b, "; the keys of %s are not valid, or not any more: renew them",
				   source);
		break;
	case FAULT_DENIED:
		buf_printf(b, "; allow %s:%s in the IAM policy behind the keys of %s",
			   words[call->service].prefix, call->operation, source);
		break;
	case FAULT_ENDPOINT:
		buf_printf(b, "; is %s in [aws] that of another service?",
			   words[call->service].key);
		break;
	case FAULT_REJECTED: break;
	}
}

void client_explain_answer(struct aws_call *call, enum fault_kind kind, const struct fault *f)
{
	char raw[FAULT_TEXT_MAX], plain[FAULT_TEXT_MAX], text[TEXT_MAX];
	bool cut;
	struct buf *b = &call->message;
	size_t n;

	buf_reset(b);
	buf_printf(b, "%s: %s answered %d", call->operation, call->endpoint.host,
		   call->answer.status);
	if (f->code[0])
		buf_printf(b, " %s", f->code);
	snprintf(raw, sizeof(raw), "%s", f->text);
	client_scrub(call, raw);
	utf8_make_plain(raw, sizeof(raw), plain, sizeof(plain));
	utf8_make_plain(plain, sizeof(plain), text, sizeof(text));
	cut = strlen(text) < strlen(plain);
	/* Our advice goes on with the sentence. */
	for (n = strlen(text); n && strchr(". ", text[n - 1]); n--)
		text[n - 1] = '\0';
	if (n)
		buf_printf(b, ": %s%s", text, cut ? "..." : "");
	add_advice(call, kind, f);
}

void client_explain_transport(struct aws_call *call, int err, const char *why)
{
	struct buf *b = &call->message;

	buf_reset(b);
	buf_printf(b, "%s: %s", call->operation, why);
	if (err == -EKEYREJECTED || err == -ENOENT)
		buf_add_str(b, "; is ca_bundle of [aws] right?");
	else if (err != -ENOMEM && err != -EFBIG)
		buf_printf(b, "; is the network up, and are proxy and %s of [aws] right?",
			   words[call->service].key);
}

void client_explain(struct aws_call *call, const char *why)
{
	buf_reset(&call->message);
	buf_printf(&call->message, "%s: %s", call->operation, why);
}
