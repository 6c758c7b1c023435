/* SPDX-License-Identifier: MIT */
/* The set of members between passes: forks, exits, who was left, and when the next pass is due. */
#include "unit/members_tree.h"

#include "base/clock.h"

static void feeding(void)
{
	static const uint16_t port = 8000;
	static const struct row main_process = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
	static const struct row child = { 51, 50, 50, "python3", YOUNG, true, NULL, 'w' };
	static const struct row grandchild = { 52, 51, 50, "sh", YOUNG, false, NULL, 'h' };
	char proc[] = "/tmp/test_members.XXXXXX", path[100];
	struct members *m;
	size_t n;

	make_proc(proc);
	put_process(proc, &main_process);
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, 1);
	finish(m);
	put_process(proc, &child);
	put_process(proc, &grandchild);
	EXPECT(!members_forked(m, 51, 52, YOUNG)); /* nobody's child yet */
	EXPECT(members_forked(m, 50, 51, YOUNG));
	EXPECT(!members_forked(m, 50, 51, YOUNG));
	EXPECT(members_forked(m, 51, 52, YOUNG));
	EXPECT_INT(role_of(m, 51), 'h');
	members_settle(m);
	EXPECT_INT(role_of(m, 51), 'w');
	EXPECT_INT(role_of(m, 52), 'h');
	EXPECT(!members_busy(m));

	EXPECT(members_exited(m, 52));
	EXPECT(!members_exited(m, 52));
	EXPECT(!members_exited(m, 4711));
	EXPECT(!members_busy(m));
	members_list(m, &n);
	EXPECT_UINT(n, 2);

	/* The pid comes back as another process. */
	snprintf(path, sizeof(path), "%s/51", proc);
	remove_tree(path);
	put_process(proc, &(struct row){ 51, 50, 50, "new", YOUNG + 1, false, NULL, 'h' });
	EXPECT(members_forked(m, 50, 51, YOUNG + 1));
	EXPECT_UINT(members_find(m, 51)->start_ticks, YOUNG + 1);
	EXPECT_INT(role_of(m, 51), 'h');

	/* The main process ends: the rest is looked up again. */
	EXPECT(members_exited(m, 50));
	EXPECT(members_busy(m));
	snprintf(path, sizeof(path), "%s/50", proc);
	remove_tree(path);
	finish(m);
	members_list(m, &n);
	EXPECT_UINT(n, 0);
	members_free(m);
	remove_tree(proc);
}

/* Twice forked: who is between is gone before anybody looks, and the one that stays has no parent of ours. */
static void orphans(void)
{
	static const uint16_t port = 8000;
	static const struct row main_process = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
	char proc[] = "/tmp/test_members.XXXXXX", path[100];
	struct members *m;
	size_t n;

	make_proc(proc);
	put_process(proc, &main_process);
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, 1);
	finish(m);
	EXPECT(members_forked(m, 50, 60, 20));
	EXPECT(members_forked(m, 60, 61, 21));
	EXPECT(members_forked(m, 60, 62, 21));
	EXPECT(members_forked(m, 60, 63, 21));
	EXPECT(members_exited(m, 60));
	put_process(proc, &(struct row){ 61, 1, 61, "daemon", 21, false, NULL, 'h' });
	put_process(proc, &(struct row){ 62, 1, 62, "sharer", 21, true, NULL, 'w' });
	put_process(proc, &(struct row){ 63, 1, 63, "stranger", 22, false, NULL, 0 });
	for (int i = 0; i < 2; i++) {
		members_rescan(m);
		finish(m);
		members_list(m, &n);
		EXPECT_UINT(n, 3);
		EXPECT_INT(role_of(m, 50), 'm');
		EXPECT_INT(role_of(m, 61), 'h');
		EXPECT_INT(role_of(m, 62), 'w');
	}
	snprintf(path, sizeof(path), "%s/61", proc);
	remove_tree(path);
	members_rescan(m);
	finish(m);
	members_list(m, &n);
	EXPECT_UINT(n, 2);
	members_free(m);
	remove_tree(proc);
}

static void when_a_pass_is_due(void)
{
	static const uint16_t port = 8000;
	static const struct row main_process = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
	char proc[] = "/tmp/test_members.XXXXXX";
	uint64_t now = NS_PER_SEC;
	struct members *m;
	size_t n;
	unsigned int fed = 0, unfed = 0;

	make_proc(proc);
	put_process(proc, &main_process);
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, now);
	finish(m);
	EXPECT_UINT(members_stats(m).passes, 1);
	EXPECT_UINT(members_stats(m).seen, 1);
	for (int i = 0; i < 3600; i++, now += NS_PER_SEC) {
		members_look(m, true, now);
		fed += finish(m) > 0;
	}
	for (int i = 0; i < 3600; i++, now += NS_PER_SEC) {
		members_look(m, false, now);
		unfed += finish(m) > 0;
	}
	EXPECT(fed >= 10 && fed <= 16);
	EXPECT(unfed >= 50 && unfed <= 62);

	/* While nobody listens they stay; with another socket they are looked for. */
	put(proc, "net/tcp", HEAD);
	members_rescan(m);
	EXPECT(members_busy(m));
	now += 10 * NS_PER_SEC;
	members_look(m, true, now);
	EXPECT(!members_busy(m));
	members_list(m, &n);
	EXPECT_UINT(n, 1);
	now += 10 * NS_PER_SEC;
	put(proc, "net/tcp", HEAD LISTEN(778));
	members_look(m, true, now);
	EXPECT(members_busy(m));
	finish(m); /* the process has 777 open: it is not the one that listens now */
	members_list(m, &n);
	EXPECT_UINT(n, 0);

	/* Somebody keeps the socket for a service that comes much later: it is not looked for ever more rarely. */
	for (int i = 0; i < 3600; i++, now += NS_PER_SEC) {
		members_look(m, true, now);
		finish(m);
	}
	put_process(proc, &(struct row){ 60, 1, 60, "late", 99, false, NULL, 'm' }); /* has 778 */
	for (int i = 0; i < 12; i++, now += NS_PER_SEC) {
		members_look(m, true, now);
		finish(m);
	}
	EXPECT_INT(role_of(m, 60), 'm');
	members_free(m);
	remove_tree(proc);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "forks and exits keep the set up to date", feeding },
		{ "who was left by its parent is still one", orphans },
		{ "a pass is due when something changed, then ever more rarely",
		  when_a_pass_is_due },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
