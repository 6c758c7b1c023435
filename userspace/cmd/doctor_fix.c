/* SPDX-License-Identifier: MIT */
/* isamon doctor --fix: one repair after the other, the cause first, each shown, asked for, logged; after each all is looked at again, for what
 * followed from it is well then. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "check/diagnosis.h"
#include "check/fix.h"
#include "cmd/doctor_cmd.h"
#include "cmd/tool.h"

#define PLAN_LINES 20
#define FIXES_MAX 100
#define PLAN_MAX 65536
#define WHY_MAX 4096
#define SAID_MAX (WHY_MAX + 512)
#define LINE_BYTES 1024

/* What becomes of a repair, in the words of --json. */
#define DONE "done"
#define FAILED "failed"
#define REFUSED "refused"

/* Line by line: others' words are among it, for a terminal and for JSON. */
static void add_plain(const char *text, struct buf *out)
{
	for (bool first = true; *text; first = false) {
		const size_t n = strcspn(text, "\n");
		char line[LINE_BYTES];

		utf8_make_plain(text, n, line, sizeof(line));
		buf_printf(out, "%s%s", first ? "" : "\n", line);
		text += n + (text[n] == '\n');
	}
}

/* Its record is what tells that it was tried. */
static void tell(struct doctor *d, const struct finding *f, const char *words, const char *result,
		 const char *said)
{
	_cleanup_(buf_done) struct buf plain = BUF_INIT(SAID_MAX);
	char title[LINE_BYTES];
	const char *text;

	utf8_make_plain(words, strlen(words), title, sizeof(title));
	add_plain(said, &plain);
	text = buf_str(&plain);
	fprintf(stderr, DOCTOR ": %s: %s%s%s\n", title, result, *text ? ": " : "", text);
	if (strcmp(result, REFUSED) != 0)
		syslog(LOG_NOTICE, "doctor --fix: %s: %s%s%.500s", title, result, *text ? ": " : "",
		       text);
	json_array_append_new(d->fixes,
			      json_pack("{s:s, s:s, s:s, s:s, s:s}", "fix", f->fix, "subject",
					f->subject, "what", title, "result", result, "said", text));
}

static int apply(struct doctor *d, const struct finding *f, struct fix *x)
{
	_cleanup_(buf_done) struct buf said = BUF_INIT(SAID_MAX), why = BUF_INIT(WHY_MAX);
	int err;

	fprintf(stderr, DOCTOR ": %s ...\n", fix_title(x));
	err = fix_apply(x, &said, &why);
	if (err)
		buf_printf(&said, "%s%s", said.len ? "; " : "",
			   why.len ? buf_str(&why) : strerror(-err));
	tell(d, f, fix_title(x), err ? FAILED : DONE, buf_str(&said));
	return err;
}

/* Returns whether something was changed, or may have been; -ENOTTY: nobody can be asked. */
static int try_fix(struct doctor *d, const struct finding *f, bool yes)
{
	_cleanup_(buf_done) struct buf plan = BUF_INIT(PLAN_MAX), why = BUF_INIT(WHY_MAX);
	_cleanup_(fix_freep) struct fix *x = NULL;
	char question[600];
	int err = fix_plan(d->input.config, f, &why, &x), answer;

	if (err) {
		tell(d, f, f->fix, FAILED, why.len ? buf_str(&why) : strerror(-err));
		return 0;
	}
	fix_describe(x, PLAN_LINES, &plan);
	fprintf(stderr, "\n%s: %s\nRepair: %s\n%s", f->id, f->evidence, fix_title(x),
		buf_str(&plan));
	snprintf(question, sizeof(question), "%s?", fix_title(x));
	answer = tool_confirm(DOCTOR, question, yes);
	if (answer < 0)
		return answer;
	if (!answer) {
		tell(d, f, fix_title(x), REFUSED, "");
		return 0;
	}
	apply(d, f, x);
	return 1;
}

/* One that starts and one that restarts are the same to whoever has tried one of them in vain. */
static bool was_tried(const struct doctor *d, const struct finding *f)
{
	const size_t n = strcspn(f->fix, "-");
	size_t i;
	json_t *j;

	json_array_foreach(d->fixes, i, j) {
		const char *fix = json_member_text(j, "fix", "");

		if (strncmp(fix, f->fix, n) == 0 && strcspn(fix, "-") == n &&
		    strcmp(json_member_text(j, "subject", ""), f->subject) == 0)
			return true;
	}
	return false;
}

static bool is_next(const struct finding *f, void *ctx)
{
	return *f->fix && !was_tried(ctx, f);
}

int doctor_fix(struct doctor *d, bool yes)
{
	const struct finding *f;
	int changed = 0;

	if (geteuid() != 0) {
		fprintf(stderr, DOCTOR ": --fix: only root can repair\n");
		return -EPERM;
	}
	d->fixes = json_array();
	if (!d->fixes)
		return -ENOMEM;
	openlog("isamon", LOG_PID, LOG_DAEMON);
	while (json_array_size(d->fixes) < FIXES_MAX &&
	       (f = diagnosis_next(&d->found, is_next, d))) {
		const size_t n = json_array_size(d->fixes);

		changed = try_fix(d, f, yes);
		if (changed < 0 || json_array_size(d->fixes) == n ||
		    (changed > 0 && doctor_look(d)))
			break;
	}
	closelog();
	return changed < 0 ? changed : 0;
}
