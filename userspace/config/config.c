/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a whole: defaults, file, checks across keys.
 * Invariant: a struct config that a caller gets has passed the schema key by key, and, from
 * config_load(), config_check() as well.
 */
#include "config/config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/table.h"
#include "config/alarm.h"
#include "config/check.h"
#include "config/job.h"
#include "config/log.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/value.h"

#define CONFIG_FILE_MAX (1024 * 1024)

/* The text may hold keys. */
static void text_done(struct buf *text)
{
	if (text->data)
		explicit_bzero(text->data, text->size);
	buf_done(text);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_alarms_free(c);
	config_logs_free(c);
	config_jobs_free(c);
	value_clear_all(schema_config(), NULL, c);
	text_done(&c->text);
	free(c);
}

void config_freep(struct config **c)
{
	config_free(*c);
}

int config_new(struct config **ret_config)
{
	_cleanup_(config_freep) struct config *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	err = value_set_initial(schema_config(), NULL, c);
	if (!err)
		err = config_logs_set_initial(c);
	if (!err)
		err = config_jobs_set_initial(c);
	if (err)
		return err;
	*ret_config = take(c);
	return 0;
}

static const struct schema_key *key_of(const char *section, const char *name)
{
	const struct schema_key *k = schema_find_key(schema_config(), section, name);

	assert(k);
	return k;
}

static int check_all(const struct config *c, const struct check *how, struct buf *problems)
{
	struct check check = *how;

	check.c = c;
	check.problems = problems;
	check_listen(&check);
	check_service(&check);
	check_aws(&check);
	check_cloudwatch(&check);
	check_logs(&check);
	check_alarms(&check);
	check_jobs(&check);
	check_backup(&check);
	check_doctor(&check);
	check_audit(&check);
	return check.err;
}

int config_check(const struct config *c, const char *where, struct buf *problems)
{
	struct check how = { .where = where };

	return check_all(c, &how, problems);
}

static void lines_freep(struct table **lines)
{
	table_free(*lines, NULL);
}

/* @file: NULL if the text is not of one. */
static int config_parse(const struct parse_source *source, const struct stat *file,
			struct config *c, struct buf *problems)
{
	_cleanup_(lines_freep) struct table *lines = table_new();
	const struct schema_key *route = key_of("http", "route");
	struct check how = { .where = source->name, .lines = lines, .file = file };
	int err, err_checks;

	if (!lines)
		return -ENOMEM;
	err = parse_text(schema_config(), source, c, lines, problems);
	if (err == -ENOMEM)
		return err;
	config_jobs_settle(c);
	for (size_t i = 0; i < c->n_routes; i++)
		c->route_lines[i] = parse_line_of(lines, route, c, i);
	for (size_t i = 0; i < c->n_logs; i++)
		c->logs[i]->line = parse_section_line_of(lines, c->logs[i]);
	for (size_t i = 0; i < c->n_jobs; i++)
		c->jobs[i]->line = parse_section_line_of(lines, c->jobs[i]);
	err_checks = check_all(c, &how, problems);
	return err ? err : err_checks;
}

static const char *unreadable(int err)
{
	if (err == -ESPIPE)
		return "it is a FIFO; give a file";
	if (err == -EFBIG)
		return "it is longer than any configuration (1 MiB)";
	return strerror(-err);
}

int config_load(const char *path, struct buf *problems, struct config **ret_config)
{
	_cleanup_(text_done) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	_cleanup_(config_freep) struct config *c = NULL;
	struct parse_source source = { .name = path };
	struct stat file;
	int err = config_new(&c);

	if (err == 0)
		err = file_read_stat(path, &text, &file);
	if (err) {
		buf_printf(problems, "%s: cannot be read: %s\n", path, unreadable(err));
		return err;
	}
	source.text = buf_str(&text);
	source.len = text.len;
	err = config_parse(&source, &file, c, problems);
	if (err == -ENOMEM)
		buf_printf(problems, "%s: cannot be read: %s\n", path, strerror(-err));
	if (err)
		return err;
	c->text = text;
	buf_init(&text, CONFIG_FILE_MAX);
	*ret_config = take(c);
	return 0;
}

bool config_same_ports(const struct config *a, const struct config *b)
{
	return a->n_ports == b->n_ports &&
	       memcmp(a->ports, b->ports, a->n_ports * sizeof(*a->ports)) == 0;
}

int config_set_ports(struct config *c, const char *text)
{
	return value_set(key_of("service", "ports"), c, text, NULL);
}

int config_set_listen(struct config *c, const char *text)
{
	const char *colon = strrchr(text, ':');
	char address[INET6_ADDRSTRLEN];
	uint16_t port_before = c->listen_port;
	size_t n;
	int err;

	if (!colon)
		return -EINVAL;
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return -EINVAL; /* an IPv6 address wants its brackets */
	}
	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	err = value_set(key_of("listen", "port"), c, colon + 1, NULL);
	if (err)
		return err;
	err = value_set(key_of("listen", "address"), c, address, NULL);
	if (err)
		c->listen_port = port_before;
	return err;
}
