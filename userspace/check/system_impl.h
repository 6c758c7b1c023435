/* SPDX-License-Identifier: MIT */
/* What the files of the area "system" have of each other. */
#ifndef ISAMON_SYSTEM_IMPL_H
#define ISAMON_SYSTEM_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "check/check.h"

#define SYSTEM_FULL_WARNING 80u /* percent */
#define SYSTEM_FULL_PROBLEM 95u

/* What so many percent of something that can be full are. */
enum finding_result system_judge_full(unsigned int percent);
/* Of @used and what is @left beside it, rounded up, as df(1) has it. */
unsigned int system_percent(uint64_t used, uint64_t left);

/* "1.5 GiB" */
#define SYSTEM_SIZE_MAX 24
const char *system_size(uint64_t bytes, char ret[SYSTEM_SIZE_MAX]);

/* The checks; each as check_fn. */
int system_check_disks(const struct check_input *in, struct findings *out);
int system_check_clock(const struct check_input *in, struct findings *out);
int system_check_kernel_log(const struct check_input *in, struct findings *out);
int system_check_reboot(const struct check_input *in, struct findings *out);

/* Whether a file system of that type can be full in a way that matters: not those that the kernel makes up, nor those that are
 * read-only by nature; and whether one may hang while the network is away. */
bool system_type_counts(const char *type);
bool system_type_is_remote(const char *type);

#endif
