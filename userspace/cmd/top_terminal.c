/* SPDX-License-Identifier: MIT */
/* Asks terminfo. */
#include "cmd/top_terminal.h"

#include <curses.h>
#include <term.h>
#include <unistd.h>

bool top_terminal_has_lines(void)
{
	const char *go_to;
	int err;

	if (setupterm(NULL, STDOUT_FILENO, &err) != OK)
		return false;
	go_to = tigetstr("cup");
	if (go_to == (const char *)-1)
		go_to = NULL;
	del_curterm(cur_term);
	return go_to != NULL;
}
