/* SPDX-License-Identifier: MIT */
/*
 * Reads the text of a configuration file into a struct, by a schema, and collects its problems.
 *
 * The syntax is inih's: "[section]", "key = value", comments on lines of their own that begin with
 * # or ;. What inih would pass over in silence (long lines, text behind a section, continuation
 * lines, NUL bytes) is a problem, or, for indented lines, means the same as without the
 * indentation. Values of secret keys are in no problem, nor what may be one under a wrong name.
 */
#ifndef ISAMON_PARSE_H
#define ISAMON_PARSE_H

#include "base/buf.h"
#include "base/table.h"
#include "config/schema.h"

struct parse_source {
	const char *name; /* of the file, for messages */
	const char *text;
	size_t len;
};

/*
 * Sets the fields of @whole that the text names; keys that it does not name keep their value.
 * Problems are appended to @problems, one a line. @lines (may not be NULL) learns where each key
 * stands. Returns 0; -EINVAL: there are problems (@whole then holds a part); -ENOMEM.
 */
int parse_text(const struct schema *s, const struct parse_source *source, void *whole,
	       struct table *lines, struct buf *problems);

/* The line where @k of @into (the whole, or an item of it) stands; 0: nowhere. @i: which one of
 * SCHEMA_STRINGS; 0 for every other type. */
unsigned int parse_line_of(const struct table *lines, const struct schema_key *k, const void *into,
			   size_t i);
/* The line of the section, with a label, whose item @item is; 0: nowhere. */
unsigned int parse_section_line_of(const struct table *lines, const void *item);

#endif
