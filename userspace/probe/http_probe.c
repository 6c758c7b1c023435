/* SPDX-License-Identifier: MIT */
/*
 * Owns the kernel side of the HTTP metrics: skeleton, links, ring buffer.
 *
 * Links belong to file descriptors, so whatever ends this process detaches the programs too. The
 * programs are useful without sock_ops (silent connections then end unseen), not without the other two.
 */
#include "probe/http_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "http.skel.h"
#include "probe/cgroup.h"
#include "probe/per_cpu.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

struct http_probe {
	struct http_bpf *skel;
	struct bpf_link *ingress, *egress, *sock, *reads;
	struct ring_buffer *ring;
	http_probe_fn fn;
	void *ctx;
	struct per_cpu totals;
	uint16_t ports[64];
	size_t n_ports;
	uint8_t generation; /* of the port that came last; never 0 */
};

static _printf_(2, 0) int libbpf_says(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char line[1024];

	(void)level;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
	return 0;
}

/* Why the kernel said no, and what to do. */
static void explain(int err, const char *what, struct buf *why)
{
	struct utsname kernel = { .release = "unknown" };

	buf_printf(why, "cannot %s: %s", what, strerror(-err));
	if (access(BTF_PATH, R_OK) != 0) {
		buf_printf(why,
			   "; the kernel has no BTF (%s): it must be built with "
			   "CONFIG_DEBUG_INFO_BTF=y, as those of Amazon Linux 2023, Debian 12 and "
			   "Ubuntu 24.04 are",
			   BTF_PATH);
		return;
	}
	uname(&kernel);
	if (err != -EPERM)
		buf_printf(why,
			   "; Linux %s does not take them (6.1 and later are known to): "
			   "[daemon] log_level = debug shows the verifier's words",
			   kernel.release);
	else if (capng_get_caps_process() == 0 &&
		 !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) &&
		 (!capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF) ||
		  !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) ||
		  !capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON)))
		buf_add_str(why, "; it takes the capabilities CAP_BPF, CAP_PERFMON and "
				 "CAP_NET_ADMIN: run as root, or give the unit those in "
				 "CapabilityBoundingSet=");
	else
		buf_add_str(why, "; the capabilities are there, so a security policy refuses it: "
				 "look at the kernel log (dmesg), SELinux, seccomp "
				 "(SystemCallFilter=bpf), and the container's settings");
}

/* What some kernels, or their lockdown, refuse. */
struct extras {
	bool sock;  /* a sock_ops program */
	bool error; /* which reads a field of the kernel's socket */
	bool reads; /* a raw tracepoint, and the addresses of sockets as keys of a map */
};

static int load_once(struct http_probe *p, const struct http_probe_options *o,
		     const struct extras *with)
{
	struct http_bpf *skel;
	int err;

	skel = http_bpf__open();
	if (!skel)
		return -errno;
	bpf_map__set_max_entries(skel->maps.http_ring, o->ring_bytes);
	skel->rodata->http_wake_bytes = o->ring_bytes / 2;
	skel->rodata->http_reads_error = with->error;
	skel->rodata->http_sees_reads = with->reads;
	if (!with->reads)
		bpf_map__set_max_entries(skel->maps.http_read_sets, 1);
	bpf_program__set_autoload(skel->progs.isamon_http_sock, with->sock);
	bpf_program__set_autoload(skel->progs.isamon_http_read, with->reads);
	err = http_bpf__load(skel);
	if (err) {
		http_bpf__destroy(skel);
		return err;
	}
	p->skel = skel;
	return 0;
}

/* With everything; then with less and less. */
static int load(struct http_probe *p, const struct http_probe_options *o, struct buf *why)
{
	static const struct extras choices[] = {
		{ true, true, true },   { true, false, true },   { true, true, false },
		{ true, false, false }, { false, false, false },
	};
	int err = 0;

	libbpf_set_print(libbpf_says);
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		int refused = load_once(p, o, &choices[i]);

		if (!i)
			err = refused;
		if (refused)
			continue;
		if (!choices[i].sock)
			log_warning(
				"the kernel refuses a sock_ops program (%s): requests of clients "
				"that fall silent stay in flight until isamon is started again",
				strerror(-err));
		if (!choices[i].reads)
			log_warning(
				"the kernel refuses a raw tracepoint (%s): the time that requests "
				"wait before the service reads them is not known",
				strerror(-err));
		return 0;
	}
	explain(err, "load the BPF programs", why);
	return err == -EINVAL ? -EIO : err; /* -EINVAL would be the configuration's fault */
}

