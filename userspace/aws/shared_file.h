/* SPDX-License-Identifier: MIT */
/*
 * The syntax of ~/.aws/credentials and ~/.aws/config
 * (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html): sections in brackets, "key = value", comments on
 * lines that begin with # or ;, lines below a key that are indented belong to it ("s3 =" and what is nested in it).
 *
 * Our own reader: the library inih cuts lines at 200 bytes without a word, and a session token has a thousand.
 */
#ifndef ISAMON_SHARED_FILE_H
#define ISAMON_SHARED_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* The two files name the section of a profile differently. */
enum shared_file {
	SHARED_CREDENTIALS, /* [NAME] */
	SHARED_CONFIG,      /* [profile NAME], [default] */
};

/* Called for each key of the profile, in their order, with texts that are valid until it returns; 0 or -errno, which ends the
 * reading. The key is in lower case. */
typedef int (*shared_file_fn)(const char *key, const char *value, void *ctx);

/*
 * Reads @text, in which it writes. *ret_found: whether the file has a section of the profile (several of one name are one).
 * Lines that mean nothing are passed over. Returns 0 or the error of @fn.
 */
int shared_file_read(char *text, enum shared_file kind, const char *profile, shared_file_fn fn,
		     void *ctx, bool *ret_found);

#endif
