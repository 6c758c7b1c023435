/* SPDX-License-Identifier: MIT */
/*
 * An update of the application that ends at any of its steps: afterwards resumed, or aborted, the one way or the other. With real git; python
 * is a script that makes what a venv has. The service is what the test remembers of it.
 */
#include "update_fixture.h"

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

	if (!fixture_begin())
		return unit_finish();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	fixture_end();
	return status;
}
