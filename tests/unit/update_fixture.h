/* SPDX-License-Identifier: MIT */
/*
 * An application that can be updated: with real git; python is a script that makes what a venv has. The service is what the test remembers
 * of it.
 * It includes the sources: each step of theirs can be the last one.
 */
#ifndef ISAMON_TEST_UPDATE_FIXTURE_H
#define ISAMON_TEST_UPDATE_FIXTURE_H

#include "unit.h"

static void fault_step(void);
#define UPDATE_STEP() fault_step()

/* A kill loses nothing; hundreds of these on a busy disk take minutes. */
#include <unistd.h>
#define fsync(fd) ((void)(fd), 0)
#define syncfs(fd) ((void)(fd), 0)
#include <sys/stat.h>
static int mkdirat_and_swap(int fd, const char *name, mode_t mode);
#define mkdirat mkdirat_and_swap
#include "care/update_app.c"
#include "care/update_environment.c"
#include "care/update_journal.c"
#include "care/update_steps.c"
#undef mkdirat

#include <ftw.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define KILLED 88

/* Shared with the child that is killed. */
static struct shared {
	unsigned int left; /* steps to the one at which the process ends; 0: none */
	bool running, moved, bad_start;
	ino_t venv; /* that it was started with */
	char head[UPDATE_COMMIT_MAX];
} * shared;

static char top[96], app[128], venv[128], state[128];
static char first[UPDATE_COMMIT_MAX], second[UPDATE_COMMIT_MAX];

static int shell(const char *command)
{
	char text[4096];
	pid_t pid;
	int status;

	snprintf(text, sizeof(text), "cd %s && %s", top, command);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static bool swaps;

/* As the owner of the directory above could do it: what is root's there takes the place. */
static int mkdirat_and_swap(int fd, const char *name, mode_t mode)
{
	int err = mkdirat(fd, name, mode);

	if (!err && swaps)
		err = renameat(fd, name, fd, "moved") ?: renameat(fd, "roots", fd, name);
	return err;
}

static ino_t venv_inode(void)
{
	struct stat st;

	return stat(venv, &st) ? 0 : st.st_ino;
}

static void read_head(char ret[UPDATE_COMMIT_MAX])
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(128);
	char path[256];

	snprintf(path, sizeof(path), "%s/.git/refs/heads/main", app);
	*ret = '\0';
	if (file_read(path, &text) == 0)
		snprintf(ret, UPDATE_COMMIT_MAX, "%.40s", buf_str(&text));
}

static void fault_step(void)
{
	char head[UPDATE_COMMIT_MAX];

	read_head(head);
	if (shared->running && (venv_inode() != shared->venv || strcmp(head, shared->head) != 0))
		shared->moved = true;
	if (shared->left && !--shared->left)
		_exit(KILLED);
}

/* --- the service */

static int runs(bool *ret, struct buf *why, void *ctx)
{
	(void)why;
	(void)ctx;
	*ret = shared->running;
	return 0;
}

static int stop(struct buf *why, void *ctx)
{
	(void)why;
	(void)ctx;
	shared->running = false;
	return 0;
}

static int begin_service(struct buf *why, void *ctx)
{
	(void)ctx;
	shared->running = true;
	shared->venv = venv_inode();
	read_head(shared->head);
	if (!shared->bad_start || strcmp(shared->head, second) != 0)
		return 0;
	buf_add_str(why, "it is not healthy");
	return -EHOSTDOWN;
}

static const struct restore_service service = { runs, stop, begin_service, NULL };

/* --- the host */

#define COMMIT "git -c user.name=a -c user.email=a@example.com commit -q -m x"
#define PYTHON \
	"printf '#!/bin/sh\\n" \
	"case \"$3\" in venv) for d; do :; done; mkdir -p $d/bin; cp $0 $d/bin/python;" \
	" echo \"home = '$PWD'/python\" >$d/pyvenv.cfg;;" \
	" pip) [ \"$4\" = install ] && grep -q 2 '$PWD'/app/requirements.txt && touch ${0%%/*}/new;; esac\\n'" \
	" >python/python3 && chmod 755 python/python3"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

UNIT_USED_ static bool take_commit_of(const char *file, char ret[UPDATE_COMMIT_MAX])
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(128);
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, file);
	if (file_read(path, &text))
		return false;
	snprintf(ret, UPDATE_COMMIT_MAX, "%.40s", buf_str(&text));
	return true;
}

