/* SPDX-License-Identifier: MIT */
/* What the terminal is capable of. By itself, because <term.h> takes every other word for its own. */
#ifndef ISAMON_TOP_TERMINAL_H
#define ISAMON_TOP_TERMINAL_H

#include <stdbool.h>

/* Whether text may be put anywhere on it, by TERM: not on a printer, a "dumb" one, or one that nobody knows. Before
 * ncurses is started. */
bool top_terminal_has_lines(void);

#endif
