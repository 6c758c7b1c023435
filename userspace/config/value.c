/* SPDX-License-Identifier: MIT */
/* Values: one function a type. Each looks first and stores last, so that an error changes
 * nothing. */
#include "config/value.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static void *field_of(const struct schema_key *k, void *into)
{
	return (char *)into + k->offset;
}

static size_t *count_of(const struct schema_key *k, void *into)
{
	return (size_t *)(void *)((char *)into + k->n_offset);
}

/* "write a whole number from 64 to 65536, in KiB" */
static void describe_range(const struct schema_key *k, struct buf *why)
{
	if (!why)
		return;
	buf_printf(why, "write a %s from %llu to %llu",
		   k->power_of_two ? "power of two" : "whole number", (unsigned long long)k->min,
		   (unsigned long long)k->max);
	if (k->unit)
		buf_printf(why, ", in %s", k->unit);
}

static int refuse(int err, struct buf *why, const char *text)
{
	if (why)
		buf_add_str(why, text);
	return err;
}

static void string_free(const struct schema_key *k, char **field)
{
	if (*field && k->secret)
		explicit_bzero(*field, strlen(*field));
	free(*field);
	*field = NULL;
}

static int string_store(const struct schema_key *k, void *into, const char *text)
{
	char **field = field_of(k, into);
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	string_free(k, field);
	*field = copy;
	return 0;
}

static int string_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	size_t n = strlen(text);

	if (k->type == SCHEMA_PATH && *text && text[0] != '/')
		return refuse(-EINVAL, why, "not an absolute path; begin it with /");
	if (n < k->min || n > k->max) {
		if (why)
			buf_printf(why, "%zu bytes long; write at most %llu", n,
				   (unsigned long long)k->max);
		return -ERANGE;
	}
	return string_store(k, into, text);
}

static int address_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
		return refuse(-EINVAL, why,
			      "not an IP address; write one such as 127.0.0.1 or ::1 "
			      "(names are not looked up)");
	return string_store(k, into, text);
}

static int strings_add(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	char **list = field_of(k, into);
	size_t *n = count_of(k, into);

	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i], text) == 0)
			return refuse(-EINVAL, why, "stands here twice; remove one of them");
	if (*n >= k->max) {
		if (why)
			buf_printf(why, "one too many; there may be %llu",
				   (unsigned long long)k->max);
		return -ERANGE;
	}
	list[*n] = strdup(text);
	if (!list[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

static int u64_store(const struct schema_key *k, void *into, uint64_t v, struct buf *why)
{
	bool fits = v >= k->min && v <= k->max;

	if (fits && (!k->power_of_two || (v && !(v & (v - 1))))) {
		*(uint64_t *)field_of(k, into) = v;
		return 0;
	}
	refuse(0, why, fits ? "not a power of two; " : "out of range; ");
	describe_range(k, why);
	return -ERANGE;
}

static int u64_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	uint64_t v = UINT64_MAX;
	int err = number_parse_u64(text, 0, UINT64_MAX, &v);

	if (err == 0)
		return u64_store(k, into, v, why);
	refuse(0, why, err == -ERANGE ? "out of range; " : "not a number; ");
	describe_range(k, why);
	return err;
}

/* The power of 1024 that "", "K", "KiB", "M", ... stand for; -1: none. */
static int size_power(const char *suffix)
{
	static const char letters[] = "KMGT";
	const char *letter;

	if (!*suffix || strcmp(suffix, "B") == 0)
		return 0;
	letter = strchr(letters, *suffix);
	if (!letter || (suffix[1] && strcmp(suffix + 1, "iB") != 0))
		return -1;
	return (int)(letter - letters) + 1;
}

static int size_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	static const char what[] = "not a size; write one such as 64M or 2 GiB";
	size_t digits = strspn(text, "0123456789");
	int power = size_power(text + digits + strspn(text + digits, " "));
	char number[24];
	uint64_t v;

	if (power < 0 || digits == 0 || digits >= sizeof(number))
		return refuse(-EINVAL, why, what);
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (number_parse_u64(number, 0, UINT64_MAX >> (10 * power), &v))
		return refuse(-ERANGE, why, "out of range; write a smaller size");
	return u64_store(k, into, v << (10 * power), why);
}

static int port_parse(const char *text, uint16_t *ret_port, struct buf *why)
{
	uint64_t v;
	int err = number_parse_u64(text, 1, 65535, &v);

	if (err) {
		if (why)
			buf_printf(why, "\"%s\" is not a port; write a number from 1 to 65535",
				   text);
		return err;
	}
	*ret_port = (uint16_t)v;
	return 0;
}

/* Appends the port that the @n bytes at @text are to @ports. */
static int ports_add(const char *text, size_t n, uint16_t *ports, size_t *n_ports, size_t max,
		     struct buf *why)
{
	char one[24];
	int err;

	if (n >= sizeof(one))
		n = sizeof(one) - 1; /* no port is that long: what remains is none either */
	memcpy(one, text, n);
	one[n] = '\0';
	if (*n_ports >= max) {
		if (why)
			buf_printf(why, "too many ports; write at most %zu", max);
		return -ERANGE;
	}
	err = port_parse(one, &ports[*n_ports], why);
	if (err)
		return err;
	for (size_t i = 0; i < *n_ports; i++) {
		if (ports[i] == ports[*n_ports]) {
			if (why)
				buf_printf(why, "port %s stands here twice; write it once", one);
			return -EINVAL;
		}
	}
	(*n_ports)++;
	return 0;
}