UNIT_USED_ static void host_make(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%.60s/kill.XXXXXX", dir ? dir : "/tmp");
	REQUIRE(mkdtemp(top));
	snprintf(app, sizeof(app), "%s/app", top);
	snprintf(venv, sizeof(venv), "%s/venv", top);
	snprintf(state, sizeof(state), "%s/state", top);
	REQUIRE_INT(shell("mkdir python venv venv/bin && " PYTHON
			  " && cp python/python3 venv/bin/python"
			  " && echo \"home = $PWD/python\" >venv/pyvenv.cfg"),
		    0);
	REQUIRE_INT(
		shell("git init -q -b main work && cd work && echo 1 >requirements.txt && echo 1 >main.py"
		      " && echo gone >old && echo '*.ignored' >.gitignore && echo venv >>.gitignore && git add -A && " COMMIT
		      " && git rev-parse HEAD >../first && git clone -q . ../app && echo kept >../app/x.ignored"
		      " && echo 2 >requirements.txt && echo 2 >main.py && rm old && echo 2 >new"
		      " && git add -A && " COMMIT " && git rev-parse HEAD >../second"),
		0);
	REQUIRE(take_commit_of("first", first) && take_commit_of("second", second));
	/* As it is before each. */
	REQUIRE_INT(shell("mkdir keep && cp -a app venv keep"), 0);
}

UNIT_USED_ static void host_reset(void)
{
	REQUIRE_INT(
		shell("rm -rf app venv state venv.isamon-* app.isamon-* && cp -a keep/app keep/venv ."),
		0);
	*shared = (struct shared){ .running = true, .venv = venv_inode() };
	read_head(shared->head);
}

UNIT_USED_ static bool is_state(const char *commit, bool new_environment)
{
	char head[UPDATE_COMMIT_MAX], command[256];
	bool is_new = strcmp(commit, second) == 0;

	read_head(head);
	snprintf(
		command, sizeof(command),
		"[ \"$(cat app/main.py)\" = %d ] && [ %s -e app/new ] && [ %s -e app/old ]"
		" && [ -z \"$(git -C app status --porcelain)\" ] && [ \"$(cat app/x.ignored)\" = kept ]",
		is_new ? 2 : 1, is_new ? "" : "!", is_new ? "!" : "");
	return strcmp(head, commit) == 0 && shell(command) == 0 &&
	       shell(new_environment ? "[ -e venv/bin/new ]" : "[ ! -e venv/bin/new ]") == 0;
}

UNIT_USED_ static bool nothing_is_left(unsigned int kept)
{
	char command[200];

	snprintf(
		command, sizeof(command),
		"[ $(ls -d venv.isamon-* 2>/dev/null | wc -l) = %u ] && [ ! -e state/" UPDATE_JOURNAL
		" ] && ! ls -d app.isamon-* 2>/dev/null",
		kept);
	return shell(command) == 0;
}

UNIT_USED_ static struct update_options options(void)
{
	return (struct update_options){ .state_directory = state,
					.directory = app,
					.venv = venv,
					.requirements = "requirements.txt",
					.remote = "origin",
					.ref = "",
					.keep = 2,
					.git_timeout_s = 60,
					.install_timeout_s = 60,
					.log_fd = -1,
					.echo_fd = -1,
					.service = &service };
}

static struct buf why = BUF_INIT(65536);
static struct update_result result;

UNIT_USED_ static int update_now(void)
{
	struct update_options o = options();
	struct update_plan p;
	int err;

	buf_reset(&why);
	err = update_app_plan(&o, &why, &p);
	if (!err)
		err = update_app_begin(&o, &p, &why, &result);
	update_plan_done(&p);
	return err;
}

/* Returns whether it was killed: not if it had come to its end before. */
UNIT_USED_ static bool killed_at(unsigned int n, int (*what)(void))
{
	pid_t pid;
	int status;

	shared->left = n;
	pid = fork();
	if (pid == 0) {
		what();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	shared->left = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == KILLED;
}

UNIT_USED_ static int abort_now(void)
{
	struct update_options o = options();

	buf_reset(&why);
	return update_app_abort(&o, &why, &result);
}

UNIT_USED_ static int resume_now(void)
{
	struct update_options o = options();

	buf_reset(&why);
	return update_app_resume(&o, &why, &result);
}

/* As unit_main(), with the host. */
static int update_main(int argc, char **argv, const struct unit_case *cases, size_t n)
{
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	if (geteuid() != 0 || unshare(CLONE_NEWNS)) {
		unit_begin("updates");
		unit_skip("needs root, and mount namespaces");
		return unit_finish();
	}
	host_make();
	status = unit_main(argc, argv, cases, n);
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_done(&why);
	return status;
}

#endif
