/* SPDX-License-Identifier: MIT */
/* isamon service: the orders. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/util.h"
#include "care/service_lock.h"
#include "check/unfinished.h"
#include "cmd/cmd.h"
#include "cmd/service_cmd.h"
#include "cmd/tool.h"
#include "probe/listeners.h"

#define COMMAND "isamon service"
#define WHY_MAX 8192
#define TIMEOUT_MAX_S 3600

static const char usage[] =
	"usage: isamon service status | start | stop | restart | reload [OPTION...]\n"
	"\n"
	"The service, by whoever runs it: Supervisor or systemd, as [service] of the configuration says.\n"
	"\n"
	"  status        who runs it, its processes, and whether it answers\n"
	"  start         starts it, and waits until it is healthy\n"
	"  stop          stops it, and waits until nobody listens on its ports\n"
	"  restart       stops and starts it\n"
	"  reload        has it read its configuration again, if it can\n"
	"\n"
	"  --timeout S   how long to wait, instead of start_timeout and stop_timeout\n"
	"  --force       also while an update, a restore or VACUUM has it in hand, or one was cut off\n"
	"  --json        the status as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 done, or running and healthy; 1 it is not, or did not become so in time;\n"
	"2 wrong usage or configuration; 3 could not be done.\n";

static int listening(const uint16_t *ports, size_t n, bool *up, void *ctx)
{
	(void)ctx;
	return listeners_find("/proc", ports, n, up);
}

static void seen(const char *line, void *ctx)
{
	(void)ctx;
	fprintf(stderr, "%s\n", line);
}

int service_cmd_open(const char *command, const struct config *c, struct service_control **ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct service_hooks hooks = {
		.listening = listening,
		.seen = isatty(STDERR_FILENO) ? seen : NULL,
	};
	int err = service_control_open(c, &hooks, &why, ret);

	if (err)
		fprintf(stderr, "%s: %s\n", command, buf_str(&why));
	return err;
}

/* One that failed is meant to run. */
static int hook_runs(bool *ret, struct buf *why, void *ctx)
{
	struct service_state state;
	int err = service_control_state(ctx, &state, why);

	*ret = false;
	for (size_t i = 0; !err && i < state.n; i++)
		*ret |= state.processes[i].run != SERVICE_STOPPED;
	return err;
}

static int hook_stop(struct buf *why, void *ctx)
{
	return service_control_stop(ctx, 0, why);
}

static int hook_start(struct buf *why, void *ctx)
{
	return service_control_start(ctx, 0, why);
}

struct restore_service service_cmd_hooks(struct service_control *s)
{
	return (struct restore_service){ hook_runs, hook_stop, hook_start, s };
}

int service_cmd_lock(const char *command, const struct config *c, int *ret_fd)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = service_lock_alone(c->state_directory, &why, ret_fd);

	if (err)
		fprintf(stderr, "%s: %s\n", command, buf_str(&why));
	return err ? CMD_FAILED : CMD_OK;
}

int service_cmd_status(int err)
{
	if (!err)
		return CMD_OK;
	return err == -EHOSTDOWN || err == -ETIMEDOUT ? CMD_NOT_OK : CMD_FAILED;
}

static const struct {
	const char *name;
	const char *done;
	int (*order)(struct service_control *s, unsigned int timeout_ms, struct buf *why);
	bool starts; /* the service, with whatever is in its place */
} orders[] = {
	{ "start", "runs, and is healthy", service_control_start, true },
	{ "stop", "is stopped", service_control_stop, false },
	{ "restart", "was restarted, and is healthy", service_control_restart, true },
	{ "reload", "has read its configuration, and is healthy", service_control_reload, false },
	{ "status", NULL, NULL, false },
};

static int run_order(size_t i, struct service_control *s, const struct config *c,
		     unsigned int timeout_ms)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = orders[i].order(s, timeout_ms, &why);

	if (err)
		fprintf(stderr, COMMAND " %s: %s: %s\n", orders[i].name, c->service_name,
			why.len ? buf_str(&why) : strerror(-err));
	else
		printf("%s %s (%s)\n", c->service_name, orders[i].done, service_control_manager(s));
	return service_cmd_status(err);
}

struct order_options {
	const char *config_path;
	unsigned int timeout_ms;
	bool json, force;
};

/* Who cannot be told whether somebody else is at it goes on: the manager has let him come so far. */
static int hold(size_t i, const struct config *c, bool force, int *ret_fd)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = unfinished_hold(c, orders[i].starts, &why, ret_fd);

	if (!err)
		return CMD_OK;
	fprintf(stderr, COMMAND " %s: %s: %s%s\n", orders[i].name, c->service_name, buf_str(&why),
		err != -EBUSY ? "" :
		force         ? "; --force: it is done all the same" :
				"; --force does it all the same");
	return err == -EBUSY && !force ? CMD_FAILED : CMD_OK;
}

static int run(size_t i, const struct order_options *o)
{
	_cleanup_(service_control_closep) struct service_control *s = NULL;
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_(file_closep) int lock_fd = -1;
	int status = tool_load(o->config_path, &c);

	if (!status && orders[i].order)
		status = hold(i, c, o->force, &lock_fd);
	if (status)
		return status;
	if (service_cmd_open(COMMAND, c, &s))
		return CMD_FAILED;
	return orders[i].order ? run_order(i, s, c, o->timeout_ms) : service_show(s, c, o->json);
}

static size_t find_order(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (strcmp(name, orders[i].name) == 0)
			return i;
	return ARRAY_SIZE(orders);
}

int cmd_service(int argc, char **argv)
{
	struct order_options o = { .json = false };
	const char *timeout = NULL;
	const struct tool_option options[] = {
		{ "json", &o.json, NULL },
		{ "force", &o.force, NULL },
		{ "timeout", NULL, &timeout },
		{ "config", NULL, &o.config_path },
	};
	uint64_t timeout_s = 0;
	int first, status;
	size_t order;

	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	order = find_order(first < argc ? argv[first] : "");
	if (first == argc) {
		fputs(usage, stderr);
		return CMD_USAGE;
	}
	if (order == ARRAY_SIZE(orders))
		return tool_wrong(COMMAND, usage, TOOL_UNKNOWN_COMMAND, argv[first]);
	if (first + 1 != argc)
		return tool_wrong(COMMAND, usage, TOOL_UNEXPECTED, argv[first + 1]);
	if (o.json && orders[order].order)
		return tool_wrong(COMMAND, usage, "--json is of status", NULL);
	if (o.force && !orders[order].order)
		return tool_wrong(COMMAND, usage, "--force is of orders", NULL);
	if (timeout && number_parse_u64(timeout, 1, TIMEOUT_MAX_S, &timeout_s)) {
		fprintf(stderr, COMMAND ": --timeout %s: not a number of seconds from 1 to %d\n",
			timeout, TIMEOUT_MAX_S);
		return CMD_USAGE;
	}
	o.timeout_ms = (unsigned int)timeout_s * 1000;
	return run(order, &o);
}
