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

static int worse(int a, int b)
{
	return a > b ? a : b;
}

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

static int send_named(struct backup_tool *t, struct backup_s3 *s, const char *name, json_t *json)
{
	int status = CMD_OK;
	size_t found = 0;

	for (size_t i = 0; i < t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &t->list.entries[i];

		if (!is_meant(e, name))
			continue;
		found++;
		if (e->remote != BACKUP_SENT && backup_s3_send(t, s, e)) {
			status = CMD_FAILED;
			continue;
		}
		if (json)
			json_array_append_new(json, backup_json(t, e));
		else
			printf("%s: is in s3://%s/%s\n", e->file, e->bucket, e->key);
	}
	if (name && !found && !backup_is_stopped())
		return no_such(t, name);
	if (!found && !json && !backup_is_stopped())
		puts("nothing waits to be sent");
	return status;
}

int backup_send_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	_cleanup_(backup_s3_close) struct backup_s3 s = { 0 };
	_cleanup_(json_freep) json_t *list = NULL;
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
	status = backup_tool_open("isamon backup send", config_path, &t);
	if (!status)
		status = backup_tool_list(&t);
	if (!status && backup_s3_open(&t, &s))
		status = CMD_FAILED;
	if (status)
		return status;
	list = json ? json_array() : NULL;
	backup_be_modest();
	backup_catch_signals();
	for (int i = first; i < argc; i++)
		status = worse(status, send_named(&t, &s, argv[i], list));
	if (first == argc)
		status = send_named(&t, &s, NULL, list);
	if (backup_is_stopped()) {
		backup_complain(&t, BACKUP_STOPPED, 0);
		status = CMD_FAILED;
	}
	if (json && tool_print_json(t.command, list) != CMD_OK)
		status = CMD_FAILED;
	return status;
}

/* --- fetch */

struct fetching {
	struct backup_tool *t;
	struct backup_s3 s3;
	struct backup_place place;
	json_t *json; /* NULL: as text */
	bool quiet;
};

static int told(struct fetching *f, const struct catalogue_entry *e)
{
	char size[STATUS_CELL_MAX];

	status_format_bytes(e->archive_bytes, size);
	if (f->quiet)
		return CMD_OK;
	if (f->json)
		json_array_append_new(f->json, backup_json(f->t, e));
	else
		printf("%s/%s: %s, sound: %llu file%s, %llu database%s\n",
		       f->t->config->backup_directory, e->file, size, (unsigned long long)e->files,
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
static int fetch_into(struct fetching *f, struct catalogue_entry *e)
{
	_cleanup_(file_closep) int fd = -1;
	int err = backup_fetch_into(f->t, &f->s3, &f->place, e, &fd);

	if (!err && fsync(fd)) {
		err = -errno;
		backup_complain(f->t, e->file, err);
	}
	if (err)
		return err == -ENOENT ? CMD_NOT_OK : CMD_FAILED;
	if (e->verdict != BACKUP_UNSOUND)
		return CMD_OK;
	fprintf(stderr, "%s: %s: what S3 has is damaged: %s; it is not kept\n", f->t->command,
		e->file, e->why);
	return CMD_NOT_OK;
}

static const char *const here_texts[] = {
	[BACKUP_NOT_VERIFIED] = ", and not verified: isamon backup verify",
	[BACKUP_SOUND] = ", and sound",
	[BACKUP_UNSOUND] = ", and damaged: remove it, and fetch again",
};

static int fetch_one(struct fetching *f, struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int status;

	if (e->local) {
		fprintf(stderr, "%s: %s/%s is here already%s\n", f->t->command,
			f->t->config->backup_directory, e->file, here_texts[e->verdict]);
		return e->verdict == BACKUP_UNSOUND ? CMD_NOT_OK : CMD_OK;
	}
	status = fetch_into(f, e);
	if (status) {
		backup_place_remove(&f->place, e->file);
		return status;
	}
	if (backup_place_finish(&f->place, e->file, &why)) {
		backup_complain(f->t, buf_str(&why), 0);
		return CMD_FAILED;
	}
	e->local = true;
	if (backup_remember(f->t, e, CATALOGUE_FOUND))
		return CMD_FAILED;
	return told(f, e);
}

static int fetch(struct fetching *f, const char *name)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int status = backup_tool_list(f->t), err;
	size_t found = 0;

	if (!status && (backup_s3_open(f->t, &f->s3) || backup_s3_list(f->t, &f->s3)))
		status = CMD_FAILED;
	if (status)
		return status;
	err = backup_place_open(f->t->config->backup_directory, &why, &f->place);
	if (err) {
		backup_complain(f->t, buf_str(&why), err);
		return CMD_FAILED;
	}
	for (size_t i = 0; i < f->t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &f->t->list.entries[i];

		if (!backup_name_means(name, e))
			continue;
		found++;
		status = worse(status, fetch_one(f, e));
	}
	if (backup_is_stopped()) {
		backup_complain(f->t, BACKUP_STOPPED, 0);
		return CMD_FAILED;
	}
	return found ? status : no_such(f->t, name);
}

int backup_fetch(struct backup_tool *t, const char *name)
{
	struct fetching f = { .t = t,
			      .place = { .lock_fd = -1, .dir_fd = -1, .part_fd = -1 },
			      .quiet = true };
	int status = fetch(&f, name);

	backup_place_close(&f.place);
	backup_s3_close(&f.s3);
	return status;
}

int backup_fetch_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	_cleanup_(json_freep) json_t *list = NULL;
	const char *config_path = NULL;
	struct fetching f = { .t = &t, .place = { .lock_fd = -1, .dir_fd = -1, .part_fd = -1 } };
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
	status = backup_tool_open("isamon backup fetch", config_path, &t);
	if (status)
		return status;
	list = json ? json_array() : NULL;
	f.json = list;
	backup_be_modest();
	backup_catch_signals();
	status = fetch(&f, argv[first]);
	backup_place_close(&f.place);
	backup_s3_close(&f.s3);
	if (json && tool_print_json(t.command, list) != CMD_OK)
		status = CMD_FAILED;
	return status;
}
