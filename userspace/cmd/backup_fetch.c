/* SPDX-License-Identifier: MIT */
/* isamon backup send, and fetch. What was fetched gets its name when it was found to be sound. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"
#include "cmd/status_format.h"

static const char send_usage[] =
	"usage: isamon backup send [ID...] [--json]\n"
	"Sends backups that are in the directory to S3. Without an ID: those that were to be sent and are not there yet; an upload that broke\n"
	"is gone on with. Never replaces what is there.\n"
	"\n"
	"  --json            what was sent, as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 sent; 1 there is no such backup; 2 wrong usage or configuration; 3 could not be done.\n";

static const char fetch_usage[] =
	"usage: isamon backup fetch ID [--json]\n"
	"Brings a backup from S3 into the directory, and verifies it; also to a host that has never seen it. ID is as `isamon backup list --s3`\n"
	"shows it, or the name of the archive.\n"
	"\n"
	"  --json            as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 it is here, and sound; 1 there is none, or it is not sound (and is not kept); 2 wrong usage or configuration;\n"
	"3 could not be done.\n";

static int no_such(const struct backup_tool *t, const char *name)
{
	fprintf(stderr,
		"%s: there is no backup \"%s\"; isamon backup list%s shows which there are\n",
		t->command, name, strcmp(t->command, "isamon backup fetch") == 0 ? " --s3" : "");
	return CMD_NOT_OK;
}

/* --- send */

static bool is_meant(const struct catalogue_entry *e, const char *name)
{
	if (!e->local)
		return false;
	return name ? backup_name_means(name, e) : e->remote == BACKUP_TO_SEND;
}

static void send_one(struct backup_work *w, struct catalogue_entry *e)
{
	if (e->remote != BACKUP_SENT && backup_s3_send(w->t, &w->s3, e)) {
		backup_work_worsen(w, CMD_FAILED);
		return;
	}
	if (w->list)
		json_array_append_new(w->list, backup_json(w->t, e));
	else
		printf("%s: is in s3://%s/%s\n", e->file, e->bucket, e->key);
}

static void send_named(struct backup_work *w, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < w->t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &w->t->list.entries[i];

		if (!is_meant(e, name))
			continue;
		found++;
		send_one(w, e);
	}
	if (found || backup_is_stopped())
		return;
	if (name)
		backup_work_worsen(w, no_such(w->t, name));
	else if (!w->list)
		puts("nothing waits to be sent");
}

int backup_send_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	struct backup_work w = BACKUP_WORK_INIT(&t);
	const char *config_path = NULL;
	bool json = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), send_usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	status = backup_work_begin(&w, "isamon backup send", config_path, json);
	if (status)
		return status;
	if (backup_tool_list(&t) || backup_s3_open(&t, &w.s3)) {
		backup_work_worsen(&w, CMD_FAILED);
		return backup_work_end(&w);
	}
	for (int i = first; i < argc; i++)
		send_named(&w, argv[i]);
	if (first == argc)
		send_named(&w, NULL);
	backup_work_heed_stop(&w);
	return backup_work_end(&w);
}

/* --- fetch */

static int told(struct backup_work *w, const struct catalogue_entry *e)
{
	char size[STATUS_CELL_MAX];

	status_format_bytes(e->archive_bytes, size);
	if (w->quiet)
		return CMD_OK;
	if (w->list)
		json_array_append_new(w->list, backup_json(w->t, e));
	else
		printf("%s/%s: %s, sound: %llu file%s, %llu database%s\n",
		       w->t->config->backup_directory, e->file, size, (unsigned long long)e->files,
		       status_format_s(e->files), (unsigned long long)e->databases,
		       status_format_s(e->databases));
	return CMD_OK;
}

static int check_room(const struct backup_tool *t, const struct backup_place *place,
		      const struct catalogue_entry *e)
{
	uint64_t room = 0;
	int err = backup_place_room(place, &room);

	if (err || e->archive_bytes <= room)
		return err;
	fprintf(stderr, "%s: %s: no room: it has %.1f MiB, %.1f MiB are missing\n", t->command,
		t->config->backup_directory, (double)e->archive_bytes / 1048576,
		(double)(e->archive_bytes - room) / 1048576);
	return -ENOSPC;
}

static void set_unsound(struct catalogue_entry *e, const char *why)
{
	e->verdict = BACKUP_UNSOUND;
	utf8_make_plain(why, strlen(why), e->why, sizeof(e->why));
	e->verified_s = backup_now_s();
}

