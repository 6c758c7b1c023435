/* SPDX-License-Identifier: MIT */
/* An update of the application that nothing cuts off: what comes of it, and what it does not do. */
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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "one that is well", good },
		{ "one that is not goes back", bad },
		{ "a service that was stopped stays so", stopped_before },
		{ "an environment in the tree, by a symbolic link", environment_in_the_tree },
		{ "git asks by the ssh that is told to it", asks_by_its_own_ssh },
		{ "a commit that came meanwhile is not lost", a_commit_meanwhile },
		{ "no Python is run that another user names", runs_no_python_of_others },
	};

	return update_main(argc, argv, cases, ARRAY_SIZE(cases));
}
