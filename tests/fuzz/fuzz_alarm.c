/* SPDX-License-Identifier: MIT */
/*
 * Any JSON as an alarm that CloudWatch tells, and as the body of a dashboard: taken without a fault, the same as itself,
 * and told as plain text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "ship/alarm.h"
#include "ship/dashboard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void told(const char *field, const char *have, const char *want, void *ctx)
{
	(void)ctx;
	require(*field != '\0');
	require(utf8_is_plain(have, strlen(have)) && utf8_is_plain(want, strlen(want)));
}

static void differs(const char *path, const char *have, const char *want, void *ctx)
{
	unsigned int *n = ctx;

	(*n)++;
	require(*path == '/');
	require(utf8_is_plain(have, strlen(have)) && utf8_is_plain(want, strlen(want)));
}

static void try_alarm(const json_t *alarm)
{
	struct buf line = BUF_INIT(1 << 20);
	json_t *empty = json_object();
	json_t *normal = alarm_normal(alarm), *other = alarm_normal(empty);
	json_t *again = json_deep_copy(normal);

	require(normal && other && again);
	require(alarm_diff(normal, again, told, NULL) == 0);
	require(alarm_diff(normal, other, told, NULL) >= 0);
	require(alarm_describe(normal, &line) == 0);
	require(utf8_is_plain(buf_str(&line), line.len));
	buf_done(&line);
	json_decref(empty);
	json_decref(normal);
	json_decref(other);
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *a = json_loadb((const char *)data, size, 0, NULL), *copy, *empty;
	unsigned int n = 0;

	if (!a)
		return 0;
	copy = json_deep_copy(a);
	empty = json_object();
	require(copy && empty);
	try_alarm(a);
	require(dashboard_diff(a, copy, differs, &n) == 0 && n == 0);
	require(dashboard_diff(a, empty, differs, &n) == (int)n);
	require((n == 0) == (json_is_object(a) && json_object_size(a) == 0));
	json_decref(a);
	json_decref(copy);
	json_decref(empty);
	return 0;
}
