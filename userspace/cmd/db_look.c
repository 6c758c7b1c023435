/* SPDX-License-Identifier: MIT */
/* isamon db check, backup, stats. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/db_cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"

#define WHY_MAX 4096
#define PATH_BYTES 4096

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int finish_json(const char *command, json_t *list, int status)
{
	_cleanup_(json_freep) json_t *j =
		json_pack("{s:b, s:o}", "fine", status == CMD_OK, "databases", list);

	return tool_print_json(command, j) == CMD_OK ? status : CMD_FAILED;
}

static json_t *error_json(const char *path, const char *why)
{
	return json_pack("{s:s, s:b, s:s}", "path", path, "fine", 0, "error", why);
}

/* --- check */

static json_t *findings_json(const char *path, const struct database_findings *f)
{
	json_t *problems = json_array();
	const char *at = buf_str(&f->text);

	for (; *at; at += strcspn(at, "\n") + 1)
		json_array_append_new(problems, json_stringn(at, strcspn(at, "\n")));
	return json_pack("{s:s, s:b, s:o}", "path", path, "fine", f->n == 0, "problems", problems);
}

static void print_findings(const char *path, const struct database_findings *f)
{
	if (!f->n) {
		printf("%s: fine\n", path);
		return;
	}
	printf("%s: DAMAGED: %zu%s problem%s\n", path, f->n,
	       f->n >= DATABASE_PROBLEMS_MAX ? " or more" : "", f->n == 1 ? "" : "s");
	for (const char *at = buf_str(&f->text); *at; at += strcspn(at, "\n") + 1)
		printf("    %.*s\n", (int)strcspn(at, "\n"), at);
}

static int check_one(const struct db_options *o, const char *path, json_t *list)
{
	_cleanup_(database_findings_done) struct database_findings f;
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct database_progress progress = db_progress();
	int err = database_check(path, &progress, &why, &f);

	db_progress_clear();
	if (err && o->json)
		json_array_append_new(list, error_json(path, buf_str(&why)));
	else if (err)
		db_complain("check", buf_str(&why), err);
	else if (o->json)
		json_array_append_new(list, findings_json(path, &f));
	else
		print_findings(path, &f);
	return err ? db_status(err) : f.n ? CMD_NOT_OK : CMD_OK;
}

int db_check(const struct db_options *o)
{
	json_t *list = json_array();
	int status = CMD_OK;

	for (size_t i = 0; i < o->n_paths; i++)
		status = worse(status, check_one(o, o->paths[i], list));
	if (o->json)
		return finish_json("isamon db check", list, status);
	json_decref(list);
	return status;
}

/* --- backup */

static void name_copy(const char *path, char *to, size_t size)
{
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	snprintf(to, size, "%s.backup-%s", path, stamp);
}

static int backup_one(const struct db_options *o, const char *path, json_t *list)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct database_progress progress = db_progress();
	char to[PATH_BYTES], size[STATUS_CELL_MAX];
	struct database_copied copied;
	int err;

	if (o->file)
		snprintf(to, sizeof(to), "%s", o->file);
	else
		name_copy(path, to, sizeof(to));
	err = database_copy(path, to, &progress, &why, &copied);
	db_progress_clear();
	status_format_bytes(copied.bytes, size);
	if (err && o->json)
		json_array_append_new(list, error_json(path, buf_str(&why)));
	else if (err)
		db_complain("backup", buf_str(&why), err);
	else if (o->json)
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:s, s:I, s:i}", "path", path, "fine",
						1, "copy", to, "bytes", (json_int_t)copied.bytes,
						"restarts", (int)copied.restarts));
	else
		printf("%s: copied to %s (%s), and checked\n", path, to, size);
	return db_status(err);
}

int db_backup(const struct db_options *o)
{
	json_t *list = json_array();
	int status = CMD_OK;

	db_catch_signals();
	for (size_t i = 0; i < o->n_paths && !db_is_stopped(); i++)
		status = worse(status, backup_one(o, o->paths[i], list));
	if (o->json)
		return finish_json("isamon db backup", list, status);
	json_decref(list);
	return status;
}

/* --- stats */

static json_t *tables_json(const struct database_figures *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_tables; i++) {
		json_t *t = json_pack("{s:s}", "name", f->tables[i].name);

		if (f->tables[i].has_bytes)
			json_object_set_new(t, "bytes",
					    json_integer((json_int_t)f->tables[i].bytes));
		if (f->tables[i].rows >= 0)
			json_object_set_new(t, "rows", json_integer(f->tables[i].rows));
		json_array_append_new(list, t);
	}
	return list;
}

