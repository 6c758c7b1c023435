/* SPDX-License-Identifier: MIT */
/* isamon update app: what will change, and how it ended. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"
#include "cmd/update_app_cmd.h"

static const char *const end_words[] = {
	[RESTORE_NOTHING] = "nothing",
	[RESTORE_DONE] = "done",
	[RESTORE_ROLLED_BACK] = "rolled back",
	[RESTORE_UNFINISHED] = "unfinished",
};

/* --- the plan */

/* Subjects are others' words. */
static void print_commits(const struct update_difference *d)
{
	const char *at = buf_str(&d->commits);
	unsigned int n = 0;

	while (*at) {
		size_t len = strcspn(at, "\n");
		char line[256];

		utf8_make_plain(at, len, line, sizeof(line));
		printf("    %s\n", line);
		n++;
		at += len + (at[len] == '\n');
	}
	if (n && n < d->n_commits)
		printf("    and %u more\n", d->n_commits - n);
}

/* Names of branches may hold bytes that are no text, or that a terminal obeys. */
struct names {
	char branch[UPDATE_REF_MAX], ref[UPDATE_REF_MAX];
};

static struct names names_of(const struct update_plan *p)
{
	struct names n;

	utf8_make_plain(p->from.branch, sizeof(p->from.branch), n.branch, sizeof(n.branch));
	utf8_make_plain(p->ref, sizeof(p->ref), n.ref, sizeof(n.ref));
	return n;
}

void update_tell_plan(const struct update_command *c)
{
	const struct update_plan *p = &c->plan;
	const struct names names = names_of(p);

	if (p->nothing) {
		printf("%s: is at %s already (%.*s)\n", c->options.directory, names.ref,
		       UPDATE_COMMIT_SHOWN, p->to);
		return;
	}
	printf("%s: from %.*s (%s) to %.*s (%s)\n", c->options.directory, UPDATE_COMMIT_SHOWN,
	       p->from.commit, *names.branch ? names.branch : "no branch", UPDATE_COMMIT_SHOWN,
	       p->to, names.ref);
	printf("  %u new commit%s, %u file%s %s\n", p->difference.n_commits,
	       status_format_s(p->difference.n_commits), p->difference.n_files,
	       status_format_s(p->difference.n_files),
	       p->difference.n_files == 1 ? "is another" : "are others");
	print_commits(&p->difference);
	if (p->difference.n_back)
		printf("  %u commit%s that it has now %s not in it: it is older, or another line; %s\n",
		       p->difference.n_back, status_format_s(p->difference.n_back),
		       p->difference.n_back == 1 ? "is" : "are",
		       *p->from.branch ? "the branch stays where it is" :
					 "they stay in git's reflog");
	printf("  requirements: %s\n",
	       p->environment             ? p->difference.requirements ?
					    "others; a new environment is built beside the old one" :
					    "the same; a new environment is built all the same" :
	       p->difference.requirements ? "others; [app] has no environment to be built" :
					    "the same; the environment stays");
	fflush(stdout);
}

json_t *update_plan_json(const struct update_plan *p)
{
	const struct names names = names_of(p);

	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:b, s:b}", "from",
			 p->from.commit, "branch", names.branch, "to", p->to, "ref", names.ref,
			 "commits", (int)p->difference.n_commits, "commits_back",
			 (int)p->difference.n_back, "files", (int)p->difference.n_files,
			 "requirements_changed", p->difference.requirements, "new_environment",
			 p->environment, "up_to_date", p->nothing);
}

static int print(json_t *j, int status)
{
	_cleanup_(json_freep) json_t *mine = j;

	return tool_print_json(UPDATE_APP_COMMAND, mine) == CMD_OK ? status : CMD_FAILED;
}

int update_tell_plan_json(const struct update_command *c)
{
	return print(json_pack("{s:b, s:s, s:s, s:o}", "fine", true, "end", "nothing", "directory",
			       c->options.directory, "plan", update_plan_json(&c->plan)),
		     CMD_OK);
}

int update_tell_refused(const struct update_command *c, int err, const struct buf *why)
{
	int status = err == -EEXIST || err == -ENOENT || err == -EBUSY ? CMD_NOT_OK : CMD_FAILED;

	fprintf(stderr, UPDATE_APP_COMMAND ": %s\n", why->len ? buf_str(why) : strerror(-err));
	if (!c->json)
		return status;
	return print(json_pack("{s:b, s:s, s:s, s:s}", "fine", false, "end", "nothing", "directory",
			       c->options.directory, "why", buf_str(why)),
		     status);
}

