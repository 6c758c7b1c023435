/* SPDX-License-Identifier: MIT */
/* Repairs of nginx: started, or its configuration read again. Invariant: nothing is done with a configuration that nginx itself refuses. */
#include "check/fix_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "check/nginx_process.h"

#define OUTPUT_MAX 4096
#define NGINX_MS 20000
#define NGINX_WAIT_NS (5 * NS_PER_SEC)
#define POLL_MS 50
#define SYSTEMD "/run/systemd/system" /* sd_booted(3) */

static int run(const char *const argv[], struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	int status = child_run(argv, NGINX_MS, &out);

	if (status == 0)
		return 0;
	buf_printf(why, "%s %s: ", argv[0], argv[1] ? argv[1] : "");
	if (status < 0)
		buf_add_str(why, strerror(-status));
	else
		buf_printf(why, "status %d: %.500s", status, buf_str(&out));
	return status < 0 ? status : -EIO;
}

static int test_config(struct buf *why)
{
	static const char *const argv[] = { "nginx", "-t", "-q", NULL };

	return run(argv, why);
}

/* Until a master runs all of whose workers are younger than @than_ticks: for a while after the new ones came, the old ones accept connections, too. */
static int wait_for_workers(uint64_t than_ticks, struct buf *why)
{
	const uint64_t end_ns = clock_monotonic_ns() + NGINX_WAIT_NS;
	struct nginx_processes p;

	do {
		if (nginx_processes_find(&p) == 0 && p.master && p.workers &&
		    p.oldest_ticks > than_ticks)
			return 0;
		poll(NULL, 0, POLL_MS);
	} while (clock_monotonic_ns() < end_ns);
	buf_add_str(why, "nginx does not work by new workers alone after 5 s");
	return -ETIMEDOUT;
}

static int apply_reload(struct fix *x, struct buf *said, struct buf *why)
{
	static const char *const reload[] = { "nginx", "-s", "reload", NULL };
	struct nginx_processes before;
	int err = nginx_processes_find(&before);

	(void)x;
	if (!err)
		err = test_config(why);
	if (!err)
		err = run(reload, why);
	if (!err)
		err = wait_for_workers(before.newest_ticks, why);
	if (!err)
		buf_add_str(said, "nginx has read its configuration again");
	return err;
}

static int apply_start(struct fix *x, struct buf *said, struct buf *why)
{
	static const char *const by_systemd[] = { "systemctl", "--no-ask-password", "start",
						  "nginx", NULL };
	static const char *const itself[] = { "nginx", NULL };
	int err = test_config(why);

	(void)x;
	if (!err)
		err = run(access(SYSTEMD, F_OK) == 0 ? by_systemd : itself, why);
	if (!err)
		err = wait_for_workers(0, why);
	if (!err)
		buf_add_str(said, "nginx was started");
	return err;
}

int fix_plan_nginx(struct fix *x, bool reload, struct buf *why)
{
	int err = test_config(why);

	if (err)
		return err;
	x->apply = reload ? apply_reload : apply_start;
	snprintf(x->title, sizeof(x->title), "%s",
		 reload ? "reload nginx (nginx -t is fine)" : "start nginx");
	return 0;
}
