/* SPDX-License-Identifier: MIT */
/*
 * Takes secrets out of texts that leave the host: those of well-known forms (logs/secrets.h), private keys (PEM), what a log's own rules mask,
 * and, wherever they stand, with or without escapes (check/mask_match.h), those that are known: of the configuration, of the service's own, of
 * supervisord's, of the environment.
 */
#ifndef ISAMON_MASK_H
#define ISAMON_MASK_H

#include <stddef.h>

#include "base/buf.h"
#include "config/config.h"
#include "logs/record_rules.h"

#define MASK_SECRETS_MAX 256
#define MASK_LEAST_BYTES 6 /* shorter ones stand in many words that are none */

/* Zeroed is empty. */
struct mask {
	char *list[MASK_SECRETS_MAX];
	size_t n;
};

/* Adds one; NULL, "" and what is shorter than MASK_LEAST_BYTES is passed over. Returns 0, -ENOMEM, or -E2BIG. */
int mask_add(struct mask *m, const char *secret);
/* Adds those that the configuration has (every key that the schema calls secret), and those that stand elsewhere on the host: in the
 * environment, in supervisord's configuration, and in the service's own files (check/mask_service.h). */
int mask_add_known(struct mask *m, const struct config *c);
/* Wipes and frees; for _cleanup_(). */
void mask_done(struct mask *m);

/*
 * Appends @bytes as UTF-8 (what is none becomes U+FFFD), without secrets, to @out. @rules: of the log they are from; NULL: none. Returns 0 or the
 * error of the buffer, or -ENOMEM; then what is in @out is masked, too.
 */
int mask_text(const struct mask *m, const struct record_rules *rules, const char *bytes, size_t n,
	      struct buf *out);

/* The text of a configuration file of isamon's with *** for the values of secret keys, also of keys that are nearly called so. */
int mask_configuration(const struct mask *m, const char *text, size_t n, struct buf *out);

#endif
