/* SPDX-License-Identifier: MIT */
/* Inside the shipping of logs: what log_push.c, log_lane.c, log_files.c, log_flight.c and log_create.c know of each other. */
#ifndef ISAMON_LOG_PUSH_IMPL_H
#define ISAMON_LOG_PUSH_IMPL_H

#include <sys/queue.h>

#include "logs/follow.h"
#include "logs/journal_records.h"
#include "logs/log_count.h"
#include "logs/log_names.h"
#include "logs/log_push.h"
#include "logs/put_log_events.h"
#include "logs/records.h"

#define LANE_CHUNK (64u << 10)
/* At most so much is read before the loop gets its turn. */
#define LANE_TURN_BYTES (1u << 20)
/* More files go into the next batch: their positions are written in one transaction. */
#define LANE_BATCH_FILES 64
/* Of records that wait for more, of all files together: then they are cut. */
#define LANES_MEMORY (8u << 20)
#define LANE_FILE_MEMORY (8u << 10) /* less is not worth it */
#define LANE_FILE_LONG (512u << 10) /* is read to its end before other files are */
#define LANE_FLUSH_MS 1000
#define LANE_OVER_MS 10000 /* a file that was rotated away may still be written to */

enum lane_slot { LANE_A, LANE_B, LANE_SLOTS };

struct lane_file {
	TAILQ_ENTRY(lane_file) entry;
	struct log_lane *lane;
	struct followed *followed;
	struct records *records;
	struct record_counts counted; /* of its records, that the lane has */
	bool ready;
	size_t memory;           /* of its records, as the sum has it */
	bool known;              /* the state file has it */
	uint64_t to[LANE_SLOTS]; /* bytes before this are in that batch, or done; 0: not in it */
	uint64_t maybe_to;       /* bytes before this may have arrived already */
	uint64_t end_ns;         /* CLOCK_MONOTONIC: it was at its end since; 0: it is not */
};

TAILQ_HEAD(lane_files, lane_file);

struct lane_counts {
	uint32_t levels[RECORD_LEVELS];
	uint32_t exceptions[LOGS_EXCEPTIONS]; /* by the lane's types */
	uint32_t maybe_twice, retimed;
};

/* Invariant: what is in it is counted in @counts and covered by the files' to[] (or the cursor), and nothing else is. */
struct lane_batch {
	struct put_logs put; /* begun with the first event */
	bool begun;
	bool any; /* a record, sent or not */
	bool full;
	size_t n_files;
	uint64_t began_ns;
	struct lane_counts counts;
	char cursor[POSITION_CURSOR_MAX];
	uint64_t n_records;
	uint64_t n_maybe; /* of these, may have arrived already */
	char group[LOG_NAME_MAX + 1], stream[LOG_NAME_MAX + 1];
};

enum lane_state {
	LANE_IDLE,
	LANE_WRITING,  /* positions, before the call, behind it, or both */
	LANE_WAITING,  /* a batch, for its turn, or a pause's end */
	LANE_CALLING,  /* PutLogEvents */
	LANE_CREATING, /* group and stream */
};

enum lane_create { CREATE_STREAM, CREATE_GROUP, CREATE_RETENTION, CREATE_STREAM_AGAIN };

/* A place that the state file had at the start; to: what was under way then, 0: nothing. */
struct lane_known {
	uint64_t id, to;
};

struct log_lane {
	struct log_push *push;
	const struct config_log *config;
	struct config_log own;       /* that @config is, of a lane that only counts */
	char key[POSITION_NAME_MAX]; /* of its positions */
	enum log_count count;
	struct log_counted counted; /* as it stands in the state file */
	uint64_t writing_ns;        /* since when it is LANE_WRITING */
	struct record_rules *rules;
	struct follow *follow;
	struct lane_files files;
	struct lane_file *held; /* has a record that the batch did not take any more */
	struct journal *journal;
	struct journal_records *journal_records;
	struct record_counts journal_counted;
	bool journal_ready;
	bool journal_known;               /* the state file has where it stands */
	char cursor[POSITION_CURSOR_MAX]; /* that was written last */
	uint64_t journal_maybe;           /* so many records may have arrived already */
	struct lane_known *known;
	size_t n_known;

	struct lane_batch batch[LANE_SLOTS];
	enum lane_slot filling; /* the other one is under way */
	bool has_flight,
		has_next; /* has_next: the filling one was closed, and is being written down as under way */
	bool taken_back;       /* the flight, at the end: it was surely not taken by CloudWatch */
	bool settling;         /* the flight has arrived; its positions are being written */
	struct position *list; /* being written */
	bool write_failed;

