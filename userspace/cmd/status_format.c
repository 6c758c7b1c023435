/* SPDX-License-Identifier: MIT */
/* A line a subject, its name on the left. Nothing that came from outside is written but through
 * top_format_text(), which leaves no control byte in it. */
#include "cmd/status_format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "cmd/top_format.h"

#define LABEL_WIDTH 11
#define RED "\033[1;31m"
#define GREEN "\033[1;32m"
#define PLAIN "\033[0m"
#define NS_PER_S 1e9
#define LOGS_OLD_S 10 /* younger than that is on its way */

void status_format_duration(double s, char cell[static STATUS_CELL_MAX])
{
	uint64_t n;

	if (!(s >= 0) || s > 1e9) {
		snprintf(cell, STATUS_CELL_MAX, "?");
		return;
	}
	n = (uint64_t)s;
	if (s < 9.95)
		snprintf(cell, STATUS_CELL_MAX, "%.1f s", s);
	else if (n < 60)
		snprintf(cell, STATUS_CELL_MAX, "%" PRIu64 " s", n);
	else if (n < 3600)
		snprintf(cell, STATUS_CELL_MAX, "%" PRIu64 " min %" PRIu64 " s", n / 60, n % 60);
	else if (n < 86400)
		snprintf(cell, STATUS_CELL_MAX, "%" PRIu64 " h %" PRIu64 " min", n / 3600,
			 n % 3600 / 60);
	else
		snprintf(cell, STATUS_CELL_MAX, "%" PRIu64 " d %" PRIu64 " h", n / 86400,
			 n % 86400 / 3600);
}