/* --- the end */

static int status_of(int err, const struct update_result *r)
{
	if (r->service_down)
		return CMD_NOT_OK;
	if (!err)
		return CMD_OK;
	return err == -ENOENT || (r->end != RESTORE_UNFINISHED &&
				  (err == -EIO || err == -EHOSTDOWN || err == -ETIMEDOUT ||
				   err == -EEXIST)) ?
		       CMD_NOT_OK :
		       CMD_FAILED;
}

static int print_json(const struct update_command *c, int err, const struct buf *why,
		      const struct update_result *r, int status)
{
	json_t *j = json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b}", "fine",
			      !err, "end", end_words[r->end], "directory", c->options.directory,
			      "id", r->id, "from", r->from, "to", r->to, "kept", r->kept, "why",
			      err ? buf_str(why) : "", "service_down", r->service_down,
			      "not_started", r->not_started, "new_ran", r->new_ran);

	if (j && *c->plan.to)
		json_object_set_new(j, "plan", update_plan_json(&c->plan));
	return print(j, status);
}

static void tell_end(const struct update_command *c, const struct update_result *r)
{
	static const char *const texts[] = {
		[RESTORE_NOTHING] = "nothing was changed",
		[RESTORE_DONE] = "it is updated all the same",
		[RESTORE_ROLLED_BACK] = "the old code and environment are back",
		[RESTORE_UNFINISHED] =
			"it is unfinished: isamon update app --resume goes on, --abort goes back",
	};

	fprintf(stderr, UPDATE_APP_COMMAND ": %s: %s\n", c->options.directory, texts[r->end]);
}

/* What goes back is code and environment; what the new version did to a database, a migration maybe, does not. */
static void tell_data(const struct update_command *c, const struct update_result *r)
{
	if (r->end != RESTORE_ROLLED_BACK || !r->new_ran)
		return;
	fprintf(stderr,
		UPDATE_APP_COMMAND
		": the new version ran for a while, and data was left as it is: if that does not fit any more, %s\n",
		c->no_backup ?
			"an older backup has it (--no-backup: none was made before): isamon backup list" :
			"isamon restore --data brings back the backup that was made before it");
}

static void tell_done(const struct update_command *c, const struct update_result *r)
{
	if (c->abort) {
		printf("%s: as it was, at %.*s\n", c->options.directory, UPDATE_COMMIT_SHOWN,
		       r->from);
		return;
	}
	printf("%s: is updated to %.*s%s\n", c->options.directory, UPDATE_COMMIT_SHOWN, r->to,
	       r->not_started ? "; the service was stopped, and is not started" :
				", and the service is healthy");
	if (*r->kept)
		printf("the environment that was there before is kept: %s\n", r->kept);
}

int update_tell(const struct update_command *c, int err, const struct buf *why,
		const struct update_result *r)
{
	int status = status_of(err, r);

	if (err || why->len)
		fprintf(stderr, UPDATE_APP_COMMAND ": %s\n",
			why->len ? buf_str(why) : strerror(-err));
	if (err && err != -ENOENT)
		tell_end(c, r);
	tell_data(c, r);
	if (c->json)
		return print_json(c, err, why, r, status);
	if (!err)
		tell_done(c, r);
	return status;
}

int update_tell_status(const struct update_command *c)
{
	struct update_status s;
	int err = update_app_look(c->config->state_directory, &s);
	int status = s.unfinished && !s.working ? CMD_NOT_OK : CMD_OK;

	if (err) {
		fprintf(stderr, UPDATE_APP_COMMAND ": the journal: %s\n", strerror(-err));
		return CMD_FAILED;
	}
	if (c->json)
		return print(json_pack("{s:b, s:b, s:s, s:s, s:s}", "unfinished", s.unfinished,
				       "working", s.working, "id", s.id, "step", s.step,
				       "directory", s.directory),
			     status);
	if (s.unfinished)
		printf("%s: an update, begun at %s (UTC), is %s at the step \"%s\"\n", s.directory,
		       s.id, s.working ? "under way" : "unfinished", s.step);
	else
		printf("%s: no update is unfinished\n", c->options.directory);
	return status;
}
