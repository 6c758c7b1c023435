/* SPDX-License-Identifier: MIT */
/*
 * Either socket_path is set and the daemon is asked, or probe and metrics are: what the daemon does, in
 * small, without listener and for one person.
 */
#include "cmd/top_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/setup.h"
#include "metrics/http_metrics.h"
#include "probe/http_probe.h"
#include "probe/listeners.h"
#include "serve/ask.h"

#define ASK_MS 1000
#define ASK_ANSWER_MAX (64u << 20)
#define TURN_MS 50

struct top_feed {
	const struct config *config;
	char *socket_path; /* NULL: attached */
	struct http_probe *probe;
	struct http_metrics *metrics;
	uint64_t since_ns;
	uint64_t tick_ns; /* when the last second of max_ns began */
};

static void on_record(const struct http_record *r, size_t size, void *ctx)
{
	struct top_feed *s = ctx;

	http_metrics_add(s->metrics, r, size);
}

static void feed_close(struct top_feed *s)
{
	if (!s)
		return;
	http_probe_close(s->probe);
	http_metrics_free(s->metrics);
	free(s->socket_path);
	free(s);
}

void top_feed_closep(struct top_feed **s)
{
	feed_close(*s);
}

const char *top_feed_name(const struct top_feed *s)
{
	return s->socket_path ? "daemon" : "attached";
}

static int ask(const char *socket_path, struct top_sample **ret)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(ASK_ANSWER_MAX);
	int err = ask_daemon(socket_path, "/top", ASK_MS, &body);

	return err ? err : top_sample_parse(buf_str(&body), body.len, ret);
}

static bool service_up(const struct config *c)
{
	bool up[CONFIG_PORTS_MAX] = { false };
	size_t i;

	if (listeners_find("/proc", c->ports, c->n_ports, up))
		return false;
	for (i = 0; i < c->n_ports; i++)
		if (up[i])
			return true;
	return false;
}

static int sample_own(struct top_feed *s, struct top_sample **ret)
{
	const struct top_sample head = { .service = s->config->service_name,
					 .service_up = service_up(s->config),
					 .monotonic_ns = clock_monotonic_ns(),
					 .since_ns = s->since_ns };
	struct http_totals totals;
	int err = top_feed_turn(s);

	if (!err)
		err = http_probe_totals(s->probe, &totals);
	if (err)
		return err;
	http_metrics_set_totals(s->metrics, &totals);
	return top_sample_take(s->metrics, &head, ret);
}

int top_feed_sample(struct top_feed *s, struct top_sample **ret)
{
	return s->socket_path ? ask(s->socket_path, ret) : sample_own(s, ret);
}

int top_feed_turn_ms(const struct top_feed *s)
{
	return s->socket_path ? -1 : TURN_MS;
}

int top_feed_fd(const struct top_feed *s)
{
	return s->probe ? http_probe_fd(s->probe) : -1;
}

int top_feed_turn(struct top_feed *s)
{
	uint64_t now_ns = clock_monotonic_ns();
	int n = s->probe ? http_probe_drain(s->probe) : 0;

	if (s->probe && now_ns - s->tick_ns >= NS_PER_SEC) {
		http_metrics_tick(s->metrics);
		s->tick_ns = now_ns;
	}
	return n < 0 ? n : 0;
}

/* Takes @patterns over. */
static int attach_probe(struct top_feed *s, struct route_patterns *patterns, struct buf *why)
{
	const struct http_probe_options o = { .ring_bytes = s->config->ring_kib * 1024 };
	int err = http_metrics_new(patterns, s->config->max_series, &s->metrics);

	if (err) {
		buf_add_str(why, strerror(-err));
		return err;
	}
	setup_streams(s->config, s->metrics);
	err = http_probe_open(&o, on_record, s, why, &s->probe);
	if (err)
		return err;
	http_probe_set_ports(s->probe, s->config->ports, s->config->n_ports);
	s->since_ns = s->tick_ns = clock_monotonic_ns();
	return 0;
}

/* Says why the daemon does not answer, for those who cannot attach instead. */
static void explain_daemon(const char *path, int err, struct buf *why)
{
	if (err == -EACCES)
		buf_printf(why, "only root may ask the daemon at %s; try it with sudo", path);
	else if (err == -ENOENT || err == -ECONNREFUSED)
		buf_printf(why,
			   "no daemon answers at %s, and only root can look by itself; start "
			   "the daemon (isamon run), or try it with sudo",
			   path);
	else
		buf_printf(why, "the daemon at %s does not answer as it should: %s", path,
			   strerror(-err));
}

/* 0: the daemon is there. 1: there is none, but we are root. Else -errno. */
static int find_daemon(struct top_feed *s, struct buf *why)
{
	struct top_sample *sample = NULL;
	int err = ask(s->socket_path, &sample);

	top_sample_free(sample);
	if (!err)
		return 0;
	if ((err == -ENOENT || err == -ECONNREFUSED) && geteuid() == 0)
		return 1;
	explain_daemon(s->socket_path, err, why);
	return err;
}

static char *socket_path_of(const struct config *c)
{
	struct buf path = BUF_INIT(4096);

	buf_printf(&path, "%s/isamon.sock", c->runtime_directory);
	return buf_steal(&path);
}

static int open_source(struct top_feed *s, struct route_patterns **patterns, bool attach,
		       struct buf *why)
{
	int found = 1;

	if (!attach) {
		s->socket_path = socket_path_of(s->config);
		if (!s->socket_path)
			return -ENOMEM;
		found = find_daemon(s, why);
	}
	if (found <= 0)
		return found;
	free(take(s->socket_path));
	return attach_probe(s, take(*patterns), why);
}

int top_feed_open(const struct config *c, struct route_patterns *patterns, bool attach,
		  struct buf *why, struct top_feed **ret)
{
	_cleanup_(top_feed_closep) struct top_feed *s = calloc(1, sizeof(*s));
	int err;

	if (s)
		s->config = c;
	err = s ? open_source(s, &patterns, attach, why) : -ENOMEM;
	route_patterns_free(patterns);
	if (err)
		return err;
	*ret = take(s);
	return 0;
}
