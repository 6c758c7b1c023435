/* SPDX-License-Identifier: MIT */
/* isamon's own configuration, and what it is made of; the rest of the area is in isamon_*.c. */
#include "check/isamon_checks.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "care/database.h"
#include "check/isamon_impl.h"
#include "config/config.h"

#define PROBLEMS_MAX 65536

static int tell_writable(const char *path, const struct stat *st, struct findings *out)
{
	const struct finding_text t = {
		.id = "isamon.configuration",
		.subject = path,
		.result = FINDING_PROBLEM,
		.meaning = "who may write it decides what isamon, which is root, runs as jobs",
		.remedy = "chown root:root, and chmod go-w, the file",
	};

	return findings_add(out, &t, "others than root may write it: mode %04o, owner %u",
			    st->st_mode & 07777, st->st_uid);
}

static int check_configuration(const struct check_input *in, struct findings *out)
{
	const char *path = in->config_path ? in->config_path : CONFIG_DEFAULT_PATH;
	_cleanup_(buf_done) struct buf problems = BUF_INIT(PROBLEMS_MAX);
	_cleanup_(config_freep) struct config *c = NULL;
	struct finding_text t = { .id = "isamon.configuration", .subject = path };
	struct stat st;
	int err;

	if (stat(path, &st)) {
		if (errno == ENOENT && !in->config_path)
			return findings_add(out, &t, "there is none: isamon works by its defaults");
		return -errno;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_uid != 0 && st.st_uid != geteuid()))
		return tell_writable(path, &st, out);
	err = config_load(path, &problems, &c);
	if (!err)
		return findings_add(out, &t, "it has no problem");
	t.result = FINDING_PROBLEM;
	t.meaning = "isamon does not start with it, and a running one keeps its old configuration";
	t.remedy = "isamon check-config shows all that is wrong";
	return findings_add(out, &t, "%s", buf_str(&problems));
}

static int check_version(const struct check_input *in, struct findings *out)
{
	bool bug = database_has_wal_bug(sqlite3_libversion_number());

	(void)in;
	return findings_add(
		out,
		&(struct finding_text){
			.id = "isamon.version",
			.result = bug ? FINDING_NOTE : FINDING_FINE,
			.meaning =
				bug ? "this SQLite can damage a database that two processes checkpoint "
				      "at once; isamon never does that" :
				      NULL,
		},
		"isamon %s, SQLite %s", ISAMON_VERSION, sqlite3_libversion());
}

const struct check isamon_checks[] = {
	{ "isamon", "isamon.daemon", isamon_check_daemon, 0 },
	{ "isamon", "isamon.configuration", check_configuration, 0 },
	{ "isamon", "isamon.jobs", isamon_check_jobs, 0 },
	{ "isamon", "isamon.backup", isamon_check_backups, 0 },
	{ "isamon", "isamon.restore", isamon_check_restore, 0 },
	{ "isamon", "isamon.version", check_version, 0 },
};
const size_t n_isamon_checks = ARRAY_SIZE(isamon_checks);
