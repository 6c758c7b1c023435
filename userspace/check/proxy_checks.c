/* SPDX-License-Identifier: MIT */
/* The walk: nginx itself, its configuration, and then what that says. Where nginx is not used nothing is wrong. */
#include "check/proxy_checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "check/proxy_impl.h"

#define OUTPUT_MAX (8u << 20)
#define NGINX_MS 4000
#define SHOWN_MAX 400
#define PREFIX "nginx: "
#define DATE_BYTES 20 /* "2026/11/26 20:34:30 " */

static int tell(struct proxy *p, const struct finding_text *t, const char *text)
{
	return findings_add(p->out, t, "%s", text);
}

/* Behind "nginx: ", or behind the time where nginx was built to log to stderr (Debian): "2026/11/26 20:34:30 [emerg] 884#884: ". NULL: it is neither. */
static const char *behind_prefix(const char *line, size_t n, const char *level, char *to,
				 size_t size)
{
	const char *found = memmem(line, n, level, strlen(level)), *end = line + n;

	if (!found)
		return NULL;
	if (strncmp(line, PREFIX, strlen(PREFIX)) == 0) {
		snprintf(to, size, "%.*s", (int)(n - strlen(PREFIX)), line + strlen(PREFIX));
		return to;
	}
	if (found - line != DATE_BYTES || line[4] != '/' || line[7] != '/' || line[13] != ':')
		return NULL;
	found += strlen(level);
	found += strspn(found, " 0123456789#");
	found += *found == ':';
	found += *found == ' ';
	snprintf(to, size, "%s %.*s", level, (int)(found < end ? end - found : 0), found);
	return to;
}

/* Of what nginx says on its configuration: its first line that is an error, or else a warning. */
static bool complaint(const char *text, const char *level, char *to, size_t size)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const size_t n = strcspn(at, "\n");

		if (strncmp(at, "# configuration file ", 21) == 0)
			return false;
		if (behind_prefix(at, n, level, to, size))
			return true;
	}
	return false;
}

static int tell_bad_config(struct proxy *p, int status, const char *text)
{
	struct finding_text t = {
		.id = "proxy.config",
		.result = FINDING_PROBLEM,
		.meaning = "nginx's configuration is wrong: it can neither start nor reload",
		.remedy = "correct that line; nginx -t says when it is right",
	};
	char shown[SHOWN_MAX];

	if (geteuid() != 0) {
		t.result = FINDING_UNKNOWN;
		t.meaning = NULL;
		t.remedy = "run this as root";
		return tell(p, &t, "only root can ask nginx for its configuration");
	}
	/* isamon's own unit has a read-only system, and nginx -t opens the logs for writing. */
	if (strstr(text, "(30: Read-only file system)")) {
		t.result = FINDING_UNKNOWN;
		t.meaning =
			"its logs are read-only, at least to this process: isamon's unit has it so";
		t.remedy = "run this from a shell";
		return tell(p, &t, "nginx -t cannot be tried where it may not write to its logs");
	}
	if (status == -ETIMEDOUT) {
		t.result = FINDING_UNKNOWN;
		t.meaning = "it may wait for the address of a name in its configuration";
		t.remedy = "isamon doctor network";
		return tell(p, &t, "nginx -t did not end in time");
	}
	if (!complaint(text, "[emerg]", shown, sizeof(shown)) &&
	    !complaint(text, "[alert]", shown, sizeof(shown)))
		snprintf(shown, sizeof(shown), "nginx -t ends with status %d: %.200s", status,
			 text);
	return tell(p, &t, shown);
}

static int tell_good_config(struct proxy *p, const char *text)
{
	struct finding_text t = { .id = "proxy.config" };
	char shown[SHOWN_MAX] = "nginx -t: fine";

	if (complaint(text, "[warn]", shown, sizeof(shown)))
		t.result = FINDING_NOTE;
	return tell(p, &t, shown);
}

