/* SPDX-License-Identifier: MIT */
/*
 * The loop of the live view: poll() on keys and signals until the next sample is due.
 *
 * Signals come through a signalfd, so nothing happens in a handler and the terminal is given back by the
 * ordinary way out. Invariant: the view's sample is `shown`; `last` is what the next one is
 * compared with; they are one and the same unless a pause has just ended.
 */
#include "cmd/top_live.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/top_screen.h"

struct live {
	struct top_feed *source;
	struct top_screen *screen;
	struct top_scene scene;
	struct top_sample *last;
	struct top_sample *shown;
	struct top_view *view;
	uint64_t interval_ns;
	uint64_t next_ns; /* when the next sample is due */
	int signals;
	bool stop;
	char trouble[160];
};

static void set_last(struct live *l, struct top_sample *s)
{
	if (l->last != l->shown)
		top_sample_free(l->last);
	l->last = s;
}

static void set_view(struct live *l, struct top_view *v, struct top_sample *shown)
{
	top_view_free(l->view);
	if (l->shown != l->last)
		top_sample_free(l->shown);
	l->view = v;
	l->shown = shown;
	l->scene.view = v;
	if (v)
		top_view_sort(v, l->scene.sort);
}

static void explain(struct live *l, int err)
{
	snprintf(l->trouble, sizeof(l->trouble), "no answer from the %s (%s), trying again",
		 top_feed_name(l->source), strerror(-err));
	l->scene.trouble = l->trouble;
}

/* A sample becomes a view only together with the one before it. */
static void take_sample(struct live *l)
{
	struct top_sample *s = NULL;
	struct top_view *v = NULL;
	int err = top_feed_sample(l->source, &s);

	if (!err && l->last)
		err = top_view_new(l->last, s, &v);
	if (err) {
		top_sample_free(s);
		explain(l, err);
		return;
	}
	l->scene.trouble = NULL;
	set_last(l, s);
	if (v)
		set_view(l, v, s);
}

static void sort_by(struct live *l, enum top_sort sort)
{
	l->scene.sort = sort;
	l->scene.offset = 0;
	if (l->view)
		top_view_sort(l->view, sort);
}

/* What happened meanwhile is nobody's interval: the first sample afterwards is only a base. */
static void pause_or_go_on(struct live *l)
{
	l->scene.paused = !l->scene.paused;
	if (l->scene.paused)
		return;
	set_last(l, NULL);
	take_sample(l);
	l->next_ns = clock_monotonic_ns() + l->interval_ns;
}

static void scroll(struct live *l, long by)
{
	size_t up = by < 0 ? (size_t)-by : 0;

	/* Too far down is put right by drawing. */
	l->scene.offset = by < 0 ? l->scene.offset - (up < l->scene.offset ? up : l->scene.offset) :
				   l->scene.offset + (size_t)by;
}

static void on_key(struct live *l, enum top_key key)
{
	long page = (long)top_screen_page(l->screen);

	switch (key) {
	case TOP_KEY_QUIT: l->stop = true; break;
	case TOP_KEY_SORT_REQUESTS:
	case TOP_KEY_SORT_ERRORS:
	case TOP_KEY_SORT_QUEUE:
	case TOP_KEY_SORT_P50:
	case TOP_KEY_SORT_P99:
	case TOP_KEY_SORT_MAX: sort_by(l, (enum top_sort)(key - TOP_KEY_SORT_REQUESTS)); break;
	case TOP_KEY_UP:
	case TOP_KEY_DOWN: scroll(l, key == TOP_KEY_UP ? -1 : 1); break;
	case TOP_KEY_PAGE_UP:
	case TOP_KEY_PAGE_DOWN: scroll(l, key == TOP_KEY_PAGE_UP ? -page : page); break;
	case TOP_KEY_HOME: l->scene.offset = 0; break;
	case TOP_KEY_END: l->scene.offset = TOP_ROUTES_MAX; break;
	case TOP_KEY_PAUSE: pause_or_go_on(l); break;
	case TOP_KEY_HELP: l->scene.help = !l->scene.help; break;
	case TOP_KEY_NONE:
	case TOP_KEY_OTHER: break;
	}
}

static void read_keys(struct live *l)
{
	enum top_key key;

	while (!l->stop && (key = top_screen_key(l->screen)) != TOP_KEY_NONE)
		on_key(l, key);
}

static void read_signals(struct live *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			top_screen_resize(l->screen);
		else
			l->stop = true;
	}
}

/* Until the next sample, or the next turn of the source, whichever comes first. */
static int wait_ms(const struct live *l)
{
	uint64_t now_ns = clock_monotonic_ns();
	int turn_ms = top_feed_turn_ms(l->source), ms;

	if (l->scene.paused)
		return turn_ms;
	ms = now_ns >= l->next_ns ? 0 : (int)((l->next_ns - now_ns) / NS_PER_MS) + 1;
	return turn_ms >= 0 && turn_ms < ms ? turn_ms : ms;
}

/* One wait and what it brought. Returns 0 or -errno. */
static int step(struct live *l)
{
	struct pollfd fds[] = { { .fd = l->signals, .events = POLLIN },
				{ .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1,
				  .events = POLLIN },
				{ .fd = top_feed_fd(l->source), .events = POLLIN } };
	bool changed = false;
	int n, err;

	n = poll(fds, ARRAY_SIZE(fds), wait_ms(l));
	if (n < 0 && errno != EINTR)
		return -errno;
	err = top_feed_turn(l->source);
	if (err)
		return err;
	if (n > 0 && (fds[0].revents || fds[1].revents)) {
		changed = true;
		read_signals(l);
		read_keys(l);
		if (fds[1].revents & (POLLHUP | POLLERR))
			l->stop = true;
	}
	if (!l->scene.paused && !l->stop && clock_monotonic_ns() >= l->next_ns) {
		take_sample(l);
		l->next_ns = clock_monotonic_ns() + l->interval_ns;
		changed = true;
	}
	if (changed && !l->stop)
		top_screen_draw(l->screen, &l->scene);
	return 0;
}

static int run(struct live *l)
{
	int err = 0;

	take_sample(l);
	l->next_ns = clock_monotonic_ns() + l->interval_ns;
	top_screen_draw(l->screen, &l->scene);
	while (!err && !l->stop)
		err = step(l);
	return err;
}

static int open_signals(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void free_live(struct live *l)
{
	top_screen_close(l->screen);
	set_view(l, NULL, NULL);
	set_last(l, NULL);
	file_closep(&l->signals);
}

int top_live(struct top_feed *source, unsigned int interval_ms)
{
	_cleanup_(free_live) struct live l = { .source = source,
					       .interval_ns = interval_ms * NS_PER_MS,
					       .scene = { .source = top_feed_name(source),
							  .interval_s = interval_ms / 1000.0 } };
	int err;

	l.signals = open_signals();
	if (l.signals < 0)
		return l.signals;
	err = top_screen_open(&l.screen);
	return err ? err : run(&l);
}
