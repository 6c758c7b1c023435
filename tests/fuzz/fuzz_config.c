/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration file: read without a fault, and either taken or explained, each
 * problem on a line of its own with the file's name before it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "config/config.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/value.h"

#define NAME "fuzz.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_problems(const struct buf *problems)
{
	for (const char *at = buf_str(problems); *at; at += strcspn(at, "\n") + 1) {
		require(strncmp(at, NAME ":", strlen(NAME ":")) == 0);
		require(strchr(at, '\n') != NULL);
	}
}

static void check_taken(const struct config *c)
{
	require(c->n_ports >= 1 && c->n_ports <= CONFIG_PORTS_MAX);
	require(c->n_routes <= CONFIG_ROUTES_MAX);
	require(c->max_series >= 10 && c->max_series <= 100000);
	require(c->ring_kib >= 64 && !(c->ring_kib & (c->ring_kib - 1)));
	require(c->runtime_directory[0] == '/');
	require(c->n_alarms <= CONFIG_ALARMS_MAX);
	require(c->n_logs <= CONFIG_LOGS_MAX);
	require(c->n_jobs >= 2 && c->n_jobs <= CONFIG_JOBS_MAX);
	require(c->n_backup_excludes <= CONFIG_EXCLUDES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parse_source source = { .name = NAME, .text = (const char *)data, .len = size };
	struct buf problems = BUF_INIT(1 << 20);
	struct table *lines = table_new();
	struct config *c = NULL;
	int err;

	if (!lines || config_new(&c))
		abort();
	err = parse_text(schema_config(), &source, c, lines, &problems);
	require((err != 0) == (problems.len != 0));
	if (err)
		check_problems(&problems);
	check_taken(c);
	buf_reset(&problems);
	err = config_check(c, NAME, &problems);
	require((err != 0) == (problems.len != 0));
	check_problems(&problems);
	config_free(c);
	table_free(lines, NULL);
	buf_done(&problems);
	return 0;
}
