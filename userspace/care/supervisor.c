/* SPDX-License-Identifier: MIT */
/*
 * Supervisor's processes as a service. Invariant: only processes of our program are told anything, each by its full name
 * GROUP:PROCESS. The password is wiped with its header.
 */
#include "care/supervisor.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/http.h"
#include "care/supervisor_xml.h"

#define URL "http://localhost/RPC2"
#define TIMEOUT_MS 10000
#define REQUEST_MAX 4096
#define ANSWER_MAX (1u << 20)
#define TAIL_BYTES 2000
#define STATUS_FILE_MAX 16384
#define AUTHORIZATION_MAX 512

struct supervisor {
	struct http *http;
	char *socket, *program;
	char authorization[AUTHORIZATION_MAX]; /* "": none */
};

static void set_authorization(struct supervisor *s, const char *user, const char *password)
{
	char plain[AUTHORIZATION_MAX / 2];
	int n = snprintf(plain, sizeof(plain), "%s:%s", user, password);

	/* Base64 takes 4 bytes for 3, and "Basic " stands before it. */
	if (n > 0 && (size_t)n < sizeof(plain)) {
		memcpy(s->authorization, "Basic ", 6);
		EVP_EncodeBlock((unsigned char *)s->authorization + 6, (const unsigned char *)plain,
				n);
	}
	explicit_bzero(plain, sizeof(plain));
}

int supervisor_open(const struct supervisor_options *o, struct buf *why, struct supervisor **ret)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	int err = s ? http_new(why, &s->http) : -ENOMEM;

	if (!err) {
		s->socket = strdup(o->socket);
		s->program = strdup(o->program);
		if (!s->socket || !s->program)
			err = -ENOMEM;
	}
	if (err) {
		if (!why->len)
			buf_add_str(why, strerror(-err));
		supervisor_close(s);
		return err;
	}
	if (o->user && *o->user && o->password)
		set_authorization(s, o->user, o->password);
	*ret = s;
	return 0;
}

void supervisor_close(struct supervisor *s)
{
	if (!s)
		return;
	http_free(s->http);
	free(s->socket);
	free(s->program);
	explicit_bzero(s->authorization, sizeof(s->authorization));
	free(s);
}

/* --- calls */

static const char *fault_meaning(int64_t fault)
{
	switch (fault) {
	case SUPERVISOR_FAULT_SHUTDOWN_STATE: return "supervisord is about to end";
	case SUPERVISOR_FAULT_BAD_NAME: return "it does not know this program";
	case SUPERVISOR_FAULT_NO_FILE: return "the program's command is not there";
	case SUPERVISOR_FAULT_NOT_EXECUTABLE: return "the program's command cannot be executed";
	case SUPERVISOR_FAULT_ABNORMAL_TERMINATION: return "it ended right after its start";
	case SUPERVISOR_FAULT_SPAWN_ERROR: return "it could not be started";
	default: return "it refuses";
	}
}

static int fault_errno(int64_t fault)
{
	switch (fault) {
	case SUPERVISOR_FAULT_NONE: return 0;
	case SUPERVISOR_FAULT_SHUTDOWN_STATE: return -ESHUTDOWN;
	case SUPERVISOR_FAULT_BAD_NAME: return -ENOENT;
	case SUPERVISOR_FAULT_NO_FILE:
	case SUPERVISOR_FAULT_NOT_EXECUTABLE:
	case SUPERVISOR_FAULT_ABNORMAL_TERMINATION:
	case SUPERVISOR_FAULT_SPAWN_ERROR: return -ENOEXEC;
	default: return -EIO;
	}
}

static int explain_http(const struct supervisor *s, const struct http_reply *reply, struct buf *why)
{
	if (reply->err == -ENOENT || reply->err == -ECONNREFUSED)
		buf_printf(
			why,
			"nobody answers at %s: supervisord does not run, or has its socket elsewhere",
			s->socket);
	else if (reply->err == -EACCES || reply->err == -EPERM)
		buf_printf(why, "%s may not be used: be root, or of the socket's group", s->socket);
	else if (reply->err == -ETIMEDOUT)
		buf_printf(why, "supervisord does not answer at %s within %d s", s->socket,
			   TIMEOUT_MS / 1000);
	else if (reply->err)
		buf_printf(why, "%s: %s", s->socket, buf_str(&reply->why));
	else if (reply->status == 401)
		buf_printf(
			why,
			"%s wants a user and a password: write supervisor_user and supervisor_password in [service]",
			s->socket);
	else if (reply->status != 200)
		buf_printf(why, "%s answers with HTTP status %d", s->socket, reply->status);
	if (!reply->err && reply->status == 401)
		return -EACCES;
	return reply->err ? reply->err : reply->status == 200 ? 0 : -EPROTO;
}

