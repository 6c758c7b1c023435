/* SPDX-License-Identifier: MIT */
/*
 * A kill at any instant loses nothing and doubles nothing: at each store by itself, and with SIGKILL at random instants. Each
 * event that was done is in the minutes exactly once; the one that was under way is in them, or is not. Nor does a lack of
 * memory.
 */
#include "unit.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void step(void);
#define MINUTE_FILE_STEP() step()

#include "nomem.h"

#include "base/buf.c"
#include "base/table.c"
#include "ship/minute.c"
#include "ship/minute_data.c"
#include "ship/minute_file.c"

#include "unit/minute_truth.h"

#define MS 1000000ull
#define START 1764140040 /* of a minute */
#define KILLS 300
/* What is counted in the logs, each 11th event by one look. */
#define LOG_ERRORS(i) (2 * (i) + 100)
#define EXCEPTIONS(i) ((i) + 50)
/* Likewise of jobs. */
#define FAILURES(i) (3 * (i) + 70)

static char path[300];

static const struct minute_options all = { .interval_s = 60,
					   .latency_by_route = true,
					   .queue = true,
					   .turns = true,
					   .restarts = true,
					   .probes = true,
					   .processes = true,
					   .spool_age = true,
					   .log_errors = true,
					   .exceptions = true,
					   .jobs = true };

/* --- the stop at a store */

static jmp_buf stopped;
static unsigned int steps_left;  /* 0: does not stop */
static __typeof__(truths) *told; /* if this is a child: what it was given */

static void step(void)
{
	if (!steps_left || --steps_left)
		return;
	if (!told)
		longjmp(stopped, 1);
	*told = truths;
	_exit(0);
}

