/* SPDX-License-Identifier: MIT */
/* The schema's history. The version and the change that it names are committed together. */
#include "store/migrations.h"

#include <errno.h>
#include <stdio.h>

#include "base/util.h"
#include "store/sql.h"

#define SQL_VERSION "PRAGMA user_version"

/*
 * spool          a minute: small rows, so that 14 days of them are counted in a moment. seq is the order in which they came, so
 *                that the oldest stand together, and their pages are free as soon as they go. stored: bytes of its payload
 * spool_payload  the bytes, beside it
 * spool_counter  one row
 * room           a blob that is made and deleted: its pages are free then (store/room.h)
 * log_position   how far a file, or a journal, was shipped (store/positions.h)
 * job_run        a run of a job (store/job_history.h), in the order of their beginnings; started_ms is that of its job alone
 * job_state      a job: up to when its schedule was seen to, when it last succeeded
 * job_total      how many of its runs ended how
 * backup         an archive (store/catalogue.h), by the name of its file
 * history        a minute of what was measured (store/history.h)
 */
static const char *const migrations[] = {
	"CREATE TABLE spool ("
	" seq INTEGER PRIMARY KEY,"
	" id INTEGER NOT NULL UNIQUE,"
	" start_s INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" stored INTEGER NOT NULL,"
	" under_way INTEGER NOT NULL DEFAULT 0,"
	" maybe_sent INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX spool_by_start ON spool (start_s);"
	"CREATE TABLE spool_payload (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	"CREATE TABLE spool_counter ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" dropped_age INTEGER NOT NULL,"
	" dropped_size INTEGER NOT NULL,"
	" dropped_full INTEGER NOT NULL,"
	" damaged INTEGER NOT NULL,"
	" pushed INTEGER NOT NULL,"
	" rejected INTEGER NOT NULL,"
	" maybe_twice INTEGER NOT NULL);"
	"INSERT INTO spool_counter VALUES (1, 0, 0, 0, 0, 0, 0, 0);"
	"CREATE TABLE room (bytes BLOB)",

	"CREATE TABLE log_position ("
	" log BLOB NOT NULL,"
	" id INTEGER NOT NULL,"
	" path BLOB NOT NULL,"
	" device INTEGER NOT NULL,"
	" inode INTEGER NOT NULL,"
	" fingerprint BLOB NOT NULL,"
	" fingerprint_len INTEGER NOT NULL,"
	" offset INTEGER NOT NULL,"
	" tail BLOB NOT NULL,"
	" tail_len INTEGER NOT NULL,"
	" cursor BLOB NOT NULL,"
	" seen_s INTEGER NOT NULL,"
	" under_way INTEGER NOT NULL,"
	" under_way_to INTEGER NOT NULL,"
	" PRIMARY KEY (log, id)) WITHOUT ROWID",

	"CREATE TABLE job_run ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" job TEXT NOT NULL,"
	" scheduled_s INTEGER NOT NULL,"
	" started_ms INTEGER NOT NULL,"
	" ended_ms INTEGER NOT NULL,"
	" result INTEGER NOT NULL,"
	" code INTEGER NOT NULL,"
	" cpu_ms INTEGER NOT NULL,"
	" peak_rss INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" output_bytes INTEGER NOT NULL,"
	" output BLOB NOT NULL,"
	" UNIQUE (job, started_ms));"
	"CREATE INDEX job_run_by_job ON job_run (job, id);"
	"CREATE TABLE job_state ("
	" job TEXT PRIMARY KEY,"
	" schedule TEXT NOT NULL,"
	" seen_to_s INTEGER NOT NULL,"
	" success_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE job_total ("
	" job TEXT NOT NULL,"
	" result INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" PRIMARY KEY (job, result)) WITHOUT ROWID",

	"CREATE TABLE backup ("
	" file TEXT PRIMARY KEY,"
	" created_s INTEGER NOT NULL,"
	" archive_bytes INTEGER NOT NULL,"
	" files INTEGER NOT NULL,"
	" file_bytes INTEGER NOT NULL,"
	" databases INTEGER NOT NULL,"
	" skipped INTEGER NOT NULL,"
	" changed INTEGER NOT NULL,"
	" damaged INTEGER NOT NULL,"
	" verdict INTEGER NOT NULL,"
	" verified_s INTEGER NOT NULL,"
	" remote INTEGER NOT NULL,"
	" sent_s INTEGER NOT NULL,"
	" part_bytes INTEGER NOT NULL,"
	" sha256 TEXT NOT NULL,"
	" host TEXT NOT NULL,"
	" note TEXT NOT NULL,"
	" why TEXT NOT NULL,"
	" bucket TEXT NOT NULL,"
	" s3_key TEXT NOT NULL,"
	" upload_id TEXT NOT NULL) WITHOUT ROWID",

	"CREATE TABLE history ("
	" start_s INTEGER PRIMARY KEY,"
	" watched_s INTEGER,"
	" requests INTEGER,"
	" errors INTEGER,"
	" timed INTEGER,"
	" p50_ns INTEGER,"
	" p99_ns INTEGER,"
	" queue_p99_ns INTEGER,"
	" in_flight_max INTEGER,"
	" connections_max INTEGER,"
	" websockets_max INTEGER,"
	" connections INTEGER,"
	" websockets INTEGER,"
	" streams INTEGER,"
	" listen_drops INTEGER,"
	" restarts INTEGER,"
	" sampled_ns INTEGER,"
	" cpu_ns INTEGER,"
	" delay_ns INTEGER,"
	" cpus INTEGER,"
	" processes_max INTEGER,"
	" workers INTEGER,"
	" memory_bytes INTEGER,"
	" open_fds INTEGER,"
	" free_fds_min INTEGER,"
	" host_cpu_ppm INTEGER,"
	" host_steal_ppm INTEGER,"
	" host_memory_bytes INTEGER,"
	" host_available_bytes INTEGER,"
	" host_swap_bytes INTEGER,"
	" disk_bytes INTEGER,"
	" disk_free_bytes INTEGER)",
};

const char *const *migrations_list(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(migrations);
	return migrations;
}

static int run_one(sqlite3 *db, const char *text, int64_t version)
{
	char sign[96];
	int err;

	snprintf(sign, sizeof(sign), "PRAGMA application_id = %d; PRAGMA user_version = %lld",
		 MIGRATIONS_APPLICATION_ID, (long long)version);
	err = sql_begin(db);
	if (err)
		return err;
	err = sql_run(db, text);
	if (!err)
		err = sql_run(db, sign);
	return sql_end(db, err);
}

int migrations_run(sqlite3 *db, const char *const *list, size_t n, int64_t *ret_version)
{
	int64_t version = 0;
	int err;

	err = sql_integer(db, SQL_VERSION, &version);
	if (err)
		return err;
	*ret_version = version;
	if (version < 0)
		return -EUCLEAN;
	if (version > (int64_t)n)
		return -ENOTSUP;
	for (; version < (int64_t)n; version++) {
		err = run_one(db, list[version], version + 1);
		if (err)
			return err;
		*ret_version = version + 1;
	}
	return 0;
}