static int ports_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	static const char separators[] = ", \t";
	uint16_t ports[64];
	size_t n = 0;

	assert(k->max <= ARRAY_SIZE(ports));
	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		int err = ports_add(text, len, ports, &n, k->max, why);

		if (err)
			return err;
		text += len;
	}
	if (n == 0)
		return refuse(-EINVAL, why, "no port; write one or more, such as 8000, 8001");
	memcpy(field_of(k, into), ports, n * sizeof(ports[0]));
	*count_of(k, into) = n;
	return 0;
}

static int double_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	double v;
	int err = number_parse_double(text, &v);

	if (err)
		return refuse(err, why,
			      err == -ERANGE ? "out of range; write a smaller number" :
					       "not a number; write one such as 10 or 0.5");
	*(double *)field_of(k, into) = v;
	return 0;
}

static int bool_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	int v;

	if (number_parse_bool(text, &v))
		return refuse(-EINVAL, why, "neither yes nor no; write one of them");
	*(bool *)field_of(k, into) = v != 0;
	return 0;
}

static int enum_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	for (unsigned int i = 0; k->words[i]; i++) {
		if (strcmp(k->words[i], text) == 0) {
			memcpy(field_of(k, into), &i, sizeof(i));
			return 0;
		}
	}
	refuse(0, why, "not known; write one of");
	for (unsigned int i = 0; why && k->words[i]; i++)
		buf_printf(why, "%s %s", i ? "," : "", k->words[i]);
	return -EINVAL;
}

static bool is_text(const struct schema_key *k)
{
	return k->type == SCHEMA_STRING || k->type == SCHEMA_PATH || k->type == SCHEMA_ADDRESS;
}

int value_set(const struct schema_key *k, void *into, const char *text, struct buf *why)
{
	if (!*text && !(k->initial && !*k->initial)) {
		return refuse(-EINVAL, why,
			      "there is no value; write one, or remove the line to "
			      "have the default");
	}
	if (!*text && !is_text(k))
		return 0; /* none: the default, written out */
	switch (k->type) {
	case SCHEMA_STRING:
	case SCHEMA_PATH: return string_set(k, into, text, why);
	case SCHEMA_ADDRESS: return address_set(k, into, text, why);
	case SCHEMA_STRINGS: return strings_add(k, into, text, why);
	case SCHEMA_U64: return u64_set(k, into, text, why);
	case SCHEMA_SIZE: return size_set(k, into, text, why);
	case SCHEMA_PORT: return port_parse(text, field_of(k, into), why);
	case SCHEMA_PORTS: return ports_set(k, into, text, why);
	case SCHEMA_DOUBLE: return double_set(k, into, text, why);
	case SCHEMA_BOOL: return bool_set(k, into, text, why);
	case SCHEMA_ENUM: return enum_set(k, into, text, why);
	}
	assert(!"a type that is not known");
	return -EINVAL;
}

size_t value_count(const struct schema_key *k, const void *into)
{
	if (k->type != SCHEMA_STRINGS)
		return 0;
	return *(const size_t *)(const void *)((const char *)into + k->n_offset);
}

void value_clear(const struct schema_key *k, void *into)
{
	char **strings = field_of(k, into);

	switch (k->type) {
	case SCHEMA_STRING:
	case SCHEMA_PATH:
	case SCHEMA_ADDRESS: string_free(k, strings); break;
	case SCHEMA_STRINGS:
		for (size_t i = 0; i < *count_of(k, into); i++) {
			free(strings[i]);
			strings[i] = NULL;
		}
		*count_of(k, into) = 0;
		break;
	case SCHEMA_PORTS: *count_of(k, into) = 0; break;
	default: break;
	}
}

/* Whether the fields that value_set_initial() and value_clear_all() are about include @k's. */
static bool is_about(const struct schema *s, const char *section, const struct schema_key *k)
{
	if (section)
		return strcmp(k->section, section) == 0;
	return !schema_find_section(s, k->section)->item;
}

static int initial_set(const struct schema_key *k, void *into)
{
	const char *at = k->initial;

	if (k->type != SCHEMA_STRINGS)
		return at ? value_set(k, into, at, NULL) : 0;
	while (at && *at) {
		size_t n = strcspn(at, "\n");
		char *one = strndup(at, n);
		int err = one ? value_set(k, into, one, NULL) : -ENOMEM;

		free(one);
		if (err)
			return err;
		at += n + (at[n] == '\n');
	}
	return 0;
}

int value_set_initial(const struct schema *s, const char *section, void *into)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		int err = is_about(s, section, &s->keys[i]) ? initial_set(&s->keys[i], into) : 0;

		assert(err == 0 || err == -ENOMEM);
		if (err)
			return err;
	}
	return 0;
}

void value_clear_all(const struct schema *s, const char *section, void *into)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (is_about(s, section, &s->keys[i]))
			value_clear(&s->keys[i], into);
}
