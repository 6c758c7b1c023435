/* SPDX-License-Identifier: MIT */
/* When to look and when a minute is over. Invariant: between the first second and the end there is always one minute under way. */
#include "cmd/history_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"

#define PROC_TEXT_MAX (256u << 10)

struct history_watch {
	const struct config *config;
	struct history_watch_hooks hooks;
	struct history *history;
	struct history_sum sum;
	bool begun;
	uint64_t look_due_ns;
	int trouble; /* as it was said; 0: none */
	bool lost;   /* likewise */
};

int history_watch_new(struct event_base *base, const struct config *c,
		      const struct history_watch_hooks *hooks, struct history_watch **ret)
{
	struct history_watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->config = c;
	w->hooks = *hooks;
	err = history_new(base, c->state_directory, &w->history);
	if (err)
		free(w);
	else
		*ret = w;
	return err;
}

void history_watch_reload(struct history_watch *w, const struct config *c)
{
	w->config = c;
}

void history_watch_observe(const struct http_observed *o, void *ctx)
{
	struct history_watch *w = ctx;

	if (w->begun)
		history_sum_request(&w->sum, o);
}

/* --- looking */

static void look_at_host(struct history_look *l)
{
	_cleanup_(buf_done) struct buf stat = BUF_INIT(PROC_TEXT_MAX);
	_cleanup_(buf_done) struct buf memory = BUF_INIT(PROC_TEXT_MAX);

	l->has_host_cpu =
		file_read("/proc/stat", &stat) == 0 && host_parse_cpu(buf_str(&stat), &l->host_cpu);
	l->has_host_memory = file_read("/proc/meminfo", &memory) == 0 &&
			     host_parse_memory(buf_str(&memory), &l->host_memory);
}

static void look(struct history_watch *w)
{
	struct history_look l = { .free_fds = UINT64_MAX };

	w->hooks.look(&l, w->hooks.ctx);
	look_at_host(&l);
	l.monotonic_ns = clock_monotonic_ns();
	history_sum_look(&w->sum, &l);
	w->look_due_ns = l.monotonic_ns + HISTORY_LOOK_S * NS_PER_SEC;
}

static void glance(struct history_watch *w)
{
	struct history_glance g = { .known = false };

	w->hooks.glance(&g, w->hooks.ctx);
	history_sum_glance(&w->sum, &g);
}

/* --- the minute */

/* Said when it changes, not each minute. */
static void say(struct history_watch *w, int err)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	uint64_t lost;
	const unsigned int kept = history_kept(w->history, &lost);

	if (lost && !w->lost) {
		log_warning(
			"the history of minutes has a gap: it could not be written for %u minutes, and "
			"no more are kept",
			kept);
		w->lost = true;
	}
	if (err == w->trouble)
		return;
	w->trouble = err;
	history_why(w->history, &why);
	if (err)
		log_warning("the history of minutes cannot be written: %s; the minute is %s",
			    why.len ? buf_str(&why) : strerror(-err),
			    err == -EAGAIN || err == -ENOMEM ? "lost" : "kept for the next try");
	else
		log_info("the history of minutes is written again");
}

static void on_added(int err, void *ctx)
{
	say(ctx, err);
}

static const char *disk_of(const struct config *c)
{
	return strcmp(c->backup_data, CONFIG_BACKUP_NONE) != 0 ? c->backup_data :
								 c->state_directory;
}

static void finish(struct history_watch *w)
{
	struct history_minute m;
	int err;

	look(w);
	glance(w);
	history_sum_end(&w->sum, clock_monotonic_ns(), &m);
	if (!m.watched_s)
		return;
	err = history_add(w->history, &m, disk_of(w->config), on_added, w);
	if (err)
		say(w, err);
}

void history_watch_second(struct history_watch *w, int64_t now_s, uint64_t monotonic_ns)
{
	const int64_t start_s = now_s - now_s % HISTORY_MINUTE_S;

	if (w->begun && start_s == w->sum.minute.start_s) {
		glance(w);
		if (monotonic_ns >= w->look_due_ns)
			look(w);
		return;
	}
	if (w->begun)
		finish(w);
	history_sum_begin(&w->sum, start_s, monotonic_ns);
	if (!w->begun) {
		glance(w);
		look(w);
	}
	w->begun = true;
}

void history_watch_free(struct history_watch *w)
{
	if (!w)
		return;
	if (w->begun)
		finish(w);
	if (!history_close(w->history, HISTORY_CLOSE_MS))
		log_warning(
			"the history of minutes ends a minute early: %s does not answer within %d s",
			w->config->state_directory, HISTORY_CLOSE_MS / 1000);
	free(w);
}
