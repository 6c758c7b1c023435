/* SPDX-License-Identifier: MIT */
/* A table of words that the kernel's messages of trouble have. Invariant: what user space writes to the log (root may) never counts. */
#include "check/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

#define FACILITY_SHIFT 3

/* The first that fits counts. */
static const struct {
	const char *words;
	enum kernel_trouble trouble;
} table[] = {
	{ "Out of memory: Kill", KERNEL_OOM },
	{ "Memory cgroup out of memory: Kill", KERNEL_OOM },
	{ "I/O error, dev ", KERNEL_IO },
	{ "Buffer I/O error", KERNEL_IO },
	{ "EXT4-fs error", KERNEL_IO },
	{ "Corruption of in-memory data", KERNEL_IO },
	{ "metadata I/O error", KERNEL_IO },
	{ "Metadata corruption detected", KERNEL_IO },
	{ "BTRFS error", KERNEL_IO },
	{ "BTRFS critical", KERNEL_IO },
	{ "critical medium error", KERNEL_IO },
	{ "critical target error", KERNEL_IO },
	{ "critical space allocation error", KERNEL_IO },
	{ "timeout, aborting", KERNEL_IO },
	{ "Remounting filesystem read-only", KERNEL_READONLY },
	{ "forced readonly", KERNEL_READONLY },
	{ "blocked for more than", KERNEL_HUNG },
	{ "soft lockup", KERNEL_HUNG },
	{ "hard LOCKUP", KERNEL_HUNG },
	{ "self-detected stall on CPU", KERNEL_HUNG },
	{ "detected stalls on CPUs", KERNEL_HUNG },
	{ "[Hardware Error]", KERNEL_HARDWARE },
	{ "Machine check events logged", KERNEL_HARDWARE },
	{ "kernel BUG at", KERNEL_BUG },
	{ "BUG: ", KERNEL_BUG },
	{ "Oops: ", KERNEL_BUG },
	{ "Kernel panic", KERNEL_BUG },
	{ "table full, dropping packet", KERNEL_TABLE },
	{ "neighbour: arp_cache: neighbor table overflow", KERNEL_TABLE },
	{ "Possible SYN flooding", KERNEL_TABLE },
	{ "TCP: out of memory", KERNEL_TABLE },
	{ "segfault at ", KERNEL_SEGFAULT },
	{ "general protection fault", KERNEL_SEGFAULT },
	{ "trap invalid opcode", KERNEL_SEGFAULT },
};

enum kernel_trouble kernel_log_judge(const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strstr(message, table[i].words))
			return table[i].trouble;
	return KERNEL_NONE;
}

/* The message without what stands on further lines; the kernel writes what is not printable as \xNN. */
static void copy_message(const char *from, char to[KERNEL_LOG_MESSAGE_MAX])
{
	size_t n = 0;

	for (; *from && *from != '\n' && n + 1 < KERNEL_LOG_MESSAGE_MAX; from++)
		to[n++] = *from >= ' ' && *from < 0x7f ? *from : '?';
	to[n] = '\0';
}

bool kernel_log_take(const char *record, uint64_t since_us, struct kernel_log *log)
{
	char message[KERNEL_LOG_MESSAGE_MAX];
	const char *text = strchr(record, ';');
	enum kernel_trouble trouble;
	struct kernel_seen *seen;
	unsigned int priority;
	uint64_t number, us;

	if (!text || sscanf(record, "%u,%" SCNu64 ",%" SCNu64, &priority, &number, &us) != 3)
		return false;
	log->records++;
	if (priority >> FACILITY_SHIFT || us < since_us)
		return true;
	copy_message(text + 1, message);
	trouble = kernel_log_judge(message);
	if (trouble == KERNEL_NONE)
		return true;
	seen = &log->seen[trouble];
	seen->n++;
	seen->last_us = us;
	memcpy(seen->last, message, sizeof(message));
	return true;
}

int kernel_log_read(const char *device, uint64_t since_us, struct kernel_log *ret)
{
	_cleanup_(file_closep) int fd = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[KERNEL_LOG_RECORD_MAX + 1];

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return -errno;
	for (unsigned int i = 0; i < KERNEL_LOG_RECORDS_MAX; i++) {
		ssize_t n = read(fd, record, KERNEL_LOG_RECORD_MAX);

		if (n < 0 && errno == EPIPE)
			ret->lost++;
		else if (n == 0 || (n < 0 && errno == EAGAIN))
			return 0;
		else if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		record[n] = '\0';
		kernel_log_take(record, since_us, ret);
	}
	ret->more = true;
	return 0;
}
