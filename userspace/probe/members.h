/* SPDX-License-Identifier: MIT */
/*
 * The processes of the service: who they are, and which part each plays.
 *
 * The service =
 *  - the owners: whoever has one of the listening sockets of the service's ports open, by its inode in
 *    /proc/PID/fd. Not process 1, nor a program that starts others for a living (supervisord,
 *    systemd, ...), which may hold a socket for the service that it has not started yet;
 *  - all their descendants;
 *  - an ancestor without the socket (a wrapper, such as a script or `poetry run`) if it is in the same cgroup and the
 *    same process group as its child, and either all its children are the service's, or the topmost of these was
 *    started by a program that starts others for a living: then whatever else descends from it is the
 *    service's, too, for it is one program of that manager. An interactive shell, which gives each job a
 *    process group, and supervisord, whose children make their own, are therefore not part of it; nor is a
 *    script in a terminal that starts both the service and its client.
 * A process is known by pid and start time together, so that a pid that is used again is another process.
 *
 * /proc is gone through in steps of bounded length (members_step()), since a host may have many thousand
 * processes. Between two passes members_forked() and members_exited() keep the set up to date, if somebody
 * sees these things happen.
 *
 * isamon must be in the PID namespace of the host, and in the network namespace of the service: elsewhere
 * there is nobody to be found, and the set is empty.
 */
#ifndef ISAMON_MEMBERS_H
#define ISAMON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum member_role {
	MEMBER_MAIN, /* has the listening socket open, and none of its ancestors has: usually one */
	MEMBER_WORKER, /* another one with the listening socket open */
	MEMBER_HELPER, /* the rest */
	MEMBER_N_ROLES,
};

struct member {
	pid_t pid;
	pid_t parent;
	uint64_t start_ticks; /* /proc/PID/stat field 22: identity with pid */
	enum member_role role;
	bool owner; /* has the listening socket open */
	bool born;  /* a member was its parent, whoever is it by now */
};

#define MEMBERS_MAX 4096 /* more are not taken in */

struct members;

/* @proc, "/proc" or a directory made like it, must outlive the set. Returns 0 or -ENOMEM. */
int members_new(const char *proc, struct members **ret_members);
/* NULL is fine. */
void members_free(struct members *m);

/* The service's ports, from now on; a pass over all processes is due. */
void members_set_ports(struct members *m, const uint16_t *ports, size_t n);

/* Looks whether the ports' listening sockets are still the same ones, each 10 seconds while there is a main
 * process: if not, a pass is due. So is one 1, 2, 4,
 * ... seconds after a change (workers take their time), and at last once in a while: every 10 minutes
 * if @fed, that is, if members_forked() and members_exited() are told all; otherwise every minute. If not @fed,
 * those are members, too, that have ended and that nobody has waited for yet. While nobody
 * listens the set stays as it is. To be called each second.
 * @now_ns: CLOCK_MONOTONIC. */
void members_look(struct members *m, bool fed, uint64_t now_ns);
/* A pass is due, whatever else is known. */
void members_rescan(struct members *m);
/* Whether a pass is due or on its way: call members_step() until it is not. */
bool members_busy(const struct members *m);
/* Goes on with the pass for about @budget_ns; its last step takes a millisecond or so more with 10,000
 * processes. Returns whether the set was replaced. */
bool members_step(struct members *m, uint64_t budget_ns);

/* @child was forked by @parent at @start_ticks. If that is a member, so is @child, though it may be gone by now: a helper,
 * until members_settle() finds the listening socket with it. Returns whether it was taken in. */
bool members_forked(struct members *m, pid_t parent, pid_t child, uint64_t start_ticks);
/* @pid (a process, not a thread) has ended. When it was a main process a pass is due. Returns whether it
 * was a member. */
bool members_exited(struct members *m, pid_t pid);
/* Looks at the descriptors of those that members_forked() brought less than some seconds ago. Some tens of
 * microseconds each; call it before a collection. */
void members_settle(struct members *m);

/* All of them, the main process first; valid until the next call that is not const. */
const struct member *members_list(const struct members *m, size_t *ret_n);
/* NULL: not one of them. */
const struct member *members_find(const struct members *m, pid_t pid);

/* For metrics: how many passes were made, and how many processes the last one saw. */
struct members_stats {
	uint64_t passes;
	uint64_t seen;
};
struct members_stats members_stats(const struct members *m);

const char *member_role_name(enum member_role role);

#endif
