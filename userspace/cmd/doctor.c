/* SPDX-License-Identifier: MIT */
/* isamon doctor: what to look at, one round of checks, and what became of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/doctor_cmd.h"
#include "cmd/tool.h"

#define OUTPUT_MAX (4u << 20)

static const char usage_head[] =
	"usage: isamon doctor [AREA... | RUNBOOK] [OPTION...]\n"
	"Looks for what is wrong, and names the cause in the last line. Changes nothing\n"
	"without --fix.\n\n";
static const char usage_tail[] =
	"\n"
	"  --fix         repair what can be: start, restart, reload, owners and modes;\n"
	"                shows each repair and asks, then looks again\n"
	"  --yes         do not ask\n"
	"  --bundle FILE write findings and evidence (logs, figures, configuration; no\n"
	"                secrets) to a new file, a tar.gz; --force: also over an old one\n"
	"  --s3-write    put an object into the backups' bucket, and delete it again\n"
	"  --json        the same as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"ok fine; note worth knowing; warn may be a problem, or will be one; BAD is one\n"
	"now; ? could not be looked at.\n"
	"Exit status: 0 nothing is wrong; 1 something is, may be, or could not be looked\n"
	"at; 2 wrong usage or configuration; 3 could not be done.\n";

struct options {
	const char *config_path, *bundle;
	bool fix, yes, json, s3_write, force;
};

static void add_usage(struct buf *out)
{
	struct area a;
	size_t n;
	const struct runbook *r = runbooks_list(&n);

	buf_add_str(out, usage_head);
	for (size_t i = 0; areas_get(i, &a); i++)
		buf_printf(out, "  %-15s %s\n", a.name, a.help);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "  %-15s %s\n", r[i].name, r[i].help);
	buf_add_str(out, usage_tail);
}

static void add_area(struct doctor *d, const struct area *a)
{
	for (size_t i = 0; i < d->n_areas; i++)
		if (d->areas[i].checks == a->checks)
			return;
	if (d->n_areas == DOCTOR_AREAS_MAX || d->n_checks + a->n > DOCTOR_CHECKS_MAX)
		return;
	d->areas[d->n_areas++] = *a;
	for (size_t i = 0; i < a->n; i++)
		d->checks[d->n_checks++] = &a->checks[i];
}

static bool add_named(struct doctor *d, const char *name)
{
	const struct runbook *r = runbooks_find(name);
	struct area a;

	if (!r && !areas_find(name, &a))
		return false;
	if (!r)
		add_area(d, &a);
	for (size_t i = 0; r && i < RUNBOOK_AREAS_MAX && r->areas[i]; i++)
		if (areas_find(r->areas[i], &a))
			add_area(d, &a);
	return true;
}

static void add_all(struct doctor *d)
{
	struct area a;

	for (size_t i = 0; areas_get(i, &a); i++)
		add_area(d, &a);
}

int doctor_look(struct doctor *d)
{
	const uint64_t start_ns = clock_monotonic_ns();
	int err;

	findings_done(&d->found);
	err = checks_run(d->checks, d->n_checks, &d->input, &d->found);
	d->took_ns = clock_monotonic_ns() - start_ns;
	if (err)
		fprintf(stderr, DOCTOR ": the checks cannot be run: %s\n", strerror(-err));
	return err;
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !getenv("NO_COLOR");
}

static int show(const struct doctor *d, bool json)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);
	_cleanup_(json_freep) json_t *j = json ? doctor_to_json(d) : NULL;
	const enum finding_result worst = findings_worst(&d->found);
	int err = json ? 0 : doctor_format(d, wants_colour(), &text);

	if (json && (!j || tool_print_json(DOCTOR, j) != CMD_OK))
		return CMD_FAILED;
	if (err) {
		fprintf(stderr, DOCTOR ": %s\n", strerror(-err));
		return CMD_FAILED;
	}
	fwrite(buf_str(&text), 1, text.len, stdout);
	return worst == FINDING_FINE || worst == FINDING_NOTE ? CMD_OK : CMD_NOT_OK;
}

static int doctor(struct doctor *d, const struct options *o)
{
	_cleanup_(config_freep) struct config *c = NULL;
	int status = tool_load(o->config_path, &c);

	if (status)
		return status;
	d->input = (struct check_input){
		.config = c,
		.config_path = o->config_path,
		.ask_s3 = o->s3_write,
	};
	if (doctor_look(d) || (o->fix && doctor_fix(d, o->yes)))
		return CMD_FAILED;
	status = show(d, o->json);
	if (o->bundle && status != CMD_FAILED && doctor_bundle(d, o->bundle, o->force) != CMD_OK)
		return CMD_FAILED;
	return status;
}

int cmd_doctor(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf usage = BUF_INIT(8192);
	struct options o = { .fix = false };
	const struct tool_option options[] = {
		{ "fix", &o.fix, NULL },
		{ "yes", &o.yes, NULL },
		{ "bundle", NULL, &o.bundle },
		{ "force", &o.force, NULL },
		{ "s3-write", &o.s3_write, NULL },
		{ "json", &o.json, NULL },
		{ "config", NULL, &o.config_path },
	};
	struct doctor d = { .n_areas = 0 };
	int first, status;

	add_usage(&usage);
	status = tool_options(argc, argv, options, ARRAY_SIZE(options), buf_str(&usage), &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	for (int i = first; i < argc; i++)
		if (!add_named(&d, argv[i]))
			return tool_wrong(DOCTOR, buf_str(&usage), "no area or runbook", argv[i]);
	if (!d.n_areas)
		add_all(&d);
	if (o.yes && !o.fix)
		return tool_wrong(DOCTOR, buf_str(&usage), "without --fix nothing is asked",
				  "--yes");
	if (o.force && !o.bundle)
		return tool_wrong(DOCTOR, buf_str(&usage), "nothing to replace without --bundle",
				  "--force");
	status = doctor(&d, &o);
	findings_done(&d.found);
	json_decref(d.fixes);
	return status;
}
