/* SPDX-License-Identifier: MIT */
/*
 * hold empty           the empty pair of programs, attached where isamon attaches its own
 * hold empty-read      an empty program where isamon sees that the service reads
 * hold unqueued PORT   isamon's own programs on that port, without those that see the service read
 * hold stats           the kernel's statistics of BPF programs, switched on
 *
 * Says "ready N", N being the programs of others where the pair is, and holds it until its input ends. All
 * belong to a descriptor, so they end with this process, however it ends; the sysctl
 * kernel.bpf_stats_enabled is not touched.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "empty.skel.h"
#include "http.skel.h"
#include "probe/cgroup.h"

#define DRAIN_MS 10

/* What is to be drained meanwhile, if anything. */
static struct ring_buffer *ring;

static int refused(const char *what, int err)
{
	fprintf(stderr, "hold: cannot %s: %s\n", what, strerror(-err));
	return err;
}

static int open_cgroup(int *ret_cgroup)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int err = cgroup_open_root(&why, ret_cgroup);

	if (err)
		fprintf(stderr, "hold: %s\n", buf_str(&why));
	return err;
}

static int hold_empty(unsigned int *ret_others)
{
	struct empty_bpf *skel = empty_bpf__open_and_load();
	int cgroup, err;
	__u32 others = 0;

	if (!skel)
		return refused("load the empty pair", -errno);
	err = open_cgroup(&cgroup);
	if (err)
		return err;
	bpf_prog_query(cgroup, BPF_CGROUP_INET_INGRESS, 0, NULL, NULL, &others);
	/* Ours until we end. */
	if (!bpf_program__attach_cgroup(skel->progs.empty_ingress, cgroup) ||
	    !bpf_program__attach_cgroup(skel->progs.empty_egress, cgroup))
		return refused("attach the empty pair", -errno);
	*ret_others = others;
	return 0;
}

static int hold_empty_read(void)
{
	struct empty_bpf *skel = empty_bpf__open_and_load();

	if (!skel || !bpf_program__attach(skel->progs.empty_read))
		return refused("attach an empty program to tcp_rcv_space_adjust", -errno);
	return 0;
}

static int ignore(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static int load_unqueued(struct http_bpf **ret_skel)
{
	struct http_bpf *skel = http_bpf__open();

	if (!skel)
		return -errno;
	skel->rodata->http_sees_reads = 0;
	bpf_program__set_autoload(skel->progs.isamon_http_read, false);
	*ret_skel = skel;
	return http_bpf__load(skel);
}

static int hold_unqueued(unsigned int port)
{
	struct http_bpf *skel = NULL;
	int cgroup, err;

	err = load_unqueued(&skel);
	if (err)
		return refused("load isamon's programs without those of the queue", err);
	err = open_cgroup(&cgroup);
	if (err)
		return err;
	skel->bss->http_ports[port] = 1;
	ring = ring_buffer__new(bpf_map__fd(skel->maps.http_ring), ignore, NULL, NULL);
	if (!ring || !bpf_program__attach_cgroup(skel->progs.isamon_http_egress, cgroup) ||
	    !bpf_program__attach_cgroup(skel->progs.isamon_http_ingress, cgroup) ||
	    !bpf_program__attach_cgroup(skel->progs.isamon_http_sock, cgroup))
		return refused("attach isamon's programs", -errno);
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
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n = 1;
	char byte;

	while (n > 0 || (n < 0 && errno == EINTR)) {
		if (ring)
			ring_buffer__consume(ring);
		n = poll(&input, 1, ring ? DRAIN_MS : -1);
		if (n > 0)
			n = read(STDIN_FILENO, &byte, 1);
		else if (n == 0)
			n = 1;
	}
}

static int hold(int argc, char **argv, unsigned int *ret_others)
{
	const char *what = argv[1];
	uint64_t port;

	if (argc == 2 && strcmp(what, "empty") == 0)
		return hold_empty(ret_others);
	if (argc == 2 && strcmp(what, "empty-read") == 0)
		return hold_empty_read();
	if (argc == 2 && strcmp(what, "stats") == 0)
		return hold_stats();
	if (argc == 3 && strcmp(what, "unqueued") == 0 &&
	    number_parse_u64(argv[2], 1, 65535, &port) == 0)
		return hold_unqueued((unsigned int)port);
	fprintf(stderr, "usage: hold empty|empty-read|stats, or hold unqueued PORT\n");
	return -EINVAL;
}

int main(int argc, char **argv)
{
	unsigned int others = 0;

	if (argc < 2 || hold(argc, argv, &others) != 0)
		return 1;
	printf("ready %u\n", others);
	fflush(stdout);
	wait_for_end_of_input();
	return 0;
}
