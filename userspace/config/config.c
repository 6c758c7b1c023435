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
#include "config/parse.h"
#include "config/schema.h"
#include "config/value.h"

#define CONFIG_FILE_MAX (1024 * 1024)

/* Who is checked, and how problems name the place. */
struct check {
	const struct config *c;
	const char *where;
	const struct table *lines; /* NULL: not from a file */
	struct buf *problems;
	int err;
};

void config_free(struct config *c)
{
	if (!c)
		return;
	value_clear_all(schema_config(), NULL, c);
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

/* Begins a problem of a key with "FILE:LINE: [section] key = "; the line only where it is known. */
static void check_failed(struct check *check, const char *section, const char *name)
{
	unsigned int line = 0;

	if (check->lines)
		line = parse_line_of(check->lines, key_of(section, name), check->c, 0);
	buf_add_str(check->problems, check->where);
	if (line)
		buf_printf(check->problems, ":%u", line);
	buf_printf(check->problems, ": [%s] %s = ", section, name);
	check->err = -EINVAL;
}

/* RFC 1122 3.2.1.3 (127/8), RFC 4291 2.5.3 (::1), and 127/8 as an IPv4-mapped address. */
static bool is_loopback(const char *address)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static void check_exposure(struct check *check)
{
	const struct config *c = check->c;

	if (c->listen_insecure || is_loopback(c->listen_address))
		return;
	check_failed(check, "listen", "address");
	buf_printf(check->problems,
		   "%s: whoever reaches this address could read the metrics, for there is "
		   "neither TLS nor a password; listen on 127.0.0.1 behind a proxy, or, where "
		   "the network itself keeps others out, write insecure = yes in [listen]\n",
		   c->listen_address);
}

static void check_own_port(struct check *check)
{
	const struct config *c = check->c;

	for (size_t i = 0; i < c->n_ports; i++) {
		if (c->ports[i] != c->listen_port)
			continue;
		check_failed(check, "listen", "port");
		buf_printf(check->problems,
			   "%u: is also among the service's ports, so isamon would measure itself; "
			   "choose another port for one of them\n",
			   c->listen_port);
	}
}

static int check_all(const struct config *c, const char *where, const struct table *lines,
		     struct buf *problems)
{
	struct check check = { .c = c, .where = where, .lines = lines, .problems = problems };

	check_exposure(&check);
	check_own_port(&check);
	return check.err;
}

int config_check(const struct config *c, const char *where, struct buf *problems)
{
	return check_all(c, where, NULL, problems);
}

static void lines_freep(struct table **lines)
{
	table_free(*lines, NULL);
}

static int config_parse(const struct parse_source *source, struct config *c, struct buf *problems)
{
	_cleanup_(lines_freep) struct table *lines = table_new();
	const struct schema_key *route = key_of("http", "route");
	int err, err_checks;

	if (!lines)
		return -ENOMEM;
	err = parse_text(schema_config(), source, c, lines, problems);
	if (err == -ENOMEM)
		return err;
	for (size_t i = 0; i < c->n_routes; i++)
		c->route_lines[i] = parse_line_of(lines, route, c, i);
	err_checks = check_all(c, source->name, lines, problems);
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
	_cleanup_(buf_done) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	_cleanup_(config_freep) struct config *c = NULL;
	struct parse_source source = { .name = path };
	int err = config_new(&c);

	if (err == 0)
		err = file_read(path, &text);
	if (err) {
		buf_printf(problems, "%s: cannot be read: %s\n", path, unreadable(err));
		return err;
	}
	source.text = buf_str(&text);
	source.len = text.len;
	err = config_parse(&source, c, problems);
	if (err == -ENOMEM)
		buf_printf(problems, "%s: cannot be read: %s\n", path, strerror(-err));
	if (err)
		return err;
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
