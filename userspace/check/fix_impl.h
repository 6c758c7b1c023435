/* SPDX-License-Identifier: MIT */
/* Between the files of check/fix.h. */
#ifndef ISAMON_FIX_IMPL_H
#define ISAMON_FIX_IMPL_H

#include <sys/types.h>

#include "care/service_control.h"
#include "check/fix.h"
#include "check/tree.h"

#define FIX_TREE_MAX 1000000

struct fix_item {
	char *path; /* from the top */
	dev_t dev;
	ino_t ino;
	uid_t old_uid;
	gid_t old_gid;
	mode_t old_mode;
	struct tree_item want;
};

struct fix {
	const struct config *config;
	char title[512];
	int (*apply)(struct fix *x, struct buf *said, struct buf *why);
	/* Of the service. */
	struct service_control *control;
	bool restart;
	/* Of a tree. */
	int top_fd;
	struct fix_item *items;
	size_t n, size;
};

int fix_plan_service(struct fix *x, bool restart, struct buf *why);
int fix_plan_nginx(struct fix *x, bool reload, struct buf *why);
int fix_plan_tree(struct fix *x, const char *path, struct buf *why);

#endif
