/* SPDX-License-Identifier: MIT */
/*
 * What was measured, minute by minute, for 30 days: one row a minute in a state file of its own, STATE_DIRECTORY/history.db, which the
 * daemon and commands both use, each only for moments (store_begin_shared()). For whoever looks back: `isamon advise`, an export.
 *
 * The spool cannot be that: minutes leave it when CloudWatch has them, and there is none where CloudWatch is off.
 * A row is committed whole or not at all; a kill -9 loses the present minute and nothing else. A minute that is written twice, because
 * isamon was started again within it, is added to: the table says how.
 * Size: HISTORY_MINUTES_MAX rows of some 110 bytes are about 5 MB, beside the room of every state file (store/room.h).
 */
#ifndef ISAMON_HISTORY_H
#define ISAMON_HISTORY_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define HISTORY_FILE "history.db"
#define HISTORY_MINUTE_S 60
#define HISTORY_DAYS 30
#define HISTORY_MINUTES_MAX (HISTORY_DAYS * 24 * 60)

/* What is not known: NULL in the file. */
#define HISTORY_UNKNOWN (-1)

/*
 * The columns, all integers, and how two parts of one minute become one: ADD, the larger (MAX), the smaller (MIN), the later (LAST).
 * Of percentiles the worse part counts. Names are those of the file: never change one; new ones are added at the end, with a migration.
 */
#define HISTORY_COLUMNS(X) \
	X(watched_s, ADD) /* seconds of the minute in which isamon ran */ \
	X(requests, ADD)  /* that ended, in whatever way */ \
	X(errors, ADD)    /* of these: status >= 500, and aborts by the server */ \
	X(timed, ADD)     /* of these: answered, so that the next ones are of them */ \
	X(p50_ns, MAX)    /* their durations, within 3.2 % */ \
	X(p99_ns, MAX) \
	X(queue_p99_ns, MAX)    /* until the service read them */ \
	X(in_flight_max, MAX)   /* requests; of looks, one a second; so are the next ones */ \
	X(connections_max, MAX) /* to the service, open */ \
	X(websockets_max, MAX)  /* open */ \
	X(connections, ADD)     /* that were opened */ \
	X(websockets, ADD)      /* that were opened */ \
	X(streams, ADD)         /* that ended */ \
	X(listen_drops, ADD) /* connections that the kernel refused, because nobody took them */ \
	X(restarts, ADD) \
	X(sampled_ns, ADD)     /* of the clock, in which the next two were measured */ \
	X(cpu_ns, ADD)         /* of the service, user and system */ \
	X(delay_ns, ADD)       /* its threads were ready to run, and waited for a CPU */ \
	X(cpus, LAST)          /* online */ \
	X(processes_max, MAX)  /* of the service */ \
	X(workers, LAST)       /* processes that read requests: workers, or the main one */ \
	X(memory_bytes, MAX)   /* resident memory of the service, shared pages once */ \
	X(open_fds, MAX)       /* of the service */ \
	X(free_fds_min, MIN)   /* until the limit of the process that is nearest to it */ \
	X(host_cpu_ppm, MAX)   /* of all CPUs' time that anybody used, in parts of a million */ \
	X(host_steal_ppm, MAX) /* that other guests had */ \
	X(host_memory_bytes, LAST)   /* MemTotal */ \
	X(host_available_bytes, MIN) /* MemAvailable */ \
	X(host_swap_bytes, MAX)      /* in use */ \
	X(disk_bytes, LAST)          /* of the file system of the service's data, */ \
	X(disk_free_bytes, LAST)     /* and what of it users may still take */

#define HISTORY_FIELD(name, how) int64_t name;
struct history_minute {
	int64_t start_s; /* since the epoch, a multiple of 60 */
	HISTORY_COLUMNS(HISTORY_FIELD)
};
#undef HISTORY_FIELD

/* All HISTORY_UNKNOWN but the start. */
void history_minute_init(struct history_minute *m, int64_t start_s);

struct history;

/* Does not block; the file is opened, or made, with the first work. Returns 0 or -errno. */
int history_new(struct event_base *base, const char *directory, struct history **ret);
/*
 * Waits for what was handed over, @ms at most (0: as long as it takes), and tells it; what was kept is tried once more. false: the disk
 * hangs; what was handed over may be written yet, or not, and is not told. NULL is fine.
 */
bool history_close(struct history *h, unsigned int ms);
/* How many minutes could not be written, and are kept for the next try; and how many were given up for want of room. */
unsigned int history_kept(const struct history *h, uint64_t *ret_lost);
/* Why the file could not be opened the last time; nothing if it could. */
void history_why(struct history *h, struct buf *why);

/*
 * Writes a minute, behind the loop's back, and lets go of what is older than HISTORY_DAYS before it (and of what is more than a day
 * after it, which a wrong clock wrote), an hour's worth at most at a time. Its disk_* are looked up then, of the file system of @disk, or
 * where that is not there of the history's own (NULL: they stay as they are). @done (may be NULL) is called in the loop, or in history_close().
 * A minute that cannot be written, because somebody reads for long or the disk is full, is kept (@done is told why) and written with the next one:
 * an hour of them at most, of which then the oldest go.
 * Returns 0, -ENOMEM, -ESHUTDOWN, or -EAGAIN: the disk hangs, and too much waits for it already.
 */
typedef void (*history_fn)(int err, void *ctx);
int history_add(struct history *h, const struct history_minute *m, const char *disk,
		history_fn done, void *ctx);

/*
 * For a command: calls @fn for every minute of [from_s, until_s) that is in the file, the oldest first, until it returns other than 0,
 * which is returned. The daemon may write meanwhile (it waits). Blocks. A file that is not there is not made: -ENOENT. Nothing is changed: one that
 * is damaged (-EUCLEAN) or of an older isamon (-EPROTO) stays as it is. Another -errno: it cannot be used. All explained in @why.
 */
int history_read(const char *directory, int64_t from_s, int64_t until_s,
		 int (*fn)(const struct history_minute *m, void *ctx), void *ctx, struct buf *why);

#endif
