/* SPDX-License-Identifier: MIT */
/*
 * A child, its output, its end and its time. That it has ended is known by a pidfd, or, where there are none (before Linux 5.3), by
 * looking again and again. Who holds the output open behind its end is not waited for.
 * Invariant: as long as there is a struct job_process its child was not waited for, and its lock is held.
 */
#include "care/job_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/job_report.h"
#include "care/job_process_env.h"
#include "care/job_tail.h"

#define LOOK_MS 20
#define LOOK_WITHOUT_PIDFD_MS 100
#define REPORT_MAX 4096
#define READS_AT_ONCE 16

struct job_process {
	struct child child;
	int lock_fd, pid_fd, echo_fd;
	off_t report_at;
	struct event *output, *exit, *time;
	struct job_tail tail;
	struct job_run run;
	bool ending; /* SIGTERM was sent; why is in ended_as */
	enum job_result ended_as;
	job_process_fn done;
	void *ctx;
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_MS);
}

/* --- the lock */

static int lock_path(const char *directory, const char *job, struct buf *ret)
{
	return buf_printf(ret, "%s/jobs/%s.lock", directory, job);
}

static int take_lock(const char *directory, const char *job, int *ret_fd, pid_t *ret_holder)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	int err = buf_printf(&path, "%s/jobs", directory);

	if (!err)
		err = file_make_directory(buf_str(&path), 0700);
	buf_reset(&path);
	if (!err)
		err = lock_path(directory, job, &path);
	return err ? err : file_lock(buf_str(&path), ret_fd, ret_holder);
}

bool job_process_is_free(const char *directory, const char *job)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	_cleanup_(file_closep) int fd = -1;

	if (lock_path(directory, job, &path))
		return false;
	fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? errno == ENOENT : flock(fd, LOCK_SH | LOCK_NB) == 0;
}

uint64_t job_process_mark(const char *directory, const char *job)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	struct stat st;

	if (lock_path(directory, job, &path) || stat(buf_str(&path), &st))
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * NS_PER_SEC + (uint64_t)st.st_mtim.tv_nsec;
}

/* --- its end */

static void process_free(struct job_process *p)
{
	if (!p)
		return;
	if (p->output)
		event_free(p->output);
	if (p->exit)
		event_free(p->exit);
	if (p->time)
		event_free(p->time);
	child_end(&p->child);
	file_closep(&p->pid_fd);
	file_closep(&p->lock_fd);
	job_tail_done(&p->tail);
	free(p);
}

static void process_freep(struct job_process **p)
{
	process_free(*p);
}

static void echo(struct job_process *p, const char *bytes, size_t n)
{
	while (p->echo_fd >= 0 && n) {
		ssize_t written = write(p->echo_fd, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			p->echo_fd = -1;
			return;
		}
		bytes += written;
		n -= (size_t)written;
	}
}

/* What is there now, and not for ever. */
static void read_output(struct job_process *p)
{
	char piece[4096];
	ssize_t n;

	for (int i = 0; i < READS_AT_ONCE && p->child.fd >= 0; i++) {
		n = read(p->child.fd, piece, sizeof(piece));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			event_del(p->output);
			close(p->child.fd);
			p->child.fd = -1;
			return;
		}
		job_tail_add(&p->tail, piece, (size_t)n);
		echo(p, piece, (size_t)n);
	}
}

static void read_report(struct job_process *p)
{
	char text[REPORT_MAX + 1];
	ssize_t n = pread(p->lock_fd, text, REPORT_MAX, p->report_at);

	text[n > 0 ? n : 0] = '\0';
	p->run.bytes = job_report_read(text);
	/* Which makes its mark another one, too. */
	if (ftruncate(p->lock_fd, 0))
		return;
}

static void judge(struct job_process *p, int status, const struct rusage *used)
{
	struct job_run *r = &p->run;

	if (p->ending) {
		r->result = p->ended_as;
	} else if (WIFSIGNALED(status)) {
		r->result = JOB_SIGNAL;
		r->code = WTERMSIG(status);
	} else {
		r->result = WEXITSTATUS(status) ? JOB_FAILED : JOB_OK;
		r->code = WEXITSTATUS(status);
	}
	r->cpu_ms = (uint64_t)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000 +
		    (uint64_t)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1000;
	r->peak_rss_bytes = (uint64_t)used->ru_maxrss * 1024;
}

static void ended(struct job_process *p)
{
	read_output(p);
	read_report(p);
	p->run.ended_ms = now_ms();
	p->run.output_bytes = p->tail.total;
	p->run.output = (char *)(uintptr_t)job_tail_get(&p->tail, &p->run.output_len);
	p->done(&p->run, &p->lock_fd, p->ctx);
	process_free(p);
}