static json_t *figures_json(const char *path, const struct database_figures *f)
{
	json_t *j = json_pack("{s:s, s:b, s:I, s:I, s:I, s:b}", "path", path, "fine", 1, "bytes",
			      (json_int_t)f->file_bytes, "wal_bytes", (json_int_t)f->wal_bytes,
			      "shm_bytes", (json_int_t)f->shm_bytes, "in_use", f->in_use);
	json_t *more =
		json_pack("{s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I}", "page_size",
			  (json_int_t)f->page_size, "pages", (json_int_t)f->n_pages, "free_pages",
			  (json_int_t)f->n_free, "journal_mode", f->journal_mode, "encoding",
			  f->encoding, "user_version", (json_int_t)f->user_version,
			  "application_id", (json_int_t)f->application_id, "auto_vacuum",
			  (json_int_t)f->auto_vacuum);

	json_object_update(j, more);
	json_decref(more);
	if (f->tables) {
		json_object_set_new(j, "tables", tables_json(f));
		json_object_set_new(j, "more_tables", json_boolean(f->more_tables));
	}
	return j;
}

static void print_tables(const struct database_figures *f)
{
	char size[STATUS_CELL_MAX];

	for (size_t i = 0; i < f->n_tables; i++) {
		const struct database_table *t = &f->tables[i];

		status_format_bytes(t->bytes, size);
		printf("    %-32s %12s", t->name, t->has_bytes ? size : "");
		if (t->rows >= 0)
			printf("  %12lld rows", (long long)t->rows);
		putchar('\n');
	}
	if (f->more_tables)
		puts("    ...");
}

static void print_figures(const char *path, const struct database_figures *f)
{
	char file[STATUS_CELL_MAX], wal[STATUS_CELL_MAX], unused[STATUS_CELL_MAX];

	status_format_bytes(f->file_bytes, file);
	status_format_bytes(f->wal_bytes, wal);
	status_format_bytes((uint64_t)(f->n_free * f->page_size), unused);
	printf("%s\n\n", path);
	printf("  size       %s   %lld pages of %lld bytes\n", file, (long long)f->n_pages,
	       (long long)f->page_size);
	printf("  free       %s   %lld pages (%.1f %%): what VACUUM would give back, at least\n",
	       unused, (long long)f->n_free,
	       f->n_pages > 0 ? 100.0 * (double)f->n_free / (double)f->n_pages : 0);
	printf("  journal    %s%s%s   %s\n", f->journal_mode, f->wal_bytes ? "   log " : "",
	       f->wal_bytes ? wal : "",
	       f->in_use                           ? "in use, or not closed" :
	       strcmp(f->journal_mode, "wal") == 0 ? "nobody has it open" :
						     "");
	printf("  encoding   %s   user_version %lld   application_id %lld\n", f->encoding,
	       (long long)f->user_version, (long long)f->application_id);
	print_tables(f);
	putchar('\n');
}

static int stats_one(const struct db_options *o, const char *path, json_t *list)
{
	_cleanup_(database_figures_done) struct database_figures f;
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct database_progress progress = db_progress();
	int err = database_figures(path, o->tables, &progress, &why, &f);

	db_progress_clear();
	if (err && o->json)
		json_array_append_new(list, error_json(path, buf_str(&why)));
	else if (err)
		db_complain("stats", buf_str(&why), err);
	else if (o->json)
		json_array_append_new(list, figures_json(path, &f));
	else
		print_figures(path, &f);
	return db_status(err);
}

int db_stats(const struct db_options *o)
{
	bool bug = database_has_wal_bug(sqlite3_libversion_number());
	json_t *list = json_array(), *j;
	int status = CMD_OK;

	for (size_t i = 0; i < o->n_paths; i++)
		status = worse(status, stats_one(o, o->paths[i], list));
	if (!o->json) {
		json_decref(list);
		printf("SQLite %s here%s\n", sqlite3_libversion(),
		       bug ? ": has the WAL-reset bug (3.7.0 to 3.51.2): a checkpoint that meets another one can corrupt a\n"
			     "database in WAL mode. isamon never makes one on a live database; the service's own SQLite may be\n"
			     "the same: let one process alone write to it, or update SQLite" :
			     "");
		return status;
	}
	j = json_pack("{s:b, s:o, s:s, s:b}", "fine", status == CMD_OK, "databases", list, "sqlite",
		      sqlite3_libversion(), "wal_reset_bug", bug);
	if (tool_print_json("isamon db stats", j) != CMD_OK)
		status = CMD_FAILED;
	json_decref(j);
	return status;
}
