/* SPDX-License-Identifier: MIT */
/* The HTTP state machine in this kernel, by bpf_prog_test_run_opts(), on every case and every cut. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "http_test.skel.h"

#include "bpf/http_drive.h"

#define ETHERNET 14

static struct http_test_bpf *skel;
static struct ring_buffer *ring;
static struct http_record got[DRIVE_RECORDS];
static size_t n_got;
static struct http_totals before;

static int on_record(void *ctx, void *data, size_t size)
{
	(void)ctx;
	if (n_got < DRIVE_RECORDS) {
		memset(&got[n_got], 0, sizeof(got[0]));
		memcpy(&got[n_got++], data, size);
	}
	return 0;
}

static void read_totals(struct http_totals *to)
{
	struct http_totals per_cpu[256];
	int n = libbpf_num_possible_cpus();
	__u32 zero = 0;

	memset(to, 0, sizeof(*to));
	if (n > 256 || bpf_map_lookup_elem(bpf_map__fd(skel->maps.http_totals), &zero, per_cpu))
		return;
	for (int cpu = 0; cpu < n; cpu++)
		for (size_t i = 0; i < sizeof(*to) / sizeof(__u64); i++)
			((__u64 *)to)[i] += ((__u64 *)&per_cpu[cpu])[i];
}

static void run(struct bpf_program *prog, const void *packet, size_t len)
{
	static const char nothing[ETHERNET + 40];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet ? packet : nothing,
		    .data_size_in = packet ? (__u32)len : sizeof(nothing));
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &o);

	if (err || o.retval != 1)
		FAIL_CASE("test run: error %d, returned %u", err, o.retval);
}

static void start(bool synced, bool watched, uint32_t rx_next, uint32_t tx_next)
{
	static const struct http_conn_room {
		char room[2048];
	} blank;
	__u32 zero = 0;

	bpf_map_update_elem(bpf_map__fd(skel->maps.test_conn), &zero, &blank, BPF_ANY);
	ring_buffer__consume(ring);
	n_got = 0;
	read_totals(&before);
	skel->bss->test_start.synced = synced;
	skel->bss->test_start.watched = watched;
	skel->bss->test_start.rx_next = rx_next;
	skel->bss->test_start.tx_next = tx_next;
	run(skel->progs.test_begin, NULL, 0);
}

/* The payload behind room for headers, as in a packet; Ethernet is taken off by the kernel. */
static void segment(bool in, uint32_t seq, uint32_t ack, const char *bytes, size_t len, char flags)
{
	static char packet[4096] = { [12] = 8 };
	const size_t headers = sizeof(struct iphdr) + sizeof(struct tcphdr);

	skel->bss->test_packet.seq = seq;
	skel->bss->test_packet.ack = ack;
	skel->bss->test_packet.offset = (__u32)headers;
	skel->bss->test_packet.len = (__u32)len;
	skel->bss->test_packet.fin = flags == 'F';
	skel->bss->test_packet.rst = flags == 'R';
	if (len)
		memcpy(packet + ETHERNET + headers, bytes, len);
	run(in ? skel->progs.test_in : skel->progs.test_out, packet, ETHERNET + headers + len);
}

static void closed(void)
{
	run(skel->progs.test_close, NULL, 0);
}

static void silent(void)
{
	run(skel->progs.test_silent, NULL, 0);
}

static size_t records(struct http_record *to, size_t max)
{
	ring_buffer__consume(ring);
	memcpy(to, got, (n_got < max ? n_got : max) * sizeof(*to));
	return n_got;
}

static void totals(struct http_totals *to)
{
	read_totals(to);
	for (size_t i = 0; i < sizeof(*to) / sizeof(__u64); i++)
		((__u64 *)to)[i] -= ((__u64 *)&before)[i];
}

int main(int argc, char **argv)
{
	static const struct machine kernel_machine = { start,  segment, closed,
						       silent, records, totals };

	(void)argc;
	(void)argv;
	if (geteuid() != 0) {
		unit_begin("the state machine in the kernel");
		unit_skip("needs root");
		return unit_finish();
	}
	unit_begin("the verifier takes the programs");
	skel = http_test_bpf__open_and_load();
	if (!EXPECT(skel != NULL))
		return unit_finish();
	ring = ring_buffer__new(bpf_map__fd(skel->maps.http_ring), on_record, NULL, NULL);
	if (!EXPECT(ring != NULL))
		return unit_finish();
	EXPECT(bpf_map__value_size(skel->maps.test_conn) <= 2048);
	play_all(&kernel_machine);
	ring_buffer__free(ring);
	http_test_bpf__destroy(skel);
	return unit_finish();
}