/* Returns whether it has ended; then @p is gone. */
static bool look(struct job_process *p)
{
	siginfo_t info = { 0 };
	struct rusage used = { 0 };
	int status = 0;

	if (waitid(P_PID, (id_t)p->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	    info.si_pid == 0)
		return false;
	/* As long as it was not waited for, its number, and that of its group, are nobody else's. */
	if (p->ending)
		kill(-p->child.pid, SIGKILL);
	if (wait4(p->child.pid, &status, 0, &used) == p->child.pid)
		judge(p, status, &used);
	p->child.pid = 0;
	ended(p);
	return true;
}

static void plan(struct event *e, uint64_t ms)
{
	const struct timeval in = { .tv_sec = (time_t)(ms / 1000),
				    .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(e, &in);
}

static void end_as(struct job_process *p, enum job_result why)
{
	if (p->ending)
		return;
	p->ending = true;
	p->ended_as = why;
	kill(-p->child.pid, SIGTERM);
	plan(p->time, JOB_PROCESS_GRACE_S * 1000);
}

static void on_output(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	read_output(ctx);
}

static void on_exit_seen(evutil_socket_t fd, short what, void *ctx)
{
	struct job_process *p = ctx;

	(void)fd;
	(void)what;
	if (!look(p) && p->pid_fd < 0)
		plan(p->exit, LOOK_WITHOUT_PIDFD_MS);
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
	struct job_process *p = ctx;

	(void)fd;
	(void)what;
	if (!p->ending)
		end_as(p, JOB_TIME_LIMIT);
	else
		kill(-p->child.pid, SIGKILL);
}

void job_process_stop(struct job_process *p)
{
	end_as(p, JOB_INTERRUPTED);
}

void job_process_finish(struct job_process *p, uint64_t until_ns)
{
	end_as(p, JOB_INTERRUPTED);
	while (!look(p)) {
		if (clock_monotonic_ns() > until_ns)
			kill(-p->child.pid, SIGKILL);
		read_output(p);
		poll(NULL, 0, LOOK_MS);
	}
}

/* --- its beginning */

static int spawn(struct job_process *p, const struct job_process_how *how)
{
	_cleanup_(job_environment_free) struct job_environment *env = NULL;
	_cleanup_(buf_done) struct buf why = BUF_INIT(256);
	const char *argv[JOB_COMMAND_ARGS_MAX + 2] = { "isamon" };
	struct child_how as = {
		.path = how->program,
		.errors = true,
		.pass_fd = p->lock_fd,
		.low_priority = how->job->priority == CONFIG_JOB_LOW,
	};
	struct job_command command;
	int err = job_command_split(how->job->command, &why, &command);

	if (err)
		return err;
	for (size_t i = 0; i < command.n; i++)
		argv[i + 1] = command.argv[i];
	err = job_environment_new(how->config_path, &env);
	if (err)
		return err;
	as.environment = env->variables;
	err = child_start_as(&as, argv, &p->child);
	if (!err && fcntl(p->child.fd, F_SETFL, O_NONBLOCK))
		err = -errno;
	return err;
}

static int watch(struct job_process *p, struct event_base *base, uint64_t limit_s)
{
	p->pid_fd = (int)syscall(SYS_pidfd_open, p->child.pid, 0);
	p->output = event_new(base, p->child.fd, EV_READ | EV_PERSIST, on_output, p);
	p->time = evtimer_new(base, on_time, p);
	p->exit = p->pid_fd < 0 ? evtimer_new(base, on_exit_seen, p) :
				  event_new(base, p->pid_fd, EV_READ | EV_PERSIST, on_exit_seen, p);
	if (!p->output || !p->time || !p->exit || event_add(p->output, NULL))
		return -ENOMEM;
	plan(p->time, limit_s * 1000);
	if (p->pid_fd < 0)
		plan(p->exit, LOOK_WITHOUT_PIDFD_MS);
	else if (event_add(p->exit, NULL))
		return -ENOMEM;
	return 0;
}

static int process_new(const struct job_process_how *how, job_process_fn done, void *ctx,
		       struct job_process **ret)
{
	_cleanup_(process_freep) struct job_process *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->child = (struct child)CHILD_NONE;
	p->lock_fd = p->pid_fd = -1;
	p->echo_fd = how->echo_fd;
	p->done = done;
	p->ctx = ctx;
	p->run.scheduled_s = how->scheduled_s;
	p->run.bytes = -1;
	snprintf(p->run.job, sizeof(p->run.job), "%s", how->job->name);
	if (job_tail_init(&p->tail, how->job->output_bytes))
		return -ENOMEM;
	*ret = take(p);
	return 0;
}

int job_process_start(struct event_base *base, const struct job_process_how *how,
		      job_process_fn done, void *ctx, pid_t *ret_holder, struct job_run *ret_run,
		      struct job_process **ret)
{
	_cleanup_(process_freep) struct job_process *p = NULL;
	int err = process_new(how, done, ctx, &p);

	*ret_holder = 0;
	if (!err)
		err = take_lock(how->runtime_directory, how->job->name, &p->lock_fd, ret_holder);
	if (err)
		return err;
	p->report_at = lseek(p->lock_fd, 0, SEEK_END);
	p->run.started_ms = now_ms();
	err = spawn(p, how);
	if (!err)
		err = watch(p, base, how->job->time_limit_s);
	if (err)
		return err;
	if (ret_run)
		*ret_run = p->run;
	*ret = take(p);
	return 0;
}
