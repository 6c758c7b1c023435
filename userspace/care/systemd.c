/* SPDX-License-Identifier: MIT */
/*
 * systemctl as a child, never for longer than its time. Orders are given with --no-block: it is the caller who waits, so that what
 * is seen meanwhile can be told.
 */
#include "care/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/utf8.h"
#include "base/util.h"

#define TIMEOUT_MS 20000
#define SHOW_MS 5000 /* it only asks */
#define OUTPUT_MAX 16384
#define TAIL_MAX 4096
#define UNIT_MAX 255
#define US_PER_S 1000000

struct systemd {
	char unit[UNIT_MAX + 1];
};

int systemd_open(const char *unit, struct buf *why, struct systemd **ret)
{
	struct systemd *s;

	if (!*unit || *unit == '-' || strlen(unit) > UNIT_MAX || strpbrk(unit, " \t/*?[")) {
		buf_printf(why, "%s is not the name of a unit", unit);
		return -EINVAL;
	}
	if (!child_find("systemctl", NULL)) {
		buf_add_str(why, "there is no systemctl here");
		return -ENOENT;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		buf_add_str(why, strerror(ENOMEM));
		return -ENOMEM;
	}
	snprintf(s->unit, sizeof(s->unit), "%s", unit);
	*ret = s;
	return 0;
}

void systemd_close(struct systemd *s)
{
	free(s);
}

/* --- what show says */

static void keep_text(const char *value, size_t n, char *to, size_t size)
{
	utf8_make_plain(value, n, to, size);
}

static void keep_number(const char *value, size_t n, uint64_t *to)
{
	char text[24];

	if (n >= sizeof(text))
		return;
	memcpy(text, value, n);
	text[n] = '\0';
	number_parse_u64(text, 0, UINT64_MAX, to);
}

static void keep(const char *line, size_t name_len, size_t len, struct systemd_unit *u)
{
	const struct {
		const char *name;
		char *text;
		size_t size;
		uint64_t *number;
	} keys[] = {
		{ "LoadState", u->load, sizeof(u->load), NULL },
		{ "ActiveState", u->active, sizeof(u->active), NULL },
		{ "SubState", u->sub, sizeof(u->sub), NULL },
		{ "Result", u->result, sizeof(u->result), NULL },
		{ "ReloadResult", u->reload_result, sizeof(u->reload_result), NULL },
		{ "MainPID", NULL, 0, &u->main_pid },
		{ "NRestarts", NULL, 0, &u->n_restarts },
		{ "ExecMainCode", NULL, 0, &u->exec_code },
		{ "ExecMainStatus", NULL, 0, &u->exec_status },
		{ "ExecMainStartTimestampMonotonic", NULL, 0, &u->started_us },
		{ "Job", NULL, 0, &u->job },
	};
	const char *value = line + name_len + 1;

	len -= name_len + 1;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].name) != name_len || memcmp(keys[i].name, line, name_len) != 0)
			continue;
		if (keys[i].text)
			keep_text(value, len, keys[i].text, keys[i].size);
		else
			keep_number(value, len, keys[i].number);
	}
	if (name_len == 9 && memcmp(line, "CanReload", 9) == 0)
		u->can_reload = len == 3 && memcmp(value, "yes", 3) == 0;
}

void systemd_parse_show(const char *text, struct systemd_unit *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (*text) {
		size_t len = strcspn(text, "\n"), name_len = strcspn(text, "=\n");

		if (name_len < len)
			keep(text, name_len, len, ret);
		text += len + (text[len] == '\n');
	}
}

static enum service_run run_of(const struct systemd_unit *u)
{
	static const struct {
		const char *active;
		enum service_run run;
	} states[] = {
		{ "active", SERVICE_RUNNING },        { "reloading", SERVICE_RUNNING },
		{ "refreshing", SERVICE_RUNNING },    { "activating", SERVICE_STARTING },
		{ "deactivating", SERVICE_STOPPING }, { "inactive", SERVICE_STOPPED },
		{ "maintenance", SERVICE_STOPPED },   { "failed", SERVICE_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(u->active, states[i].active) == 0)
			return states[i].run;
	return SERVICE_UNKNOWN;
}

static bool is_bad(const char *result)
{
	return *result && strcmp(result, "success") != 0;
}

/* What is not "loaded" cannot be started; what runs goes on all the same. */
static void say_load(const struct systemd_unit *u, char *why, size_t size)
{
	if (strcmp(u->load, "masked") == 0)
		snprintf(why, size, "the unit is masked: systemctl unmask frees it");
	else if (*u->load && strcmp(u->load, "loaded") != 0)
		snprintf(why, size, "its file cannot be used (%s): systemd-analyze verify says why",
			 u->load);
}

void systemd_state_of(const struct systemd_unit *u, uint64_t now_us, int64_t now_s,
		      struct service_process *ret)
{
	*ret = (struct service_process){ .run = run_of(u), .exit_status = -1 };
	if (*u->sub)
		snprintf(ret->word, sizeof(ret->word), "%s (%s)", u->active, u->sub);
	else
		snprintf(ret->word, sizeof(ret->word), "%s", u->active);
	ret->pid = u->main_pid <= INT32_MAX ? (pid_t)u->main_pid : 0;
	ret->n_restarts = u->n_restarts;
	if (u->started_us && u->started_us <= now_us)
		ret->since_s = now_s - (int64_t)((now_us - u->started_us) / US_PER_S);
	if (u->exec_code == CLD_EXITED && u->exec_status < 256)
		ret->exit_status = (int)u->exec_status;
	else if ((u->exec_code == CLD_KILLED || u->exec_code == CLD_DUMPED) && u->exec_status < 128)
		ret->exit_status = 128 + (int)u->exec_status;
	ret->reloading =
		ret->run == SERVICE_RUNNING && (u->job || strcmp(u->active, "active") != 0);
	ret->reload_failed = is_bad(u->reload_result);
	if (ret->run != SERVICE_RUNNING && is_bad(u->result))
		snprintf(ret->why, sizeof(ret->why), "Result=%s", u->result);
	say_load(u, ret->why, sizeof(ret->why));
}

/* --- systemctl */

static int explain(const char *verb, int status, unsigned int timeout_ms, const struct buf *out,
		   struct buf *why)
{
	const char *text = buf_str(out);
	char line[300];

