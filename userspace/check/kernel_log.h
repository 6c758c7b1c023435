/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log, for what speaks of trouble. Facts: Documentation/ABI/testing/dev-kmsg; the messages are those of the kernel's sources
 * (mm/oom_kill.c, kernel/hung_task.c, block/blk-core.c, fs/buffer.c, ...).
 */
#ifndef ISAMON_KERNEL_LOG_H
#define ISAMON_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_LOG_DEVICE "/dev/kmsg"
#define KERNEL_LOG_RECORD_MAX 8192 /* of the kernel: a smaller read fails */
#define KERNEL_LOG_MESSAGE_MAX 400

enum kernel_trouble {
	KERNEL_OOM,      /* memory ran out, of the host or of a cgroup */
	KERNEL_IO,       /* a disk or a file system has errors */
	KERNEL_READONLY, /* a file system was made read-only */
	KERNEL_HUNG,     /* a task hangs in the kernel, or a CPU does */
	KERNEL_HARDWARE, /* machine checks */
	KERNEL_BUG,      /* the kernel itself */
	KERNEL_TABLE,    /* a table of the network is full */
	KERNEL_SEGFAULT, /* a program crashed */
	KERNEL_TROUBLES,
	KERNEL_NONE = KERNEL_TROUBLES
};

struct kernel_seen {
	uint64_t n;
	uint64_t last_us;                  /* after boot */
	char last[KERNEL_LOG_MESSAGE_MAX]; /* printable ASCII, as far as there is room */
};

struct kernel_log {
	struct kernel_seen seen[KERNEL_TROUBLES];
	uint64_t records,
		lost; /* that were read; that the kernel had overwritten while it was read */
	bool more;    /* there was more than is read */
};

/* What a message speaks of. */
enum kernel_trouble kernel_log_judge(const char *message);

/* Takes one record, "6,339,5140900,-;message\n ...", as read(2) gives it, NUL-terminated; counts it if the kernel itself wrote it, at
 * @since_us after boot or later. Returns whether it is a record. */
bool kernel_log_take(const char *record, uint64_t since_us, struct kernel_log *log);

/* Reads @device as it is now, KERNEL_LOG_RECORDS_MAX records at most, without waiting for more. Returns 0 or -errno: -EPERM: only root may. */
#define KERNEL_LOG_RECORDS_MAX 100000u
int kernel_log_read(const char *device, uint64_t since_us, struct kernel_log *ret);

#endif
