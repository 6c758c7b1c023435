/* SPDX-License-Identifier: MIT */
/* A restore, or an update, at which a process is working is not unfinished: it was not cut off. */
#include "cmd/restore_watch.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "care/restore.h"
#include "care/update_app.h"
#include "cmd/backup_cmd.h"

#define AGAIN_NS (60 * NS_PER_SEC)

static void look_at(struct restore_watch *w, const struct config *c, int kind)
{
	const char *target = backup_source(c, kind);
	struct restore_status s;
	int err;

	if (!target)
		return;
	err = restore_look(target, &s);
	if (err)
		log_warning("whether a restore of %s is unfinished cannot be told: %s", target,
			    strerror(-err));
	if (err || !s.unfinished || s.working)
		return;
	if (!w->n++)
		snprintf(w->target, sizeof(w->target), "%s", target);
}

static void look_at_update(struct restore_watch *w, const struct config *c)
{
	struct update_status s;
	int err = update_app_look(c->state_directory, &s);

	if (err)
		log_warning("whether an update is unfinished cannot be told: %s: %s",
			    c->state_directory, strerror(-err));
	if (err || !s.unfinished || s.working)
		return;
	w->update = true;
	snprintf(w->app, sizeof(w->app), "%.*s", (int)sizeof(w->app) - 1, s.directory);
}

static void tell_update(const struct restore_watch *before, const struct restore_watch *now)
{
	if (now->update && !before->update)
		log_error(
			"an update of %s was cut off and is unfinished: isamon update app --resume goes on with it, "
			"isamon update app --abort brings the old code and environment back",
			now->app);
	else if (!now->update && before->update)
		log_info("the update of %s is not unfinished any more", before->app);
}

void restore_watch_look(struct restore_watch *w, const struct config *c, uint64_t now_ns)
{
	const struct restore_watch before = *w;

	*w = (struct restore_watch){ .n = 0 };
	for (int kind = 0; kind < BACKUP_KINDS; kind++)
		look_at(w, c, kind);
	if (w->n && !before.n)
		log_error(
			"a restore of %s was cut off and is unfinished: isamon restore --resume goes on with it, "
			"isamon restore --abort brings the old directory back",
			w->target);
	else if (!w->n && before.n)
		log_info("the restore of %s is not unfinished any more", before.target);
	look_at_update(w, c);
	tell_update(&before, w);
	if (w->n || w->update)
		w->next_ns = now_ns + AGAIN_NS;
}

void restore_watch_second(struct restore_watch *w, const struct config *c, uint64_t now_ns)
{
	if (w->next_ns && now_ns >= w->next_ns)
		restore_watch_look(w, c, now_ns);
}
