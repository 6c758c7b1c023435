/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an answer, "headers NUL body": what is read of it is bounded, a code and an id are made of what such are made
 * of, and what is no success is of some kind.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/fault.h"

#define CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct transport_answer *a)
{
	char id[40];
	struct fault f;

	fault_read(a, &f);
	assert(strlen(f.code) < sizeof(f.code) && !f.code[strspn(f.code, CHARS)]);
	assert(memchr(f.text, '\0', sizeof(f.text)));
	fault_request_id(a, id, sizeof(id));
	assert(strlen(id) < sizeof(id) && !id[strspn(id, CHARS)]);
	fault_is_success(a, "PutMetricData", false);
	if (fault_is_success(a, "GetCallerIdentity", true))
		assert(strstr(a->body, "</GetCallerIdentityResponse>"));
	for (int status = 200; status < 600; status += 100)
		assert(fault_retry(status, fault_kind(status, f.code)) <= RETRY_THROTTLED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transport_answer a = { .status = 400, .why = "" };
	char *text = malloc(size + 2);
	size_t headers;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	headers = strlen(text);
	a.headers = text;
	a.body = text + headers + 1;
	a.body_len = headers < size ? size - headers - 1 : 0;
	judge(&a);
	free(text);
	return 0;
}
