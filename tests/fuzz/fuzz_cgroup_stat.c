/* SPDX-License-Identifier: MIT */
/* Any text as a file of cgroupfs, as a line of the table of mounts, as /proc/PID/cgroup. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "probe/cgroup_stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void free_text(char **text)
{
	free(*text);
}

static void check_path(const char *path)
{
	assert(strnlen(path, CGROUP_STAT_PATH_MAX) < CGROUP_STAT_PATH_MAX);
	assert(!*path || *path == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cgroup_mounts mounts = { .v2 = { "/a", "/sys/fs/cgroup" },
						     .v1_cpu = { "/", "/sys/fs/cgroup/cpu" } };
	_cleanup_(free_text) char *text = malloc(size + 1);
	struct cgroup_stat s = { 0 };
	struct cgroup_mounts m = { 0 };
	struct cgroup_dirs d;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	assert(cgroup_stat_parse_cpu(text, &s) == s.has_cpu);
	assert(cgroup_stat_parse_memory(text, &s) == s.has_memory);
	cgroup_stat_parse_pressure(text, CGROUP_IO, &s);
	cgroup_stat_parse_mount(text, &m);
	check_path(m.v2.point);
	check_path(m.v1_cpu.point);
	cgroup_stat_parse_dirs(text, &mounts, &d);
	check_path(d.v2);
	check_path(d.v1_cpu);
	return 0;
}
