/* SPDX-License-Identifier: MIT */
/* Reads a cgroup's files. A file that is not there, or says something else than it should, is
 * nothing: its figures are absent. */
#include "probe/cgroup_stat.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/number.h"

#define FILE_MAX 8192
#define NS_PER_US 1000ull

/* The number at @at, up to what is none. */
static bool take_number(const char *at, uint64_t *ret)
{
	char digits[24];
	size_t n = strspn(at, "0123456789");

	if (!n || n >= sizeof(digits) || (at[n] && at[n] != '\n' && at[n] != ' '))
		return false;
	memcpy(digits, at, n);
	digits[n] = '\0';
	return number_parse_u64(digits, 0, UINT64_MAX, ret) == 0;
}

/* What stands behind "@key " at the beginning of a line; NULL if none does. */
static const char *behind(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (text) {
		if (strncmp(text, key, n) == 0 && text[n] == ' ')
			return text + n + 1;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

static bool value_of(const char *text, const char *key, uint64_t *ret)
{
	const char *at = behind(text, key);

	return at && take_number(at, ret);
}

static bool scaled_value_of(const char *text, const char *key, uint64_t scale, uint64_t *ret)
{
	uint64_t value;

	return value_of(text, key, &value) && !__builtin_mul_overflow(value, scale, ret);
}

bool cgroup_stat_parse_cpu(const char *text, struct cgroup_stat *into)
{
	into->has_cpu = value_of(text, "nr_periods", &into->periods) &&
			value_of(text, "nr_throttled", &into->throttled_periods) &&
			(scaled_value_of(text, "throttled_usec", NS_PER_US, &into->throttled_ns) ||
			 value_of(text, "throttled_time", &into->throttled_ns));
	return into->has_cpu;
}

bool cgroup_stat_parse_memory(const char *text, struct cgroup_stat *into)
{
	into->has_memory = value_of(text, "high", &into->memory_high) &&
			   value_of(text, "max", &into->memory_max) &&
			   value_of(text, "oom", &into->memory_oom) &&
			   value_of(text, "oom_kill", &into->memory_oom_kill);
	return into->has_memory;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345", the total in microseconds. */
static bool pressure_of(const char *text, const char *kind, uint64_t *ret_ns)
{
	const char *at = behind(text, kind), *total = at ? strstr(at, "total=") : NULL;
	uint64_t us;

	if (!total || memchr(at, '\n', (size_t)(total - at)))
		return false;
	return take_number(total + strlen("total="), &us) &&
	       !__builtin_mul_overflow(us, NS_PER_US, ret_ns);
}

bool cgroup_stat_parse_pressure(const char *text, enum cgroup_resource r, struct cgroup_stat *into)
{
	static const char *const kinds[CGROUP_KINDS] = { "some", "full" };
	bool any = false;

	for (unsigned int k = 0; k < CGROUP_KINDS; k++) {
		into->has_pressure[r][k] = pressure_of(text, kinds[k], &into->pressure_ns[r][k]);
		any |= into->has_pressure[r][k];
	}
	return any;
}

static bool read_text(const char *directory, const char *name, struct buf *text)
{
	char path[CGROUP_STAT_PATH_MAX + 32];

	buf_reset(text);
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return false;
	return file_read(path, text) == 0 && text->len;
}

static uint64_t id_of(const char *directory)
{
	struct stat st;

	return *directory && stat(directory, &st) == 0 ? st.st_ino : 0;
}

static void read_cpu(const struct cgroup_dirs *dirs, struct buf *text, struct cgroup_stat *ret)
{
	ret->cpu_id = ret->v2_id;
	ret->cpu_is_v2 = ret->v2_id && read_text(dirs->v2, "cpu.stat", text) &&
			 cgroup_stat_parse_cpu(buf_str(text), ret);
	if (ret->cpu_is_v2)
		return;
	ret->cpu_id = id_of(dirs->v1_cpu);
	if (ret->cpu_id && read_text(dirs->v1_cpu, "cpu.stat", text))
		cgroup_stat_parse_cpu(buf_str(text), ret);
}

void cgroup_stat_read(const struct cgroup_dirs *dirs, struct cgroup_stat *ret)
{
	static const char *const pressures[CGROUP_RESOURCES] = { "cpu.pressure", "memory.pressure",
								 "io.pressure" };
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);

	*ret = (struct cgroup_stat){ .v2_id = id_of(dirs->v2) };
	read_cpu(dirs, &text, ret);
	if (!ret->v2_id)
		return;
	if (read_text(dirs->v2, "memory.events", &text))
		cgroup_stat_parse_memory(buf_str(&text), ret);
	for (unsigned int r = 0; r < CGROUP_RESOURCES; r++)
		if (read_text(dirs->v2, pressures[r], &text))
			cgroup_stat_parse_pressure(buf_str(&text), r, ret);
}
