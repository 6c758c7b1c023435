/* SPDX-License-Identifier: MIT */
/*
 * One table of members is both writer and reader. The JSON comes from root's own daemon, but perhaps
 * from another version of it: a member that is there must have its type, one that is not is unknown.
 */
#include "metrics/status_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"

/* MAYBE: true, false, or not known; a uint64_t that is 1, 0 or STATUS_UNKNOWN. */
enum type { BOOLEAN, MAYBE, NUMBER, DECIMAL, TEXT };

struct member {
	const char *key;
	size_t offset;
	size_t size; /* of a text */
	enum type type;
	bool required; /* an object without it is none */
};

/* clang-format off */
#define ROW(s, key, type, member) { (key), offsetof(struct s, member), sizeof(((struct s *)0)->member), (type), false }
#define MUST(s, key, type, member) { (key), offsetof(struct s, member), sizeof(((struct s *)0)->member), (type), true }

static const struct member members[] = {
	MUST(status, "service", TEXT, service),
	MUST(status, "service_up", BOOLEAN, service_up),
	MUST(status, "now_seconds", DECIMAL, now_s),
	ROW(status, "watched_since_seconds", DECIMAL, isamon_since_s),
	ROW(status, "up_since_seconds", DECIMAL, up_since_s),
	ROW(status, "down_since_seconds", DECIMAL, down_since_s),
	ROW(status, "main_pid", NUMBER, main_pid),
	ROW(status, "mains", NUMBER, mains),
	ROW(status, "workers", NUMBER, workers),
	ROW(status, "helpers", NUMBER, helpers),
	ROW(status, "interval_seconds", DECIMAL, interval_s),
	ROW(status, "requests_per_second", DECIMAL, requests_per_second),
	ROW(status, "errors_per_second", DECIMAL, errors_per_second),
	ROW(status, "errors", NUMBER, errors),
	ROW(status, "error_ratio", DECIMAL, error_ratio),
	ROW(status, "p50_seconds", DECIMAL, p50_s),
	ROW(status, "p99_seconds", DECIMAL, p99_s),
	ROW(status, "queue_p99_seconds", DECIMAL, queue_p99_s),
	ROW(status, "turn_p99_seconds", DECIMAL, turn_p99_s),
	ROW(status, "in_flight", NUMBER, in_flight),
	ROW(status, "connections", NUMBER, connections),
	ROW(status, "websockets_open", NUMBER, websockets_open),
	ROW(status, "cpu_ratio", DECIMAL, cpu_ratio),
	ROW(status, "cpus_used", DECIMAL, cpus_used),
	ROW(status, "memory_bytes", NUMBER, memory_bytes),
	ROW(status, "swap_bytes", NUMBER, swap_bytes),
	ROW(status, "memory_ratio", DECIMAL, memory_ratio),
	ROW(status, "threads", NUMBER, threads),
	ROW(status, "open_fds", NUMBER, open_fds),
	ROW(status, "least_free_fds", NUMBER, least_free_fds),
	ROW(status, "cpu_throttled_ratio", DECIMAL, cpu_throttled_ratio),
	ROW(status, "restarts", NUMBER, restarts),
	ROW(status, "oom_kills", NUMBER, oom_kills),
	ROW(status, "crashes", NUMBER, crashes),
	ROW(status, "crash_loop", MAYBE, crash_loop),
	ROW(status, "last_exit", TEXT, last_exit),
	ROW(status, "last_exit_expected", MAYBE, last_exit_expected),
	ROW(status, "last_exit_seconds", DECIMAL, last_exit_s),
	ROW(status, "last_kill", TEXT, last_kill),
	ROW(status, "last_kill_seconds", DECIMAL, last_kill_s),
	ROW(status, "last_crash", TEXT, last_crash),
	ROW(status, "last_crash_seconds", DECIMAL, last_crash_s),
	ROW(status, "last_oom", TEXT, last_oom),
	ROW(status, "last_oom_seconds", DECIMAL, last_oom_s),
	ROW(status, "records_lost", NUMBER, records_lost),
	ROW(status, "cloudwatch", MAYBE, cloudwatch_on),
	ROW(status, "cloudwatch_minutes", NUMBER, cloudwatch_minutes),
	ROW(status, "cloudwatch_success_seconds", DECIMAL, cloudwatch_success_s),
	ROW(status, "cloudwatch_problem", TEXT, cloudwatch_problem),
	ROW(status, "logs", MAYBE, logs_on),
	ROW(status, "logs_events", NUMBER, logs_events),
	ROW(status, "logs_backlog_bytes", NUMBER, logs_backlog_bytes),
	ROW(status, "logs_oldest_seconds", DECIMAL, logs_oldest_s),
	ROW(status, "logs_success_seconds", DECIMAL, logs_success_s),
	ROW(status, "logs_problem", TEXT, logs_problem),
	ROW(status, "jobs", NUMBER, jobs),
	ROW(status, "jobs_running", NUMBER, jobs_running),
	ROW(status, "jobs_problem", TEXT, jobs_problem),
	ROW(status, "restore_unfinished", TEXT, restore_unfinished),
	ROW(status, "update_unfinished", TEXT, update_unfinished),
};

