/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What bpf/life.bpf.c and user space say to each other about lives and deaths of the service's processes.
 *
 * Fixed widths, natural alignment, explicit padding. Process ids are those of the initial PID namespace; times are
 * CLOCK_BOOTTIME nanoseconds, the clock of a process's start in /proc/PID/stat.
 */
#ifndef ISAMON_LIFE_ABI_H
#define ISAMON_LIFE_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Processes that are followed at the same time; more are counted as lost. */
#define LIFE_MEMBERS_MAX 8192
/* Bytes of a command line by which the successor of the main process is known. */
#define LIFE_COMMAND_MAX 256

enum life_kind {
	LIFE_FORK = 0, /* a process of the service made another */
	LIFE_EXEC,     /* a process of the service became another program */
	LIFE_EXIT,     /* the last thread of a process of the service ended */
	LIFE_TAIL, /* of one that had ended: what it used after LIFE_EXIT, known once it is reaped */
};

enum life_flag {
	LIFE_FLAG_MAIN =
		1 << 0, /* EXEC: this is the next main process; EXIT: it was the main process */
	LIFE_FLAG_OOM = 1 << 1, /* EXIT: killed because memory ran out */
	/* EXIT, TAIL: it was made and ended between two collections, so that no look at /proc saw it. */
	LIFE_FLAG_UNSEEN = 1 << 2,
};

struct life_record {
	__u8 kind;  /* enum life_kind */
	__u8 flags; /* enum life_flag */
	__u16 pad;
	__u32 pid;      /* of the process; FORK: of the child */
	__u32 parent;   /* FORK: who made it; EXEC, EXIT: whose child it is now */
	__u32 status;   /* EXIT: as wait(2) gives it */
	__u64 start_ns; /* when the process was made: with pid, who it is */
	__u64 at_ns;    /* when it happened */
	/* EXIT: of all its threads, since start_ns; TAIL: what is to be added to that */
	__u64 cpu_ns;     /* what the scheduler gave it: exact */
	__u64 user_ns;    /* by the kernel's ticks: only their ratio is of use */
	__u64 system_ns;  /* the same */
	__u64 peak_pages; /* EXIT: most pages that were resident at once */
	char comm[16];    /* EXEC, EXIT */
};

_Static_assert(sizeof(struct life_record) == 80, "no hidden padding");

/* How a process ended. */
enum life_how {
	LIFE_EXIT_ZERO = 0,
	LIFE_EXIT_ERROR, /* exit(2) with another status */
	LIFE_EXIT_SIGNAL,
	LIFE_HOW_N,
};

/* Counters kept per CPU by the kernel side: exact even where records are lost. */
struct life_totals {
	__u64 forks;
	__u64 execs;
	__u64 exits[LIFE_HOW_N];
	__u64 oom_kills;
	__u64 records_lost; /* ring buffer full, or more than LIFE_MEMBERS_MAX processes */
};

/* A process that is followed; its key is its pid. */
struct life_member {
	/* It was made at this time or before: who was made later is another one. Once it has ended: when. */
	__u64 since_ns;
	/* Once it has ended: what LIFE_EXIT said. */
	__u64 start_ns;
	__u64 cpu_ns;
	__u64 user_ns;
	__u64 system_ns;
	__u64 command; /* of a candidate: hash of the command line that it executes; 0: not known */
	__u32 state;   /* enum life_state */
	__u32 flags;   /* enum life_flag of LIFE_EXIT */
};

enum life_state {
	LIFE_MEMBER = 0,
	LIFE_CANDIDATE, /* a child of the main process's parent: what it executes will tell */
	LIFE_DEAD,      /* its LIFE_TAIL is still to come */
};

/* Of a command line of @n bytes, of which the first are in @words, zeros behind them. Never 0. */
static inline __attribute__((always_inline)) __u64 life_command_hash(const __u64 *words, __u64 n)
{
	__u64 hash = 0xcbf29ce484222325ull ^ n; /* FNV-1a, a word at a time */

	for (int i = 0; i < LIFE_COMMAND_MAX / 8; i++)
		hash = (hash ^ words[i]) * 0x100000001b3ull;
	return hash ? hash : 1;
}

#endif
