/* SPDX-License-Identifier: MIT */
/* One pass over all processes of the host, in steps: who has one of the listening sockets, who descends from
 * whom; and from that the service's processes, by the rules of probe/members.h. */
#ifndef ISAMON_MEMBERS_PASS_H
#define ISAMON_MEMBERS_PASS_H

#include "probe/members.h"

struct pass;

/* The arguments must outlive the pass. Returns 0 or -errno. */
int pass_new(const char *proc, const uint64_t *inodes, size_t n_inodes, struct pass **ret_pass);
/* NULL is fine. */
void pass_free(struct pass *p);

/* Goes on for about @budget_ns, by less than 0.1 ms beyond it. Returns 0: there is more to do; 1: all
 * processes were seen; -errno. */
int pass_step(struct pass *p, uint64_t budget_ns);
/* Behind the last step. The members, the main ones first, then by age. The caller frees @ret_members
 * (NULL where there are none). Returns 0 or -ENOMEM. */
int pass_result(struct pass *p, struct member **ret_members, size_t *ret_n);
/* How many processes it saw. */
size_t pass_seen(const struct pass *p);

/* Whether the process has one of the sockets open. Reads its links in one go, *links of them at most, and takes those from
 * *links. */
bool pass_is_owner(const char *proc, pid_t pid, const uint64_t *inodes, size_t n_inodes,
		   size_t *links);
/* Reads /proc/PID/cgroup, cut at @size - 1; "" if it is gone. */
void pass_read_cgroup(const char *proc, pid_t pid, char *text, size_t size);

#endif