static const struct member port_members[] = {
	MUST(status_port, "listening", BOOLEAN, listening),
	ROW(status_port, "queue_length", NUMBER, queue_length),
	ROW(status_port, "queue_limit", NUMBER, queue_limit),
	ROW(status_port, "drops", NUMBER, drops),
	ROW(status_port, "waiting_since_seconds", DECIMAL, waiting_since_s),
};

static const struct member probe_members[] = {
	MUST(status_probe, "probe", TEXT, name),
	MUST(status_probe, "up", BOOLEAN, up),
};
/* clang-format on */

static void free_json(json_t **j)
{
	json_decref(*j);
}

static void init_members(const struct member *list, size_t n, void *object)
{
	for (size_t i = 0; i < n; i++) {
		char *at = (char *)object + list[i].offset;

		if (list[i].type == NUMBER || list[i].type == MAYBE)
			*(uint64_t *)(void *)at = STATUS_UNKNOWN;
		else if (list[i].type == DECIMAL)
			*(double *)(void *)at = NAN;
		else
			memset(at, 0, list[i].size);
	}
}

void status_init(struct status *s)
{
	memset(s, 0, sizeof(*s));
	init_members(members, ARRAY_SIZE(members), s);
}

/* --- writing */

/* @text with what is not UTF-8 replaced; NULL: no memory. */
static json_t *text_json(const char *text)
{
	_cleanup_(buf_done) struct buf clean = BUF_INIT(STATUS_NAME_MAX * 8);
	size_t left = strlen(text), len;
	uint32_t c;

	for (; left; text += len, left -= len) {
		len = utf8_next(text, left, &c);
		if (len)
			buf_add(&clean, text, len);
		else
			buf_add_str(&clean, "\xef\xbf\xbd");
		len = len ? len : 1;
	}
	return clean.err ? NULL : json_stringn(buf_str(&clean), clean.len);
}

/* The value of a member; *ret_known false: it has none. */
static json_t *member_json(const struct member *m, const void *object, bool *ret_known)
{
	const char *at = (const char *)object + m->offset;
	uint64_t number = 0;
	double decimal = 0;

	if (m->type == NUMBER || m->type == MAYBE)
		memcpy(&number, at, sizeof(number));
	if (m->type == DECIMAL)
		memcpy(&decimal, at, sizeof(decimal));
	*ret_known =
		number <= INT64_MAX && isfinite(decimal) && (m->type != TEXT || *at || m->required);
	if (!*ret_known)
		return NULL;
	switch (m->type) {
	case NUMBER: return json_integer((json_int_t)number);
	case MAYBE: return json_boolean(number);
	case DECIMAL: return json_real(decimal);
	case TEXT: return text_json(at);
	default: return json_boolean(*(const bool *)(const void *)at);
	}
}

static int write_members(const struct member *list, size_t n, const void *object, json_t *into)
{
	for (size_t i = 0; i < n; i++) {
		bool known;
		json_t *value = member_json(&list[i], object, &known);

		if (known && json_object_set_new(into, list[i].key, value))
			return -ENOMEM; /* also if there was no value */
	}
	return 0;
}

static int write_port(const struct status_port *p, json_t *list)
{
	json_t *object = json_object();

	if (json_array_append_new(list, object) ||
	    json_object_set_new(object, "port", json_integer(p->port)))
		return -ENOMEM;
	return write_members(port_members, ARRAY_SIZE(port_members), p, object);
}

static int write_lists(const struct status *s, json_t *root)
{
	json_t *ports = json_array(), *probes = json_array();
	int err = 0;

	if (json_object_set_new(root, "ports", ports) ||
	    json_object_set_new(root, "probes", probes))
		return -ENOMEM;
	for (size_t i = 0; i < s->n_ports && !err; i++)
		err = write_port(&s->ports[i], ports);
	for (size_t i = 0; i < s->n_probes && !err; i++) {
		json_t *object = json_object();

		if (json_array_append_new(probes, object))
			return -ENOMEM;
		err = write_members(probe_members, ARRAY_SIZE(probe_members), &s->probes[i],
				    object);
	}
	return err;
}