/* @ret is for supervisor_answer_done(), always. */
static int call(struct supervisor *s, const char *method, const struct supervisor_argument *args,
		size_t n, struct buf *why, struct supervisor_answer *ret)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(REQUEST_MAX);
	_cleanup_(http_reply_done) struct http_reply reply = { .err = 0 };
	const struct sigv4_header headers[] = {
		{ "Content-Type", "text/xml" },
		{ "Authorization", s->authorization },
	};
	struct transport_request r = {
		.method = "POST",
		.url = URL,
		.unix_socket = s->socket,
		.headers = headers,
		.n_headers = *s->authorization ? 2 : 1,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
		.direct = true,
	};
	int err = supervisor_xml_call(method, args, n, &body);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	r.body = buf_str(&body);
	r.body_len = body.len;
	http_ask(s->http, &r, &reply);
	err = explain_http(s, &reply, why);
	if (!err)
		err = supervisor_xml_parse(buf_str(&reply.body), reply.body.len, why, ret);
	if (!err && ret->fault)
		buf_printf(why, "supervisord: %s (%s)", fault_meaning(ret->fault), ret->fault_text);
	return err ? err : fault_errno(ret->fault);
}

/* --- which processes are ours */

static bool is_named(const struct supervisor_process *p, const char *program)
{
	const char *colon = strchr(program, ':');

	if (!colon)
		return strcmp(p->group, program) == 0;
	return strlen(p->group) == (size_t)(colon - program) &&
	       memcmp(p->group, program, (size_t)(colon - program)) == 0 &&
	       (strcmp(colon + 1, "*") == 0 || strcmp(colon + 1, p->name) == 0);
}

static enum service_run run_of(int64_t state)
{
	switch (state) {
	case SUPERVISOR_STOPPED:
	case SUPERVISOR_EXITED: return SERVICE_STOPPED;
	case SUPERVISOR_STARTING:
	case SUPERVISOR_BACKOFF: return SERVICE_STARTING;
	case SUPERVISOR_RUNNING: return SERVICE_RUNNING;
	case SUPERVISOR_STOPPING: return SERVICE_STOPPING;
	case SUPERVISOR_FATAL: return SERVICE_FAILED;
	default: return SERVICE_UNKNOWN;
	}
}

static const char *word_of(int64_t state)
{
	switch (state) {
	case SUPERVISOR_STOPPED: return "STOPPED";
	case SUPERVISOR_EXITED: return "EXITED";
	case SUPERVISOR_STARTING: return "STARTING";
	case SUPERVISOR_BACKOFF: return "BACKOFF";
	case SUPERVISOR_RUNNING: return "RUNNING";
	case SUPERVISOR_STOPPING: return "STOPPING";
	case SUPERVISOR_FATAL: return "FATAL";
	default: return "UNKNOWN";
	}
}

static void add(struct service_state *ret, const struct supervisor_process *from)
{
	struct service_process *p = &ret->processes[ret->n++];
	/* Its status is 0 while it runs, too, and of one that exited too quickly (supervisor/process.py, finish()). */
	bool ended = from->state == SUPERVISOR_EXITED;

	*p = (struct service_process){ .run = run_of(from->state) };
	snprintf(p->name, sizeof(p->name), "%s:%s", from->group, from->name);
	snprintf(p->word, sizeof(p->word), "%s", word_of(from->state));
	snprintf(p->why, sizeof(p->why), "%s", from->spawn_error);
	p->pid = from->pid > 0 && from->pid <= INT32_MAX ? (pid_t)from->pid : 0;
	p->since_s = from->start;
	p->exit_status = ended && from->exit_status >= 0 && from->exit_status < 256 ?
				 (int)from->exit_status :
				 -1;
}

static int collect(const struct supervisor_answer *a, const char *program,
		   struct service_state *ret, struct buf *why)
{
	size_t n_named = 0, named = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->processes[i].name, program) == 0) {
			n_named++;
			named = i;
		}
		if (!is_named(&a->processes[i], program))
			continue;
		if (ret->n == SERVICE_PROCESSES_MAX) {
			buf_printf(why, "the program %s has more than %d processes", program,
				   SERVICE_PROCESSES_MAX);
			return -E2BIG;
		}
		add(ret, &a->processes[i]);
	}
	/* [group:x] programs = NAME: the process has its name, in the group x. */
	if (!ret->n && n_named == 1)
		add(ret, &a->processes[named]);
	service_state_sum(ret);
	return ret->n ? 0 : -ENOENT;
}

static void explain_unknown(const struct supervisor *s, const struct supervisor_answer *a,
			    struct buf *why)
{
	const char *last = "";

	buf_printf(why, "supervisord at %s has no program %s; it has", s->socket, s->program);
	for (size_t i = 0; i < a->n && i < 8; i++) {
		const struct supervisor_process *p = &a->processes[i];

		if (strcmp(p->group, last) == 0)
			continue;
		buf_printf(why, "%s %s", *last ? "," : "", p->group);
		last = p->group;
	}
	buf_add_str(why, a->n ? "" : " none");
}

