/* SPDX-License-Identifier: MIT */
/*
 * What may stand in a configuration file: sections, keys, types, ranges, defaults, in one table.
 *
 * A new key is a new row and a new field. A section either stands once, [http], and its keys are
 * fields of the whole configuration; or it has a label, [alarm "HighErrorRate"], may stand once
 * for each label, and its keys are fields of the item with that label.
 */
#ifndef ISAMON_SCHEMA_H
#define ISAMON_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum schema_type {
	SCHEMA_STRING,  /* char *, owned; min to max bytes */
	SCHEMA_PATH,    /* char *, owned; absolute, at most max bytes */
	SCHEMA_ADDRESS, /* char *, owned; a literal IPv4 or IPv6 address */
	SCHEMA_STRINGS, /* char *[max], owned, and their number; the key may be repeated */
	SCHEMA_U64,     /* uint64_t, min to max, of unit */
	SCHEMA_SIZE,   /* uint64_t in bytes, min to max; K, M, G, T or KiB, ... by powers of 1024 */
	SCHEMA_PORT,   /* uint16_t, 1 to 65535 */
	SCHEMA_PORTS,  /* uint16_t[max] and their number; a list by comma or space */
	SCHEMA_DOUBLE, /* double, finite */
	SCHEMA_BOOL,   /* bool */
	SCHEMA_ENUM,   /* an enum from 0; words are its names, in order, NULL at the end */
};

struct schema_key {
	const char *section;
	const char *name;
	enum schema_type type;
	bool power_of_two; /* SCHEMA_U64 and SCHEMA_SIZE */
	bool secret;       /* SCHEMA_STRING: in no message, and wiped */
	size_t offset;     /* of the field */
	size_t n_offset;   /* of the number (size_t), for SCHEMA_STRINGS and SCHEMA_PORTS */
	uint64_t min;
	uint64_t max;
	const char *unit;         /* for messages; NULL: a plain number */
	const char *const *words; /* SCHEMA_ENUM */
	const char *initial;      /* the default, as a file has it; of SCHEMA_STRINGS one a line */
};

struct schema_section {
	const char *name;
	/* NULL for a section without label. Otherwise makes the item with that label, with its
	 * defaults set. Returns 0; -ENOMEM; another -errno: there can be none, "what is wrong; what
	 * to do" is appended to @why. */
	int (*item)(void *whole, const char *label, struct buf *why, void **ret_item);
};

struct schema {
	const struct schema_section *sections;
	size_t n_sections;
	const struct schema_key *keys;
	size_t n_keys;
};

/* That of struct config. */
const struct schema *schema_config(void);

/* NULL if there is none. */
const struct schema_section *schema_find_section(const struct schema *s, const char *name);
const struct schema_key *schema_find_key(const struct schema *s, const char *section,
					 const char *name);

/* The name that was probably meant by @name, or NULL. A key is looked for in @section only. */
const char *schema_nearest_section(const struct schema *s, const char *name);
const char *schema_nearest_key(const struct schema *s, const char *section, const char *name);
/* Whether @name is, or was probably meant to be, a key whose value is secret. */
bool schema_is_secret(const struct schema *s, const char *name);
/* The section that has a key @name, or NULL. */
const char *schema_section_of(const struct schema *s, const char *name);

#endif
