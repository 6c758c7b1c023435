/* SPDX-License-Identifier: MIT */
/*
 * An update of the application that ends at any of its steps: afterwards resumed, or aborted, the one way or the other. With real git; python
 * is a script that makes what a venv has. The service is what the test remembers of it.
 */
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

#define STEPS_MAX 200
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

static bool take_commit_of(const char *file, char ret[UPDATE_COMMIT_MAX])
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(128);
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, file);
	if (file_read(path, &text))
		return false;
	snprintf(ret, UPDATE_COMMIT_MAX, "%.40s", buf_str(&text));
	return true;
}

static void host_make(void)
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

static void host_reset(void)
{
	REQUIRE_INT(
		shell("rm -rf app venv state venv.isamon-* app.isamon-* && cp -a keep/app keep/venv ."),
		0);
	*shared = (struct shared){ .running = true, .venv = venv_inode() };
	read_head(shared->head);
}

static bool is_state(const char *commit, bool new_environment)
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

static bool nothing_is_left(unsigned int kept)
{
	char command[200];

	snprintf(
		command, sizeof(command),
		"[ $(ls -d venv.isamon-* 2>/dev/null | wc -l) = %u ] && [ ! -e state/" UPDATE_JOURNAL
		" ] && ! ls -d app.isamon-* 2>/dev/null",
		kept);
	return shell(command) == 0;
}

static struct update_options options(void)
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

static int update_now(void)
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
static bool killed_at(unsigned int n, int (*what)(void))
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

static int abort_now(void)
{
	struct update_options o = options();

	buf_reset(&why);
	return update_app_abort(&o, &why, &result);
}

static int resume_now(void)
{
	struct update_options o = options();

	buf_reset(&why);
	return update_app_resume(&o, &why, &result);
}

