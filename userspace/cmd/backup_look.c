/* SPDX-License-Identifier: MIT */
/* isamon backup list, and show. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"
#include "cmd/status_format.h"

static const char list_usage[] =
	"usage: isamon backup list [--s3] [--json]\n"
	"The backups in the directory, the newest first, also those that the guide's script made, and those that are in S3.\n"
	"\n"
	"  --s3              ask S3 what is there, in place of what is known of it\n"
	"  --json            as JSON, with all that `isamon backup show` tells\n" BACKUP_CONFIG_USAGE
	"\n"
	"Exit status: 0 listed; 1 one is damaged; 2 wrong usage or configuration; 3 could not be done.\n";

static const char show_usage[] =
	"usage: isamon backup show ID [--json]\n"
	"All that is known of a backup. ID is as `isamon backup list` shows it, or the name of the archive.\n"
	"\n"
	"  --json            as JSON: a list\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 shown; 1 there is none; 2 wrong usage or configuration; 3 could not be done.\n";

static void format_time(int64_t s, char cell[static 32])
{
	const time_t at = s;
	struct tm tm;

	if (s <= 0 || !localtime_r(&at, &tm) || !strftime(cell, 32, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(cell, 32, "-");
}

static const char *place_of(const struct catalogue_entry *e)
{
	if (e->remote == BACKUP_SENT)
		return e->local ? "here, S3" : "S3";
	return e->remote == BACKUP_TO_SEND ? "here, to send" : "here";
}

static void print_row(const struct catalogue_entry *e)
{
	char created[32], size[STATUS_CELL_MAX];

	format_time(e->created_s, created);
	status_format_bytes(e->archive_bytes, size);
	printf("%-24s %-19s %12s  %-13s  %s%s%s\n", e->id, created, size, place_of(e),
	       backup_verdict_text(e), *e->note ? "  " : "", e->note);
}

static int print_list(const struct backup_tool *t)
{
	if (!t->list.n) {
		printf("no backups in %s; isamon backup create makes one\n",
		       t->config->backup_directory);
		return CMD_OK;
	}
	printf("%-24s %-19s %12s  %-13s  %s\n", "ID", "CREATED", "SIZE", "WHERE", "STATE");
	for (size_t i = 0; i < t->list.n; i++)
		print_row(&t->list.entries[i]);
	return CMD_OK;
}

static int print_list_json(const struct backup_tool *t)
{
	_cleanup_(json_freep) json_t *list = json_array();
	_cleanup_(json_freep) json_t *whole = NULL;

	for (size_t i = 0; i < t->list.n; i++)
		json_array_append_new(list, backup_json(t, &t->list.entries[i]));
	whole = json_pack("{s:s, s:O}", "directory", t->config->backup_directory, "backups", list);
	return whole ? tool_print_json(t->command, whole) : CMD_FAILED;
}

int backup_list_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	const char *config_path = NULL;
	struct backup_s3 s = { 0 };
	bool json = false, s3 = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ "s3", &s3, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), list_usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong("isamon backup list", list_usage, TOOL_UNEXPECTED, argv[first]);
	status = backup_tool_open("isamon backup list", config_path, &t);
	if (!status)
		status = backup_tool_list(&t);
	if (!status && s3) {
		err = backup_s3_open(&t, &s);
		if (!err)
			err = backup_s3_list(&t, &s);
		backup_s3_close(&s);
		status = err ? CMD_FAILED : CMD_OK;
	}
	if (!status)
		status = json ? print_list_json(&t) : print_list(&t);
	for (size_t i = 0; !status && i < t.list.n; i++)
		if (t.list.entries[i].verdict == BACKUP_UNSOUND)
			status = CMD_NOT_OK;
	return status;
}

/* --- show */

static void print_contents(const struct catalogue_entry *e)
{
	char all[STATUS_CELL_MAX];

	if (e->verdict != BACKUP_SOUND)
		return;
	status_format_bytes(e->file_bytes, all);
	printf("  contents   %llu file%s, %s, %llu sound database%s\n",
	       (unsigned long long)e->files, status_format_s(e->files), all,
	       (unsigned long long)e->databases, status_format_s(e->databases));
	if (e->n_skipped || e->n_changed || e->n_damaged)
		printf("             %llu left out, %llu changed while they were read, %llu damaged "
		       "database%s\n",
		       (unsigned long long)e->n_skipped, (unsigned long long)e->n_changed,
		       (unsigned long long)e->n_damaged, status_format_s(e->n_damaged));
}

static void print_one(const struct backup_tool *t, const struct catalogue_entry *e)
{
	char created[32], verified[32], sent[32], size[STATUS_CELL_MAX];

	format_time(e->created_s, created);
	format_time(e->verified_s, verified);
	format_time(e->sent_s, sent);
	status_format_bytes(e->archive_bytes, size);
	printf("%s\n  created    %s%s%s\n  size       %s\n", e->id, created, *e->host ? " on " : "",
	       e->host, size);
	printf("  state      %s%s%s%s%s\n", backup_verdict_text(e), e->verified_s ? ", found " : "",
	       e->verified_s ? verified : "", *e->why ? ": " : "", e->why);
	print_contents(e);
	if (e->local)
		printf("  here       %s/%s\n", t->config->backup_directory, e->file);
	if (e->remote == BACKUP_SENT)
		printf("  S3         s3://%s/%s, sent %s\n", e->bucket, e->key, sent);
	else if (e->remote == BACKUP_TO_SEND)
		puts("  S3         to be sent: isamon backup send");
	if (*e->sha256)
		printf("  SHA-256    %s\n", e->sha256);
	if (*e->note)
		printf("  note       %s\n", e->note);
}

int backup_show_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	_cleanup_(json_freep) json_t *list = json_array();
	const char *config_path = NULL;
	bool json = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), show_usage, &first);
	size_t found = 0;
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first == argc)
		return tool_wrong("isamon backup show", show_usage, "which one?", NULL);
	if (first + 1 < argc)
		return tool_wrong("isamon backup show", show_usage, TOOL_UNEXPECTED,
				  argv[first + 1]);
	status = backup_tool_open("isamon backup show", config_path, &t);
	if (!status)
		status = backup_tool_list(&t);
	for (size_t i = 0; !status && i < t.list.n; i++) {
		const struct catalogue_entry *e = &t.list.entries[i];

		if (!backup_name_means(argv[first], e))
			continue;
		found++;
		if (json)
			json_array_append_new(list, backup_json(&t, e));
		else
			print_one(&t, e);
	}
	if (status)
		return status;
	if (!found) {
		fprintf(stderr,
			"isamon backup show: there is no backup \"%s\"; isamon backup list shows which there are\n",
			argv[first]);
		return CMD_NOT_OK;
	}
	return json ? tool_print_json("isamon backup show", list) : CMD_OK;
}
