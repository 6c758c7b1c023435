/* SPDX-License-Identifier: MIT */
/* The table of repairs. */
#include "check/fix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/fix_impl.h"

int fix_plan(const struct config *c, const struct finding *f, struct buf *why, struct fix **ret)
{
	struct fix *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	x->config = c;
	x->top_fd = -1;
	if (strcmp(f->fix, "service-start") == 0)
		err = fix_plan_service(x, false, why);
	else if (strcmp(f->fix, "service-restart") == 0)
		err = fix_plan_service(x, true, why);
	else if (strcmp(f->fix, "nginx-start") == 0)
		err = fix_plan_nginx(x, false, why);
	else if (strcmp(f->fix, "nginx-reload") == 0)
		err = fix_plan_nginx(x, true, why);
	else if (strcmp(f->fix, "permissions") == 0)
		err = fix_plan_tree(x, f->subject, why);
	else
		err = -ENOENT;
	if (err == -ENOENT && !why->len)
		buf_printf(why, "no repair is called \"%s\"", f->fix);
	if (err) {
		fix_free(x);
		return err;
	}
	*ret = x;
	return 0;
}

void fix_free(struct fix *x)
{
	if (!x)
		return;
	service_control_close(x->control);
	for (size_t i = 0; i < x->n; i++)
		free(x->items[i].path);
	free(x->items);
	if (x->top_fd >= 0)
		close(x->top_fd);
	free(x);
}

void fix_freep(struct fix **x)
{
	fix_free(*x);
}

const char *fix_title(const struct fix *x)
{
	return x->title;
}

int fix_apply(struct fix *x, struct buf *said, struct buf *why)
{
	return x->apply(x, said, why);
}
