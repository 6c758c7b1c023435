/* SPDX-License-Identifier: MIT */
/*
 * hold empty   the empty pair of programs, attached where isamon attaches its own
 * hold stats   the kernel's statistics of BPF programs, switched on
 *
 * Says "ready N", N being the programs of others where the pair is, and holds it until its input ends. Both
 * belong to a descriptor, so they end with this process, however it ends; the sysctl
 * kernel.bpf_stats_enabled is not touched.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "empty.skel.h"
#include "probe/cgroup.h"

static int refused(const char *what, int err)
{
	fprintf(stderr, "hold: cannot %s: %s\n", what, strerror(-err));
	return err;
}

static int hold_empty(unsigned int *ret_others)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct empty_bpf *skel = empty_bpf__open_and_load();
	int cgroup, err;
	__u32 others = 0;

	if (!skel)
		return refused("load the empty pair", -errno);
	err = cgroup_open_root(&why, &cgroup);
	if (err) {
		fprintf(stderr, "hold: %s\n", buf_str(&why));
		return err;
	}
	bpf_prog_query(cgroup, BPF_CGROUP_INET_INGRESS, 0, NULL, NULL, &others);
	/* Ours until we end. */
	if (!bpf_program__attach_cgroup(skel->progs.empty_ingress, cgroup) ||
	    !bpf_program__attach_cgroup(skel->progs.empty_egress, cgroup))
		return refused("attach the empty pair", -errno);
	*ret_others = others;
	return 0;
}

static int hold_stats(void)
{
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		return refused("switch on the statistics of BPF programs", -errno);
	return 0;
}

static void wait_for_end_of_input(void)
{
	char byte;
	ssize_t n;

	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	unsigned int others = 0;
	int err;

	if (strcmp(what, "empty") == 0) {
		err = hold_empty(&others);
	} else if (strcmp(what, "stats") == 0) {
		err = hold_stats();
	} else {
		fprintf(stderr, "usage: hold empty|stats\n");
		return 2;
	}
	if (err)
		return 1;
	printf("ready %u\n", others);
	fflush(stdout);
	wait_for_end_of_input();
	return 0;
}
