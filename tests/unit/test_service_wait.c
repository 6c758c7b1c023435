/* SPDX-License-Identifier: MIT */
/* Waiting for the service, with a manager and a health of the test's own: a step of the script at each look. */
#include "unit.h"

#include "care/service_state.h"

#include "care/service_wait.c"

struct play {
	const char *
		script; /* a letter a look; the last one goes on: R running, L reloading, X as after a reload that failed, S starting, P stopping, T stopped, F failed */
	const char *health; /* a letter a question: y, n; the last one goes on */
	const char *pids;   /* a digit a look */
	size_t at, asked;
	int order_err;
	unsigned int n_started, n_stopped;
};

static struct play play;

static char step(const char *script, size_t at)
{
	size_t n = strlen(script);

	return n ? script[at < n ? at : n - 1] : 'R';
}

static int play_look(void *manager, struct service_state *ret, struct buf *why)
{
	char c = step(play.script, play.at);
	struct service_process *p = &ret->processes[0];

	(void)manager;
	(void)why;
	memset(ret, 0, sizeof(*ret));
	ret->n = 1;
	p->reloading = c == 'L';
	p->reload_failed = c == 'X';
	p->run = c == 'R' || c == 'L' || c == 'X' ? SERVICE_RUNNING :
		 c == 'S'                         ? SERVICE_STARTING :
		 c == 'P'                         ? SERVICE_STOPPING :
		 c == 'F'                         ? SERVICE_FAILED :
						    SERVICE_STOPPED;
	p->exit_status = c == 'F' ? 3 : -1;
	snprintf(p->name, sizeof(p->name), "app");
	snprintf(p->word, sizeof(p->word), "%c", c);
	p->pid = play.pids ? step(play.pids, play.at) : 1;
	play.at++;
	service_state_sum(ret);
	return 0;
}

static int play_start(void *manager, struct buf *why)
{
	(void)manager;
	play.n_started++;
	if (play.order_err)
		buf_add_str(why, "no such command");
	return play.order_err;
}

static int play_stop(void *manager, struct buf *why)
{
	(void)manager;
	(void)why;
	play.n_stopped++;
	return 0;
}

static int play_reload(void *manager, struct buf *why)
{
	(void)manager;
	(void)why;
	return play.order_err;
}

static void play_tail(void *manager, struct buf *out)
{
	(void)manager;
	buf_add_str(out, "1\n2\n3\n4\n5\n6\n7\n8\n9\nSyntaxError \x1b[1mhere\n");
}

static const struct manager_ops ops = {
	.name = "play",
	.look = play_look,
	.start = play_start,
	.stop = play_stop,
	.reload = play_reload,
	.tail = play_tail,
};

/* The rest of care/service_control.h, as far as the waiting needs it. */
int service_control_state(struct service_control *s, struct service_state *ret, struct buf *why)
{
	return s->ops->look(s->manager, ret, why);
}

bool service_control_health(struct service_control *s, unsigned int timeout_ms, struct health *ret)
{
	(void)s;
	(void)timeout_ms;
	*ret = (struct health){ .ok = step(play.health, play.asked++) == 'y' };
	if (!ret->ok)
		snprintf(ret->why, sizeof(ret->why), "/health answers with status 503");
	return ret->ok;
}

void service_control_tell(struct service_control *s, const char *line)
{
	(void)s;
	(void)line;
}

void service_control_describe(const struct service_state *state, struct buf *out)
{
	buf_printf(out, "%s is %s", state->processes[0].name, state->processes[0].word);
}

static int up_until; /* looks at the ports that find somebody */

static int listening(const uint16_t *ports, size_t n, bool *up, void *ctx)
{
	(void)ports;
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		up[i] = up_until > 0;
	up_until--;
	return 0;
}

static struct config config = {
	.ports = { 8000 }, .n_ports = 1, .service_start_timeout_s = 20, .service_stop_timeout_s = 20
};
static struct service_control control = { .c = &config,
					  .ops = &ops,
					  .hooks = { .listening = listening } };

