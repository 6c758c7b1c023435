/* SPDX-License-Identifier: MIT */
/*
 * XML-RPC as Supervisor speaks it (supervisor/xmlrpc.py, rpcinterface.py, 4.2): calls with a few arguments; answers that are
 * a list of processes, a text, or a fault.
 */
#ifndef ISAMON_SUPERVISOR_XML_H
#define ISAMON_SUPERVISOR_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define SUPERVISOR_PROCESSES_MAX 256
#define SUPERVISOR_TEXT_MAX 8192

/* Faults.* of supervisor/xmlrpc.py. */
enum supervisor_fault {
	SUPERVISOR_FAULT_NONE = 0,
	SUPERVISOR_FAULT_SHUTDOWN_STATE = 6,
	SUPERVISOR_FAULT_BAD_NAME = 10,
	SUPERVISOR_FAULT_NO_FILE = 20,
	SUPERVISOR_FAULT_NOT_EXECUTABLE = 21,
	SUPERVISOR_FAULT_FAILED = 30,
	SUPERVISOR_FAULT_ABNORMAL_TERMINATION = 40,
	SUPERVISOR_FAULT_SPAWN_ERROR = 50,
	SUPERVISOR_FAULT_ALREADY_STARTED = 60,
	SUPERVISOR_FAULT_NOT_RUNNING = 70,
};

/* ProcessStates of supervisor/states.py. */
enum supervisor_process_state {
	SUPERVISOR_STOPPED = 0,
	SUPERVISOR_STARTING = 10,
	SUPERVISOR_RUNNING = 20,
	SUPERVISOR_BACKOFF = 30,
	SUPERVISOR_STOPPING = 40,
	SUPERVISOR_EXITED = 100,
	SUPERVISOR_FATAL = 200,
	SUPERVISOR_UNKNOWN = 1000,
};

struct supervisor_argument {
	const char *text; /* a string; or NULL: */
	int64_t number;
	bool boolean; /* number is true or false */
};

/* Appends the call. Returns 0 or the buffer's error. @method and texts are UTF-8 without control characters. */
int supervisor_xml_call(const char *method, const struct supervisor_argument *args, size_t n,
			struct buf *out);

struct supervisor_process {
	char group[64];
	char name[64];
	int64_t state;
	int64_t start, now; /* seconds since the epoch */
	int64_t pid;
	int64_t exit_status;
	char spawn_error[256];
};

struct supervisor_answer {
	int64_t fault;        /* 0: none */
	char fault_text[256]; /* "BAD_NAME: agent-isa"; plain */
	struct supervisor_process *processes;
	size_t n;
	struct buf text; /* the first string that is no member of a struct; cut at its maximum */
};

/*
 * Reads a whole answer. Control characters in it, which XML forbids and Supervisor sends from logs, are read as '?'.
 * Members that it does not know are passed over; names and texts are made plain. Returns 0, also for a fault; -EPROTO: no answer of
 * XML-RPC, with the cause in @why; -E2BIG: more processes than SUPERVISOR_PROCESSES_MAX; -ENOMEM. @ret is filled in always, for
 * supervisor_answer_done().
 */
int supervisor_xml_parse(const char *bytes, size_t len, struct buf *why,
			 struct supervisor_answer *ret);
void supervisor_answer_done(struct supervisor_answer *a);

#endif
