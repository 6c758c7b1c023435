/* SPDX-License-Identifier: MIT */
/* A report for people and for programs. Invariant: what comes from the host is plain text: findings see to their controls, this to the
 * rest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/audit_cmd.h"
#include "cmd/wrap.h"

#define INDENT 6
#define TEXT_MAX 6000

/* Writes @text behind @lead ("      "), broken between words. */
static void wrap(const char *lead, const char *text, struct buf *out)
{
	char plain[TEXT_MAX];

	utf8_make_plain(text, strlen(text), plain, sizeof(plain));
	wrap_line(lead, INDENT, plain, strlen(plain), out);
}

static bool is_shown(const struct audit_report *r, const struct audit_look *look, size_t i)
{
	const struct audit_mark *m = &r->marks[i];

	if (look->only_new)
		return m->is_new && (!m->accepted || look->all);
	if (m->accepted)
		return look->all;
	return r->found.list[i].result != FINDING_FINE || look->all;
}

static void write_finding(const struct audit_report *r, size_t i, struct buf *out)
{
	const struct finding *f = &r->found.list[i];
	const struct audit_mark *m = &r->marks[i];
	_cleanup_(buf_done) struct buf head = BUF_INIT(TEXT_MAX);

	buf_printf(&head, "%s%s%s", f->id, *f->subject ? " " : "", f->subject);
	if (m->is_new && r->last_s)
		buf_add_str(&head, " [new]");
	if (m->accepted)
		buf_add_str(&head, " [accepted]");
	wrap("  ", buf_str(&head), out);
	wrap("      ", f->evidence, out);
	if (*f->meaning)
		wrap("      ", f->meaning, out);
	if (*f->remedy)
		wrap("      -> ", f->remedy, out);
}

static void write_grade(const struct audit_report *r, const struct audit_look *look,
			enum finding_result result, const char *title, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < r->found.n; i++) {
		if (r->found.list[i].result != result || !is_shown(r, look, i))
			continue;
		if (!any)
			buf_printf(out, "%s\n", title);
		any = true;
		write_finding(r, i, out);
	}
	if (any)
		buf_add_char(out, '\n');
}

static void write_gone(const struct audit_report *r, struct buf *out)
{
	const json_t *j;
	size_t i;

	if (!json_array_size(r->gone))
		return;
	buf_add_str(out, "GONE SINCE THE LAST RUN\n");
	json_array_foreach(r->gone, i, j) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(TEXT_MAX);

		buf_printf(&line, "%s %s (%s)", json_member_text(j, "id", ""),
			   json_member_text(j, "subject", ""), json_member_text(j, "result", ""));
		wrap("  ", buf_str(&line), out);
	}
	buf_add_char(out, '\n');
}

static void write_verdict(const struct audit_report *r, struct buf *out)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(TEXT_MAX);
	const time_t last = r->last_s;
	char when[32] = "?";
	struct tm tm;

	buf_printf(&line, "%s: %zu high, %zu medium, %zu low", r->n_bad ? "NOT FINE" : "fine",
		   r->n[FINDING_PROBLEM], r->n[FINDING_WARNING], r->n[FINDING_NOTE]);
	if (r->n_accepted)
		buf_printf(&line, ", %zu accepted", r->n_accepted);
	if (r->n[FINDING_UNKNOWN])
		buf_printf(&line, "; %zu could not be looked at", r->n[FINDING_UNKNOWN]);
	if (r->found.more)
		buf_add_str(&line, "; there are more than are counted here");
	if (!r->last_s) {
		buf_add_str(&line, "; no earlier run to compare with");
	} else {
		if (localtime_r(&last, &tm))
			strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
		buf_printf(&line, "; since %s: %zu new, %zu gone", when, r->n_new,
			   json_array_size(r->gone));
	}
	wrap("", buf_str(&line), out);
}

int audit_format(const struct audit_report *r, const struct audit_look *look, struct buf *out)
{
	write_grade(r, look, FINDING_PROBLEM, "HIGH", out);
	write_grade(r, look, FINDING_WARNING, "MEDIUM", out);
	write_grade(r, look, FINDING_NOTE, "LOW", out);
	write_grade(r, look, FINDING_UNKNOWN, "NOT LOOKED AT", out);
	write_grade(r, look, FINDING_FINE, "FINE", out);
	write_gone(r, out);
	write_verdict(r, out);
	return out->err;
}

/* --- JSON */

static int add_marks(json_t *j, const struct finding *f, const struct audit_mark *m)
{
	int bad = json_object_set_new(j, "grade", json_string(audit_grade(f->result)));

	if (!audit_is_bad(f->result))
		return bad;
	bad |= json_object_set_new(j, "new", json_boolean(m->is_new));
	bad |= json_object_set_new(j, "accepted", json_boolean(m->accepted));
	return bad | json_object_set_new(j, "since_seconds", json_integer(m->since_s));
}

static json_t *list_json(const struct audit_report *r, const struct audit_look *look)
{
	_cleanup_(json_freep) json_t *all = findings_to_json(&r->found), *list = json_array();

	for (size_t i = 0; all && list && i < r->found.n; i++) {
		json_t *j = json_array_get(all, i);

		if (look->only_new && !is_shown(r, look, i))
			continue;
		if (add_marks(j, &r->found.list[i], &r->marks[i]) || json_array_append(list, j))
			return NULL;
	}
	return all ? take(list) : NULL;
}

json_t *audit_report_json(const struct audit_report *r, const struct audit_look *look,
			  int64_t now_s)
{
	json_t *list = list_json(r, look), *counts, *o;

	counts = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "high",
			   (json_int_t)r->n[FINDING_PROBLEM], "medium",
			   (json_int_t)r->n[FINDING_WARNING], "low", (json_int_t)r->n[FINDING_NOTE],
			   "unknown", (json_int_t)r->n[FINDING_UNKNOWN], "accepted",
			   (json_int_t)r->n_accepted, "new", (json_int_t)r->n_new);
	o = json_pack("{s:b, s:I, s:o, s:o, s:O}", "fine", r->n_bad == 0, "time_seconds",
		      (json_int_t)now_s, "counts", counts, "findings", list, "gone", r->gone);
	if (o && r->last_s &&
	    json_object_set_new(o, "last_run_seconds", json_integer((json_int_t)r->last_s))) {
		json_decref(o);
		return NULL;
	}
	return o;
}