static int write_verdict(const struct status *s, json_t *root)
{
	json_t *problems = json_array();

	if (json_object_set_new(root, "fine", json_boolean(s->fine)) ||
	    json_object_set_new(root, "problems", problems))
		return -ENOMEM;
	for (size_t i = 0; i < s->n_problems; i++)
		if (json_array_append_new(problems, text_json(s->problems[i])))
			return -ENOMEM;
	return 0;
}

static int add_text(const char *bytes, size_t n, void *ctx)
{
	return buf_add(ctx, bytes, n);
}

int status_json_write(const struct status *s, struct buf *out)
{
	_cleanup_(free_json) json_t *root = json_object();
	int err;

	if (!root)
		return -ENOMEM;
	err = write_members(members, ARRAY_SIZE(members), s, root);
	if (!err)
		err = write_lists(s, root);
	if (!err && s->judged)
		err = write_verdict(s, root);
	if (err)
		return err;
	if (json_dump_callback(root, add_text, out, JSON_REAL_PRECISION(15)))
		return out->err ? out->err : -ENOMEM;
	return buf_add_char(out, '\n');
}

/* --- reading */

/* A number in a decimal's place counts as one: a writer may leave out ".0". */
static int parse_value(const struct member *m, const json_t *value, void *object)
{
	char *at = (char *)object + m->offset;
	uint64_t number;
	double decimal;

	switch (m->type) {
	case NUMBER:
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return -EPROTO;
		number = (uint64_t)json_integer_value(value);
		memcpy(at, &number, sizeof(number));
		return 0;
	case DECIMAL:
		if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
		    !isfinite(json_number_value(value)))
			return -EPROTO;
		decimal = json_number_value(value);
		memcpy(at, &decimal, sizeof(decimal));
		return 0;
	case TEXT:
		if (!json_is_string(value) || json_string_length(value) >= m->size)
			return -EPROTO;
		memcpy(at, json_string_value(value), json_string_length(value));
		return 0;
	case MAYBE:
		if (!json_is_boolean(value))
			return -EPROTO;
		number = json_is_true(value);
		memcpy(at, &number, sizeof(number));
		return 0;
	default:
		if (!json_is_boolean(value))
			return -EPROTO;
		*(bool *)(void *)at = json_is_true(value);
		return 0;
	}
}

static int parse_members(const struct member *list, size_t n, const json_t *from, void *object)
{
	init_members(list, n, object);
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(from, list[i].key);
		int err = 0;

		if (value)
			err = parse_value(&list[i], value, object);
		else if (list[i].required)
			err = -EPROTO;
		if (err)
			return err;
	}
	return 0;
}

static int parse_port(const json_t *from, struct status_port *p)
{
	const json_t *port = json_object_get(from, "port");

	if (!json_is_integer(port) || json_integer_value(port) < 1 ||
	    json_integer_value(port) > UINT16_MAX)
		return -EPROTO;
	p->port = (uint16_t)json_integer_value(port);
	return parse_members(port_members, ARRAY_SIZE(port_members), from, p);
}

static int parse_lists(const json_t *root, struct status *s)
{
	const json_t *ports = json_object_get(root, "ports");
	const json_t *probes = json_object_get(root, "probes");
	int err = 0;

	if (!json_is_array(ports) || json_array_size(ports) > STATUS_PORTS_MAX ||
	    !json_is_array(probes) || json_array_size(probes) > STATUS_PROBES_MAX)
		return -EPROTO;
	for (; s->n_ports < json_array_size(ports) && !err; s->n_ports++)
		err = parse_port(json_array_get(ports, s->n_ports), &s->ports[s->n_ports]);
	for (; s->n_probes < json_array_size(probes) && !err; s->n_probes++)
		err = parse_members(probe_members, ARRAY_SIZE(probe_members),
				    json_array_get(probes, s->n_probes), &s->probes[s->n_probes]);
	return err;
}

int status_json_parse(const char *json, size_t len, struct status *ret)
{
	_cleanup_(free_json) json_t *root = json_loadb(json, len, 0, NULL);
	int err;

	status_init(ret);
	if (!json_is_object(root))
		return -EPROTO;
	err = parse_members(members, ARRAY_SIZE(members), root, ret);
	return err ? err : parse_lists(root, ret);
}
