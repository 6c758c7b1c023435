/* SPDX-License-Identifier: MIT */
/* isamon backup: how far it is, and whether to stop. */
#include <errno.h>
#include <linux/ioprio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "cmd/backup_cmd.h"
#include "cmd/status_format.h"

#define SHOW_EVERY_NS (200 * 1000000ull)

#define MODEST_NICE 10
#define MODEST_IO IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7)

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Unlike SIG_IGN it is not handed on to the programs that are run. */
static void on_pipe(int signal)
{
	(void)signal;
}

void backup_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal },
			 pipe = { .sa_handler = on_pipe, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	sigaction(SIGPIPE, &pipe, NULL);
}

void backup_be_modest(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (!errno && nice < MODEST_NICE)
		setpriority(PRIO_PROCESS, 0, MODEST_NICE);
	if (IOPRIO_PRIO_CLASS(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0)) != IOPRIO_CLASS_IDLE)
		syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, MODEST_IO);
}

bool backup_is_stopped(void)
{
	return stopped;
}

static void show_now(const char *what, uint64_t done, uint64_t total)
{
	char so_far[STATUS_CELL_MAX], all[STATUS_CELL_MAX];

	status_format_bytes(done, so_far);
	status_format_bytes(total, all);
	if (total)
		fprintf(stderr, "\r\x1b[K%s: %s of %s, %.0f %%", what, so_far, all,
			done < total ? 100.0 * (double)done / (double)total : 100.0);
	else
		fprintf(stderr, "\r\x1b[K%s ...", what);
}

static int show(const char *what, uint64_t done, uint64_t total, void *ctx)
{
	static uint64_t last_ns;
	const uint64_t now_ns = clock_monotonic_ns();

	(void)ctx;
	if (isatty(STDERR_FILENO) && now_ns - last_ns >= SHOW_EVERY_NS) {
		last_ns = now_ns;
		show_now(what, done, total);
	}
	return stopped;
}

struct backup_progress backup_progress(void)
{
	return (struct backup_progress){ .fn = show };
}

void backup_progress_clear(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\x1b[K");
}
