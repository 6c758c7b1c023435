/* SPDX-License-Identifier: MIT */
/* What the journals of restores and updates say. */
#include "check/unfinished.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "care/restore.h"
#include "care/service_lock.h"
#include "care/update_app.h"
#include "check/service_checks_impl.h"

#define WHY_MAX 2048

static void name_it(struct unfinished *u, const char *kind, const char *id, const char *directory,
		    bool working, const char *remedy)
{
	char plain[sizeof(u->what) - 64];

	utf8_make_plain(directory, strlen(directory), plain, sizeof(plain));
	*u = (struct unfinished){ .is = true, .working = working, .remedy = remedy };
	snprintf(u->what, sizeof(u->what), "the %s %.24s of %s", kind, id, plain);
}

int unfinished_restore(const struct config *c, struct unfinished *ret)
{
	const char *const targets[] = { c->backup_data, c->backup_config };

	*ret = (struct unfinished){ .is = false };
	for (size_t i = 0; i < ARRAY_SIZE(targets) && (!ret->is || ret->working); i++) {
		struct restore_status s;
		int err;

		if (*targets[i] != '/')
			continue;
		err = restore_look(targets[i], &s);
		if (err && err != -ENOENT)
			return err;
		if (!err && s.unfinished)
			name_it(ret, "restore", s.id, targets[i], s.working,
				"isamon restore --resume goes on, isamon restore --abort goes back");
	}
	return 0;
}

int unfinished_update(const struct config *c, struct unfinished *ret)
{
	struct update_status s;
	int err = update_app_look(c->state_directory, &s);

	*ret = (struct unfinished){ .is = false };
	if (!err && s.unfinished)
		name_it(ret, "update", s.id, s.directory, s.working,
			"isamon update app --resume goes on, isamon update app --abort goes back");
	return err;
}

int unfinished_find(const struct config *c, struct unfinished *ret)
{
	struct unfinished update = { .is = false };
	int err = unfinished_restore(c, ret);

	if (!err)
		err = unfinished_update(c, &update);
	if (!err && update.is && (!ret->is || (ret->working && !update.working)))
		*ret = update;
	return err;
}

/* Whoever stopped the service for what is half done will start it, when it is whole. */
int unfinished_refuse(const struct config *c, struct buf *why)
{
	struct unfinished u;
	int err = unfinished_find(c, &u);

	if (err)
		buf_printf(why, "whether a restore or an update was cut off: %s", strerror(-err));
	if (err || !u.is)
		return err;
	if (u.working)
		buf_printf(why, "%s is under way, and starts the service itself", u.what);
	else
		buf_printf(why, "%s was cut off: %s", u.what, u.remedy);
	return -EBUSY;
}

int unfinished_hold(const struct config *c, bool starts, struct buf *why, int *ret_fd)
{
	_cleanup_(buf_done) struct buf other = BUF_INIT(WHY_MAX);
	int err = service_lock_shared(c->state_directory, why, ret_fd), found;

	if (err == -EBUSY || !starts)
		return err;
	found = unfinished_refuse(c, &other);
	if (err && found != -EBUSY)
		return err;
	buf_reset(why);
	buf_add_str(why, buf_str(&other));
	return found;
}

int service_look_unfinished(const struct check_input *in, struct findings *out)
{
	struct finding_text t = { .id = "service.unfinished" };
	struct unfinished u;
	int err = unfinished_find(in->config, &u);

	if (err) {
		t.result = FINDING_UNKNOWN;
		t.remedy = err == -EACCES || err == -EPERM ? "run this as root" : NULL;
		return findings_add(out, &t, "whether a restore or an update was cut off: %s",
				    strerror(-err));
	}
	if (!u.is)
		return findings_add(out, &t, "no restore and no update was cut off");
	t.result = u.working ? FINDING_NOTE : FINDING_PROBLEM;
	t.meaning = u.working ? "the service is stopped for it in a while, and started again" :
				"the service may be stopped, or be half the old one and half the "
				"new one";
	t.remedy = u.working ? NULL : u.remedy;
	return findings_add(out, &t, "%s %s", u.what, u.working ? "is under way" : "was cut off");
}
