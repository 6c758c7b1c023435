/* SPDX-License-Identifier: MIT */
/*
 * What AWS says in an answer: whether it is one that means success, and if not, the error's code and message.
 *
 * Errors come as JSON ("__type" and "message") with the header x-amzn-query-error, whose code is the one of AWS's
 * documents, or as STS's XML. Everything here may come from a stranger (a proxy, a captive portal).
 */
#ifndef ISAMON_FAULT_H
#define ISAMON_FAULT_H

#include <stdbool.h>

#include "aws/retry.h"
#include "aws/transport.h"

#define FAULT_CODE_MAX 64
#define FAULT_TEXT_MAX 2048

struct fault {
	char code
		[FAULT_CODE_MAX]; /* letters, digits and "._-"; "": AWS gave none, or it was not AWS that answered */
	char text
		[FAULT_TEXT_MAX]; /* as it came, unescaped, so not to be shown as it is; "": none */
};

/* Of a whole answer that is no success. Never fails: what cannot be read is "". */
void fault_read(const struct transport_answer *a, struct fault *ret);

/* The "x-amzn-RequestId" of the answer, or the one in its XML; only what such an id may hold. "": none. */
void fault_request_id(const struct transport_answer *a, char *ret, size_t size);

/* Whether the body of a 200 is what @operation answers with: a JSON object, whole, that is no error (or nothing at all, if
 * the answer has a request id, which AWS alone gives); or, if @xml, the element <OPERATIONResponse>, closed. */
bool fault_is_success(const struct transport_answer *a, const char *operation, bool xml);

/* What an error is about. */
enum fault_kind {
	FAULT_REJECTED,  /* AWS says that the request is wrong */
	FAULT_TRANSIENT, /* the other side is not well, or it is not AWS */
	FAULT_THROTTLED,
	FAULT_CREDENTIALS, /* expired, unknown, or a signature that does not fit */
	FAULT_DENIED,
	FAULT_ENDPOINT, /* AWS does not know the operation: another service's URL */
};

enum fault_kind fault_kind(int status, const char *code);
/* Whether the code may mean that the clocks differ. */
bool fault_is_skew(const char *code);
/* Whether the same call may be made again at once. */
enum retry_class fault_retry(int status, enum fault_kind kind);

#endif
