/* SPDX-License-Identifier: MIT */
/* The texts of /proc/PID. A line is looked for by its name, at the beginning of a line only, so that
 * what a process calls itself cannot pass for another line. */
#include <ctype.h>
#include <string.h>

#include "probe/proc.h"

#define KIB 1024

/* Takes blanks, then decimal digits; values beyond 64 bits are refused. */
static bool take_u64(const char **at, uint64_t *ret)
{
	const char *p = *at + strspn(*at, " \t");
	uint64_t v = 0;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*at = p;
	*ret = v;
	return true;
}

static bool take_pid(const char **at, pid_t *ret)
{
	uint64_t v;

	if (!take_u64(at, &v) || v > INT32_MAX)
		return false;
	*ret = (pid_t)v;
	return true;
}

/* One field of digits or a sign, whatever its value. */
static bool skip_field(const char **at)
{
	const char *p = *at + strspn(*at, " ");
	size_t n = strspn(p, "-0123456789");

	*at = p + n;
	return n > 0;
}

static bool skip_fields(const char **at, int n)
{
	while (n-- > 0)
		if (!skip_field(at))
			return false;
	return true;
}

/* "4711 (name) S ...": the name ends at the last parenthesis, for it may hold others. */
static const char *take_name(const char *text, struct proc_stat *st)
{
	const char *from = strchr(text, '('), *to = strrchr(text, ')');
	size_t n;

	if (!from || !to || to < from)
		return NULL;
	from++;
	n = (size_t)(to - from);
	if (n >= sizeof(st->name))
		n = sizeof(st->name) - 1;
	memcpy(st->name, from, n);
	st->name[n] = '\0';
	to += strspn(to, ") ");
	if (!isalpha((unsigned char)*to))
		return NULL;
	st->state = *to;
	return to + 1;
}

/* The numbers are fields of proc_pid_stat(5). */
bool proc_parse_stat(const char *text, struct proc_stat *ret_stat)
{
	struct proc_stat st = { 0 };
	const char *at = take_name(text, &st); /* 1 to 3 */

	if (!at || !take_pid(&at, &st.parent) || !take_pid(&at, &st.group) ||
	    !take_pid(&at, &st.session) || /* 4, 5, 6 */
	    !skip_fields(&at, 3) || !take_u64(&at, &st.minor_faults) /* 10 */ ||
	    !skip_fields(&at, 1) || !take_u64(&at, &st.major_faults) /* 12 */ ||
	    !skip_fields(&at, 1) || !take_u64(&at, &st.user_ticks) /* 14 */ ||
	    !take_u64(&at, &st.system_ticks) || !skip_fields(&at, 4) ||
	    !take_u64(&at, &st.threads) /* 20 */ || !skip_fields(&at, 1) ||
	    !take_u64(&at, &st.start_ticks) /* 22 */)
		return false;
	*ret_stat = st;
	return true;
}

/* "Name:   12 kB" anywhere in @text, at the beginning of a line. */
static bool find_line(const char *text, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		if (strncmp(at, name, n) != 0 || at[n] != ':')
			continue;
		at += n + 1;
		return take_u64(&at, ret);
	}
	return false;
}

static bool find_kib(const char *text, const char *name, uint64_t *ret_bytes)
{
	uint64_t kib;

	return find_line(text, name, &kib) && !__builtin_mul_overflow(kib, KIB, ret_bytes);
}

bool proc_parse_status(const char *text, struct proc_sample *s)
{
	uint64_t anon, file, shmem, swap;

	if (!find_kib(text, "RssAnon", &anon) || !find_kib(text, "RssFile", &file) ||
	    !find_kib(text, "RssShmem", &shmem) || !find_kib(text, "VmSwap", &swap))
		return false;
	s->anon_bytes = anon;
	s->file_bytes = file;
	s->shmem_bytes = shmem;
	s->swap_bytes = swap;
	s->known |= PROC_MEMORY;
	return true;
}

bool proc_parse_switches(const char *text, struct proc_sample *s)
{
	uint64_t voluntary, involuntary;

	if (!find_line(text, "voluntary_ctxt_switches", &voluntary) ||
	    !find_line(text, "nonvoluntary_ctxt_switches", &involuntary))
		return false;
	s->voluntary += voluntary;
	s->involuntary += involuntary;
	return true;
}

/* "time-on-cpu run-delay timeslices", Documentation/scheduler/sched-stats.rst */
bool proc_parse_schedstat(const char *text, struct proc_sample *s)
{
	uint64_t on_cpu, delay;

	if (!take_u64(&text, &on_cpu) || !take_u64(&text, &delay))
		return false;
	s->run_delay_ns += delay;
	return true;
}

bool proc_parse_io(const char *text, struct proc_sample *s)
{
	uint64_t in, out;

	if (!find_line(text, "read_bytes", &in) || !find_line(text, "write_bytes", &out))
		return false;
	s->read_bytes = in;
	s->write_bytes = out;
	s->known |= PROC_IO;
	return true;
}

/* "Max open files            1024                 524288               files" */
bool proc_parse_limits(const char *text, struct proc_sample *s)
{
	static const char name[] = "Max open files ";
	const char *at = strstr(text, name);
	uint64_t v = PROC_UNLIMITED;

	if (!at || (at != text && at[-1] != '\n'))
		return false;
	at += sizeof(name) - 1;
	at += strspn(at, " ");
	if (strncmp(at, "unlimited", strlen("unlimited")) != 0 && !take_u64(&at, &v))
		return false;
	s->max_fds = v;
	s->known |= PROC_MAX_FDS;
	return true;
}

bool proc_parse_rollup(const char *text, struct proc_sample *s)
{
	uint64_t pss;

	if (!find_kib(text, "Pss", &pss))
		return false;
	s->pss_bytes = pss;
	s->known |= PROC_PSS;
	return true;
}
