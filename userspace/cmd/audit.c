/* SPDX-License-Identifier: MIT */
/* isamon audit: looks, compares with the last time, says what it found, and keeps that for the next time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "check/audit.h"
#include "check/audit_compare.h"
#include "cmd/audit_cmd.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"

static const char usage[] =
	"usage: isamon audit [--new] [--all] [--json] [--no-save] [--config FILE]\n"
	"Looks for what makes this host less safe: open ports, users, sudo, logins, ssh settings, files\n"
	"and secrets of the service, its unit, security updates, IMDSv1, certificates. Changes nothing.\n"
	"Run it as root. What is found is compared with the last run.\n"
	"\n"
	"  --new         show, and judge, only what the last run did not find\n"
	"  --all         show what is fine and what is accepted ([audit] accept), too\n"
	"  --json        the same as JSON\n"
	"  --no-save     do not keep it for the next run to compare with\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 nothing of high or medium grade; 1 there is; 2 wrong usage or configuration;\n"
	"3 could not be done.\n";

#define OUTPUT_MAX (8u << 20)

struct audit_options {
	struct audit_look look;
	bool json, no_save;
	const char *config_path;
};

static int failed(const char *what, int err)
{
	fprintf(stderr, "isamon audit: %s: %s\n", what, strerror(-err));
	return CMD_FAILED;
}

static int print(const struct audit_report *r, const struct audit_options *o, int64_t now_s)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	_cleanup_(json_freep) json_t *j = NULL;
	int err;

	if (o->json) {
		j = audit_report_json(r, &o->look, now_s);
		return j ? tool_print_json("isamon audit", j) : failed("the report", -ENOMEM);
	}
	err = audit_format(r, &o->look, &out);
	if (err)
		return failed("the report", err);
	fputs(buf_str(&out), stdout);
	return CMD_OK;
}

/* Without the last state all is new; that it could not be understood is said, and the next run has one again. */
static json_t *read_last(const struct config *c)
{
	json_t *last;
	int err = audit_state_read(c->state_directory, &last);

	if (err)
		fprintf(stderr, "isamon audit: %s/%s: %s; nothing to compare with\n",
			c->state_directory, AUDIT_STATE_NAME,
			err == -EPROTO ? "not what isamon wrote" : strerror(-err));
	return last;
}

static int save(const struct config *c, const struct audit_report *r, const json_t *last,
		int64_t now_s)
{
	_cleanup_(json_freep) json_t *state = audit_state_make(r, last, now_s);
	int err = state ? audit_state_write(c->state_directory, state) : -ENOMEM;

	if (!err)
		return CMD_OK;
	fprintf(stderr, "isamon audit: %s/%s cannot be written: %s; or say --no-save\n",
		c->state_directory, AUDIT_STATE_NAME, strerror(-err));
	return CMD_FAILED;
}

static int look(const struct config *c, const struct audit_options *o, struct audit_report *r)
{
	_cleanup_(json_freep) json_t *last = read_last(c);
	const struct check_input in = { .config = c, .config_path = o->config_path };
	const int64_t now_s = time(NULL);
	size_t n;
	const struct check *const *checks = audit_checks(&n);
	int err = checks_run(checks, n, &in, &r->found), status;

	if (err)
		return failed("the checks could not be run", err);
	err = audit_compare(r, last, c, now_s);
	if (err && err != -EPROTO)
		return failed("the comparison", err);
	status = print(r, o, now_s);
	if (!status && !o->no_save && geteuid() == 0)
		status = save(c, r, last, now_s);
	if (status)
		return status;
	return (o->look.only_new ? r->n_bad_new : r->n_bad) ? CMD_NOT_OK : CMD_OK;
}

int cmd_audit(int argc, char **argv)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };
	struct audit_options o = { .json = false };
	const struct tool_option options[] = {
		{ "new", &o.look.only_new, NULL },  { "all", &o.look.all, NULL },
		{ "json", &o.json, NULL },          { "no-save", &o.no_save, NULL },
		{ "config", NULL, &o.config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong("isamon audit", usage, TOOL_UNEXPECTED, argv[first]);
	err = tool_load(o.config_path, &c);
	if (err)
		return err;
	if (geteuid() != 0)
		fputs("isamon audit: not root, so much cannot be looked at, and nothing is kept\n",
		      stderr);
	return look(c, &o, &r);
}
