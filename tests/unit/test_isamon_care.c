/* SPDX-License-Identifier: MIT */
/* The newest backup of each kind is judged by its age, its verdict, and where it is; jobs by their last run; of restores none is unfinished here. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "care/backup_name.h"
#include "check/isamon_impl.h"
#include "config/job.h"
#include "store/catalogue.h"
#include "store/job_history.h"

#define HOUR_S 3600
#define SIZE 10

static struct {
	char top[100];
	struct config *c;
	struct check_input in;
	struct findings found;
} t;

static char *path_of(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", t.top, name);
	return strdup(path);
}

static void replace(char **text, char *by)
{
	free(*text);
	*text = by;
}

static void set_up(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(t.top, sizeof(t.top), "%.60s/isamon-care.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(t.top));
	EXPECT_INT(config_new(&t.c), 0);
	replace(&t.c->state_directory, path_of("state"));
	replace(&t.c->runtime_directory, path_of("run"));
	replace(&t.c->backup_directory, path_of("backups"));
	replace(&t.c->backup_data, path_of("data"));
	replace(&t.c->backup_config, strdup(CONFIG_BACKUP_NONE));
	EXPECT_INT(mkdir(t.c->state_directory, 0700), 0);
	EXPECT_INT(mkdir(t.c->runtime_directory, 0700), 0);
	EXPECT_INT(mkdir(t.c->backup_directory, 0700), 0);
	t.in = (struct check_input){ .config = t.c };
}

static void tear_down(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", t.top, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	findings_done(&t.found);
	config_free(take(t.c));
}

/* The finding with that subject; what was found before is forgotten by tear_down(). */
static const struct finding *find(const char *subject)
{
	for (size_t i = 0; i < t.found.n; i++)
		if (strcmp(t.found.list[i].subject, subject) == 0)
			return &t.found.list[i];
	return NULL;
}

static void expect(const char *subject, enum finding_result result, const char *evidence)
{
	const struct finding *f = find(subject);

	if (!EXPECT(f))
		return;
	EXPECT_INT((int)f->result, (int)result);
	EXPECT_HAS(f->evidence, evidence);
}

static void make_backup(int64_t age_s, enum backup_verdict verdict, enum backup_remote remote)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	_cleanup_(catalogue_closep) struct catalogue *catalogue = NULL;
	struct catalogue_entry e = { .verdict = verdict,
				     .remote = remote,
				     .archive_bytes = SIZE,
				     .created_s = time(NULL) - age_s };
	char path[600];
	int fd;

	EXPECT_INT(backup_name_make(t.c->backup_name, BACKUP_DATA, e.created_s, e.file,
				    sizeof(e.file)),
		   0);
	snprintf(path, sizeof(path), "%s/%s", t.c->backup_directory, e.file);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && ftruncate(fd, SIZE) == 0);
	close(fd);
	if (verdict == BACKUP_UNSOUND)
		snprintf(e.why, sizeof(e.why), "a hash differs");
	EXPECT_INT(catalogue_open(t.c->state_directory, &catalogue), 0);
	EXPECT_INT(catalogue_put(catalogue, &e, &why), 0);
}

