/* SPDX-License-Identifier: MIT */
/* isamon backup create, and run. What could be made is kept and told, whatever became of the rest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/job_report.h"
#include "base/json.h"
#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"

static const char create_usage[] =
	"usage: isamon backup create [--data] [--config] [--to-s3] [--note TEXT] [--json]\n"
	"Makes a backup of the service's data and one of its configuration, as [backup] of isamon's configuration says: a tar.gz that\n"
	"plain tar restores. Databases are copied by SQLite while the service writes; then all is read back and compared.\n"
	"\n"
	"  --data            only this\n"
	"  --config          only this\n"
	"  --to-s3           send them to [backup] s3_bucket, too\n"
	"  --note TEXT       is shown with them; at most 1000 bytes\n"
	"  --json            what was made, as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 made; 1 made, but a database is damaged; 2 wrong usage or configuration; 3 not, or not all, made or sent.\n";

static const char run_usage[] =
	"usage: isamon backup run [--json]\n"
	"What the job \"backup\" does: makes the backups, as `isamon backup create`; sends to S3 what is to be there and is not, if\n"
	"s3_bucket is configured; and removes what the rules do not keep, as `isamon backup prune --yes`.\n"
	"\n"
	"  --json            what was made and removed, as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 done; 1 done, but a database is damaged; 2 wrong usage or configuration; 3 not all of it could be done.\n";

struct creating {
	struct backup_tool *t;
	bool wanted[BACKUP_KINDS];
	bool to_s3, json;
	const char *note;
	json_t *list;
	int64_t now_s;       /* of both kinds the same */
	unsigned int wait_s; /* for others who work in the directory */
	uint64_t bytes;
	struct catalogue_entry made[BACKUP_KINDS];
	size_t n_made;
};

static int worse(int a, int b)
{
	return a > b ? a : b;
}

/* --- what was made */

static int told(struct creating *c, const struct backup_made *m)
{
	int status = m->entry.n_damaged ? CMD_NOT_OK : CMD_OK;

	if (c->json)
		json_array_append_new(c->list, backup_made_json(c->t, m));
	else
		backup_made_print(m);
	fflush(stdout);
	if (!m->catalogue_err)
		return status;
	fprintf(stderr, "%s: %s; the backup is there, and will be listed as not verified\n",
		c->t->command, buf_str(&m->catalogue_why));
	return CMD_FAILED;
}

/* --- making */

/* How the last one of its kind was compressed. */
static void set_last(const struct backup_list *l, struct backup_create_options *o)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct catalogue_entry *e = &l->entries[i];

		if (e->kind != o->kind || e->verdict != BACKUP_SOUND || !e->file_bytes)
			continue;
		o->last_file_bytes = e->file_bytes;
		o->last_archive_bytes = e->archive_bytes;
		return;
	}
}

static int create_one(struct creating *c, struct backup_place *place, int kind)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	_cleanup_(backup_made_done) struct backup_made made;
	const struct config *config = c->t->config;
	char host[256] = "";
	struct backup_create_options o = {
		.kind = (enum backup_kind)kind,
		.name = config->backup_name,
		.source = backup_source(config, kind),
		.host = host,
		.note = c->note,
		.level = (int)config->backup_level,
		.exclude = (const char *const *)config->backup_excludes,
		.n_exclude = config->n_backup_excludes,
		.now_s = c->now_s,
		.progress = backup_progress(),
	};
	int err;

	if (gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	set_last(&c->t->list, &o);
	err = backup_create(place, &o, c->t->catalogue, &why, &made);
	backup_progress_clear();
	if (err) {
		backup_complain(c->t, buf_str(&why), err);
		return CMD_FAILED;
	}
	c->bytes += made.entry.archive_bytes;
	c->made[c->n_made++] = made.entry;
	return told(c, &made);
}

/* Where nothing of it is there, as on a host without the service, nothing is made. */
static bool is_anything_there(const struct creating *c)
{
	for (int kind = 0; kind < BACKUP_KINDS; kind++)
		if (c->wanted[kind] && access(backup_source(c->t->config, kind), F_OK) == 0)
			return true;
	return false;
}

static int create_all(struct creating *c)
{
	_cleanup_(backup_place_close) struct backup_place place = { .lock_fd = -1,
								    .dir_fd = -1,
								    .part_fd = -1 };
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int status = CMD_OK, err;

	if (!is_anything_there(c)) {
		backup_complain(
			c->t,
			"what is to be kept is not there; [backup] data and config say where "
			"it is, and none",
			0);
		return CMD_FAILED;
	}
	err = backup_open_place(c->t, c->wait_s, &why, &place);
	c->now_s = backup_now_s();
	if (err) {
		backup_complain(c->t, buf_str(&why), err);
		return CMD_FAILED;
	}
	status = backup_tool_list(c->t);
	for (int kind = 0; kind < BACKUP_KINDS && !backup_is_stopped(); kind++)
		if (c->wanted[kind])
			status = worse(status, create_one(c, &place, kind));
	job_report_bytes(c->bytes);
	return status;
}

