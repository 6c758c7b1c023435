/* SPDX-License-Identifier: MIT */
/*
 * The file of ship/minute.h: two minutes of sums, mapped, and how they are changed so that a kill at any instant leaves
 * the whole change or none of it.
 *
 * A change is a list of 8-byte words and what will stand in them. It is noted first (minute_file_note(), where it is nothing
 * yet), then its length is written, from which moment on it has been made; then the words are written, and the length
 * becomes 0. Whoever opens the file and finds a length writes the words again. A process that is killed has made all its
 * stores up to one instruction and none behind it, so the order of the instructions is all that counts.
 *
 * One minute is the present one. The other one is nothing, or has ended and waits to be given away; so the change from one minute
 * to the next is one word, too.
 */
#ifndef ISAMON_MINUTE_FILE_H
#define ISAMON_MINUTE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ship/minute.h"
#include "ship/values.h"

#define MINUTE_CHANGE_MAX 96
#define MINUTE_TEXT_MAX 256
#define MINUTE_PARTS_MAX 256 /* payloads of one minute: ids are that far apart */

/* What is looked at from time to time. */
struct minute_gauge {
	uint64_t count;
	double sum, min, max;
};

struct minute_probe {
	char name[MINUTE_TEXT_MAX];
	struct minute_gauge up;
};

struct minute_route {
	char name[MINUTE_TEXT_MAX];
	struct values times;
};

enum minute_wanted {
	MINUTE_ROUTES = 1 << 0,
	MINUTE_QUEUE = 1 << 1,
	MINUTE_TURNS = 1 << 2,
	MINUTE_RESTARTS = 1 << 3,
	MINUTE_PROBES = 1 << 4,
	MINUTE_PROCESSES = 1 << 5,
	MINUTE_SPOOL_AGE = 1 << 6,
	MINUTE_LOG_ERRORS = 1 << 7,
	MINUTE_EXCEPTIONS = 1 << 8,
	MINUTE_JOBS = 1 << 9,
	MINUTE_WANTED_ALL = (1 << 10) - 1,
};

struct minute_sums {
	uint64_t id; /* of its first payload; the next ones have the next numbers */
	int64_t start_s;
	uint64_t interval_s;
	uint64_t wanted; /* enum minute_wanted; as it was when the minute began */
	uint64_t n_looks, n_requests, n_errors;
	uint64_t cpu_ns, cpu_possible_ns; /* of the service; wall time times CPUs */
	uint64_t restarts;
	uint64_t n_log_looks; /* that knew what is in the logs */
	uint64_t log_errors, exceptions;
	uint64_t n_job_looks; /* that knew of jobs */
	uint64_t job_failures, jobs_overdue;
	struct minute_gauge memory, processes, spool_age; /* memory in percent */
	uint64_t n_probes;
	struct minute_probe probes[MINUTE_PROBES_MAX];
	struct values response, queue, turn;
	uint64_t n_routes;  /* of the first ones that are valid */
	uint64_t has_other; /* whether the last one is, "other" */
};

enum minute_state { MINUTE_PRESENT = 1 << 0, MINUTE_FINISHED = 1 << 1 };

struct minute_file {
	uint64_t magic; /* written last when it is made */
	uint64_t version, size;
	uint64_t n_change;
	struct {
		uint64_t at; /* bytes from the beginning of the file */
		uint64_t value;
	} change[MINUTE_CHANGE_MAX];
	uint64_t
		state; /* which one is the present one, and whether the other has ended and waits */
	uint64_t given; /* how many payloads of that were given away */
	/* At the last look that knew what is in the logs: who had counted (0: there was none), and what. */
	uint64_t logs_counter, log_errors_last, exceptions_last;
	/* Likewise of jobs; and whether that one's number is since ever. */
	uint64_t jobs_counter, jobs_lasting, job_failures_last;
	struct minute_sums sums[2];
	/* No memory is set aside for these unless they are wanted. */
	struct minute_route routes[2][MINUTE_ROUTES_MAX + 1];
};

struct minute_map {
	struct minute_file *file;
	size_t n_noted;
};

/*
 * Maps the file @path, making it if it is missing, mode 0600, with all its memory. Makes a change that was not finished.
 * What is damaged or of another version is told in @why, and begun anew: then, and when it is new, *ret_new is set,
 * and its present minute is still to be begun, and
 * minute_file_made() to be called. @routes: whether they are wanted.
 * Returns 0 or -errno, explained in @why.
 */
int minute_file_open(const char *path, bool routes, struct buf *why, struct minute_map *ret,
		     bool *ret_new);
/* A new one has all that it needs: from now on it is not begun anew. */
void minute_file_made(struct minute_map *m);
void minute_file_close(struct minute_map *m);

/* Notes that @word, of the mapped file, will be @value. Once a word between two commits; what is read is the old one. */
void minute_file_note(struct minute_map *m, uint64_t *word, uint64_t value);
void minute_file_note_double(struct minute_map *m, double *word, double value);
/* Makes what was noted. */
void minute_file_commit(struct minute_map *m);

static inline unsigned int minute_file_present(const struct minute_file *f)
{
	return f->state & MINUTE_PRESENT;
}

/* Copies @s as the value of a dimension may be (ASCII, no control characters; neither ':' nor a space first): other bytes as
 * %XX; cut where it does not fit; "none" for "". */
void minute_file_text(const char *s, char to[MINUTE_TEXT_MAX]);

#endif
