/* SPDX-License-Identifier: MIT */
/* isamon backup: the table of its subcommands, and what they have in common. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"

static const struct tool_command commands[] = {
	{ "create", backup_create_command, "make one now, of data and configuration" },
	{ "run", backup_run_command,
	  "what the job does: create, send to S3 (if configured), prune" },
	{ "list", backup_list_command, "those that there are, here and in S3" },
	{ "show", backup_show_command, "all that is known of one" },
	{ "verify", backup_verify_command, "read them whole: hashes, databases" },
	{ "prune", backup_prune_command, "remove what the rules do not keep" },
	{ "drill", backup_drill_command, "restore the newest beside, and open its databases" },
	{ "send", backup_send_command, "to S3: those that should be there and are not" },
	{ "fetch", backup_fetch_command, "one from S3 back into the directory" },
};

int cmd_backup(int argc, char **argv)
{
	return tool_dispatch("isamon backup", commands, ARRAY_SIZE(commands), argc, argv);
}

int64_t backup_now_s(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_SEC);
}

const char *backup_source(const struct config *c, int kind)
{
	const char *source = kind == BACKUP_DATA ? c->backup_data : c->backup_config;

	return strcmp(source, CONFIG_BACKUP_NONE) == 0 ? NULL : source;
}

int backup_tool_open(const char *command, const char *config_path, struct backup_tool *ret)
{
	int status, err;

	*ret = (struct backup_tool){ .command = command };
	status = tool_load(config_path, &ret->config);
	if (status)
		return status;
	err = catalogue_open(ret->config->state_directory, &ret->catalogue);
	if (!err)
		return CMD_OK;
	backup_complain(ret, strerror(-err), err);
	return CMD_FAILED;
}

/* Without the catalogue there is still the directory. */
int backup_tool_list(struct backup_tool *t)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	_cleanup_(buf_done) struct buf why_catalogue = BUF_INIT(BACKUP_WHY_MAX);
	int err;

	backup_list_done(&t->list);
	err = backup_list_load(t->config->backup_directory, t->config->backup_name, t->catalogue,
			       &why, &why_catalogue, &t->list);
	t->blind = why_catalogue.len > 0;
	if (t->blind)
		fprintf(stderr, "%s: %s; what is in the directory is listed all the same\n",
			t->command, buf_str(&why_catalogue));
	if (err)
		backup_complain(t, buf_str(&why), err);
	return err ? CMD_FAILED : CMD_OK;
}

void backup_tool_done(struct backup_tool *t)
{
	backup_list_done(&t->list);
	catalogue_close(t->catalogue);
	config_free(t->config);
	*t = (struct backup_tool){ 0 };
}

int backup_open_place(const struct backup_tool *t, unsigned int wait_s, struct buf *why,
		      struct backup_place *ret)
{
	const struct timespec second = { .tv_sec = 1 };
	unsigned int waited = 0;
	int err;

	for (;;) {
		err = backup_place_open(t->config->backup_directory, why, ret);
		if (err != -EBUSY || waited++ >= wait_s || backup_is_stopped())
			return err;
		if (waited == 1)
			fprintf(stderr, "%s: %s; waiting, %u minutes at most\n", t->command,
				buf_str(why), wait_s / 60);
		buf_reset(why);
		backup_place_close(ret);
		nanosleep(&second, NULL);
	}
}

void backup_complain(const struct backup_tool *t, const char *why, int err)
{
	backup_progress_clear();
	fprintf(stderr, "%s: %s%s\n", t->command, *why ? why : strerror(-err),
		err == -EACCES && geteuid() != 0 ? "; try it with sudo" : "");
}

int backup_remember(struct backup_tool *t, const struct catalogue_entry *e,
		    enum catalogue_part part)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int err = catalogue_update(t->catalogue, e, part, &why);

	if (err)
		backup_complain(t, buf_str(&why), err);
	return err;
}

/* --- how it is shown */

const char *backup_verdict_text(const struct catalogue_entry *e)
{
	static const char *const texts[] = { "not verified", "sound", "damaged" };

	if (e->verdict == BACKUP_SOUND && e->n_damaged)
		return "sound, database not";
	return texts[e->verdict];
}

static int set_new(json_t *o, const char *key, json_t *value)
{
	return value ? json_object_set_new(o, key, value) : -1;
}

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static int set_contents(json_t *o, const struct catalogue_entry *e)
{
	int bad = set_new(o, "files", count(e->files));

	bad |= set_new(o, "file_bytes", count(e->file_bytes));
	bad |= set_new(o, "databases", count(e->databases));
	bad |= set_new(o, "skipped", count(e->n_skipped));
	bad |= set_new(o, "changed", count(e->n_changed));
	return bad | set_new(o, "damaged_databases", count(e->n_damaged));
}

static int set_remote(json_t *o, const struct catalogue_entry *e)
{
	static const char *const words[] = { "no", "to send", "yes" };
	int bad = set_new(o, "s3", json_string(words[e->remote]));

	if (e->remote == BACKUP_NOT_SENT)
		return bad;
	bad |= set_new(o, "s3_bucket", json_string(e->bucket));
	bad |= set_new(o, "s3_key", json_string(e->key));
	if (e->sent_s)
		bad |= set_new(o, "s3_sent_seconds", json_integer(e->sent_s));
	return bad;
}

static int set_verdict(json_t *o, const struct catalogue_entry *e)
{
	static const char *const words[] = { "not verified", "sound", "damaged" };
	int bad = set_new(o, "verdict", json_string(words[e->verdict]));

	if (e->verified_s)
		bad |= set_new(o, "verified_seconds", json_integer(e->verified_s));
	if (e->verdict == BACKUP_UNSOUND)
		bad |= set_new(o, "why", json_string(e->why));
	if (e->verdict == BACKUP_SOUND)
		bad |= set_contents(o, e);
	return bad;
}

static int set_path(json_t *o, const struct backup_tool *t, const struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(5000);

	if (buf_printf(&path, "%s/%s", t->config->backup_directory, e->file))
		return -1;
	return set_new(o, "path", json_string(buf_str(&path)));
}

json_t *backup_json(const struct backup_tool *t, const struct catalogue_entry *e)
{
	_cleanup_(json_freep) json_t *o = json_object();
	int bad = set_new(o, "id", json_string(e->id));

	bad |= set_new(o, "kind", json_string(backup_kind_names[e->kind]));
	bad |= set_new(o, "file", json_string(e->file));
	bad |= set_new(o, "created_seconds", json_integer(e->created_s));
	bad |= set_new(o, "bytes", count(e->archive_bytes));
	bad |= set_new(o, "local", json_boolean(e->local));
	if (e->local)
		bad |= set_path(o, t, e);
	bad |= set_verdict(o, e);
	bad |= set_remote(o, e);
	if (*e->sha256)
		bad |= set_new(o, "sha256", json_string(e->sha256));
	if (*e->host)
		bad |= set_new(o, "host", json_string(e->host));
	if (*e->note)
		bad |= set_new(o, "note", json_string(e->note));
	return bad ? NULL : take(o);
}
