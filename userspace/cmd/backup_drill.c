/* SPDX-License-Identifier: MIT */
/* isamon backup drill. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/backup_drill.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"
#include "cmd/status_format.h"

static const char usage[] =
	"usage: isamon backup drill [ID] [--scheduled] [--json]\n"
	"Restores a backup into a directory beside the backups, compares every hash, opens its databases and checks them, and removes it\n"
	"again. Without an ID: the newest of the data and the newest of the configuration that are not known to be damaged. Nothing of the\n"
	"service is touched. It needs room for all of it, and leaves a twentieth of the disk free.\n"
	"\n"
	"  --scheduled       as the job: waits half an hour for others who work there; where nothing was backed up yet all is fine\n"
	"  --json            what was found as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 they can be restored; 1 one cannot, or there is none; 2 wrong usage or configuration; 3 could not be done.\n";

struct drilling {
	struct backup_work work;
	bool scheduled; /* it is a job's: there need not be a backup yet */
};

static void tell(struct drilling *d, const struct catalogue_entry *e,
		 const struct backup_drilled *found, double took_s, const char *why)
{
	char size[STATUS_CELL_MAX], took[STATUS_CELL_MAX];

	status_format_bytes(found->bytes, size);
	status_format_duration(took_s, took);
	if (d->work.list)
		json_array_append_new(d->work.list,
				      json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:f, s:s*}", "id",
						e->id, "restored", !*why, "entries",
						(json_int_t)found->entries, "file_bytes",
						(json_int_t)found->bytes, "databases",
						(json_int_t)found->databases, "damaged_databases",
						(json_int_t)found->n_unsound, "duration_seconds",
						took_s, "why", *why ? why : NULL));
	else if (*why)
		printf("%s: CANNOT BE RESTORED: %s\n", e->file, why);
	else
		printf("%s: restored: %llu file%s, directories and links, %s, %llu sound "
		       "database%s, in %s; removed again\n",
		       e->file, (unsigned long long)found->entries, status_format_s(found->entries),
		       size, (unsigned long long)found->databases,
		       status_format_s(found->databases), took);
	fflush(stdout);
}

/* What a drill finds out is as good as what `verify` does. */
static void remember(struct drilling *d, struct catalogue_entry *e, const char *why)
{
	if (!*why && e->verdict != BACKUP_SOUND)
		return;
	if (*why) {
		e->verdict = BACKUP_UNSOUND;
		utf8_make_plain(why, strlen(why), e->why, sizeof(e->why));
	}
	e->verified_s = backup_now_s();
	if (backup_remember(d->work.t, e, CATALOGUE_FOUND))
		backup_work_worsen(&d->work, CMD_FAILED);
}

static void drill_one(struct drilling *d, struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	const struct backup_progress progress = backup_progress();
	const uint64_t begin_ns = clock_monotonic_ns();
	struct backup_drilled found;
	int err = backup_drill(&d->work.place, e, &progress, &why, &found);

	backup_progress_clear();
	if (err && err != -EBADMSG) {
		backup_complain(d->work.t, buf_str(&why), err);
		backup_work_worsen(&d->work, CMD_FAILED);
		return;
	}
	if (err)
		backup_work_worsen(&d->work, CMD_NOT_OK);
	tell(d, e, &found, (double)(clock_monotonic_ns() - begin_ns) / 1e9, buf_str(&why));
	remember(d, e, buf_str(&why));
}

/* The list has the newest first. */
static struct catalogue_entry *newest(struct backup_list *l, int kind)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].local && (int)l->entries[i].kind == kind &&
		    l->entries[i].verdict != BACKUP_UNSOUND)
			return &l->entries[i];
	return NULL;
}

static bool is_any(const struct backup_list *l, int kind)
{
	for (size_t i = 0; i < l->n; i++)
		if ((int)l->entries[i].kind == kind)
			return true;
	return false;
}

static void there_is_none(struct drilling *d, int kind)
{
	const char *what = backup_kind_names[kind];

	if (d->scheduled && !is_any(&d->work.t->list, kind)) {
		if (!d->work.list)
			printf("nothing to drill: there is no backup of the %s yet\n", what);
		return;
	}
	fprintf(stderr, "%s: there is no backup of the %s in %s that is not damaged\n",
		d->work.t->command, what, d->work.t->config->backup_directory);
	backup_work_worsen(&d->work, CMD_NOT_OK);
}

static void drill_newest(struct drilling *d)
{
	const struct config *c = d->work.t->config;

	for (int kind = 0; kind < BACKUP_KINDS && !backup_is_stopped(); kind++) {
		struct catalogue_entry *e = newest(&d->work.t->list, kind);

		if (e)
			drill_one(d, e);
		else if (backup_source(c, kind))
			there_is_none(d, kind);
	}
}

static void drill_named(struct drilling *d, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < d->work.t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &d->work.t->list.entries[i];

		if (!e->local || !backup_name_means(name, e))
			continue;
		found++;
		drill_one(d, e);
	}
	if (found || backup_is_stopped())
		return;
	fprintf(stderr,
		"%s: there is no backup \"%s\" in the directory; isamon backup list shows which there are\n",
		d->work.t->command, name);
	backup_work_worsen(&d->work, CMD_NOT_OK);
}

static void drill(struct drilling *d, const char *name)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int err = backup_open_place(d->work.t, d->scheduled ? BACKUP_JOB_WAITS_S : 0, &why,
				    &d->work.place);

	if (err) {
		backup_complain(d->work.t, buf_str(&why), err);
		backup_work_worsen(&d->work, CMD_FAILED);
		return;
	}
	backup_work_worsen(&d->work, backup_tool_list(d->work.t));
	if (d->work.status)
		return;
	if (name)
		drill_named(d, name);
	else
		drill_newest(d);
	backup_work_heed_stop(&d->work);
}

int backup_drill_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	const char *config_path = NULL;
	struct drilling d = { .work = BACKUP_WORK_INIT(&t) };
	bool json = false;
	const struct tool_option options[] = {
		{ "scheduled", &d.scheduled, NULL },
		{ "json", &json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first + 1 < argc)
		return tool_wrong("isamon backup drill", usage, TOOL_UNEXPECTED, argv[first + 1]);
	status = backup_work_begin(&d.work, "isamon backup drill", config_path, json);
	if (status)
		return status;
	drill(&d, first < argc ? argv[first] : NULL);
	return backup_work_end(&d.work);
}