static int look(void *manager, struct service_state *ret, struct buf *why)
{
	_cleanup_(supervisor_answer_done) struct supervisor_answer a = { .n = 0 };
	struct supervisor *s = manager;
	int err = call(s, "supervisor.getAllProcessInfo", NULL, 0, why, &a);

	if (!err)
		err = collect(&a, s->program, ret, why);
	if (err == -ENOENT && !why->len)
		explain_unknown(s, &a, why);
	return err;
}

/* --- what they are told */

typedef bool (*wanted_fn)(const struct service_process *p);

static int tell(struct supervisor *s, const char *method, const struct service_process *p,
		const struct supervisor_argument *second, struct buf *why)
{
	_cleanup_(supervisor_answer_done) struct supervisor_answer a = { .n = 0 };
	const struct supervisor_argument args[] = { { .text = p->name }, *second };
	int err = call(s, method, args, ARRAY_SIZE(args), why, &a);

	if (a.fault != SUPERVISOR_FAULT_ALREADY_STARTED && a.fault != SUPERVISOR_FAULT_NOT_RUNNING)
		return err;
	buf_reset(why);
	return 0;
}

static int tell_each(struct supervisor *s, const char *method, wanted_fn wanted,
		     const struct supervisor_argument *second, struct buf *why)
{
	struct service_state state;
	int err = look(s, &state, why);

	for (size_t i = 0; !err && i < state.n; i++)
		if (wanted(&state.processes[i]))
			err = tell(s, method, &state.processes[i], second, why);
	return err;
}

static bool stands(const struct service_process *p)
{
	return p->run == SERVICE_STOPPED || p->run == SERVICE_FAILED || p->run == SERVICE_UNKNOWN;
}

static bool runs(const struct service_process *p)
{
	return p->run == SERVICE_RUNNING || p->run == SERVICE_STARTING;
}

static const struct supervisor_argument at_once = { .boolean = true, .number = 0 };

static int start(void *manager, struct buf *why)
{
	return tell_each(manager, "supervisor.startProcess", stands, &at_once, why);
}

static int stop(void *manager, struct buf *why)
{
	return tell_each(manager, "supervisor.stopProcess", runs, &at_once, why);
}

bool supervisor_catches_hup(const char *status)
{
	const char *at = strstr(status, "\nSigCgt:");

	if (!at)
		return false;
	at += 8;
	at += strspn(at, " \t");
	at += strspn(at, "0123456789abcdef");
	/* Hexadecimal, bit n - 1 for signal n: the last digit's lowest bit is SIGHUP's. */
	return strchr("13579bdf", at[-1]) != NULL;
}

static int may_hup(const struct service_process *p, struct buf *why)
{
	_cleanup_(buf_done) struct buf status = BUF_INIT(STATUS_FILE_MAX);
	char path[64];

	if (p->run != SERVICE_RUNNING || p->pid <= 0) {
		buf_printf(why, "%s is not running (%s)", p->name, p->word);
		return -ESRCH;
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)p->pid);
	if (file_read(path, &status) == 0 && supervisor_catches_hup(buf_str(&status)))
		return 0;
	buf_printf(
		why,
		"process %d of %s does not catch SIGHUP, so it would be ended by it: use restart (uvicorn has no "
		"reload; gunicorn has)",
		(int)p->pid, p->name);
	return -ENOTSUP;
}

static int reload(void *manager, struct buf *why)
{
	const struct supervisor_argument hup = { .text = "HUP" };
	struct service_state state;
	int err = look(manager, &state, why);

	for (size_t i = 0; !err && i < state.n; i++)
		err = may_hup(&state.processes[i], why);
	return err ? err : tell_each(manager, "supervisor.signalProcess", runs, &hup, why);
}

static void tail(void *manager, struct buf *out)
{
	static const char *const methods[] = { "supervisor.tailProcessStderrLog",
					       "supervisor.tailProcessStdoutLog" };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1024);
	struct service_state state;

	if (look(manager, &state, &why))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(methods) && !out->len; i++) {
		_cleanup_(supervisor_answer_done) struct supervisor_answer a = { .n = 0 };
		const struct supervisor_argument args[] = {
			{ .text = state.processes[0].name },
			{ .number = 0 },
			{ .number = TAIL_BYTES },
		};

		if (call(manager, methods[i], args, ARRAY_SIZE(args), &why, &a) == 0)
			buf_add(out, buf_str(&a.text), a.text.len);
	}
}

static void close_manager(void *manager)
{
	supervisor_close(manager);
}

const struct manager_ops supervisor_manager = {
	.name = "supervisor",
	.look = look,
	.start = start,
	.stop = stop,
	.reload = reload,
	.tail = tail,
	.close = close_manager,
};
