/* SPDX-License-Identifier: MIT */
/* What the kernel's log says of trouble is found, by the kernel's own messages alone, and not twice. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "check/kernel_log.h"

static void judges(void)
{
	static const struct {
		const char *message;
		enum kernel_trouble trouble;
	} rows[] = {
		{ "Out of memory: Killed process 4711 (python3) total-vm:1kB", KERNEL_OOM },
		{ "Memory cgroup out of memory: Killed process 24285 (python3)", KERNEL_OOM },
		{ "I/O error, dev nvme0n1, sector 2048 op 0x0:(READ) flags 0x80700", KERNEL_IO },
		{ "Buffer I/O error on dev dm-0, logical block 5, async page read", KERNEL_IO },
		{ "EXT4-fs error (device loop0): ext4_lookup:1855: inode #2: comm ls: deleted inode",
		  KERNEL_IO },
		{ "XFS (nvme0n1p1): Metadata corruption detected at xfs_agf_verify", KERNEL_IO },
		{ "nvme nvme0: I/O 5 QID 1 timeout, aborting", KERNEL_IO },
		{ "EXT4-fs (loop0): Remounting filesystem read-only", KERNEL_READONLY },
		{ "INFO: task uvicorn:4711 blocked for more than 120 seconds.", KERNEL_HUNG },
		{ "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:1:33]",
		  KERNEL_HUNG },
		{ "rcu: INFO: rcu_sched self-detected stall on CPU", KERNEL_HUNG },
		{ "mce: [Hardware Error]: Machine check events logged", KERNEL_HARDWARE },
		{ "BUG: kernel NULL pointer dereference, address: 0000000000000008", KERNEL_BUG },
		{ "kernel BUG at mm/slub.c:305!", KERNEL_BUG },
		{ "nf_conntrack: nf_conntrack: table full, dropping packet", KERNEL_TABLE },
		{ "TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:443. Sending cookies.",
		  KERNEL_TABLE },
		{ "python3[24]: segfault at 18 ip 0000560f3edcf6c0 sp 00007ffffdc2cbb8 error 4",
		  KERNEL_SEGFAULT },
		{ "traps: a.out[24] general protection fault ip:0 sp:0 error:0", KERNEL_SEGFAULT },
		{ "EXT4-fs (nvme0n1p1): mounted filesystem with ordered data mode", KERNEL_NONE },
		{ "oom_reaper: reaped process 4711 (python3), now anon-rss:0kB", KERNEL_NONE },
		{ "python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0", KERNEL_NONE },
		{ "Linux version 6.1.0-18-amd64", KERNEL_NONE },
		{ "", KERNEL_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("judges: %.60s", rows[i].message);
		EXPECT_INT((int)kernel_log_judge(rows[i].message), (int)rows[i].trouble);
	}
}

static void takes(void)
{
	static const struct {
		const char *name, *record;
		bool is_one;
		uint64_t n;
	} rows[] = {
		{ "an OOM kill", "3,1,2000,-;Out of memory: Killed process 1 (a)\n SUBSYSTEM=x\n",
		  true, 1 },
		{ "one that is older", "3,1,999,-;Out of memory: Killed process 1 (a)\n", true, 0 },
		{ "one that is as old", "3,1,1000,-;Out of memory: Killed process 1 (a)\n", true,
		  1 },
		{ "one that user space wrote", "11,1,2000,-;Out of memory: Killed process 1 (a)\n",
		  true, 0 },
		{ "further fields", "3,1,2000,c,caller=T1;Out of memory: Killed process 1 (a)\n",
		  true, 1 },
		{ "words on a further line", "6,1,2000,-;fine\n X=Out of memory: Kill\n", true, 0 },
		{ "no time", "3,1;Out of memory: Killed\n", false, 0 },
		{ "no message", "3,1,2000,-", false, 0 },
		{ "nothing", "", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kernel_log log = { .records = 0 };

		unit_begin("takes: %s", rows[i].name);
		EXPECT_INT(kernel_log_take(rows[i].record, 1000, &log), rows[i].is_one);
		EXPECT_UINT(log.seen[KERNEL_OOM].n, rows[i].n);
		EXPECT_UINT(log.records, rows[i].is_one);
		if (!rows[i].n)
			continue;
		EXPECT_STR(log.seen[KERNEL_OOM].last, "Out of memory: Killed process 1 (a)");
	}
}

static void keeps_the_last(void)
{
	struct kernel_log log = { .records = 0 };

	kernel_log_take("3,1,2000,-;I/O error, dev a\x1b[31m\n", 0, &log);
	kernel_log_take("3,2,3000,-;I/O error, dev b\x1b[31m\n", 0, &log);
	EXPECT_UINT(log.seen[KERNEL_IO].n, 2);
	EXPECT_UINT(log.seen[KERNEL_IO].last_us, 3000);
	EXPECT_STR(log.seen[KERNEL_IO].last, "I/O error, dev b?[31m");
}

/* A pipe in packet mode gives a record a read, as the device does. */
static void reads_a_device(void)
{
	static const char *const records[] = { "3,1,5,-;Out of memory: Killed process 1 (a)\n",
					       "6,2,6,-;fine\n",
					       "3,3,7,-;Out of memory: Killed process 2 (b)\n" };
	struct kernel_log log;
	char path[64];
	int ends[2];

	REQUIRE(pipe2(ends, O_DIRECT | O_CLOEXEC) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		EXPECT_INT(write(ends[1], records[i], strlen(records[i])), (int)strlen(records[i]));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	EXPECT_INT(kernel_log_read(path, 0, &log), 0);
	EXPECT_UINT(log.records, 3);
	EXPECT_UINT(log.seen[KERNEL_OOM].n, 2);
	EXPECT_STR(log.seen[KERNEL_OOM].last, "Out of memory: Killed process 2 (b)");
	EXPECT(!log.more);
	close(ends[0]);
	close(ends[1]);
	EXPECT_INT(kernel_log_read("/nonexistent/kmsg", 0, &log), -ENOENT);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, judges },
		{ NULL, takes },
		{ "the last of a kind is kept, plain", keeps_the_last },
		{ "a device is read to its end", reads_a_device },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
