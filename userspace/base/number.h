/* SPDX-License-Identifier: MIT */
/* The one number parser. */
#ifndef ISAMON_NUMBER_H
#define ISAMON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits only: no sign, no space, nothing behind. Returns 0; -EINVAL: not a number;
 * -ERANGE: outside [min, max]. *ret_value is written only on success. */
int number_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret_value);

/* As "10", "-0.5" or "1e6": no space, no hexadecimal, no infinity or NaN. Returns 0; -EINVAL: not a
 * number; -ERANGE: too large for a double. *ret_value is written only on success. */
int number_parse_double(const char *s, double *ret_value);

/* "yes"/"no", "true"/"false", "on"/"off", "1"/"0", in upper or lower case. Returns 0 or -EINVAL.
 * *ret_value, 0 or 1, is written only on success. */
int number_parse_bool(const char *s, int *ret_value);

#endif