static void backups(void)
{
	static const struct {
		const char *name;
		int64_t age_s;
		enum backup_verdict verdict;
		enum backup_remote remote;
		const char *bucket;
		enum finding_result result;
		const char *evidence;
	} rows[] = {
		{ "new and sound", HOUR_S, BACKUP_SOUND, BACKUP_NOT_SENT, "", FINDING_FINE,
		  "60 minutes old, verified" },
		{ "not verified", HOUR_S, BACKUP_NOT_VERIFIED, BACKUP_NOT_SENT, "", FINDING_NOTE,
		  "not verified" },
		{ "damaged", HOUR_S, BACKUP_UNSOUND, BACKUP_NOT_SENT, "", FINDING_PROBLEM,
		  "is damaged: a hash differs" },
		{ "of yesterday", 47 * HOUR_S, BACKUP_SOUND, BACKUP_NOT_SENT, "", FINDING_FINE,
		  "47 hours old" },
		{ "three days old", 3 * DAY_S, BACKUP_SOUND, BACKUP_NOT_SENT, "", FINDING_WARNING,
		  "3 days old" },
		{ "eight days old", 8 * DAY_S, BACKUP_SOUND, BACKUP_NOT_SENT, "", FINDING_PROBLEM,
		  "8 days old" },
		{ "in S3", HOUR_S, BACKUP_SOUND, BACKUP_SENT, "b-u-c", FINDING_FINE, "and in S3" },
		{ "still to be sent", HOUR_S, BACKUP_SOUND, BACKUP_TO_SEND, "b-u-c",
		  FINDING_WARNING, "not in S3 yet" },
		{ "to be sent to nowhere", HOUR_S, BACKUP_SOUND, BACKUP_TO_SEND, "", FINDING_FINE,
		  "verified" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("backups: %s", rows[i].name);
		set_up();
		replace(&t.c->backup_s3_bucket, strdup(rows[i].bucket));
		make_backup(rows[i].age_s, rows[i].verdict, rows[i].remote);
		make_backup(30 * DAY_S, BACKUP_SOUND, BACKUP_NOT_SENT);
		EXPECT_INT(isamon_check_backups(&t.in, &t.found), 0);
		expect("data", rows[i].result, rows[i].evidence);
		expect("configuration", FINDING_FINE, "is not to be kept");
		tear_down();
	}
}

static void no_backups(void)
{
	set_up();
	EXPECT_INT(isamon_check_backups(&t.in, &t.found), 0);
	expect("data", FINDING_NOTE, "there is no ");
	findings_done(&t.found);
	EXPECT_INT(mkdir(t.c->backup_data, 0700), 0);
	EXPECT_INT(isamon_check_backups(&t.in, &t.found), 0);
	expect("data", FINDING_PROBLEM, "there is none of ");
	EXPECT(access(t.c->state_directory, F_OK) == 0);
	tear_down();
}

static void record(enum job_result result)
{
	struct event_base *base = event_base_new();
	struct job_history *h = NULL;
	struct job_run r = { .job = "backup",
			     .started_ms = (time(NULL) - 180) * 1000LL,
			     .bytes = -1 };

	EXPECT_INT(job_history_new(base, t.c->state_directory, &h), 0);
	EXPECT_INT(job_history_begin(h, &r, 0, NULL, NULL), 0);
	r.ended_ms = r.started_ms + 500;
	r.result = result;
	r.code = result == JOB_FAILED ? 3 : 0;
	if (result != JOB_RUNNING)
		EXPECT_INT(job_history_end(h, &r, NULL, NULL), 0);
	job_history_close(h, 0);
	event_base_free(base);
}

static void jobs(void)
{
	static const struct {
		const char *name;
		enum job_result last;
		enum finding_result result;
		const char *evidence;
	} rows[] = {
		{ "fine", JOB_OK, FINDING_FINE, "its last run, 3 minutes ago, was fine" },
		{ "failed", JOB_FAILED, FINDING_PROBLEM, "3 minutes ago: exit status 3" },
		{ "took too long", JOB_TIME_LIMIT, FINDING_PROBLEM, "3 minutes ago: " },
		{ "nobody ended it", JOB_RUNNING, FINDING_PROBLEM, "3 minutes ago: interrupted" },
		{ "never ran", JOB_RESULTS, FINDING_FINE,
		  "it never ran; its schedule is 0 2 * * *" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[300];

		unit_begin("jobs: %s", rows[i].name);
		set_up();
		if (rows[i].last != JOB_RESULTS)
			record(rows[i].last);
		EXPECT_INT(isamon_check_jobs(&t.in, &t.found), 0);
		expect("backup", rows[i].result, rows[i].evidence);
		snprintf(path, sizeof(path), "%s/" JOB_HISTORY_FILE, t.c->state_directory);
		EXPECT_INT(access(path, F_OK) == 0, rows[i].last != JOB_RESULTS);
		tear_down();
	}
}

static void no_jobs(void)
{
	set_up();
	for (size_t i = 0; i < t.c->n_jobs; i++)
		t.c->jobs[i]->enabled = false;
	EXPECT_INT(isamon_check_jobs(&t.in, &t.found), 0);
	expect("", FINDING_NOTE, "no job is enabled");
	tear_down();
}

static void restores(void)
{
	set_up();
	EXPECT_INT(mkdir(t.c->backup_data, 0700), 0);
	EXPECT_INT(isamon_check_restore(&t.in, &t.found), 0);
	EXPECT_UINT(t.found.n, 1);
	expect(t.c->backup_data, FINDING_FINE, "none is unfinished");
	findings_done(&t.found);
	replace(&t.c->backup_data, strdup(CONFIG_BACKUP_NONE));
	EXPECT_INT(isamon_check_restore(&t.in, &t.found), 0);
	EXPECT_UINT(t.found.n, 1);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, backups },
		{ "no backup at all", no_backups },
		{ NULL, jobs },
		{ "no job is enabled", no_jobs },
		{ "no restore is unfinished", restores },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
