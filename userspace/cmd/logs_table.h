/* SPDX-License-Identifier: MIT */
/* What GetQueryResults answered, as a table or as JSON, on standard output. The field @ptr, which is for machines, is left out of the table. */
#ifndef ISAMON_LOGS_TABLE_H
#define ISAMON_LOGS_TABLE_H

#include <jansson.h>

#include "base/buf.h"

/* 0 if it is not there. */
double logs_table_statistic(const json_t *answer, const char *name);

/* Appends the table, and below it what was looked through. Returns 0 or -errno. */
int logs_table_format(const json_t *answer, struct buf *out);

/* Return 0 or -errno; -EPIPE: nobody reads any more. */
int logs_table_print(const json_t *answer);
int logs_table_print_json(const char *command, const json_t *answer);

#endif
