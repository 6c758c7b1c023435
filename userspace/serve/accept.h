/* SPDX-License-Identifier: MIT */
/* What a client takes: the header Accept-Encoding. */
#ifndef ISAMON_ACCEPT_H
#define ISAMON_ACCEPT_H

enum accept_coding {
	ACCEPT_IDENTITY,
	ACCEPT_GZIP,
	ACCEPT_NOTHING, /* neither of the two: 406 */
};

/*
 * The coding for a client that sent @header (RFC 9110 12.5.3; several header lines joined by commas);
 * NULL: it sent none, and gets plain text, since people pipe that into other programs. Elements that
 * break the grammar count as absent.
 */
enum accept_coding accept_coding(const char *header);

#endif