	enum lane_state state;
	struct aws_call *call;
	uint64_t due_ns;         /* of a pause's end */
	unsigned int n_failures; /* in a row */
	size_t at, len;    /* the events of the flight that are being sent; those before are done */
	size_t n_taken;    /* of this flight, by CloudWatch */
	bool unknown;      /* the outcome of an attempt of this part is */
	bool maybe_before; /* of one of a longer part */
	unsigned int n_refused; /* events, in a row */
	bool succeeded;         /* CloudWatch took something of this lane before */
	bool created;           /* group and stream, and nothing was taken since */
	enum lane_create create;
	enum aws_failure said;
	char problem[256];
	bool said_rejected, said_retention;

	struct logs_log log;
	char types[LOGS_EXCEPTIONS][LOGS_NAME_MAX];
	size_t n_types;
	struct record_counts counts; /* of files that are gone, too */
};

struct log_push {
	struct event_base *base;
	struct positions *positions;
	struct aws_client *client;
	struct identity *identity;
	struct log_push_options options;
	struct log_lane **lanes;
	size_t n_lanes;
	size_t n_shipping;                 /* of these, those that send */
	struct log_counted counted_before; /* of logs that are configured no more */
	size_t open_max;                   /* files that a lane may hold open */
	size_t turn;                       /* the lane that is asked first */
	unsigned int n_calls;
	size_t memory; /* of the records of all files */
	struct event *soon, *tick;
	uint64_t began_ns, seen_ns;
	uint64_t random;
	char host[256];
	uint64_t n[LOGS_NUMBERS];
	bool stopping;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
	char chunk[LANE_CHUNK];
};

/* --- log_push.c */
void log_push_soon(struct log_push *p);
size_t log_push_share(const struct log_push *p);
int64_t log_push_now_ms(const struct log_push *p); /* on AWS's clock */
uint32_t log_push_random(struct log_push *p);

/* --- log_lane.c: the batch that is being filled */
int log_lane_new(struct log_push *p, const struct config_log *c, enum log_count count,
		 struct buf *why, struct log_lane **ret);
void log_lane_free(struct log_lane *l);
struct lane_batch *log_lane_filling(struct log_lane *l);
/* For records: 1: the batch is full, it comes again. @maybe: it may have arrived already. */
int log_lane_take(struct log_lane *l, const struct record *r, enum record_level level, bool maybe);
void log_lane_batch_reset(struct log_lane *l, enum lane_slot slot);
/* Whether the batch that is being filled is to be sent now. */
bool log_lane_is_due(struct log_lane *l);
/* What a batch that arrived counts. */
void log_lane_count(struct log_lane *l, const struct lane_counts *c);
void log_lane_add_counts(struct record_counts *sum, const struct record_counts *now,
			 struct record_counts *counted);
/* Reads, as long as there is room. Returns whether there is more. */
bool log_lane_fill(struct log_lane *l);

/* --- log_files.c */
int log_files_open(struct log_lane *l, const struct position *known, size_t n, struct buf *why);
void log_files_close(struct log_lane *l);
bool log_files_fill(struct log_lane *l);
/* Each second: what no event tells. */
void log_files_tick(struct log_lane *l);
/* Whether some record waits to be over. */
bool log_files_wait(struct log_lane *l);

/* Writes down where new files begin. */
void log_files_register(struct log_lane *l);

/* --- log_journal.c */
int log_journal_open(struct log_lane *l, const struct position *known, size_t n, struct buf *why);
void log_journal_close(struct log_lane *l);
/* Where it stands, with nothing under way. */
void log_journal_position(const struct log_lane *l, struct position *ret);
/* Writes down where it begins. */
void log_journal_register(struct log_lane *l);
bool log_journal_fill(struct log_lane *l);
bool log_journal_waits(struct log_lane *l);

/* --- log_flight.c: the batch that is under way */
struct lane_batch *log_flight(struct log_lane *l);
void log_flight_step(struct log_lane *l);
/* Waits behind a failure, which is told. */
void log_flight_fail(struct log_lane *l, const struct aws_answer *a);
void log_flight_again(struct log_lane *l);

/* --- log_create.c */
void log_create_begin(struct log_lane *l);

/* --- log_words.c */
void log_words_state(const struct log_lane *l, const struct aws_answer *a, bool others);

#endif
