/* SPDX-License-Identifier: MIT */
#ifndef ISAMON_CLOCK_H
#define ISAMON_CLOCK_H

#include <stdint.h>

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS 1000000ull
#define DAY_S 86400

/* CLOCK_MONOTONIC: the clock of BPF's bpf_ktime_get_ns(). */
uint64_t clock_monotonic_ns(void);
/* CLOCK_REALTIME, since the epoch. */
uint64_t clock_realtime_ns(void);

#endif
