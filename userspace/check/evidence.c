/* SPDX-License-Identifier: MIT */
/* What stands in one table here is read as it is; masking is the bundle's affair. */
#include "check/evidence.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/child.h"
#include "base/file.h"
#include "check/evidence_impl.h"
#include "serve/ask.h"

#define ASK_MS 2000

static const struct {
	const char *name, *path;
} files[] = {
	{ "host/meminfo", "/proc/meminfo" },
	{ "host/loadavg", "/proc/loadavg" },
	{ "host/stat", "/proc/stat" },
	{ "host/uptime", "/proc/uptime" },
	{ "host/vmstat", "/proc/vmstat" },
	{ "host/mounts", "/proc/self/mounts" },
	{ "host/file-nr", "/proc/sys/fs/file-nr" },
	{ "host/pressure-cpu", "/proc/pressure/cpu" },
	{ "host/pressure-memory", "/proc/pressure/memory" },
	{ "host/pressure-io", "/proc/pressure/io" },
	{ "host/sockstat", "/proc/net/sockstat" },
	{ "host/netstat", "/proc/net/netstat" },
	{ "host/snmp", "/proc/net/snmp" },
	{ "host/resolv.conf", "/etc/resolv.conf" },
	{ "host/os-release", "/etc/os-release" },
};

static const char *const processes[] = { "ps", "-eo",
					 "pid,ppid,user,stat,pcpu,rss,nlwp,etimes,comm", NULL };
static const char *const disks[] = { "df", "-hT", NULL };
static const char *const inodes[] = { "df", "-i", NULL };
static const char *const sockets[] = { "ss", "-tulnp", NULL };
static const char *const units[] = { "systemctl", "--failed", "--no-pager", "--plain", NULL };
static const char *const nginx[] = { "nginx", "-v", NULL };
static const char *const nginx_test[] = { "nginx", "-t", NULL };
static const char *const clocks[] = { "timedatectl", "show", NULL };

static const struct {
	const char *name;
	const char *const *argv;
} commands[] = {
	{ "host/processes", processes }, { "host/disks", disks },        { "host/inodes", inodes },
	{ "host/sockets", sockets },     { "host/failed-units", units }, { "host/clock", clocks },
	{ "nginx/version", nginx },      { "nginx/test", nginx_test },
};

int evidence_add_command(struct bundle *b, const char *name, const char *const argv[])
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(BUNDLE_TEXT_MAX);
	int status = child_run(argv, EVIDENCE_COMMAND_MS, &out);

	if (status < 0)
		bundle_miss(b, name,
			    status == -ENOENT    ? "there is no such program" :
			    status == -ETIMEDOUT ? "it took too long" :
						   strerror(-status));
	if (status < 0 && !out.len)
		return 0;
	return bundle_add(b, name, NULL, buf_str(&out), out.len);
}

static int add_file(struct bundle *b, const char *name, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(BUNDLE_TEXT_MAX);
	int err = file_read(path, &text);

	if (!err)
		return bundle_add(b, name, NULL, buf_str(&text), text.len);
	bundle_miss(b, name, strerror(-err));
	return 0;
}

static int add_page(const struct config *c, struct bundle *b, const char *target, const char *name)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096),
				       body = BUF_INIT(8 * (size_t)BUNDLE_TEXT_MAX);
	int err = buf_printf(&path, "%s/isamon.sock", c->runtime_directory);

	err = err ?: ask_daemon(buf_str(&path), target, ASK_MS, &body);
	if (!err)
		return bundle_add(b, name, NULL, buf_str(&body), body.len);
	bundle_miss(b, name,
		    err == -ENOENT || err == -ECONNREFUSED ? "no daemon runs" : strerror(-err));
	return 0;
}

static int add_configuration(const struct check_input *in, const struct mask *m, struct bundle *b)
{
	static const char name[] = "isamon.conf";
	_cleanup_(buf_done) struct buf text = BUF_INIT(BUNDLE_TEXT_MAX),
				       masked = BUF_INIT(4 * (size_t)BUNDLE_TEXT_MAX);
	int err;

	/* As it was read when the command began. */
	buf_add(&text, buf_str(&in->config->text), in->config->text.len);
	if (!text.len) {
		bundle_miss(b, name, "there is none: everything is as by default");
		return text.err;
	}
	err = mask_configuration(m, buf_str(&text), text.len, &masked);
	explicit_bzero(text.data, text.len);
	if (!err)
		return bundle_add(b, name, NULL, buf_str(&masked), masked.len);
	bundle_miss(b, name, "it could not be masked");
	return err == -ENOMEM ? err : 0;
}

static int add_versions(struct bundle *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4096);
	struct utsname u = { 0 };

	uname(&u);
	buf_printf(&text, "isamon %s\n%s %s %s %s\nhost %s\nSQLite %s\n%s\n", ISAMON_VERSION,
		   u.sysname, u.release, u.version, u.machine, u.nodename, sqlite3_libversion(),
		   OpenSSL_version(OPENSSL_VERSION));
	return bundle_add(b, "versions", NULL, buf_str(&text), text.len);
}

int evidence_collect(const struct check_input *in, const struct evidence_findings *found,
		     struct bundle *b)
{
	const struct config *c = in->config;
	_cleanup_(mask_done) struct mask m = { .n = 0 };
	int err = mask_add_known(&m, c);

	err = err ?: bundle_add(b, "findings.txt", NULL, found->text, strlen(found->text));
	err = err ?: bundle_add(b, "findings.json", NULL, found->json, strlen(found->json));
	err = err ?: add_versions(b);
	err = err ?: add_configuration(in, &m, b);
	err = err ?: add_page(c, b, "/status", "status.json");
	err = err ?: add_page(c, b, "/metrics", "metrics.txt");
	for (size_t i = 0; i < ARRAY_SIZE(files) && !err; i++)
		err = add_file(b, files[i].name, files[i].path);
	for (size_t i = 0; i < ARRAY_SIZE(commands) && !err; i++)
		err = evidence_add_command(b, commands[i].name, commands[i].argv);
	err = err ?: evidence_add_logs(c, b);
	return err ?: evidence_add_care(c, b);
}
