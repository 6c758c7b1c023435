/* SPDX-License-Identifier: MIT */
/*
 * The process that ships logs, as the daemon has it: scripts stand for it, and tell through descriptor 3 what a case is about. Only the
 * seconds that would have to be waited for are ours.
 */
#include "unit.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t ahead_ns;

uint64_t clock_monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec + ahead_ns;
}

uint64_t clock_realtime_ns(void)
{
	return NS_PER_SEC;
}

#include "cmd/log_child.c"

#define DEADLINE_S 10ull

/* The shell would lose what the socket does not take at once. */
#define BLOCKING "/usr/bin/python3 -c 'import os; os.set_blocking(3, True)'; "

static struct {
	char dir[200], program[256], starts[256];
	struct event_base *base;
	struct log_child *child;
	struct config config;
} t;

static void script(const char *body)
{
	FILE *f = fopen(t.program, "we");

	if (!f)
		abort();
	/* Each start leaves a line. */
	fprintf(f, "#!/bin/bash\necho \"$$ $*\" >>%s\n%s\n", t.starts, body);
	if (fchmod(fileno(f), 0700) || fclose(f))
		abort();
}

static void set_up(const char *body)
{
	const char *tmp = getenv("TMPDIR");

	memset(&t, 0, sizeof(t));
	ahead_ns = 0;
	snprintf(t.dir, sizeof(t.dir), "%s/log_child.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(t.dir))
		abort();
	snprintf(t.program, sizeof(t.program), "%s/ship", t.dir);
	snprintf(t.starts, sizeof(t.starts), "%s/starts", t.dir);
	script(body);
	t.base = event_base_new();
	t.config.logs_enabled = true;
	EXPECT_INT(log_child_new(t.base, t.program, &t.child), 0);
}

static void tear_down(void)
{
	log_child_free(t.child);
	event_base_free(t.base);
	unlink(t.program);
	unlink(t.starts);
	rmdir(t.dir);
	EXPECT(waitpid(-1, NULL, WNOHANG) < 0); /* nobody is left */
}

static unsigned int n_starts(void)
{
	FILE *f = fopen(t.starts, "re");
	unsigned int n = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static uint64_t page_number(enum logs_number n)
{
	return log_child_page(t.child)->figures.n[n];
}

static bool until(bool (*holds)(uint64_t value), uint64_t value)
{
	const struct timeval step = { .tv_usec = 10000 };
	const uint64_t ahead = ahead_ns, began = clock_monotonic_ns();
	bool held;

	while (!(held = holds(value)) &&
	       clock_monotonic_ns() - ahead_ns + ahead - began < DEADLINE_S * NS_PER_SEC) {
		event_base_loopexit(t.base, &step);
		event_base_dispatch(t.base);
	}
	return held;
}

static bool has_started(uint64_t n)
{
	return n_starts() >= n;
}

static bool is_gone(uint64_t unused)
{
	(void)unused;
	return !t.child->pid;
}

static bool has_events(uint64_t n)
{
	return page_number(LOGS_EVENTS) == n;
}

static bool is_up(uint64_t up)
{
	return log_child_up(t.child) == up;
}

/* A line that tells so many events, and the shell's words for telling it. */
static const char *telling(unsigned int events, const char *then)
{
	static char text[4096];
	_cleanup_(buf_done) struct buf line = BUF_INIT(2048);
	struct logs_figures f = { .up = true };

	f.n[LOGS_EVENTS] = events;
	f.n[LOGS_OLDEST_S] = 1795000000;
	EXPECT_INT(logs_figures_write(&f, &line), 0);
	line.data[line.len - 1] = '\0';
	snprintf(text, sizeof(text), "echo '%s' >&3\n%s", line.data, then);
	return text;
}

static void starts(void)
{
	struct status s = { 0 };

	set_up(telling(5, "exec sleep 30"));
	EXPECT(!log_child_enabled(t.child) && !log_child_up(t.child));
	log_child_use(t.child, &t.config);
	EXPECT(log_child_enabled(t.child));
	EXPECT(until(has_events, 5));
	EXPECT(log_child_up(t.child));
	EXPECT(log_child_page(t.child)->enabled);
	log_child_status(t.child, &s);
	EXPECT_INT(s.logs_on, 1);
	EXPECT_UINT((uint64_t)s.logs_events, 5);
	EXPECT_UINT((uint64_t)s.logs_oldest_s, 1795000000);
	EXPECT_STR(s.logs_problem, "");
	EXPECT_UINT(n_starts(), 1);
	tear_down();
}

/* What the script found: what the descriptor had, and its mode. */
static bool has_got(const char *want)
{
	_cleanup_(buf_done) struct buf got = BUF_INIT(1000);
	char path[256];

	snprintf(path, sizeof(path), "%s/got", t.dir);
	return !file_read(path, &got) && !strcmp(buf_str(&got), want);
}

static bool got_first(uint64_t unused)
{
	(void)unused;
	return has_got("[logs]\nenabled = yes\n600\n");
}

static bool got_none(uint64_t unused)
{
	(void)unused;
	return has_got("600\n");
}

static void gets_configuration(void)
{
	static char directory[] = "/nowhere/state";
	_cleanup_(buf_done) struct buf starts = BUF_INIT(1000);
	struct config second = { .logs_enabled = true, .state_directory = directory };
	char body[900], got[256];

	set_up("");
	snprintf(
		body, sizeof(body),
		"(cat /proc/self/fd/4; stat -L -c %%a /proc/self/fd/4) >%s/part; mv %s/part %s/got; exec sleep 30",
		t.dir, t.dir, t.dir);
	script(body);
	buf_init(&t.config.text, 1000);
	buf_add_str(&t.config.text, "[logs]\nenabled = yes\n");
	log_child_use(t.child, &t.config);
	EXPECT(until(got_first, 0));
	log_child_use(t.child, &second);
	EXPECT(until(got_none, 0));
	EXPECT_INT(file_read(t.starts, &starts), 0);
	EXPECT_HAS(buf_str(&starts), "ship-logs --fd 3 --config-fd 4\n");
	EXPECT_HAS(buf_str(&starts), "--config-fd 4 --state-directory /nowhere/state\n");
	snprintf(got, sizeof(got), "%s/got", t.dir);
	unlink(got);
	buf_done(&t.config.text);
	tear_down();
}

static void is_not_wanted(void)
{
	struct status s = { 0 };

	set_up("exec sleep 30");
	t.config.logs_enabled = false;
	log_child_use(t.child, &t.config);
	event_base_loop(t.base, EVLOOP_NONBLOCK);
	EXPECT_INT(t.child->pid, 0);
	log_child_status(t.child, &s);
	EXPECT_INT(s.logs_on, 0);
	t.config.logs_enabled = true;
	log_child_use(t.child, &t.config);
	EXPECT(until(has_started, 1));
	t.config.logs_enabled = false;
	log_child_use(t.child, &t.config);
	EXPECT(until(is_gone, 0));
	EXPECT(!event_pending(t.child->timer, EV_TIMEOUT, NULL));
	EXPECT_UINT(n_starts(), 1);
	tear_down();
}

/* What it told before its end counts on. */
static void is_started_again(void)
{
	set_up(telling(5, "exit 1"));
	log_child_use(t.child, &t.config);
	EXPECT(until(has_started, 1));
	EXPECT(until(has_events, 5));
	script(telling(7, "exec sleep 30"));
	EXPECT(until(is_up, true));
	EXPECT(until(has_started, 2));
	EXPECT_UINT(page_number(LOGS_EVENTS) % 5, 2);
	EXPECT(page_number(LOGS_EVENTS) >= 12);
	tear_down();
}

static void slower_and_slower(void)
{
	set_up("exit 3");
	log_child_use(t.child, &t.config);
	EXPECT_UINT(t.child->again_ms, 250);
	EXPECT(until(has_started, 3));
	EXPECT(until(is_gone, 0));
	EXPECT_UINT(t.child->again_ms, n_starts() == 3 ? 2000 : 4000);
	for (int i = 0; i < 10; i++)
		plan_start(t.child);
	EXPECT_UINT(t.child->again_ms, 15000);
	/* One that has lived for long ends for another reason. */
	t.child->ended_ns = t.child->began_ns + 31 * NS_PER_SEC;
	plan_start(t.child);
	EXPECT_UINT(t.child->again_ms, 500);
	/* A reload begins at once. */
	log_child_use(t.child, &t.config);
	EXPECT_UINT(t.child->again_ms, 250);
	tear_down();
}

static void cannot_be_started(void)
{
	set_up("exit 0");
	unlink(t.program);
	log_child_use(t.child, &t.config);
	start_or_wait(t.child);
	EXPECT_INT(t.child->pid, 0);
	EXPECT_UINT(t.child->again_ms, 500);
	start_or_wait(t.child);
	EXPECT_UINT(t.child->again_ms, 1000);
	script("exec sleep 30");
	EXPECT(until(has_started, 1));
	tear_down();
}

static bool has_ended_nicely(uint64_t n)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/term%u", t.dir, (unsigned int)n);
	return access(path, F_OK) == 0 && unlink(path) == 0;
}

static void a_reload(void)
{
	char body[800];

	set_up("exit 0");
	snprintf(body, sizeof(body),
		 "trap 'echo >%s/term1; exit 0' TERM\necho >%s/term0\n"
		 "for ((i = 0; i < 600; i++)); do sleep 0.05; done",
		 t.dir, t.dir);
	script(body);
	log_child_use(t.child, &t.config);
	EXPECT(until(has_ended_nicely, 0)); /* it has its trap */
	log_child_use(t.child, &t.config);
	EXPECT(t.child->ending);
	EXPECT(until(has_ended_nicely, 1));
	EXPECT(until(has_started, 2));
	EXPECT(until(has_ended_nicely, 0));
	EXPECT_UINT(t.child->again_ms, 250); /* it was no failure */
	log_child_free(take(t.child));
	EXPECT(has_ended_nicely(1));
	tear_down();
}

/* One that takes no SIGTERM, and one that closes its socket and stays, have some seconds. */
static void does_not_answer(void)
{
	static const struct {
		const char *name, *body;
		bool reload;
	} rows[] = {
		{ "to SIGTERM", "trap '' TERM\necho >&3\nexec sleep 60", true },
		{ "but closes its socket", "exec sleep 60 3>&-", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pid_t first;

		unit_begin("one that does not answer %s is killed", rows[i].name);
		set_up(rows[i].body);
		log_child_use(t.child, &t.config);
		EXPECT(until(has_started, 1));
		first = t.child->pid;
		if (rows[i].reload) {
			log_child_use(t.child, &t.config);
			event_base_loop(t.base, EVLOOP_ONCE);
			EXPECT_INT(t.child->pid, first);
		}
		EXPECT(kill(first, 0) == 0);
		for (unsigned int tries = 0; !t.child->ended_ns && tries < 1000; tries++)
			event_base_loop(t.base, EVLOOP_ONCE);
		ahead_ns += 8 * NS_PER_SEC;
		EXPECT(until(has_started, 2));
		EXPECT(kill(first, 0) < 0 && errno == ESRCH);
		ahead_ns += 8 * NS_PER_SEC;
		t.child->ending = true; /* told long ago: it is not waited for again */
		t.child->ended_ns = 1;
		tear_down();
	}
}

static void is_not_trusted(void)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{ "no JSON", "echo 'up: yes' >&3" },
		{ "another JSON", "echo '[1,2]' >&3" },
		{ "a part of a line", "printf '{\"up\":true,\"numbers\":{\"ev' >&3; exit 0" },
		{ "a line without its beginning", "echo 'ents\":100}}' >&3" },
		{ "an empty line", "echo >&3" },
		{ "NUL and other bytes", "printf '\\0\\377\\n{\\0}\\n' >&3" },
		{ "a line of two megabytes",
		  BLOCKING "head -c 2097152 /dev/zero | tr '\\0' x >&3; echo >&3" },
		{ "a line that never ends",
		  BLOCKING "head -c 3000000 /dev/zero | tr '\\0' '{' >&3" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char body[9000];
		size_t at;

		unit_begin("what is no figures is not trusted: %s", rows[i].name);
		set_up("exit 0");
		/* First what is right; then it must be that still, and what comes behind is heard. */
		at = (size_t)snprintf(body, sizeof(body), "%s\necho >&3\n",
				      telling(5, rows[i].words));
		snprintf(body + at, sizeof(body) - at, "%s", telling(6, "exec sleep 30"));
		script(body);
		log_child_use(t.child, &t.config);
		if (strstr(rows[i].words, "exit")) {
			EXPECT(until(has_started, 2));
			EXPECT(until(has_events, 5 * n_starts()));
		} else {
			EXPECT(until(has_events, 6));
			EXPECT_UINT(n_starts(), 1);
		}
		EXPECT_STR(log_child_page(t.child)->figures.problem, "");
		tear_down();
	}
}

static void tells_its_problem(void)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(2048);
	struct logs_figures f = { .problem = "no disk" };
	struct status s = { 0 };
	char body[2100];

	EXPECT_INT(logs_figures_write(&f, &line), 0);
	line.data[line.len - 1] = '\0';
	snprintf(body, sizeof(body), "echo '%s' >&3; exit 1", line.data);
	set_up(body);
	log_child_use(t.child, &t.config);
	EXPECT(until(has_started, 2));
	log_child_status(t.child, &s);
	EXPECT_STR(s.logs_problem, "no disk"); /* also while the next one is waited for */
	EXPECT(!log_child_up(t.child));
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "it starts, and its figures are ours", starts },
		{ "it gets the configuration that the daemon has", gets_configuration },
		{ "it is not started where it is not wanted", is_not_wanted },
		{ "one that ends is started again, and its figures count on", is_started_again },
		{ "slower and slower", slower_and_slower },
		{ "one that cannot be started is tried again, slower", cannot_be_started },
		{ "a reload ends it in time, and begins another", a_reload },
		{ NULL, does_not_answer },
		{ NULL, is_not_trusted },
		{ "its problem is told", tells_its_problem },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
