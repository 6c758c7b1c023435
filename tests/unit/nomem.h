/* SPDX-License-Identifier: MIT */
/*
 * Makes the nth allocation fail. A test includes this, and then the .c files that it tries: what
 * they allocate goes through here, and the library's copies of them are not linked.
 *
 *   for (n = 1; nomem_again(n); n++)
 *   	...try it; expect -ENOMEM and nothing changed if nomem_hit()...
 *
 * The loop ends after the first round in which fewer than n allocations were made.
 */
#ifndef ISAMON_NOMEM_H
#define ISAMON_NOMEM_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct {
	unsigned int fail_at; /* 0: never */
	unsigned int made;
} nomem;

/* Begins a round in which allocation @n fails; false when the round before had fewer. */
__attribute__((unused)) static bool nomem_again(unsigned int n)
{
	bool again = n == 1 || nomem.made >= nomem.fail_at;

	nomem.fail_at = again ? n : 0;
	nomem.made = 0;
	return again && n < 10000;
}

/* Whether the allocation of this round has failed already. */
__attribute__((unused)) static bool nomem_hit(void)
{
	return nomem.fail_at && nomem.made >= nomem.fail_at;
}

static bool nomem_fails(void)
{
	return ++nomem.made == nomem.fail_at;
}

__attribute__((unused)) static void *nomem_malloc(size_t n)
{
	return nomem_fails() ? NULL : malloc(n);
}

__attribute__((unused)) static void *nomem_calloc(size_t n, size_t size)
{
	return nomem_fails() ? NULL : calloc(n, size);
}

__attribute__((unused)) static void *nomem_realloc(void *p, size_t n)
{
	return nomem_fails() ? NULL : realloc(p, n);
}

__attribute__((unused)) static char *nomem_strdup(const char *s)
{
	return nomem_fails() ? NULL : strdup(s);
}

__attribute__((unused)) static char *nomem_strndup(const char *s, size_t n)
{
	return nomem_fails() ? NULL : strndup(s, n);
}

#undef strdup
#undef strndup
#define malloc nomem_malloc
#define calloc nomem_calloc
#define realloc nomem_realloc
#define strdup nomem_strdup
#define strndup nomem_strndup

#endif