static void good(void)
{
	host_reset();
	EXPECT_INT(update_now(), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(result.end, RESTORE_DONE);
	EXPECT_STR(result.from, first);
	EXPECT_STR(result.to, second);
	EXPECT(is_state(second, true) && nothing_is_left(1));
	EXPECT(shared->running && !shared->moved);
	EXPECT(shell("[ -x venv/bin/python ] && [ ! -e venv.isamon-*/bin/new ]") == 0);
}

static void bad(void)
{
	host_reset();
	shared->bad_start = true;
	EXPECT_INT(update_now(), -EHOSTDOWN);
	EXPECT_INT(result.end, RESTORE_ROLLED_BACK);
	EXPECT(!result.service_down);
	EXPECT(is_state(first, false) && nothing_is_left(0));
	EXPECT(shared->running && !shared->moved);
}

static void stopped_before(void)
{
	host_reset();
	shared->running = false;
	EXPECT_INT(update_now(), 0);
	EXPECT(result.not_started && !shared->running);
	EXPECT(is_state(second, true));
}

static void environment_in_the_tree(void)
{
	struct update_options o = options();
	struct update_plan p;

	host_reset();
	REQUIRE_INT(shell("mv venv app/venv && ln -s app/venv venv"), 0);
	shared->venv = venv_inode();
	for (int i = 0; i < 2; i++) {
		buf_reset(&why);
		EXPECT_INT(update_app_plan(&o, &why, &p), 0);
		update_app_begin(&o, &p, &why, &result);
		EXPECT_STR(buf_str(&why), "");
		EXPECT_INT(result.end, RESTORE_DONE);
		update_plan_done(&p);
		o.rebuild = true; /* what is kept is no change of the tree */
	}
	EXPECT(shell("[ -L venv ] && [ -e app/venv/bin/new ] && ls -d app/venv.isamon-* >/dev/null") ==
	       0);
	EXPECT(!shared->moved);
	EXPECT_INT(shell("rm venv"), 0);
}

static void each_step(const char *name, bool bad_start, int (*then)(void), bool is_new)
{
	unsigned int n = 1;

	for (; n < STEPS_MAX; n++) {
		int err;

		host_reset();
		shared->bad_start = bad_start;
		if (!killed_at(n, update_now))
			break;
		shared->bad_start = false;
		err = then();
		/* Killed before the journal, or after it is gone. */
		if (err == -ENOENT) {
			if (!is_state(first, false) && !is_state(second, true))
				FAIL_CASE("%s: step %u: neither", name, n);
			continue;
		}
		if (err && err != -ECANCELED)
			FAIL_CASE("%s: step %u: %d: %s", name, n, err, buf_str(&why));
		if (!is_state(is_new && !err ? second : first, is_new && !err))
			FAIL_CASE("%s: step %u: not as it should be", name, n);
		if (!nothing_is_left(is_new && !err ? 1 : 0))
			FAIL_CASE("%s: step %u: something is left", name, n);
		if (!shared->running || shared->moved)
			FAIL_CASE("%s: step %u: %s", name, n,
				  shared->moved ? "switched while it runs" : "not started again");
	}
	EXPECT(n > 10 && n < STEPS_MAX);
}

static void aborted(void)
{
	each_step("aborted", false, abort_now, false);
}

static void resumed(void)
{
	each_step("resumed", false, resume_now, true);
}

static void aborted_on_its_way_back(void)
{
	each_step("aborted on its way back", true, abort_now, false);
}

static void half_a_checkout(void)
{
	host_reset();
	/* Cut off before HEAD is written: files are new, the index is locked. */
	for (unsigned int n = 1; n < STEPS_MAX && killed_at(n, update_now); n++) {
		struct update_status s;

		EXPECT_INT(update_app_look(state, &s), 0);
		if (strcmp(s.step, "switch") == 0)
			break;
		host_reset();
	}
	EXPECT_INT(
		shell("echo 2 >app/main.py && echo 2 >app/new && rm app/old && touch app/.git/index.lock"
		      " app/.git/refs/heads/main.lock"),
		0);
	EXPECT_INT(abort_now(), 0);
	EXPECT(is_state(first, false) && nothing_is_left(0));
	EXPECT_INT(abort_now(), -ENOENT);
}

/* Where the key of a deployment is told. */
static void asks_by_its_own_ssh(void)
{
	static const struct update_head head = { .branch = "main" };
	const struct update_run run = { .timeout_s = 20, .log_fd = -1, .echo_fd = -1 };
	char ref[UPDATE_REF_MAX], commit[UPDATE_COMMIT_MAX];
	struct update_git g;

	host_reset();
	REQUIRE_INT(
		shell("git -C app remote set-url origin ssh://deploy@localhost/x &&"
		      " printf '#!/bin/sh\\necho \"$0 $SSH_ASKPASS_REQUIRE\" >ssh-was-run\\nexit 1\\n' >own-ssh &&"
		      " chmod 755 own-ssh && git -C app config core.sshCommand \"cd $PWD && ./own-ssh\""),
		0);
	buf_reset(&why);
	REQUIRE_INT(update_git_open(app, &run, &why, &g), 0);
	EXPECT(update_git_fetch(&g, "origin", "", &head, &why, ref, commit) != 0);
	EXPECT_INT(shell("grep -q 'own-ssh force' ssh-was-run"), 0);
}

static int commit_meanwhile(struct buf *text, void *ctx)
{
	(void)text;
	(void)ctx;
	return shell("cd app && echo mine >mine && git add mine && " COMMIT
		     " && git rev-parse HEAD >../mine") ?
		       -EIO :
		       0;
}

static void a_commit_meanwhile(void)
{
	struct update_options o = options();
	char mine[UPDATE_COMMIT_MAX], head[UPDATE_COMMIT_MAX];
	struct update_plan p;

	host_reset();
	o.backup = commit_meanwhile;
	buf_reset(&why);
	REQUIRE_INT(update_app_plan(&o, &why, &p), 0);
	EXPECT_INT(update_app_begin(&o, &p, &why, &result), -EEXIST);
	update_plan_done(&p);
	EXPECT_INT(result.end, RESTORE_NOTHING);
	EXPECT_HAS(buf_str(&why), "begin again");
	read_head(head);
	REQUIRE(take_commit_of("mine", mine));
	EXPECT_STR(head, mine);
	EXPECT(shared->running && nothing_is_left(0));
}

/* The tree is root's: what another user wrote would be run by root. */
static void runs_no_python_of_others(void)
{
	host_reset();
	REQUIRE_INT(
		shell("printf '#!/bin/sh\\nid -u >../evil-was-run\\n' >evil && chmod 755 evil &&"
		      " echo \"executable = $PWD/evil\" >>venv/pyvenv.cfg && chown 65534 venv/pyvenv.cfg"),
		0);
	EXPECT_INT(update_now(), -EPERM);
	EXPECT_INT(result.end, RESTORE_NOTHING);
	EXPECT_HAS(buf_str(&why), "venv/pyvenv.cfg: who owns it");
	EXPECT(is_state(first, false) && nothing_is_left(0));
	EXPECT(shared->running && !shared->moved);
	EXPECT(shell("[ ! -e ../evil-was-run ] && [ ! -e evil-was-run ]") == 0);
}

static void gives_away_only_what_it_made(void)
{
	const struct update_user nobody = { .as = { .uid = 65534, .gid = 65534 } };
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st = { .st_uid = 1 };

	REQUIRE(fd >= 0);
	REQUIRE_INT(shell("rm -rf made moved roots && mkdir roots && echo secret >roots/key"), 0);
	EXPECT_INT(update_make_directory(fd, "made", 0700, &nobody), 0);
	EXPECT(fstatat(fd, "made", &st, 0) == 0 && st.st_uid == 65534);
	REQUIRE_INT(shell("rmdir made"), 0);
	swaps = true;
	EXPECT_INT(update_make_directory(fd, "made", 0700, &nobody), -ENOTEMPTY);
	EXPECT(fstatat(fd, "made", &st, 0) == 0 && st.st_uid == 0);
	/* A file has no names in it. */
	REQUIRE_INT(shell("rm -rf made moved && echo secret >roots"), 0);
	EXPECT_INT(update_make_directory(fd, "made", 0700, &nobody), -ENOTDIR);
	EXPECT(fstatat(fd, "made", &st, 0) == 0 && st.st_uid == 0);
	swaps = false;
	close(fd);
}

static void leads_to_nothing_of_others(void)
{
	const struct update_user nobody = { .as = { .uid = 65534, .gid = 65534, .home = "/" } };
	const char *const argv[] = { "true", NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
	char from[160], link[160], to[160];
	struct update_bind bind = { .from = from, .to = to };
	const struct update_run run = { .user = &nobody,
					.binds = &bind,
					.n_binds = 1,
					.timeout_s = 20,
					.log_fd = -1,
					.echo_fd = -1 };

	REQUIRE_INT(shell("rm -rf a b c && mkdir a b && chown 65534 a && ln -s a c"), 0);
	snprintf(from, sizeof(from), "%s/a", top);
	snprintf(to, sizeof(to), "%s/b", top);
	snprintf(link, sizeof(link), "%s/c", top);
	EXPECT_INT(update_run(&run, argv, &out), 0);
	bind.from = link;
	EXPECT_INT(update_run(&run, argv, &out), 126);
	bind.from = to;
	EXPECT_INT(update_run(&run, argv, &out), 126);
	EXPECT_HAS(buf_str(&out), "bind");
}

static void waits_for_nobody_left_behind(void)
{
	const char *const argv[] = { "sh", "-c", "sleep 6 & echo said; exit 3", NULL };
	const struct update_run run = { .timeout_s = 3, .log_fd = -1, .echo_fd = -1 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

	EXPECT_INT(update_run(&run, argv, &out), 3);
	EXPECT_STR(buf_str(&out), "said\n");
}

static void shows_nothing_that_a_terminal_obeys(void)
{
	static const char text[] = "a\033[2Jb\007 \302\233x \377 \303\244\tc\n";
	const char *const argv[] = { "printf", "%s", text, NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000), said = BUF_INIT(1000);
	char shown[200] = "";
	int ends[2];
	struct update_run run = { .timeout_s = 20, .log_fd = -1 };

	REQUIRE_INT(pipe2(ends, O_CLOEXEC), 0);
	run.echo_fd = ends[1];
	EXPECT_INT(update_run(&run, argv, &out), 0);
	EXPECT_STR(buf_str(&out), text);
	EXPECT(read(ends[0], shown, sizeof(shown) - 1) > 0);
	EXPECT_STR(shown, "a?[2Jb? \302?x \377 \303\244\tc\n");
	update_run_failed("it", 1, &out, &said);
	EXPECT_STR(buf_str(&said), "it: failed with status 1\n  a?[2Jb? ?x ? \303\244?c");
	close(ends[0]);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "who is left behind is not waited for", waits_for_nobody_left_behind },
		{ "one that is well", good },
		{ "one that is not goes back", bad },
		{ "a service that was stopped stays so", stopped_before },
		{ "an environment in the tree, by a symbolic link", environment_in_the_tree },
		{ "killed at each step, and aborted", aborted },
		{ "killed at each step, and resumed", resumed },
		{ "killed at each step of going back, and aborted", aborted_on_its_way_back },
		{ "half a checkout is taken back", half_a_checkout },
		{ "git asks by the ssh that is told to it", asks_by_its_own_ssh },
		{ "a commit that came meanwhile is not lost", a_commit_meanwhile },
		{ "no Python is run that another user names", runs_no_python_of_others },
		{ "only what it made is given away", gives_away_only_what_it_made },
		{ "a build is led to nothing of others", leads_to_nothing_of_others },
		{ "nothing is shown that a terminal obeys", shows_nothing_that_a_terminal_obeys },
	};
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	if (geteuid() != 0 || unshare(CLONE_NEWNS)) {
		unit_begin("killed updates");
		unit_skip("needs root, and mount namespaces");
		return unit_finish();
	}
	host_make();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_done(&why);
	return status;
}
