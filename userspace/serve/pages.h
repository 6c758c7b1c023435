/* SPDX-License-Identifier: MIT */
/* What isamon answers to a request. */
#ifndef ISAMON_PAGES_H
#define ISAMON_PAGES_H

#include <stdbool.h>

#include "base/buf.h"
#include "serve/listener.h"
#include "serve/request.h"
#include "serve/stream.h"

struct answer {
	unsigned int status;
	const char *content_type;
	const char *fields;    /* further header lines, each with its CRLF; "" */
	struct buf body;       /* the whole body, unless there is a stream */
	struct stream *stream; /* NULL, or the body; for GET only */
	bool is_page;          /* the answer is /metrics: its length is not known ahead */
};

/* Fills *a for a request. @control: it came over the control socket. Calls what @source gives.
 * Never fails: what goes wrong becomes a 500. answer_done() afterwards. */
void answer_request(const struct listener_source *source, bool control, const struct request *r,
		    struct answer *a);
/* Fills *a for a request that is refused with @status. */
void answer_refusal(unsigned int status, struct answer *a);
void answer_done(struct answer *a);

/* "Not Found" for 404. */
const char *answer_reason(unsigned int status);

#endif