static void starts(void)
{
	static const struct {
		const char *name;
		struct play play;
		unsigned int timeout_ms;
		int err;
		const char *why;
		unsigned int n_started;
	} rows[] = {
		{ "one that stands", { .script = "TSSR", .health = "y" }, 0, 0, "", 1 },
		{ "one that runs is only asked", { .script = "R", .health = "y" }, 0, 0, "", 0 },
		{ "one that is about to stop is waited for",
		  { .script = "PPTSR", .health = "y" },
		  0,
		  0,
		  "",
		  1 },
		{ "it ends for a moment, and is started again by the manager",
		  { .script = "TSTTSR", .health = "y" },
		  0,
		  0,
		  "",
		  1 },
		{ "it is given up",
		  { .script = "TSF", .health = "y" },
		  0,
		  -EHOSTDOWN,
		  "it does not run: app is F; the last lines of its log:\n    3\n",
		  1 },
		{ "it ends by itself",
		  { .script = "TST", .health = "y" },
		  0,
		  -EHOSTDOWN,
		  "it does not run: app is T",
		  1 },
		{ "it never runs",
		  { .script = "TS", .health = "y" },
		  500,
		  -ETIMEDOUT,
		  "not running within 1 s: app is S",
		  1 },
		{ "it is never healthy",
		  { .script = "TR", .health = "n" },
		  500,
		  -ETIMEDOUT,
		  "not healthy within 1 s: /health answers with status 503",
		  1 },
		{ "it becomes healthy", { .script = "TR", .health = "nnyynyyy" }, 0, 0, "", 1 },
		{ "healthy, but another process each time",
		  { .script = "TR", .health = "y", .pids = "01212121212121212121212121" },
		  900,
		  -ETIMEDOUT,
		  "not healthy",
		  1 },
		{ "it dies while it is asked",
		  { .script = "TRRRF", .health = "n" },
		  0,
		  -EHOSTDOWN,
		  "it does not run: app is F",
		  1 },
		{ "it cannot be executed",
		  { .script = "T", .health = "y", .order_err = -ENOEXEC },
		  0,
		  -EHOSTDOWN,
		  "no such command",
		  1 },
		{ "the manager refuses",
		  { .script = "T", .health = "y", .order_err = -EACCES },
		  0,
		  -EACCES,
		  "no such command",
		  1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4000);

		unit_begin("start: %s", rows[i].name);
		play = rows[i].play;
		EXPECT_INT(service_control_start(&control, rows[i].timeout_ms, &why), rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT_UINT(play.n_started, rows[i].n_started);
		if (rows[i].err == 0)
			EXPECT(play.asked >= HEALTHY_TIMES);
		EXPECT(!strchr(buf_str(&why), '\x1b'));
	}
}

static void stops(void)
{
	static const struct {
		const char *name, *script;
		int listens, err;
		const char *why;
		unsigned int n_stopped;
	} rows[] = {
		{ "one that runs", "RPPT", 0, 0, "", 1 },
		{ "one that stands", "T", 0, 0, "", 0 },
		{ "one that was given up", "F", 0, 0, "", 0 },
		{ "somebody listens for a while", "RT", 3, 0, "", 1 },
		{ "somebody goes on listening", "RT", 1000, -ETIMEDOUT,
		  "not stopped within 1 s: play has stopped it, but somebody still listens on port 8000",
		  1 },
		{ "it does not stop", "RP", 0, -ETIMEDOUT, "not stopped within 1 s: app is P", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4000);

		unit_begin("stop: %s", rows[i].name);
		play = (struct play){ .script = rows[i].script, .health = "y" };
		up_until = rows[i].listens;
		EXPECT_INT(service_control_stop(&control, 1000, &why), rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT_UINT(play.n_stopped, rows[i].n_stopped);
	}
}

static void restarts(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4000);

	play = (struct play){ .script = "RPTTSR", .health = "y" };
	up_until = 0;
	EXPECT_INT(service_control_restart(&control, 0, &why), 0);
	EXPECT_UINT(play.n_stopped, 1);
	EXPECT_UINT(play.n_started, 1);
	play = (struct play){ .script = "RP", .health = "y" };
	EXPECT_INT(service_control_restart(&control, 300, &why), -ETIMEDOUT);
	EXPECT_UINT(play.n_started, 0);
}

static void reloads(void)
{
	static const struct {
		const char *name, *script;
		int order_err, err;
		const char *why;
	} rows[] = {
		{ "at once", "R", 0, 0, "" },
		{ "it takes a while", "LLLR", 0, 0, "" },
		{ "it fails", "LLX", 0, -EHOSTDOWN,
		  "app runs on, but what its unit has for a reload (ExecReload=) failed; the last lines of its log:" },
		{ "it does not end", "L", 0, -ETIMEDOUT, "not reloaded within 1 s: app is L" },
		{ "it ends the service", "LF", 0, -EHOSTDOWN, "it does not run: app is F" },
		{ "it is refused", "R", -ENOTSUP, -ENOTSUP, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4000);
		unsigned int ms = rows[i].err == -ETIMEDOUT ? 1000 : 0;

		unit_begin("reload: %s", rows[i].name);
		play = (struct play){ .script = rows[i].script,
				      .health = "y",
				      .order_err = rows[i].order_err };
		EXPECT_INT(service_control_reload(&control, ms, &why), rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, starts },
		{ NULL, stops },
		{ NULL, reloads },
		{ "a restart is a stop and a start", restarts },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