static void *share(size_t n)
{
	void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static struct minute *reopen(int64_t now_s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct minute *m = NULL;

	EXPECT_INT(minute_open(path, &all, now_s, &why, &m), 0);
	EXPECT_STR(buf_str(&why), "");
	return m;
}

/* --- events, made of their number alone */

static void happen(struct minute *m, unsigned int i)
{
	char route[20];
	struct minute_request r = { .route = route,
				    .answered = i % 7 != 6,
				    .server_error = i % 5 == 0,
				    .duration_ns = (i % 1000 + 1) * MS,
				    .has_queue = i % 3 == 0,
				    .queue_ns = i % 50 * MS };
	struct minute_look l = { .monotonic_ns = (i + 1) * 10 * MS,
				 .has_processes = true,
				 .cpu_ns = i * MS,
				 .cpus = 1,
				 .memory_ratio = i % 100 / 128.0,
				 .processes = i % 10,
				 .spool_age_s = i % 30,
				 .logs = { .known = true,
					   .counter = 1,
					   .first = { LOG_ERRORS(4) - 22, EXCEPTIONS(4) - 11 },
					   .now = { LOG_ERRORS(i), EXCEPTIONS(i) } },
				 .jobs = { .known = true,
					   .lasting = true,
					   .counter = 1,
					   .first = FAILURES(4) - 33,
					   .now = FAILURES(i),
					   .overdue = i % 3 },
				 .probes = { { "http", i % 2 },
					     { i % 9 ? "life" : "queue", true } },
				 .n_probes = 2 };

	if (i % 11 == 4) {
		minute_look(m, &l);
	} else if (i % 11 == 8) {
		minute_turn(m, (i % 400 + 1) * MS);
	} else {
		snprintf(route, sizeof(route), "/%u", i * 2654435761u % 70);
		minute_request(m, &r);
	}
}

/* Sums that tell each event from the others. */
struct sums {
	double requests, errors, responses, response_ms, queues, queue_ms, turns, turn_ms, looks,
		processes, routes_ms, log_errors, exceptions, failures;
};

static void sums_add(struct sums *s, unsigned int i)
{
	bool answered = i % 7 != 6;

	if (i % 11 == 4) {
		s->looks++;
		s->processes += i % 10;
		s->log_errors += 22;
		s->exceptions += 11;
		s->failures += 33;
	} else if (i % 11 == 8) {
		s->turns++;
		s->turn_ms += i % 400 + 1;
	} else {
		s->requests++;
		s->errors += i % 5 == 0;
		s->responses += answered;
		s->response_ms += answered ? i % 1000 + 1 : 0;
		s->routes_ms += answered ? i % 1000 + 1 : 0;
		s->queues += i % 3 == 0;
		s->queue_ms += i % 3 == 0 ? i % 50 : 0;
	}
}

static struct truth total(const char *name)
{
	struct truth *t = truth_get(name, "");

	return t ? *t : (struct truth){ 0 };
}

static struct sums sums_read(void)
{
	struct sums s = { .requests = total("RequestCount").value,
			  .errors = total("ErrorCount").value,
			  .responses = total("ResponseTime").count,
			  .response_ms = total("ResponseTime").sum,
			  .queues = total("QueueTime").count,
			  .queue_ms = total("QueueTime").sum,
			  .turns = total("TurnTime").count,
			  .turn_ms = total("TurnTime").sum,
			  .looks = total("Processes").count,
			  .processes = total("Processes").sum,
			  .log_errors = total("LogErrors").value,
			  .exceptions = total("Exceptions").value,
			  .failures = total("JobFailures").value };

	for (size_t i = 0; i < truths.n; i++) {
		const struct truth *t = &truths.metrics[i];

		EXPECT_NEAR(t->counts, strcmp(t->unit, "Milliseconds") ? 0 : t->count, 0);
		if (strncmp(t->dimension, "Route=", 6) == 0)
			s.routes_ms += t->sum;
	}
	return s;
}

static bool sums_same(const struct sums *a, const struct sums *b)
{
	const double *x = &a->requests, *y = &b->requests;

	for (size_t i = 0; i < sizeof(*a) / sizeof(double); i++)
		if (fabs(x[i] - y[i]) > 1e-6 * fabs(x[i]))
			return false;
	return true;
}

/* --- each store by itself */

/* Everything in the file: what has ended, and the present minute. */
static struct sums everything(struct minute *m)
{
	truth_forget();
	EXPECT_INT(give(m, truth_take, NULL), 0);
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	return sums_read();
}

/* Events up to @n, the last one stopped at its store number @stop. Returns whether it was stopped. */
static bool run_to(unsigned int n, unsigned int stop)
{
	struct minute *volatile m;
	volatile bool was_stopped = true;

	unlink(path);
	m = reopen(START);
	if (!m)
		return false;
	for (unsigned int i = 0; i < n; i++)
		happen(m, i);
	if (setjmp(stopped) == 0) {
		steps_left = stop;
		happen(m, n);
		was_stopped = false;
	}
	steps_left = 0;
	minute_close(m);
	return was_stopped;
}

static void each_store(void)
{
	struct sums before = { 0 };
	unsigned int n_stops = 0;

	for (unsigned int n = 0; n < 60; n++) {
		struct sums behind = before;
		bool was_stopped = true, was_behind = false;

		sums_add(&behind, n);
		for (unsigned int stop = 1; was_stopped; stop++) {
			struct minute *m;
			struct sums found;

			was_stopped = run_to(n, stop);
			n_stops += was_stopped;
			m = reopen(START);
			REQUIRE(m);
			found = everything(m);
			minute_close(m);
			/* Once it is in, it is in whatever comes behind. */
			if (sums_same(&found, &behind))
				was_behind = true;
			else if (was_behind || !sums_same(&found, &before))
				FAIL_CASE("event %u stopped at store %u is in by part", n, stop);
			EXPECT(was_stopped || was_behind);
		}
		before = behind;
	}
	EXPECT(n_stops > 60 * 4);
}

_Noreturn static void finish_child(unsigned int stop)
{
	struct minute *m = reopen(START + 59);

	steps_left = stop;
	if (!m || minute_finish(m, START + 60, truth_take, NULL))
		_exit(2);
	*told = truths;
	_exit(1);
}

/* The change from one minute to the next, and the giving away of its payloads, stopped at each store: in a child, because what
 * it had allocated is lost. */
static bool finish_to(unsigned int n, unsigned int stop)
{
	struct minute *m;
	int status = 0;
	pid_t pid;

	unlink(path);
	truth_forget();
	m = reopen(START);
	for (unsigned int i = 0; m && i < n; i++)
		happen(m, i);
	minute_close(m);
	told = share(sizeof(*told));
	pid = told && m ? fork() : -1;
	if (pid == 0)
		finish_child(stop);
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	if (told) {
		truths = *told;
		munmap(told, sizeof(*told));
		told = NULL;
	}
	return WEXITSTATUS(status) == 0;
}

static void each_store_of_the_end(void)
{
	enum { N = 400 };
	struct sums expected = { 0 };
	bool was_stopped = true;
	unsigned int n_stops = 0;

	for (unsigned int i = 0; i < N; i++)
		sums_add(&expected, i);
	for (unsigned int stop = 1; was_stopped && unit_state.result == UNIT_OK; stop++) {
		struct minute *m;
		struct sums found;
		size_t n_parts;

		was_stopped = finish_to(N, stop);
		n_stops += was_stopped;
		n_parts = truths.n_parts;
		m = reopen(START + 61);
		REQUIRE(m);
		/* One that was given, and then the kill: it comes again, with its id. */
		if (n_parts && m->map.file->state & MINUTE_FINISHED &&
		    m->map.file->given < n_parts) {
			EXPECT_UINT(m->map.file->given, n_parts - 1);
			EXPECT_INT(
				truths.ids[n_parts - 1],
				(int64_t)m->map.file->sums[!minute_file_present(m->map.file)].id +
					(int64_t)m->map.file->given);
			m->map.file->given++;
		}
		EXPECT_INT(minute_finish(m, START + 61, truth_take, NULL), 0);
		EXPECT_INT(minute_start_s(m), START + 60);
		EXPECT_UINT(truths.n_parts, 2);
		found = sums_read();
		EXPECT(sums_same(&found, &expected));
		minute_close(m);
	}
	EXPECT(n_stops >= 2 + 2 + 3 + 3); /* the change, each of two payloads, the end */
}

/* --- SIGKILL */

struct shared {
	volatile unsigned int intended, done; /* events */
	volatile int64_t now_s;
	/* What the child was given, by id: again is fine, other bytes are not. */
	volatile size_t n_parts;
	struct {
		int64_t id;
		size_t n;
		char payload[30000];
	} parts[2048];
};

static struct shared *shared;

static int keep_part(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	size_t at = 0;

	(void)start_s;
	(void)ctx;
	while (at < shared->n_parts && shared->parts[at].id != id)
		at++;
	if (at == ARRAY_SIZE(shared->parts) || n > sizeof(shared->parts[at].payload))
		return -ENOSPC;
	if (at < shared->n_parts &&
	    (shared->parts[at].n != n || memcmp(shared->parts[at].payload, payload, n) != 0))
		return -EBADMSG;
	memcpy(shared->parts[at].payload, payload, n);
	shared->parts[at].id = id;
	shared->parts[at].n = n;
	if (at == shared->n_parts)
		shared->n_parts++;
	return 0;
}

/* Until it is killed. Exit status 1: an error. */
_Noreturn static void child(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct minute *m = NULL;

	if (minute_open(path, &all, shared->now_s, &why, &m) || why.len)
		_exit(1);
	for (;;) {
		if (shared->done % 300 == 299)
			shared->now_s += 60;
		if (minute_finish(m, shared->now_s, keep_part, NULL))
			_exit(1);
		shared->intended = shared->done + 1;
		happen(m, shared->done);
		shared->done = shared->done + 1;
	}
}

static void nap(unsigned int us)
{
	struct timespec t = { .tv_nsec = us * 1000l };

	nanosleep(&t, NULL);
}

/* Returns whether it died of the kill. */
static bool kill_one(unsigned int before)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		child();
	/* The instants are to be all over its life: from its first event on, for some microseconds. */
	for (unsigned int i = 0;
	     i < 100000 && shared->done == before && waitpid(pid, &status, WNOHANG) == 0; i++)
		nap(20);
	nap((unsigned int)rand() % 400);
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return false;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* What stands in all payloads and in the file. Payloads do not change: each is read once. */
static struct sums all_of_it(void)
{
	static __typeof__(truths) read;
	static size_t n_read;
	struct minute *m = reopen(shared->now_s);
	struct sums s = { 0 };

	if (!m)
		return s;
	EXPECT_INT(give(m, keep_part, NULL), 0);
	truths = read;
	truths.fail_after = -1;
	for (; n_read < shared->n_parts; n_read++)
		EXPECT_INT(datum_decode(shared->parts[n_read].payload, shared->parts[n_read].n,
					truth_add, NULL),
			   0);
	read = truths;
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	s = sums_read();
	minute_close(m);
	return s;
}

static void killed(void)
{
	struct sums expected = { 0 };
	unsigned int counted = 0, in_flight = 0;

	shared = share(sizeof(*shared));
	REQUIRE(shared);
	shared->now_s = START;
	unlink(path);
	srand(4711);
	for (unsigned int i = 0; i < KILLS && unit_state.result == UNIT_OK; i++) {
		struct sums found;

		EXPECT(kill_one(shared->done));
		found = all_of_it();
		while (counted < shared->done)
			sums_add(&expected, counted++);
		if (shared->intended > shared->done && !sums_same(&found, &expected)) {
			sums_add(&expected, counted++);
			shared->done = shared->intended;
			in_flight++;
		}
		if (!sums_same(&found, &expected))
			FAIL_CASE(
				"after kill %u and %u events: %g requests, %g expected; %g ms, %g expected",
				i, shared->done, found.requests, expected.requests,
				found.response_ms, expected.response_ms);
	}
	EXPECT(shared->done > KILLS);
	munmap(shared, sizeof(*shared));
}

/* --- lack of memory */

static void each_allocation(void)
{
	struct sums expected = { 0 };
	unsigned int n;

	for (unsigned int i = 0; i < 400; i++)
		sums_add(&expected, i);
	for (n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct minute *m = NULL;
		struct sums found;
		int err;

		unlink(path);
		truth_forget();
		err = minute_open(path, &all, START, &why, &m);
		if (err) {
			EXPECT_INT(err, -ENOMEM);
			EXPECT(nomem_hit());
			continue;
		}
		for (unsigned int i = 0; i < 400; i++)
			happen(m, i);
		err = minute_finish(m, START + 60, truth_take, NULL);
		if (err) {
			EXPECT_INT(err, -ENOMEM);
			EXPECT(nomem_hit());
			EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
		}
		EXPECT_UINT(truths.n_parts, 2);
		found = sums_read();
		EXPECT(sums_same(&found, &expected));
		minute_close(m);
	}
	EXPECT(n > 10);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an event stopped at any store is whole or not there", each_store },
		{ "the end of a minute stopped at any store is an end", each_store_of_the_end },
		{ "a failing allocation loses and doubles nothing", each_allocation },
		{ "SIGKILL at random instants loses and doubles nothing", killed },
	};
	const char *directory = getenv("TMPDIR");
	int status;

	snprintf(path, sizeof(path), "%s/isamon.minute.%d", directory ? directory : "/tmp",
		 (int)getpid());
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unlink(path);
	return status;
}