/* When it fails reads are not seen, and nothing else is missing. */
static void attach_reads(struct http_probe *p)
{
	if (!bpf_program__autoload(p->skel->progs.isamon_http_read))
		return;
	p->reads = bpf_program__attach(p->skel->progs.isamon_http_read);
	if (!p->reads)
		log_warning(
			"cannot attach to the tracepoint tcp_rcv_space_adjust (%s): the time that "
			"requests wait before the service reads them is not known",
			strerror(errno));
}

static int attach_one(struct bpf_program *prog, int cgroup, struct bpf_link **ret_link)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup);

	if (!link)
		return -errno;
	*ret_link = link;
	return 0;
}

static int attach(struct http_probe *p, struct buf *why)
{
	int cgroup, err;

	err = cgroup_open_root(why, &cgroup);
	if (err)
		return err;
	if (why->len) /* a part of the hierarchy only: better than nothing, and said */
		log_warning("%s", buf_str(why));
	buf_reset(why);
	err = attach_one(p->skel->progs.isamon_http_egress, cgroup, &p->egress);
	if (!err)
		err = attach_one(p->skel->progs.isamon_http_ingress, cgroup, &p->ingress);
	if (err)
		explain(err, "attach the BPF programs to the root cgroup", why);
	else if (bpf_program__autoload(p->skel->progs.isamon_http_sock) &&
		 attach_one(p->skel->progs.isamon_http_sock, cgroup, &p->sock) != 0)
		log_warning(
			"cannot attach the sock_ops program: requests of clients that fall silent "
			"stay in flight");
	close(cgroup);
	if (!err)
		attach_reads(p);
	return err;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct http_probe *p = ctx;

	p->fn(data, size, p->ctx);
	return 0;
}

static int open_ring(struct http_probe *p, struct buf *why)
{
	p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.http_ring), on_record, p, NULL);
	if (!p->ring) {
		int err = -errno;

		explain(err, "map the ring buffer", why);
		return err;
	}
	return per_cpu_open(&p->totals, bpf_map__fd(p->skel->maps.http_totals),
			    sizeof(struct http_totals));
}

static void http_probe_closep(struct http_probe **p)
{
	http_probe_close(*p);
}

int http_probe_open(const struct http_probe_options *o, http_probe_fn fn, void *ctx,
		    struct buf *why, struct http_probe **ret_probe)
{
	_cleanup_(http_probe_closep) struct http_probe *p = calloc(1, sizeof(*p));
	int err;

	if (!p) {
		buf_add_str(why, "out of memory");
		return -ENOMEM;
	}
	p->fn = fn;
	p->ctx = ctx;
	err = load(p, o, why);
	if (!err)
		err = open_ring(p, why);
	if (!err)
		err = attach(p, why);
	if (err)
		return err;
	*ret_probe = take(p);
	return 0;
}

void http_probe_close(struct http_probe *p)
{
	if (!p)
		return;
	bpf_link__destroy(p->reads);
	bpf_link__destroy(p->sock);
	bpf_link__destroy(p->ingress);
	bpf_link__destroy(p->egress);
	ring_buffer__free(p->ring);
	http_bpf__destroy(p->skel);
	per_cpu_close(&p->totals);
	free(p);
}

static bool has_port(const uint16_t *ports, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* A port that stays is never off for a moment; one that comes begins a generation of its own. */
void http_probe_set_ports(struct http_probe *p, const uint16_t *ports, size_t n)
{
	__u8 *generations = p->skel->bss->http_ports;

	if (n > ARRAY_SIZE(p->ports))
		n = ARRAY_SIZE(p->ports);
	for (size_t i = 0; i < p->n_ports; i++)
		if (!has_port(ports, n, p->ports[i]))
			generations[p->ports[i]] = 0;
	for (size_t i = 0; i < n; i++) {
		if (generations[ports[i]])
			continue;
		p->generation = p->generation % 255 + 1;
		generations[ports[i]] = p->generation;
	}
	memcpy(p->ports, ports, n * sizeof(*ports));
	p->n_ports = n;
}

bool http_probe_sees_close(const struct http_probe *p)
{
	return p->sock != NULL;
}

bool http_probe_sees_reads(const struct http_probe *p)
{
	return p->reads != NULL;
}

int http_probe_fd(const struct http_probe *p)
{
	return ring_buffer__epoll_fd(p->ring);
}

int http_probe_drain(struct http_probe *p)
{
	return ring_buffer__consume(p->ring);
}

int http_probe_totals(const struct http_probe *p, struct http_totals *ret_totals)
{
	return per_cpu_sum(&p->totals, ret_totals);
}