	if (status == 0)
		return 0;
	if (status == -ETIMEDOUT) {
		buf_printf(why, "systemctl %s did not end within %u s", verb, timeout_ms / 1000);
		return status;
	}
	if (status < 0) {
		buf_printf(why, "systemctl: %s", strerror(-status));
		return status;
	}
	utf8_make_plain(text, strcspn(text, "\n"), line, sizeof(line));
	buf_printf(why, "systemctl %s: %s (status %d)", verb, *line ? line : "it does not say why",
		   status);
	return strstr(text, "not found") ? -ENOENT : -EIO;
}

static int order(struct systemd *s, const char *verb, struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	const char *argv[] = { "systemctl", "--no-ask-password", "--no-block", verb, "--", s->unit,
			       NULL };

	return explain(verb, child_run(argv, TIMEOUT_MS, &out), TIMEOUT_MS, &out, why);
}

static const char properties[] =
	"LoadState,ActiveState,SubState,Result,ReloadResult,MainPID,NRestarts,ExecMainCode,"
	"ExecMainStatus,ExecMainStartTimestampMonotonic,CanReload,Job";

static int show(struct systemd *s, struct systemd_unit *ret, struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	const char *argv[] = { "systemctl", "--no-pager", "show",  "--property",
			       properties,  "--",         s->unit, NULL };
	int err = explain("show", child_run(argv, SHOW_MS, &out), SHOW_MS, &out, why);

	if (err)
		return err;
	systemd_parse_show(buf_str(&out), ret);
	if (*ret->load && strcmp(ret->load, "not-found") != 0)
		return 0;
	buf_printf(why, "systemd has no unit %s", s->unit);
	return -ENOENT;
}

static int look(void *manager, struct service_state *ret, struct buf *why)
{
	struct systemd *s = manager;
	struct systemd_unit u;
	int err = show(s, &u, why);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	systemd_state_of(&u, clock_monotonic_ns() / 1000,
			 (int64_t)(clock_realtime_ns() / NS_PER_SEC), &ret->processes[0]);
	snprintf(ret->processes[0].name, sizeof(ret->processes[0].name), "%.127s", s->unit);
	/* An order that was taken, and nothing done of it yet. */
	if (u.job &&
	    (ret->processes[0].run == SERVICE_STOPPED || ret->processes[0].run == SERVICE_FAILED))
		ret->processes[0].run = SERVICE_STARTING;
	ret->n = 1;
	service_state_sum(ret);
	return 0;
}

/*
 * A unit that was started too often is not started again before that is forgotten, and one that runs is stopped by such a restart; what
 * is ordered here is meant. A unit that systemd has not loaded has nothing to forget.
 */
static int order_start(struct systemd *s, const char *verb, struct buf *why)
{
	_cleanup_(buf_done) struct buf ignored = BUF_INIT(512);
	struct systemd_unit u;
	char bad[128] = "";
	int err = show(s, &u, why);

	if (err)
		return err;
	say_load(&u, bad, sizeof(bad));
	if (*bad) {
		buf_printf(why, "%s cannot be started: %s", s->unit, bad);
		return -ENOEXEC;
	}
	order(s, "reset-failed", &ignored);
	return order(s, verb, why);
}

static int start(void *manager, struct buf *why)
{
	return order_start(manager, "start", why);
}

static int stop(void *manager, struct buf *why)
{
	return order(manager, "stop", why);
}

static int restart(void *manager, struct buf *why)
{
	return order_start(manager, "restart", why);
}

static int reload(void *manager, struct buf *why)
{
	struct systemd *s = manager;
	struct systemd_unit u;
	int err = show(s, &u, why);

	if (err)
		return err;
	if (run_of(&u) != SERVICE_RUNNING) {
		buf_printf(why, "%s is not running (%s)", s->unit, u.active);
		return -ESRCH;
	}
	if (!u.can_reload) {
		buf_printf(why, "%s has no ExecReload=: use restart", s->unit);
		return -ENOTSUP;
	}
	return order(s, "reload", why);
}

static void tail(void *manager, struct buf *out)
{
	struct systemd *s = manager;
	_cleanup_(buf_done) struct buf text = BUF_INIT(TAIL_MAX);
	const char *argv[] = { "journalctl", "--no-pager", "--quiet", "--lines", "10",
			       "--output",   "cat",        "--unit",  s->unit,   NULL };

	if (child_run(argv, TIMEOUT_MS, &text) == 0)
		buf_add(out, buf_str(&text), text.len);
}

static void close_manager(void *manager)
{
	systemd_close(manager);
}

const struct manager_ops systemd_manager = {
	.name = "systemd",
	.look = look,
	.start = start,
	.stop = stop,
	.restart = restart,
	.reload = reload,
	.tail = tail,
	.close = close_manager,
};
