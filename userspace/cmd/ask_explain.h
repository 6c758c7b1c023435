/* SPDX-License-Identifier: MIT */
#ifndef ISAMON_ASK_EXPLAIN_H
#define ISAMON_ASK_EXPLAIN_H

/* Says on standard error why ask_daemon() at the control socket @path failed, and what to do; @command: "isamon status". */
void ask_explain(const char *command, const char *path, int err, int timeout_ms);

#endif
