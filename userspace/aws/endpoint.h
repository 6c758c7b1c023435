/* SPDX-License-Identifier: MIT */
/*
 * Which URL a service of AWS has.
 *
 * The first of: the configuration's for the service, the configuration's for all, $AWS_ENDPOINT_URL_<SERVICE>, $AWS_ENDPOINT_URL,
 * AWS's own in the region. Facts: the SDKs' guide, "Service-specific endpoints"; AWS General Reference, "Service endpoints".
 */
#ifndef ISAMON_ENDPOINT_H
#define ISAMON_ENDPOINT_H

#include <stdbool.h>

#include "base/buf.h"

#define ENDPOINT_URL_MAX 1024
#define ENDPOINT_HOST_MAX 264

enum endpoint_service { ENDPOINT_CLOUDWATCH, ENDPOINT_LOGS, ENDPOINT_STS, ENDPOINT_S3 };

struct endpoint {
	char url[ENDPOINT_URL_MAX]; /* with a path: "https://monitoring.eu-west-1.amazonaws.com/" */
	char host[ENDPOINT_HOST_MAX]; /* as the header Host has it: without the scheme's own port */
	char path[ENDPOINT_URL_MAX];  /* what is signed: "/" */
	bool own;                     /* AWS's own in the region, not given by anybody */
};

/* Whether it can be the name of a region; it becomes a part of a host's name. */
bool endpoint_is_region(const char *region);

/*
 * @configured, @configured_all: NULL or "" if not given. @region: of AWS's own endpoint, and otherwise not looked at.
 * Returns 0, or -EINVAL with @why saying whose URL, or that it is the region, is wrong.
 */
int endpoint_find(enum endpoint_service service, const char *configured, const char *configured_all,
		  const char *region, struct endpoint *ret, struct buf *why);

#endif
