/* SPDX-License-Identifier: MIT */
/* The level that a line of a log gives itself. */
#ifndef ISAMON_LEVEL_H
#define ISAMON_LEVEL_H

#include <stddef.h>

#include "logs/records.h"

/* DEBUG, info, WARN, Error, crit, emerg, ERRO, ...; RECORD_NO_LEVEL: another word. */
enum record_level level_of_word(const char *word, size_t n);

/*
 * The level in the first line of @text, @from being where its time stamp ends (0: it has none). Known are
 *   Python's      "2026-11-23 18:40:00,123 - app.chat - ERROR - ..."
 *   supervisor's  "2026-11-23 18:40:00,123 INFO spawned: ..."
 *   nginx's       "2026/11/23 18:40:00 [error] 123#0: ..."
 *   gunicorn's    "[2026-11-23 18:40:00 +0000] [1234] [INFO] ..."
 *   uvicorn's     "INFO:     127.0.0.1:1234 - ...", and "ERROR:root:..."
 * A word in the message is none.
 */
enum record_level level_of_line(const char *text, size_t n, size_t from);

#endif
