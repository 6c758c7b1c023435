/* SPDX-License-Identifier: MIT */
/* The service's TCP connections, from the kernel's totals: resets, segments sent again, round trips. */
#ifndef ISAMON_TCP_METRICS_H
#define ISAMON_TCP_METRICS_H

#include <stdbool.h>

#include "metrics/page.h"

/* For page_add(): isamon_tcp_*; ctx is the struct http_metrics. Nothing before the first totals. */
bool tcp_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
