/* SPDX-License-Identifier: MIT */
/* The live screen of `isamon top`, on ncurses. One at a time: ncurses keeps its state in globals. */
#ifndef ISAMON_TOP_SCREEN_H
#define ISAMON_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/top_view.h"

struct top_screen;

/* What is drawn. */
struct top_scene {
	const struct top_view *view; /* NULL until two samples are there */
	const char *source;          /* "daemon" or "attached" */
	const char *trouble;         /* NULL, or why there is nothing new */
	double interval_s;
	enum top_sort sort;
	size_t offset; /* the first route that is shown; corrected by drawing */
	bool paused;
	bool help;
};

enum top_key {
	TOP_KEY_NONE,
	TOP_KEY_OTHER,
	TOP_KEY_QUIT,
	TOP_KEY_SORT_REQUESTS,
	TOP_KEY_SORT_ERRORS,
	TOP_KEY_SORT_QUEUE,
	TOP_KEY_SORT_P50,
	TOP_KEY_SORT_P99,
	TOP_KEY_SORT_MAX,
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_PAUSE,
	TOP_KEY_HELP,
};

/* Takes the terminal over. 0; -ENOTTY: a terminal of this type cannot be drawn on; -ENOMEM. */
int top_screen_open(struct top_screen **ret);
/* Gives it back as it was. NULL is fine. */
void top_screen_close(struct top_screen *s);

/* Learns the terminal's size anew. */
void top_screen_resize(struct top_screen *s);
void top_screen_draw(struct top_screen *s, struct top_scene *scene);
/* How many routes fit. */
size_t top_screen_page(const struct top_screen *s);
/* The next key that was pressed, TOP_KEY_NONE if none waits. Does not block. */
enum top_key top_screen_key(struct top_screen *s);

#endif
