/* SPDX-License-Identifier: MIT */
/* Whether hosts can be reached, step by step: the name, the connection, TLS; each in a thread of its own, with the time that each step
 * took, and where it stuck. */
#ifndef ISAMON_REACH_H
#define ISAMON_REACH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host_port.h"
#include "check/certificate.h"

#define REACH_MAX 32

enum reach_step { REACH_NAME, REACH_CONNECT, REACH_TLS, REACH_DONE };

struct reach {
	/* What is to be reached. */
	const char *
		ca_bundle; /* a PEM file; NULL: the system's. Must outlive the process: a thread may be left with it */
	struct host_port to;
	bool tls;

	/* What became of it. */
	bool late; /* it was not done in time */
	bool has_certificate;
	bool fits;                    /* the certificate is for the host */
	enum reach_step step;         /* the one that failed; REACH_DONE: none did */
	uint64_t took_us[REACH_DONE]; /* of each step that was done */
	struct certificate certificate;
	char address[INET6_ADDRSTRLEN];
	char why[256];       /* of what failed: one plain line */
	char version[16];    /* "TLSv1.3" */
	char untrusted[128]; /* why its chain is not trusted; "": it is */
};

/*
 * Tries all @n (at most REACH_MAX) at once; a certificate that is wrong fails no step, but is told. Blocks, for @timeout_ms at most; threads
 * that wait for a name server then are left behind, so this is for a process that ends soon. The process ignores SIGPIPE from then
 * on. Returns 0 or -errno.
 */
int reach_all(struct reach *list, size_t n, unsigned int timeout_ms);

#endif