void status_format_bytes(uint64_t bytes, char cell[static STATUS_CELL_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(cell, STATUS_CELL_MAX, "%" PRIu64 " B", bytes);
		return;
	}
	for (; v >= 1023.5 && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1024;
	snprintf(cell, STATUS_CELL_MAX, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[i]);
}

/* "2026-11-24 03:12:05" */
static void format_time(double at_s, char cell[static STATUS_CELL_MAX])
{
	const bool sane = at_s >= 0 && at_s < 1e11;
	time_t at = sane ? (time_t)at_s : 0;
	struct tm tm;

	if (!sane || !localtime_r(&at, &tm) ||
	    !strftime(cell, STATUS_CELL_MAX, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(cell, STATUS_CELL_MAX, "?");
}

static void add_text(const char *text, struct buf *out)
{
	top_format_text(text, SIZE_MAX, top_format_utf8(), out);
}

static void label(const char *name, struct buf *out)
{
	buf_printf(out, "%-*s", LABEL_WIDTH, name);
}

static bool known(uint64_t v)
{
	return v != STATUS_UNKNOWN;
}

static void add_count(uint64_t v, const char *what, const char **separator, struct buf *out)
{
	if (!known(v))
		return;
	buf_printf(out, "%s%" PRIu64 " %s", *separator, v, what);
	*separator = "   ";
}

static void add_seconds(double s, const char *what, const char **separator, struct buf *out)
{
	char cell[TOP_CELL_MAX];

	if (!(s >= 0 && s < 1e9))
		return;
	top_format_time((uint64_t)(s * NS_PER_S), cell);
	buf_printf(out, "%s%s %s", *separator, what, cell);
	*separator = "   ";
}

static void write_verdict(const struct status *s, bool colour, struct buf *out)
{
	buf_add_str(out, colour ? s->fine ? GREEN : RED : "");
	add_text(s->service, out);
	if (s->fine)
		buf_add_str(out, ": up and fine");
	else
		buf_add_str(out, s->service_up ? ": up, but not fine" : ": DOWN");
	for (size_t i = 0; i < s->n_problems; i++) {
		buf_add_str(out, i ? "; " : ": ");
		add_text(s->problems[i], out);
	}
	buf_add_str(out, colour ? PLAIN "\n\n" : "\n\n");
}

static void write_since(const struct status *s, struct buf *out)
{
	double since = s->service_up ? s->up_since_s : s->down_since_s;
	char at[STATUS_CELL_MAX], ago[STATUS_CELL_MAX];

	if (!isfinite(since)) {
		if (s->service_up) {
			label("up", out);
			buf_add_str(out, "since when is not known yet\n");
		}
		return;
	}
	format_time(since, at);
	status_format_duration(s->now_s - since, ago);
	label(s->service_up ? "up" : "down", out);
	buf_printf(out, "since %s (%s)\n", at, ago);
}

static void write_mains(const struct status *s, const char **separator, struct buf *out)
{
	if (!known(s->main_pid)) {
		add_count(s->mains, s->mains == 1 ? "main process" : "main processes", separator,
			  out);
		return;
	}
	buf_printf(out, "main %" PRIu64, s->main_pid);
	if (known(s->mains) && s->mains > 1)
		buf_printf(out, " and %" PRIu64 " more", s->mains - 1);
	*separator = "   ";
}

static void write_processes(const struct status *s, struct buf *out)
{
	const char *separator = "";

	if (!known(s->mains) && !known(s->main_pid)) {
		if (s->service_up) {
			label("processes", out);
			buf_add_str(out, "not known yet\n");
		}
		return;
	}
	label("processes", out);
	write_mains(s, &separator, out);
	/* One that is alone serves by itself. */
	if (s->workers || s->helpers) {
		add_count(s->workers, s->workers == 1 ? "worker" : "workers", &separator, out);
		add_count(s->helpers, s->helpers == 1 ? "helper" : "helpers", &separator, out);
	}
	add_count(s->threads, s->threads == 1 ? "thread" : "threads", &separator, out);
	buf_add_char(out, '\n');
}

static void write_requests(const struct status *s, struct buf *out)
{
	char requests[TOP_CELL_MAX], errors[TOP_CELL_MAX];
	const char *separator = "";

	label("requests", out);
	if (!isfinite(s->interval_s)) {
		buf_add_str(out, "not known yet\n");
		return;
	}
	top_format_rate(s->requests_per_second, requests);
	top_format_rate(s->errors_per_second, errors);
	buf_printf(out, "%s/s   errors %s/s", requests, errors);
	if (isfinite(s->error_ratio))
		buf_printf(out, " (%.1f %%)", s->error_ratio * 100);
	buf_printf(out, "   over %.1f s\n", s->interval_s);
	if (!isfinite(s->p50_s) && !isfinite(s->turn_p99_s))
		return;
	label("latency", out);
	add_seconds(s->p50_s, "p50", &separator, out);
	add_seconds(s->p99_s, "p99", &separator, out);
	add_seconds(s->queue_p99_s, "queue p99", &separator, out);
	add_seconds(s->turn_p99_s, "turn p99", &separator, out);
	buf_add_char(out, '\n');
}

static void write_now(const struct status *s, struct buf *out)
{
	const char *separator = "";

	label("now", out);
	add_count(s->in_flight, "in flight", &separator, out);
	add_count(s->connections, s->connections == 1 ? "connection" : "connections", &separator,
		  out);
	add_count(s->websockets_open, s->websockets_open == 1 ? "WebSocket" : "WebSockets",
		  &separator, out);
	buf_add_char(out, '\n');
}

static void write_cpu(const struct status *s, struct buf *out)
{
	if (!isfinite(s->cpu_ratio))
		return;
	label("CPU", out);
	buf_printf(out, "%.1f %% of the host", s->cpu_ratio * 100);
	if (isfinite(s->cpus_used))
		buf_printf(out, "   %.2f CPUs", s->cpus_used);
	if (isfinite(s->cpu_throttled_ratio))
		buf_printf(out, "   at its limit %.0f %% of the time",
			   s->cpu_throttled_ratio * 100);
	buf_add_char(out, '\n');
}

static void write_memory(const struct status *s, struct buf *out)
{
	char cell[STATUS_CELL_MAX];

	if (!known(s->memory_bytes))
		return;
	label("memory", out);
	status_format_bytes(s->memory_bytes, cell);
	buf_add_str(out, cell);
	if (isfinite(s->memory_ratio))
		buf_printf(out, " (%.1f %% of the host)", s->memory_ratio * 100);
	if (known(s->swap_bytes) && s->swap_bytes) {
		status_format_bytes(s->swap_bytes, cell);
		buf_printf(out, "   swapped out %s", cell);
	}
	buf_add_char(out, '\n');
}

static void write_files(const struct status *s, struct buf *out)
{
	if (!known(s->open_fds))
		return;
	label("files", out);
	buf_printf(out, "%" PRIu64 " open", s->open_fds);
	if (known(s->least_free_fds))
		buf_printf(out, "   %" PRIu64 " left to the process nearest to its limit",
			   s->least_free_fds);
	buf_add_char(out, '\n');
}

static void write_port(const struct status_port *p, struct buf *out)
{
	char name[STATUS_CELL_MAX];

	snprintf(name, sizeof(name), "port %u", p->port);
	label(name, out);
	buf_add_str(out, p->listening ? "listening" : "nobody listens");
	/* The kernel lets in one more than the limit. */
	if (known(p->queue_length) && known(p->queue_limit) && p->queue_length > p->queue_limit)
		buf_printf(out, "   full: %" PRIu64 " wait to be accepted", p->queue_length);
	else if (known(p->queue_length) && known(p->queue_limit))
		buf_printf(out, "   %" PRIu64 " of %" PRIu64 " wait to be accepted",
			   p->queue_length, p->queue_limit);
	if (known(p->drops) && p->drops)
		buf_printf(out, "   %" PRIu64 " dropped", p->drops);
	buf_add_char(out, '\n');
}

static void write_event(const char *name, const char *what, double at_s, struct buf *out)
{
	char at[STATUS_CELL_MAX];

	if (!*what && !isfinite(at_s))
		return;
	label(name, out);
	add_text(what, out);
	if (isfinite(at_s)) {
		format_time(at_s, at);
		buf_printf(out, "%s%s", *what ? "   " : "", at);
	}
	buf_add_char(out, '\n');
}

static void write_lives(const struct status *s, struct buf *out)
{
	if (known(s->restarts)) {
		label("restarts", out);
		buf_printf(out, "%" PRIu64, s->restarts);
		if (known(s->oom_kills))
			buf_printf(out, "   OOM kills %" PRIu64, s->oom_kills);
		buf_add_char(out, '\n');
	}
	write_event("last exit", s->last_exit, s->last_exit_s, out);
	write_event("last kill", s->last_kill, s->last_kill_s, out);
	write_event("last OOM", s->last_oom, s->last_oom_s, out);
}

static void write_isamon(const struct status *s, struct buf *out)
{
	const char *off = "   off: ";
	char ago[STATUS_CELL_MAX];

	label("isamon", out);
	buf_add_str(out, "sees:");
	for (size_t i = 0; i < s->n_probes; i++) {
		if (!s->probes[i].up)
			continue;
		buf_add_char(out, ' ');
		add_text(s->probes[i].name, out);
	}
	for (size_t i = 0; i < s->n_probes; i++) {
		if (s->probes[i].up)
			continue;
		buf_add_str(out, off);
		add_text(s->probes[i].name, out);
		off = " ";
	}
	if (known(s->records_lost) && s->records_lost)
		buf_printf(out, "   lost %" PRIu64, s->records_lost);
	status_format_duration(s->now_s - s->isamon_since_s, ago);
	buf_printf(out, "   for %s\n", ago);
}

static void write_cloudwatch(const struct status *s, struct buf *out)
{
	char ago[STATUS_CELL_MAX];

	if (s->cloudwatch_on != 1)
		return;
	label("cloudwatch", out);
	if (isfinite(s->cloudwatch_success_s)) {
		status_format_duration(s->now_s - s->cloudwatch_success_s, ago);
		buf_printf(out, "pushed %s ago", ago);
	} else {
		buf_add_str(out, "nothing pushed yet");
	}
	if (known(s->cloudwatch_minutes))
		buf_printf(out, "   %" PRIu64 " %s", s->cloudwatch_minutes,
			   s->cloudwatch_minutes == 1 ? "minute waits" : "minutes wait");
	if (*s->cloudwatch_problem) {
		buf_add_str(out, "   ");
		add_text(s->cloudwatch_problem, out);
	}
	buf_add_char(out, '\n');
}

static void write_logs(const struct status *s, struct buf *out)
{
	char ago[STATUS_CELL_MAX];

	if (s->logs_on != 1)
		return;
	label("logs", out);
	if (isfinite(s->logs_success_s)) {
		status_format_duration(s->now_s - s->logs_success_s, ago);
		buf_printf(out, "shipped %s ago", ago);
	} else {
		buf_add_str(out, "nothing shipped yet");
	}
	if (known(s->logs_events))
		buf_printf(out, "   %" PRIu64 " events", s->logs_events);
	if (known(s->logs_backlog_bytes) && s->logs_backlog_bytes) {
		status_format_bytes(s->logs_backlog_bytes, ago);
		buf_printf(out, "   %s wait", ago);
	}
	if (isfinite(s->logs_oldest_s) && s->now_s - s->logs_oldest_s >= LOGS_OLD_S) {
		status_format_duration(s->now_s - s->logs_oldest_s, ago);
		buf_printf(out, "   the oldest that waits is %s old", ago);
	}
	if (*s->logs_problem) {
		buf_add_str(out, "   ");
		add_text(s->logs_problem, out);
	}
	buf_add_char(out, '\n');
}

static void write_jobs(const struct status *s, struct buf *out)
{
	if (!known(s->jobs))
		return;
	label("jobs", out);
	buf_printf(out, "%" PRIu64, s->jobs);
	if (known(s->jobs_running) && s->jobs_running)
		buf_printf(out, "   %" PRIu64 " %s", s->jobs_running,
			   s->jobs_running == 1 ? "runs" : "run");
	buf_add_str(out, "   ");
	add_text(*s->jobs_problem ? s->jobs_problem : "all well", out);
	buf_add_char(out, '\n');
}

int status_format(const struct status *s, bool colour, struct buf *out)
{
	write_verdict(s, colour, out);
	write_since(s, out);
	write_processes(s, out);
	write_requests(s, out);
	write_now(s, out);
	write_cpu(s, out);
	write_memory(s, out);
	write_files(s, out);
	for (size_t i = 0; i < s->n_ports; i++)
		write_port(&s->ports[i], out);
	write_lives(s, out);
	write_isamon(s, out);
	write_cloudwatch(s, out);
	write_logs(s, out);
	write_jobs(s, out);
	return out->err;
}
