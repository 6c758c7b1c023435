/* SPDX-License-Identifier: MIT */
/* One unit of systemd, through systemctl(1), whose `show` is stable key=value lines, and journalctl(1) for its log. */
#ifndef ISAMON_SYSTEMD_H
#define ISAMON_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "care/manager.h"

struct systemd;

/* For a struct systemd. Each call waits for systemctl for at most 20 s. */
extern const struct manager_ops systemd_manager;

/* Copies @unit; asks nothing yet. Returns 0; -EINVAL: not a unit's name; -ENOENT: there is no systemctl; -ENOMEM; explained in
 * @why. Free it with systemd_close(). */
int systemd_open(const char *unit, struct buf *why, struct systemd **ret);
void systemd_close(struct systemd *s);

/* What `systemctl show` says; "" and 0 where it does not. */
struct systemd_unit {
	char load[32], active[32], sub[32], result[32], reload_result[32];
	uint64_t main_pid, n_restarts;
	uint64_t exec_code,
		exec_status; /* si_code and si_status of its main process's end (waitid(2)) */
	uint64_t started_us; /* CLOCK_MONOTONIC */
	uint64_t job;        /* not 0: something is about to happen */
	bool can_reload;
};

/* Reads its lines; what it does not know is passed over. */
void systemd_parse_show(const char *text, struct systemd_unit *ret);

/* @u as the state of one process, but for its name. @now_us: CLOCK_MONOTONIC, @now_s: since the epoch. */
void systemd_state_of(const struct systemd_unit *u, uint64_t now_us, int64_t now_s,
		      struct service_process *ret);

#endif
