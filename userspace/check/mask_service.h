/* SPDX-License-Identifier: MIT */
/* The service's own secrets: they may stand in its logs. */
#ifndef ISAMON_MASK_SERVICE_H
#define ISAMON_MASK_SERVICE_H

#include "check/mask.h"

/*
 * Adds what looks like a secret (logs/secrets.h) in the files of `config` of [backup] (*.env, *.toml, *.ini, *.conf, *.json, *.yaml, *.yml), in .env of the
 * application's directory, and in what Supervisor and systemd have of the service. Files that are not there or cannot be read, and
 * those above 256 KiB, are passed over. Returns 0, -ENOMEM, or -E2BIG: more than MASK_SECRETS_MAX.
 */
int mask_add_service(struct mask *m, const struct config *c);

#endif
