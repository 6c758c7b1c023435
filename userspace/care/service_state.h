/* SPDX-License-Identifier: MIT */
/* What a manager, Supervisor or systemd, says of the service. Plain values. */
#ifndef ISAMON_SERVICE_STATE_H
#define ISAMON_SERVICE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVICE_PROCESSES_MAX 64

/* In the order in which the state of several processes is told: the worst of them. */
enum service_run {
	SERVICE_RUNNING,
	SERVICE_STARTING, /* also between two tries */
	SERVICE_STOPPING,
	SERVICE_STOPPED, /* by itself, or by somebody */
	SERVICE_FAILED,  /* the manager has given up */
	SERVICE_UNKNOWN,
};

struct service_process {
	char name[128]; /* Supervisor: GROUP:PROCESS; systemd: the unit */
	enum service_run run;
	char word[68];       /* the manager's own: "BACKOFF", "active (running)" */
	pid_t pid;           /* 0: none */
	int64_t since_s;     /* since the epoch: when it was started last; 0: not known */
	int exit_status;     /* of its last end; 128 + the signal; -1: not known, or none yet */
	uint64_t n_restarts; /* by the manager; systemd only */
	char why[256];       /* what the manager says of its failure; "": nothing */
	bool reloading;      /* a reload was ordered, and is not over; systemd only */
	bool reload_failed;  /* the last one; systemd only */
};

struct service_state {
	enum service_run run;
	size_t n;
	struct service_process processes[SERVICE_PROCESSES_MAX];
};

/* "running", "starting", "stopping", "stopped", "failed", "unknown". */
const char *service_run_word(enum service_run run);
/* Sets @s->run from its processes; none: SERVICE_UNKNOWN. Some running and some not is what the worst of them is. */
void service_state_sum(struct service_state *s);
/* The signal in an exit_status; 0: there is none, also in what systemd has of its own above 200, such as 203 for a program that is not there
 * (systemd.exec(5)). */
int service_exit_signal(int exit_status);

#endif
