/* SPDX-License-Identifier: MIT */
/* Certificates (X.509): from when to when they are valid, whose they are. */
#ifndef ISAMON_CERTIFICATE_H
#define ISAMON_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CERTIFICATE_NAME_MAX 256
#define CERTIFICATE_SHA256_HEX 65

/* All texts are plain: they were written by strangers. */
struct certificate {
	char subject[CERTIFICATE_NAME_MAX]; /* its common name, or its first other name */
	char issuer[CERTIFICATE_NAME_MAX];
	char sha256[CERTIFICATE_SHA256_HEX]; /* of all of it: which one it is */
	int64_t begins_s, ends_s;            /* since the epoch */
	bool self_signed;
};

/* Returns 0 or -EBADMSG: a date in it is none. */
int certificate_look(X509 *x, struct certificate *ret);
/* Whether it is for that host: a name, or an address. */
bool certificate_fits(X509 *x, const char *host);

/* The first certificate of a PEM file. Blocks on the disk. Returns 0; -EBADMSG: there is none in it; another -errno; explained in @why. */
int certificate_read(const char *path, struct certificate *ret, struct buf *why);

#endif