/* nginx -t, and what -T prints beside. *ret_ok: there is a configuration to go on with. */
static int look_at_config(struct proxy *p, bool *ret_ok)
{
	static const char *const argv[] = { "nginx", "-T", "-q", NULL };
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);
	int status = child_run(argv, NGINX_MS, &text), err;

	*ret_ok = false;
	if (status)
		return tell_bad_config(p, status, buf_str(&text));
	err = nginx_conf_parse(buf_str(&text), text.len, &p->conf);
	if (err == -ENOMEM)
		return err;
	*ret_ok = p->conf.n_files > 0;
	return tell_good_config(p, buf_str(&text));
}

/* --- the process */

static const struct listening *who_has(const struct proxy *p, uint16_t port)
{
	for (size_t i = 0; i < p->listening.n; i++)
		if (p->listening.items[i].port == port)
			return &p->listening.items[i];
	return NULL;
}

static int tell_stopped(struct proxy *p, bool can_start)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(512);
	struct finding_text t = {
		.id = "proxy.nginx",
		.result = FINDING_PROBLEM,
		.meaning = "nginx does not run: nobody outside reaches the service",
		.remedy = "systemctl start nginx",
		.fix = can_start ? "nginx-start" : NULL,
	};

	buf_add_str(&text, "no master process of nginx");
	if (!can_start && geteuid() != 0) /* whether it is used at all is not known then */
		t = (struct finding_text){ .id = t.id, .result = FINDING_UNKNOWN };
	for (size_t i = 0; i < p->conf.n_listens; i++) {
		const struct listening *other;
		struct nginx_address a;

		if (!nginx_address_parse(p->conf.listens[i].text, true, &a) || a.unix_socket)
			continue;
		other = who_has(p, a.port);
		if (!other)
			continue;
		buf_add_str(&text, "; its port is taken: ");
		listening_describe(other, &text);
		t.remedy = "end the program that has its port, then systemctl start nginx";
		t.fix = NULL;
		break;
	}
	return tell(p, &t, buf_str(&text));
}

static int tell_running(struct proxy *p)
{
	return findings_add(p->out, &(struct finding_text){ .id = "proxy.nginx" },
			    "master process %d, %u worker%s", (int)p->processes.master,
			    p->processes.workers, p->processes.workers == 1 ? "" : "s");
}

/* Whether anything of this configuration is meant for the service, or nginx runs: else it is merely installed. */
static bool is_used(const struct proxy *p)
{
	return p->processes.master || p->conf.n_passes || p->conf.n_peers;
}

static int walk(struct proxy *p)
{
	bool ok = false;
	int err = look_at_config(p, &ok);

	if (!err && ok && !is_used(p))
		return tell(p,
			    &(struct finding_text){ .id = "proxy.nginx", .result = FINDING_NOTE },
			    "nginx is installed, but not used for the service");
	if (!err)
		err = p->processes.master ? tell_running(p) : tell_stopped(p, ok);
	if (err || !ok)
		return err;
	proxy_find_targets(p);
	err = proxy_tell_upstream(p);
	if (!err)
		err = proxy_tell_connect(p);
	if (!err && p->processes.master)
		err = proxy_tell_front(p);
	if (!err && p->processes.master)
		err = proxy_tell_reload(p);
	return err ? err : proxy_tell_errors(p);
}

static int look(const struct check_input *in, struct findings *out)
{
	struct proxy *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->config = in->config;
	p->out = out;
	err = nginx_processes_find(&p->processes);
	if (!err)
		err = listening_read("/proc", &p->listening);
	if (!err && !p->processes.master && !child_find("nginx", NULL))
		err = tell(p, &(struct finding_text){ .id = "proxy.nginx", .result = FINDING_NOTE },
			   "there is no nginx on this host");
	else if (!err)
		err = walk(p);
	nginx_conf_done(&p->conf);
	listening_done(&p->listening);
	free(p);
	return err;
}

const struct check proxy_checks[] = {
	{ "proxy", "proxy.nginx", look, 10000 },
};
const size_t n_proxy_checks = ARRAY_SIZE(proxy_checks);
