/* SPDX-License-Identifier: MIT */
/* A restore and an update that were cut off, or are under way, are told; nobody starts the service meanwhile. */
#include "unit.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "check/fix.h"
#include "check/service_checks_impl.h"
#include "check/unfinished.h"

static struct {
	char top[100];
	struct config *c;
	struct check_input in;
	struct findings found;
} t;

static const char restore_journal[] =
	"{\"isamon_restore\":1,\"id\":\"20260101-000000\",\"step\":\"start\",\"target\":\"/t\",\"archive\":\"/a\","
	"\"old_inode\":1,\"new_inode\":2,\"owner_of_target\":false,\"alone\":true,\"ran_known\":false,\"ran\":false}\n";
static const char update_journal[] =
	"{\"isamon_update\":1,\"id\":\"20260202-000000\",\"step\":\"switch\",\"directory\":\"/app\",\"venv\":\"\",\"from\":\"aa\","
	"\"to\":\"bb\",\"from_branch\":\"\",\"branch\":\"\",\"builds\":false,\"was_switched\":true}\n";

static void replace(char **text, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", t.top, name);
	free(*text);
	*text = strdup(path);
}

static void put(const char *name, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t.top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void make(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", t.top, name);
	EXPECT_INT(mkdir(path, 0700), 0);
}

static void set_up(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(t.top, sizeof(t.top), "%.60s/unfinished.XXXXXX", dir ? dir : "/tmp");
	REQUIRE(mkdtemp(t.top));
	REQUIRE_INT(config_new(&t.c), 0);
	replace(&t.c->state_directory, "state");
	replace(&t.c->backup_data, "data");
	replace(&t.c->backup_config, "config");
	make("state");
	make("data");
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

static void expect(enum finding_result result, const char *evidence, const char *remedy)
{
	findings_done(&t.found);
	EXPECT_INT(service_look_unfinished(&t.in, &t.found), 0);
	if (!EXPECT(t.found.n == 1))
		return;
	EXPECT_INT((int)t.found.list[0].result, (int)result);
	EXPECT_HAS(t.found.list[0].evidence, evidence);
	EXPECT_HAS(t.found.list[0].remedy, remedy);
}

static void expect_refusal(const char *part)
{
	static char fix_name[] = "service-start", empty[] = "";
	const struct finding f = { .fix = fix_name, .subject = empty };
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct fix *x = NULL;

	EXPECT_INT(fix_plan(t.c, &f, &why, &x), -EBUSY);
	EXPECT_HAS(buf_str(&why), part);
	fix_free(x);
}

static void tells_an_update(void)
{
	_cleanup_(file_closep) int fd = -1;
	char lock[200];

	set_up();
	expect(FINDING_FINE, "no restore and no update was cut off", "");
	put("state/update.journal", "{");
	expect(FINDING_UNKNOWN, "whether a restore or an update was cut off: ", "");
	put("state/update.journal", update_journal);
	expect(FINDING_PROBLEM, "the update 20260202-000000 of /app was cut off",
	       "isamon update app --resume");
	expect_refusal("was cut off: isamon update app --resume");
	snprintf(lock, sizeof(lock), "%s/state/update.lock", t.top);
	REQUIRE_INT(file_lock(lock, &fd, NULL), 0);
	expect(FINDING_NOTE, "is under way", "");
	expect_refusal("is under way, and starts the service itself");
	tear_down();
}

static void tells_a_restore(void)
{
	struct unfinished u;

	set_up();
	make(".data.isamon-restore");
	put(".data.isamon-restore/journal", restore_journal);
	expect(FINDING_PROBLEM, "the restore 20260101-000000 of ", "isamon restore --resume");
	expect_refusal("/data was cut off: isamon restore --resume");
	/* One that is at work does not hide one that is not. */
	put("state/update.journal", update_journal);
	EXPECT_INT(unfinished_find(t.c, &u), 0);
	EXPECT(u.is && !u.working);
	EXPECT_HAS(u.what, "restore");
	tear_down();
}

/* One step with the service: what keeps it from it, and whether it may be told. */
static void holds(void)
{
	_cleanup_(file_closep) int fd = -1, other = -1;
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	char lock[200];

	set_up();
	EXPECT_INT(unfinished_hold(t.c, true, &why, &fd), 0);
	EXPECT_INT(why.len, 0);
	/* Orders do not keep each other out; whoever exchanges is kept out. */
	EXPECT_INT(unfinished_hold(t.c, true, &why, &other), 0);
	snprintf(lock, sizeof(lock), "%s/state/update.lock", t.top);
	file_closep(&other);
	other = -1;
	EXPECT_INT(file_lock(lock, &other, NULL), -EBUSY);
	file_closep(&fd);
	fd = -1;
	REQUIRE_INT(file_lock(lock, &other, NULL), 0);
	EXPECT_INT(unfinished_hold(t.c, false, &why, &fd), -EBUSY);
	EXPECT_INT(fd, -1);
	EXPECT_HAS(buf_str(&why), "has the service in hand");
	file_closep(&other);
	other = -1;
	/* What was cut off is not started; it may be stopped. */
	put("state/update.journal", update_journal);
	buf_reset(&why);
	EXPECT_INT(unfinished_hold(t.c, false, &why, &fd), 0);
	EXPECT_INT(why.len, 0);
	file_closep(&fd);
	fd = -1;
	EXPECT_INT(unfinished_hold(t.c, true, &why, &fd), -EBUSY);
	EXPECT_HAS(buf_str(&why), "was cut off: isamon update app --resume");
	file_closep(&fd);
	fd = -1;
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an update that was cut off", tells_an_update },
		{ "a restore that was cut off", tells_a_restore },
		{ "one step with the service", holds },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
