/* SPDX-License-Identifier: MIT */
/* The few macros that every file of isamon may use. */
#ifndef ISAMON_UTIL_H
#define ISAMON_UTIL_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A variable that cleans up after itself: _cleanup_(buf_done) struct buf b = BUF_INIT(64); */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Hands a scoped pointer on: the variable becomes NULL, so that its clean-up does nothing. */
#define take(p) \
	({ \
		__typeof__(p) take_value = (p); \
		(p) = NULL; \
		take_value; \
	})

#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
