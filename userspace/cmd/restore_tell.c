/* SPDX-License-Identifier: MIT */
/* isamon restore: how it ended, and what is unfinished. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/restore_cmd.h"
#include "cmd/status_format.h"

static const char *const end_words[] = {
	[RESTORE_NOTHING] = "nothing",
	[RESTORE_DONE] = "done",
	[RESTORE_ROLLED_BACK] = "rolled back",
	[RESTORE_UNFINISHED] = "unfinished",
};

static int status_of(int err, const struct restore_result *r)
{
	if (r->service_down)
		return CMD_NOT_OK;
	if (!err)
		return CMD_OK;
	if (r->end == RESTORE_UNFINISHED)
		return CMD_FAILED;
	return err == -EBADMSG || err == -EPERM || err == -EFBIG || err == -EHOSTDOWN ||
			       err == -ETIMEDOUT || err == -ENOENT ?
		       CMD_NOT_OK :
		       CMD_FAILED;
}

static int print_json(const struct restore_command *c, const char *target, int err,
		      const struct buf *why, const struct restore_result *r)
{
	_cleanup_(json_freep) json_t *j = json_pack(
		"{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I}",
		"fine", !err, "end", end_words[r->end], "target", target, "id", r->id, "archive",
		c->archive, "kept", r->kept, "why", err ? buf_str(why) : "", "service_down",
		r->service_down, "not_started", r->not_started, "has_manifest", r->has_manifest,
		"files", (json_int_t)r->files, "directories", (json_int_t)r->directories, "links",
		(json_int_t)r->links, "databases", (json_int_t)r->databases, "bytes",
		(json_int_t)r->bytes);

	return tool_print_json(RESTORE_COMMAND, j);
}

static void tell_end(const struct restore_command *c, const char *target,
		     const struct restore_result *r)
{
	static const char *const texts[] = {
		[RESTORE_NOTHING] = "nothing was changed",
		[RESTORE_DONE] = "it is in its place all the same",
		[RESTORE_ROLLED_BACK] = "the old directory is back in its place",
		[RESTORE_UNFINISHED] =
			"it is unfinished: isamon restore --resume goes on, isamon restore --abort goes back",
	};

	(void)c;
	fprintf(stderr, RESTORE_COMMAND ": %s: %s\n", target, texts[r->end]);
}

static void tell_done(const struct restore_command *c, const char *target,
		      const struct restore_result *r)
{
	char bytes[STATUS_CELL_MAX];

	if (c->abort) {
		printf("%s: as it was\n", target);
		return;
	}
	if (r->end == RESTORE_DONE && !r->files && !r->directories) {
		printf("%s: is restored\n", target); /* resumed: what is in it was told before */
	} else {
		status_format_bytes(r->bytes, bytes);
		printf("%s: %s: %" PRIu64 " file%s, %" PRIu64 " database%s, %s%s\n", target,
		       c->dry_run ? "can be restored" : "is restored", r->files,
		       status_format_s(r->files), r->databases, status_format_s(r->databases),
		       bytes,
		       r->has_manifest ? "" : "; the archive has no manifest to compare with");
	}
	if (r->not_started)
		puts("the service was stopped before, and is not started: isamon service start");
	if (*r->kept)
		printf("what was there before is kept for a day: %s\n", r->kept);
}

int restore_tell(const struct restore_command *c, const char *target, int err,
		 const struct buf *why, const struct restore_result *r)
{
	int status = status_of(err, r);

	if (err == -ECANCELED)
		fprintf(stderr, RESTORE_COMMAND ": " BACKUP_STOPPED "\n");
	else if (err || why->len)
		fprintf(stderr, RESTORE_COMMAND ": %s\n", why->len ? buf_str(why) : strerror(-err));
	if (err)
		tell_end(c, target, r);
	if (c->json)
		return print_json(c, target, err, why, r) == CMD_OK ? status : CMD_FAILED;
	if (!err)
		tell_done(c, target, r);
	return status;
}

/* An id is the time in UTC, 20261126-162410. */
static void tell_unfinished(const char *target, const struct restore_status *s)
{
	struct tm utc = { 0 }, local;
	char begun[40];
	time_t at;

	snprintf(begun, sizeof(begun), "%s UTC", s->id);
	if (strptime(s->id, "%Y%m%d-%H%M%S", &utc)) {
		at = timegm(&utc);
		if (localtime_r(&at, &local))
			strftime(begun, sizeof(begun), "%Y-%m-%d %H:%M:%S", &local);
	}
	printf("%s: a restore of %s, begun at %s, is %s at the step \"%s\"\n", target, s->archive,
	       begun, s->working ? "under way" : "unfinished", s->step);
	if (!s->working)
		puts("isamon restore --resume goes on, isamon restore --abort goes back");
}

static int tell_one(const struct restore_command *c, const char *target, json_t *list)
{
	struct restore_status s;
	int err = restore_look(target, &s);

	if (err) {
		fprintf(stderr, RESTORE_COMMAND ": %s: %s\n", target,
			err == -EBADMSG ? "what is beside it is no journal of a restore" :
					  strerror(-err));
		return CMD_FAILED;
	}
	if (!c->json && s.unfinished)
		tell_unfinished(target, &s);
	else if (!c->json)
		printf("%s: nothing is unfinished\n", target);
	json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:s, s:s, s:s}", "target", target,
					      "unfinished", s.unfinished, "working", s.working,
					      "id", s.id, "step", s.step, "archive", s.archive));
	return s.unfinished && !s.working ? CMD_NOT_OK : CMD_OK;
}

int restore_tell_status(const struct restore_command *c)
{
	_cleanup_(json_freep) json_t *list = json_array();
	const char *target;
	int status = CMD_OK;

	for (unsigned int i = 0; (target = restore_nth_target(c, i)); i++) {
		int one = tell_one(c, target, list);

		status = one > status ? one : status;
	}
	if (c->json && tool_print_json(RESTORE_COMMAND, list) != CMD_OK)
		return CMD_FAILED;
	return status;
}
