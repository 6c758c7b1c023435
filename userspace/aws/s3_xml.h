/* SPDX-License-Identifier: MIT */
/*
 * The XML in which S3 answers, read strictly and without a tree: elements are found by their names. Whatever uses more of XML than S3
 * does (DOCTYPE, comments, CDATA, attributes but on the root) is not found, or refused. Pure functions over bytes.
 */
#ifndef ISAMON_S3_XML_H
#define ISAMON_S3_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the text, which must outlive it. */
struct s3_xml {
	const char *at;
	size_t len;
};

/* What the root element @name holds. White space may stand before the document: S3 sends it while it works. Returns whether the document is whole
 * and has that root. */
bool s3_xml_root(const char *text, size_t len, const char *name, struct s3_xml *ret);
/* What the next element @name in @in holds; @in goes on behind it. No element holds one of its own name. Returns whether there is one. */
bool s3_xml_next(struct s3_xml *in, const char *name, struct s3_xml *ret);
/* The text of the first element @name in @in, unescaped, NUL-terminated, without a NUL in it. Returns whether it is there, text only, and fits into @size. */
bool s3_xml_text(struct s3_xml in, const char *name, char *to, size_t size);
/* Likewise a decimal number. */
bool s3_xml_u64(struct s3_xml in, const char *name, uint64_t *ret);
/* "%2F" and "+" of a key in a listing with encoding-type=url, in place. Returns whether it was right (no NUL, no half "%"). */
bool s3_xml_decode_key(char *key);

#endif
