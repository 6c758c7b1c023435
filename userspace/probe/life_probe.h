/* SPDX-License-Identifier: MIT */
/*
 * The probe behind the metrics of lives and deaths: loads bpf/life.bpf.c, tells it who belongs to the service,
 * hands out its records and counters.
 *
 * The kernel side follows who is in its set of processes, and keeps that up to date by itself: children are
 * added as they are made, the dead go. User space puts in what it found in /proc, and takes out what
 * turned out not to belong.
 */
#ifndef ISAMON_LIFE_PROBE_H
#define ISAMON_LIFE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "life_abi.h"

struct life_probe;

/* Gets each record, in the order in which things happened on one CPU, nearly so over all. @r is valid
 * during the call only. */
typedef void (*life_probe_fn)(const struct life_record *r, void *ctx);

/*
 * Loads and attaches: as tp_btf, or where that is refused, or if @raw (for tests), as raw tracepoints. Afterwards
 * nobody is followed until life_probe_set_members(). Only the initial PID namespace will do (-EOPNOTSUPP): elsewhere the kernel's
 * process ids are not those of /proc. On failure returns -errno, and @why says what was refused. Blocks for the
 * verifier: some tenths of a second.
 */
int life_probe_open(bool raw, life_probe_fn fn, void *ctx, struct buf *why,
		    struct life_probe **ret_probe);
/* Detaches, then frees. NULL is fine. */
void life_probe_close(struct life_probe *p);
/* "tp_btf" or "raw_tp". */
const char *life_probe_how(const struct life_probe *p);

/*
 * These are the members, by a look at all processes that ended now and began after the call before this one: adds
 * those that are missing, and lets go of those that are not in the list, but for those that were made
 * since the call before, and what descends from a new main process that is still to show itself. Blocks for
 * some system calls a member.
 */
void life_probe_set_members(struct life_probe *p, const pid_t *pids, size_t n);

/*
 * @pid is the main process, @top the topmost of the wrappers that it was started by, or @pid itself: a member or a child of
 * the same parent that executes the same command line once it has ended is its successor, from that moment
 * on (LIFE_FLAG_MAIN); a child of @top's parent with @top's command line is the next wrapper. Reads some files of
 * /proc. 0 or the same one as before: does nothing. Returns 0; -ESRCH: there is no such process any more.
 */
int life_probe_set_main(struct life_probe *p, pid_t pid, pid_t top);

/* Nobody is followed any more, until life_probe_set_members(). Some system calls for each. */
void life_probe_forget(struct life_probe *p);

/* The members were looked at in this moment: LIFE_FLAG_UNSEEN is about those that come later. */
void life_probe_collected(struct life_probe *p);

/* Once in a while: forgets the dead whose LIFE_TAIL did not come (Linux 6.18 does not tell of every task that it
 * frees). Blocks for some system calls a member. */
void life_probe_tidy(struct life_probe *p);

/* Readable when the ring is half full, and at once when a main process ended or began: for the event loop,
 * beside a drain each second and before each page. */
int life_probe_fd(const struct life_probe *p);
/* Hands every waiting record to the callback. Returns how many, or -errno. */
int life_probe_drain(struct life_probe *p);
/* The counters, summed over the CPUs. Returns 0 or -errno. */
int life_probe_totals(const struct life_probe *p, struct life_totals *ret_totals);

#endif