/* From the moment on that it is to be in S3 the catalogue says so, and `isamon backup send` goes on with it. */
static int send_made(struct creating *c)
{
	struct backup_s3 s = { 0 };
	int status = CMD_OK, err;

	for (size_t i = 0; i < c->n_made; i++) {
		c->made[i].remote = BACKUP_TO_SEND;
		if (backup_remember(c->t, &c->made[i], CATALOGUE_SENT))
			status = CMD_FAILED;
	}
	err = c->n_made ? backup_s3_open(c->t, &s) : 0;
	if (err)
		status = CMD_FAILED;
	for (size_t i = 0; !err && i < c->n_made && !backup_is_stopped(); i++) {
		if (backup_s3_send(c->t, &s, &c->made[i]))
			status = CMD_FAILED;
		else if (!c->json)
			printf("%s: sent to s3://%s/%s\n", c->made[i].file, c->made[i].bucket,
			       c->made[i].key);
	}
	backup_s3_close(&s);
	for (size_t i = 0; c->json && i < c->n_made; i++) {
		_cleanup_(json_freep) json_t *now = backup_json(c->t, &c->made[i]);

		json_object_update(json_array_get(c->list, i), now);
	}
	return status;
}

/* What was to be in S3 and is not yet: of earlier runs. */
static int send_earlier(struct creating *c)
{
	struct backup_s3 s = { 0 };
	int status = backup_tool_list(c->t);
	bool open = false;

	for (size_t i = 0; i < c->t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &c->t->list.entries[i];

		if (e->remote != BACKUP_TO_SEND || !e->local)
			continue;
		if (!open && backup_s3_open(c->t, &s))
			return CMD_FAILED;
		open = true;
		if (backup_s3_send(c->t, &s, e))
			status = CMD_FAILED;
		else if (!c->json)
			printf("%s: sent to s3://%s/%s\n", e->file, e->bucket, e->key);
	}
	if (open)
		backup_s3_close(&s);
	return status;
}

static int stopped(struct creating *c, int status)
{
	if (!backup_is_stopped())
		return status;
	backup_complain(c->t, "stopped by a signal; what was unfinished is removed", 0);
	return CMD_FAILED;
}

static int finish_json(struct creating *c, json_t *pruned, int status)
{
	_cleanup_(json_freep) json_t *j =
		json_pack("{s:b, s:O}", "fine", status == CMD_OK, "backups", c->list);

	if (!j || (pruned && json_object_set(j, "pruned", pruned)))
		return CMD_FAILED;
	return tool_print_json(c->t->command, j) == CMD_OK ? status : CMD_FAILED;
}

/* --- the commands */

static int check_create(const struct creating *c)
{
	const struct config *config = c->t->config;

	if (c->to_s3 && !*config->backup_s3_bucket)
		return tool_wrong(c->t->command, NULL,
				  "--to-s3 needs s3_bucket in [backup] of the configuration", NULL);
	if (c->note && strlen(c->note) > CATALOGUE_NOTE_MAX)
		return tool_wrong(c->t->command, NULL, "--note: longer than 1000 bytes", NULL);
	for (int kind = 0; kind < BACKUP_KINDS; kind++)
		if (c->wanted[kind] && !backup_source(config, kind))
			return tool_wrong(c->t->command, NULL,
					  "no directory for it in [backup] of the configuration:",
					  backup_kind_names[kind]);
	return CMD_OK;
}

static int create(struct creating *c)
{
	_cleanup_(json_freep) json_t *list = json_array();
	int status = list ? check_create(c) : CMD_FAILED;

	if (status)
		return status;
	c->list = list;
	backup_be_modest();
	backup_catch_signals();
	status = create_all(c);
	if (c->to_s3)
		status = worse(status, send_made(c));
	status = stopped(c, status);
	return c->json ? finish_json(c, NULL, status) : status;
}

int backup_create_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	const char *config_path = NULL;
	struct creating c = { .t = &t };
	const struct tool_option options[] = {
		{ "data", &c.wanted[BACKUP_DATA], NULL },
		{ "config", &c.wanted[BACKUP_CONFIG], NULL },
		{ "to-s3", &c.to_s3, NULL },
		{ "note", NULL, &c.note },
		{ "json", &c.json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first,
		err = tool_options(argc, argv, options, ARRAY_SIZE(options), create_usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong("isamon backup create", create_usage, TOOL_UNEXPECTED,
				  argv[first]);
	status = backup_tool_open("isamon backup create", config_path, &t);
	if (status)
		return status;
	if (!c.wanted[BACKUP_DATA] && !c.wanted[BACKUP_CONFIG])
		for (int kind = 0; kind < BACKUP_KINDS; kind++)
			c.wanted[kind] = backup_source(t.config, kind) != NULL;
	return create(&c);
}

/* Nothing is removed in a night in which nothing could be made. */
static int run(struct creating *c)
{
	_cleanup_(json_freep) json_t *list = json_array(), *pruned = json_array();
	int status = list && pruned ? CMD_OK : CMD_FAILED, made;

	if (status)
		return status;
	c->list = list;
	backup_be_modest();
	backup_catch_signals();
	status = made = create_all(c);
	if (*c->t->config->backup_s3_bucket) {
		status = worse(status, send_made(c));
		status = worse(status, send_earlier(c));
	}
	if (made != CMD_FAILED && !backup_is_stopped()) {
		status = worse(status, backup_tool_list(c->t));
		status = worse(status, backup_prune(c->t, false, true, c->json ? pruned : NULL));
	}
	status = stopped(c, status);
	return c->json ? finish_json(c, pruned, status) : status;
}

int backup_run_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	const char *config_path = NULL;
	struct creating c = { .t = &t, .wait_s = BACKUP_JOB_WAITS_S };
	const struct tool_option options[] = {
		{ "json", &c.json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), run_usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong("isamon backup run", run_usage, TOOL_UNEXPECTED, argv[first]);
	status = backup_tool_open("isamon backup run", config_path, &t);
	if (status)
		return status;
	for (int kind = 0; kind < BACKUP_KINDS; kind++)
		c.wanted[kind] = backup_source(t.config, kind) != NULL;
	return run(&c);
}
