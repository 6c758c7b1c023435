/* SPDX-License-Identifier: MIT */
/*
 * The process that ships logs (`isamon ship-logs`), as the daemon has it: started while [logs] enabled is yes, started again when it
 * ends by itself (slower and slower, up to 15 s), ended by SIGTERM. Nothing here waits, but log_child_free().
 */
#ifndef ISAMON_LOG_CHILD_H
#define ISAMON_LOG_CHILD_H

#include <event2/event.h>
#include <stdbool.h>

#include "config/config.h"
#include "metrics/logs_page.h"
#include "metrics/status_json.h"
#include "ship/minute.h"

/* In the state directory; the shipper's alone. */
#define LOG_CHILD_STATE_FILE "logs.db"

struct log_child;

/* @program: whose `ship-logs` is started; must outlive it. */
int log_child_new(struct event_base *base, const char *program, struct log_child **ret);
/* At the start, and after a reload: with another process. Each process gets the text of @config, whatever is in the file meanwhile, through a
 * descriptor, and its state_directory; @config must stay until the next one is used. */
void log_child_use(struct log_child *c, const struct config *config);
/* Waits for its end, some seconds at most. NULL is fine. */
void log_child_free(struct log_child *c);

bool log_child_enabled(const struct log_child *c);
/* Not while it says that something is missing, nor when it has said nothing for half a minute. */
bool log_child_up(const struct log_child *c);
/* Brought up to date; owned by @c. */
struct logs_page *log_child_page(struct log_child *c);
/* What it has counted in the logs; not known while it has not spoken for some seconds. */
void log_child_counted(const struct log_child *c, struct minute_logs *ret);
/* What `isamon status` is told. */
void log_child_status(struct log_child *c, struct status *s);

#endif
