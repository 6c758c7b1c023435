/* SPDX-License-Identifier: MIT */
/* isamon backup verify. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"
#include "cmd/status_format.h"

static const char usage[] =
	"usage: isamon backup verify [ID...] [--s3] [--json]\n"
	"Reads backups from the disk, whole: checksums, the hash of every file in the manifest, and the databases; of archives without\n"
	"a manifest, as the guide's script makes them, every member and its gzip checksum, and the databases.\n"
	"Without an ID: all that are in the directory. What is in S3 only is brought to a temporary file, and verified there.\n"
	"\n"
	"  --s3              asks S3 first what it has; without an ID: also those that are in S3 only\n"
	"  --json            what was found as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 all are sound; 1 one is not, or is not there; 2 wrong usage or configuration; 3 could not be done.\n";

struct verifying {
	struct backup_work work;
	bool s3_too;
};

static void tell(struct verifying *v, const struct catalogue_entry *e)
{
	if (v->work.list)
		json_array_append_new(v->work.list, backup_json(v->work.t, e));
	else if (e->verdict == BACKUP_UNSOUND)
		printf("%s: DAMAGED: %s\n", e->file, e->why);
	else if (e->n_damaged)
		printf("%s: sound, but %llu database%s damaged when it was made\n", e->file,
		       (unsigned long long)e->n_damaged, e->n_damaged == 1 ? " was" : "s were");
	else
		printf("%s: sound: %llu file%s, %llu database%s\n", e->file,
		       (unsigned long long)e->files, status_format_s(e->files),
		       (unsigned long long)e->databases, status_format_s(e->databases));
	fflush(stdout);
}

static void found_out(struct verifying *v, const struct catalogue_entry *e)
{
	if (backup_remember(v->work.t, e, CATALOGUE_FOUND))
		backup_work_worsen(&v->work, CMD_FAILED);
	if (e->verdict == BACKUP_UNSOUND)
		backup_work_worsen(&v->work, CMD_NOT_OK);
	tell(v, e);
}

static void verify_local(struct verifying *v, struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	_cleanup_(file_closep) int fd = -1;
	const struct backup_progress progress = backup_progress();
	int err = 0;

	fd = openat(v->work.place.dir_fd, e->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		buf_printf(&why, "%s: cannot be opened: %s", e->file, strerror(-err));
	} else {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		err = backup_verify(fd, v->work.place.scratch, &progress, backup_now_s(), e, &why);
	}
	backup_progress_clear();
	if (err) {
		backup_complain(v->work.t, buf_str(&why), err);
		backup_work_worsen(&v->work, CMD_FAILED);
		return;
	}
	found_out(v, e);
}

/* It leaves nothing in the directory. */
static void verify_remote(struct verifying *v, struct catalogue_entry *e)
{
	_cleanup_(file_closep) int fd = -1;
	int err = v->work.s3.s3 ? 0 : backup_s3_open(v->work.t, &v->work.s3);

	if (err)
		backup_s3_close(&v->work.s3);
	else
		err = backup_fetch_into(v->work.t, &v->work.s3, &v->work.place, e, &fd);
	if (err) {
		backup_work_worsen(&v->work, err == -ENOENT ? CMD_NOT_OK : CMD_FAILED);
		return;
	}
	backup_place_remove(&v->work.place, e->file);
	found_out(v, e);
}

static void verify_named(struct verifying *v, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < v->work.t->list.n && !backup_is_stopped(); i++) {
		struct catalogue_entry *e = &v->work.t->list.entries[i];

		if (name && !backup_name_means(name, e))
			continue;
		found++;
		if (e->local)
			verify_local(v, e);
		else if (name || v->s3_too)
			verify_remote(v, e);
	}
	if (found || !name || backup_is_stopped())
		return;
	fprintf(stderr, "%s: there is no backup \"%s\"; %s\n", v->work.t->command, name,
		strchr(name, '/') ?
			"one that is elsewhere is looked at by isamon restore FILE --dry-run" :
		v->s3_too ? "isamon backup list --s3 shows which there are" :
			    "isamon backup list shows which there are");
	backup_work_worsen(&v->work, CMD_NOT_OK);
}

static void verify(struct verifying *v, char **names, int n)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int err = backup_place_open(v->work.t->config->backup_directory, &why, &v->work.place);

	if (err) {
		backup_complain(v->work.t, buf_str(&why), err);
		backup_work_worsen(&v->work, CMD_FAILED);
		return;
	}
	backup_work_worsen(&v->work, backup_tool_list(v->work.t));
	if (v->s3_too &&
	    (backup_s3_open(v->work.t, &v->work.s3) || backup_s3_list(v->work.t, &v->work.s3))) {
		backup_work_worsen(&v->work, CMD_FAILED);
		return;
	}
	for (int i = 0; i < n; i++)
		verify_named(v, names[i]);
	if (!n)
		verify_named(v, NULL);
	backup_work_heed_stop(&v->work);
}

int backup_verify_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	const char *config_path = NULL;
	struct verifying v = { .work = BACKUP_WORK_INIT(&t) };
	bool json = false;
	const struct tool_option options[] = {
		{ "s3", &v.s3_too, NULL },
		{ "json", &json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	status = backup_work_begin(&v.work, "isamon backup verify", config_path, json);
	if (status)
		return status;
	verify(&v, argv + first, argc - first);
	return backup_work_end(&v.work);
}