int backup_fetch_into(struct backup_tool *t, struct backup_s3 *s, struct backup_place *place,
		      struct catalogue_entry *e, int *ret_fd)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	_cleanup_(file_closep) int fd = -1;
	const struct backup_progress progress = backup_progress();
	struct s3_object object;
	int err = check_room(t, place, e);

	if (err)
		return err;
	fd = backup_place_begin(place, e->file, &why);
	if (fd < 0) {
		backup_complain(t, buf_str(&why), fd);
		return fd;
	}
	err = s3_get_file(s->s3, e->key, fd, 0, NULL, &object);
	backup_progress_clear();
	if (err == -EBADMSG)
		set_unsound(e, s3_why(s->s3));
	if (err && err != -EBADMSG)
		backup_complain(t, s3_why(s->s3), err);
	if (!err && !*e->sha256)
		snprintf(e->sha256, sizeof(e->sha256), "%s", object.sha256);
	if (!err) {
		err = backup_verify(fd, place->scratch, &progress, backup_now_s(), e, &why);
		backup_progress_clear();
		if (err)
			backup_complain(t, buf_str(&why), err);
	}
	if (err && err != -EBADMSG) {
		backup_place_remove(place, e->file);
		return err;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Returns the exit status; what is wrong was said. */
static int fetch_into(struct backup_work *w, struct catalogue_entry *e)
{
	_cleanup_(file_closep) int fd = -1;
	int err = backup_fetch_into(w->t, &w->s3, &w->place, e, &fd);

	if (!err && fsync(fd)) {
		err = -errno;
		backup_complain(w->t, e->file, err);
	}
	if (err)
		return err == -ENOENT ? CMD_NOT_OK : CMD_FAILED;
	if (e->verdict != BACKUP_UNSOUND)
		return CMD_OK;
	fprintf(stderr, "%s: %s: what S3 has is damaged: %s; it is not kept\n", w->t->command,
		e->file, e->why);
	return CMD_NOT_OK;
}

static const char *const here_texts[] = {
	[BACKUP_NOT_VERIFIED] = ", and not verified: isamon backup verify",
	[BACKUP_SOUND] = ", and sound",
	[BACKUP_UNSOUND] = ", and damaged: remove it, and fetch again",
};

static int fetch_one(struct backup_work *w, struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int status;

	if (e->local) {
		fprintf(stderr, "%s: %s/%s is here already%s\n", w->t->command,
			w->t->config->backup_directory, e->file, here_texts[e->verdict]);
		return e->verdict == BACKUP_UNSOUND ? CMD_NOT_OK : CMD_OK;
	}
	status = fetch_into(w, e);
	if (status) {
		backup_place_remove(&w->place, e->file);
		return status;
	}
	if (backup_place_finish(&w->place, e->file, &why)) {
		backup_complain(w->t, buf_str(&why), 0);
		return CMD_FAILED;
	}
	e->local = true;
	if (backup_remember(w->t, e, CATALOGUE_FOUND))
		return CMD_FAILED;
	return told(w, e);
}

static void fetch(struct backup_work *w, const char *name)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	size_t found = 0;
	int err;

	backup_work_worsen(w, backup_tool_list(w->t));
	if (!w->status && (backup_s3_open(w->t, &w->s3) || backup_s3_list(w->t, &w->s3)))
		backup_work_worsen(w, CMD_FAILED);
	if (w->status)
		return;
	err = backup_place_open(w->t->config->backup_directory, &why, &w->place);
	if (err) {
		backup_complain(w->t, buf_str(&why), err);
		backup_work_worsen(w, CMD_FAILED);
		return;
	}
	for (size_t i = 0; i < w->t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &w->t->list.entries[i];

		if (!backup_name_means(name, e))
			continue;
		found++;
		backup_work_worsen(w, fetch_one(w, e));
	}
	if (!found && !backup_is_stopped())
		backup_work_worsen(w, no_such(w->t, name));
	backup_work_heed_stop(w);
}

int backup_fetch(struct backup_tool *t, const char *name)
{
	struct backup_work w = BACKUP_WORK_INIT(t);

	w.quiet = true;
	fetch(&w, name);
	return backup_work_end(&w);
}

int backup_fetch_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	struct backup_work w = BACKUP_WORK_INIT(&t);
	const char *config_path = NULL;
	bool json = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, status;
	int err = tool_options(argc, argv, options, ARRAY_SIZE(options), fetch_usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first == argc)
		return tool_wrong("isamon backup fetch", fetch_usage, "which one?", NULL);
	if (first + 1 < argc)
		return tool_wrong("isamon backup fetch", fetch_usage, TOOL_UNEXPECTED,
				  argv[first + 1]);
	status = backup_work_begin(&w, "isamon backup fetch", config_path, json);
	if (status)
		return status;
	fetch(&w, argv[first]);
	return backup_work_end(&w);
}
