/* SPDX-License-Identifier: MIT */
/* The families of logs (isamon_logs_*, isamon_log_*): none of them is on the page while logs are not shipped. */
#ifndef ISAMON_LOGS_PAGE_H
#define ISAMON_LOGS_PAGE_H

#include "metrics/logs_figures.h"
#include "metrics/page.h"

struct logs_page {
	bool enabled;
	struct logs_figures figures; /* which its owner brings up to date before a page */
};

/* For page_add(): ctx is the struct logs_page. */
bool logs_page_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
