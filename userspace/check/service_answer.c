/* SPDX-License-Identifier: MIT */
/* Whether the service answers its health; one that takes connections and says nothing is blocked, and that is another thing than one that says it is
 * not well. */
#include <errno.h>
#include <stdio.h>

#include "base/number.h"
#include "base/util.h"
#include "care/health.h"
#include "check/service_checks_impl.h"
#include "probe/listeners.h"
#include "probe/proc.h"

#define WHY_MAX 1024
#define HEALTH_MS 2000
#define SLOW_NS 1000000000ull
#define MS_NS 1e6
#define RESTART "isamon service restart"

/* Appends those of its processes that a signal has stopped (SIGSTOP, a debugger). */
static void add_stopped(const struct config *c, struct buf *out)
{
	struct members *m = NULL;
	const struct member *list;
	size_t n = 0;

	if (service_members(c, &m))
		return;
	list = members_list(m, &n);
	for (size_t i = 0; i < n; i++) {
		struct proc_stat stat;

		if (list[i].role != MEMBER_HELPER &&
		    proc_read_stat("/proc", list[i].pid, &stat) == 0 &&
		    (stat.state == 'T' || stat.state == 't'))
			buf_printf(out, "; process %d is stopped by a signal or a debugger",
				   (int)list[i].pid);
	}
	members_free(m);
}

static uint64_t waiting(uint16_t port)
{
	uint64_t n = 0;
	bool up;

	return listeners_waiting("/proc", &port, 1, &up, &n) == 0 ? n : 0;
}

static int tell_blocked(const struct config *c, const struct health *h, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(WHY_MAX);
	const uint64_t n = waiting(c->ports[0]);
	const struct finding_text t = {
		.id = "service.loop",
		.result = FINDING_PROBLEM,
		.meaning = "the service takes connections, but its event loop is blocked",
		.remedy = RESTART
		"; a request that computes or waits without await blocks all others",
		.fix = "service-restart",
	};

	buf_printf(&text, "%s", h->why);
	if (n)
		buf_printf(&text, "; %llu connection%s to be accepted", (unsigned long long)n,
			   n == 1 ? " waits" : "s wait");
	add_stopped(c, &text);
	return findings_add(out, &t, "%s", buf_str(&text));
}

static int tell_ill(const struct health *h, struct findings *out)
{
	const struct finding_text t = {
		.id = "service.health",
		.result = FINDING_PROBLEM,
		.meaning = h->err ? "the service does not answer" :
				    "the service answers, but is not well",
		.remedy = h->err ? "see what runs it and who listens, above" :
				   "isamon logs tail tells why; " RESTART,
		.fix = "service-restart",
	};

	return findings_add(out, &t, "%s", h->why);
}

static int tell_well(const struct health *h, struct findings *out)
{
	const bool slow = h->took_ns > SLOW_NS;
	const struct finding_text well = {
		.id = "service.health",
		.result = slow ? FINDING_WARNING : FINDING_FINE,
		.meaning = slow ? "the service answers slowly" : NULL,
		.remedy = slow ? "isamon top shows the routes that take long" : NULL,
	};
	int err = findings_add(out, &well, "%s answers %d in %.0f ms%s%s", h->path, h->status,
			       (double)h->took_ns / MS_NS, *h->body ? ": " : "", h->body);

	if (err)
		return err;
	return findings_add(out, &(struct finding_text){ .id = "service.loop" },
			    "its event loop is not blocked");
}

int service_look_answer(const struct check_input *in, struct findings *out)
{
	const struct config *c = in->config;
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct http *http = NULL;
	struct health h;
	int err = http_new(&why, &http);

	if (err)
		return findings_add(out,
				    &(struct finding_text){ .id = "service.health",
							    .result = FINDING_UNKNOWN },
				    "%s", buf_str(&why));
	if (health_ask(http, c->ports[0], c->service_health, HEALTH_MS, &h))
		err = tell_well(&h, out);
	else
		err = h.err == -ETIMEDOUT ? tell_blocked(c, &h, out) : tell_ill(&h, out);
	http_free(http);
	return err;
}
