/* SPDX-License-Identifier: MIT */
/* The table of repairs, and those of the service and nginx. */
#include "check/fix.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "check/fix_impl.h"
#include "check/nginx_process.h"
#include "check/unfinished.h"
#include "probe/listeners.h"

#define OUTPUT_MAX 4096
#define NGINX_MS 20000
#define NGINX_WAIT_NS (5 * NS_PER_SEC)
#define POLL_MS 50
#define SYSTEMD "/run/systemd/system" /* sd_booted(3) */

int fix_plan(const struct config *c, const struct finding *f, struct buf *why, struct fix **ret)
{
	struct fix *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	x->config = c;
	x->top_fd = -1;
	if (strcmp(f->fix, "service-start") == 0)
		err = fix_plan_service(x, false, why);
	else if (strcmp(f->fix, "service-restart") == 0)
		err = fix_plan_service(x, true, why);
	else if (strcmp(f->fix, "nginx-start") == 0)
		err = fix_plan_nginx(x, false, why);
	else if (strcmp(f->fix, "nginx-reload") == 0)
		err = fix_plan_nginx(x, true, why);
	else if (strcmp(f->fix, "permissions") == 0)
		err = fix_plan_tree(x, f->subject, why);
	else
		err = -ENOENT;
	if (err == -ENOENT && !why->len)
		buf_printf(why, "no repair is called \"%s\"", f->fix);
	if (err) {
		fix_free(x);
		return err;
	}
	*ret = x;
	return 0;
}

void fix_free(struct fix *x)
{
	if (!x)
		return;
	service_control_close(x->control);
	for (size_t i = 0; i < x->n; i++)
		free(x->items[i].path);
	free(x->items);
	if (x->top_fd >= 0)
		close(x->top_fd);
	free(x);
}

void fix_freep(struct fix **x)
{
	fix_free(*x);
}

const char *fix_title(const struct fix *x)
{
	return x->title;
}

int fix_apply(struct fix *x, struct buf *said, struct buf *why)
{
	return x->apply(x, said, why);
}

/* --- the service */

static int listening(const uint16_t *ports, size_t n, bool *up, void *ctx)
{
	(void)ctx;
	return listeners_find("/proc", ports, n, up);
}

/* Whoever has stopped the service for a while starts it; that may have begun since it was planned. */
static int apply_service(struct fix *x, struct buf *said, struct buf *why)
{
	_cleanup_(file_closep) int lock_fd = -1;
	int err = unfinished_hold(x->config, true, why, &lock_fd);

	if (err == -EBUSY)
		return err;
	buf_reset(why);
	err = x->restart ? service_control_restart(x->control, 0, why) :
			   service_control_start(x->control, 0, why);
	if (!err)
		buf_printf(said, "%s was %s, and is healthy", x->config->service_name,
			   x->restart ? "restarted" : "started");
	return err;
}

int fix_plan_service(struct fix *x, bool restart, struct buf *why)
{
	const struct service_hooks hooks = { .listening = listening };
	int err = unfinished_refuse(x->config, why);

	if (!err)
		err = service_control_open(x->config, &hooks, why, &x->control);
	if (err)
		return err;
	x->restart = restart;
	x->apply = apply_service;
	snprintf(x->title, sizeof(x->title), "%s %s (%s %s)", restart ? "restart" : "start",
		 x->config->service_name, service_control_manager(x->control),
		 service_control_name(x->control));
	return 0;
}

/* --- nginx */

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

/* Until a master runs whose newest worker is younger than @than_s. */
static int wait_for_workers(double than_s, struct buf *why)
{
	const uint64_t end_ns = clock_monotonic_ns() + NGINX_WAIT_NS;
	struct nginx_processes p;

	do {
		if (nginx_processes_find(&p) == 0 && p.master && p.read_s > than_s)
			return 0;
		poll(NULL, 0, POLL_MS);
	} while (clock_monotonic_ns() < end_ns);
	buf_add_str(why, "no new worker of nginx is there after 5 s");
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
		err = wait_for_workers(before.read_s, why);
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
