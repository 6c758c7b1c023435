/* SPDX-License-Identifier: MIT */
/* What the files of the area "network" have of each other. */
#ifndef ISAMON_NETWORK_IMPL_H
#define ISAMON_NETWORK_IMPL_H

#include "check/check.h"
#include "check/reach.h"

#define NETWORK_TIMEOUT_MS 2500 /* less than CHECK_TIMEOUT_MS: what was late is named */

/* The check; as check_fn. */
int network_check_certificates(const struct check_input *in, struct findings *out);

/* Adds what became of an endpoint: a finding of the step that failed, network.dns, network.connect or network.tls; network.endpoint if none
 * did. */
int network_tell_endpoint(const struct reach *r, struct findings *out);

/* Judges a certificate by the time @now_s; subject: where it is from. @r: how it was got; NULL: it is a file. */
int network_judge_certificate(const char *subject, const struct certificate *c,
			      const struct reach *r, int64_t now_s, struct findings *out);

/* Calls @fn for each absolute path that "ssl_certificate FILE;" names in what `nginx -T` prints, until it returns other than 0, which is returned. */
int network_each_nginx_certificate(const char *text, int (*fn)(const char *path, void *ctx),
				   void *ctx);

#endif
