/* SPDX-License-Identifier: MIT */
/* What is new, known, gone, accepted. Invariant: a finding is named by id and subject, never by its place in the list. */
#include "check/audit_compare.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"

#define VERSION 1

bool audit_is_bad(enum finding_result r)
{
	return r == FINDING_NOTE || r == FINDING_WARNING || r == FINDING_PROBLEM;
}

const char *audit_grade(enum finding_result r)
{
	switch (r) {
	case FINDING_PROBLEM: return "high";
	case FINDING_WARNING: return "medium";
	case FINDING_NOTE: return "low";
	default: return finding_result_name(r);
	}
}

static bool is_named(const json_t *j, const char *id, const char *subject)
{
	return strcmp(json_member_text(j, "id", ""), id) == 0 &&
	       strcmp(json_member_text(j, "subject", ""), subject) == 0;
}

/* NULL: it was not there. */
static const json_t *find_last(const json_t *list, const struct finding *f)
{
	const json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
		if (is_named(j, f->id, f->subject))
			return j;
	return NULL;
}

/* "ID SUBJECT", both patterns. */
static bool is_accepted(const struct config *c, const struct finding *f)
{
	for (size_t i = 0; i < c->n_audit_accepted; i++) {
		const char *text = c->audit_accepted[i];
		const size_t n = strcspn(text, " \t");
		const char *subject = text + n + strspn(text + n, " \t");
		char id[128];

		if (n >= sizeof(id))
			continue;
		memcpy(id, text, n);
		id[n] = '\0';
		if (fnmatch(id, f->id, 0) == 0 && fnmatch(subject, f->subject, 0) == 0)
			return true;
	}
	return false;
}

/* Whether the check of a finding with this id, "ports" of "ports.open", could not look at everything. */
static bool is_in_doubt(const struct findings *found, const char *id)
{
	const size_t n = strcspn(id, ".");

	for (size_t i = 0; i < found->n; i++)
		if (found->list[i].result == FINDING_UNKNOWN &&
		    strcspn(found->list[i].id, ".") == n && memcmp(found->list[i].id, id, n) == 0)
			return true;
	return found->more;
}

static bool is_found(const struct findings *found, const json_t *j)
{
	for (size_t i = 0; i < found->n; i++)
		if (audit_is_bad(found->list[i].result) &&
		    is_named(j, found->list[i].id, found->list[i].subject))
			return true;
	return false;
}

static int list_gone(struct audit_report *r, const json_t *list)
{
	json_t *j;
	size_t i;

	json_array_foreach(list, i, j)
		if (!is_found(&r->found, j) &&
		    !is_in_doubt(&r->found, json_member_text(j, "id", "")) &&
		    json_array_append_new(r->gone, json_deep_copy(j)))
			return -ENOMEM;
	return 0;
}

static void count(struct audit_report *r, size_t i)
{
	const enum finding_result result = r->found.list[i].result;
	const struct audit_mark *m = &r->marks[i];

	r->n_new += m->is_new;
	if (m->accepted) {
		r->n_accepted++;
		return;
	}
	r->n[result]++;
	if (result == FINDING_PROBLEM || result == FINDING_WARNING) {
		r->n_bad++;
		r->n_bad_new += m->is_new;
	}
}

static bool is_state(const json_t *last)
{
	return json_integer_value(json_object_get(last, "version")) == VERSION &&
	       json_integer_value(json_object_get(last, "time")) > 0 &&
	       json_is_array(json_object_get(last, "findings"));
}

int audit_compare(struct audit_report *r, const json_t *last, const struct config *c, int64_t now_s)
{
	const bool good = last && is_state(last);
	const json_t *list = good ? json_object_get(last, "findings") : NULL;

	r->last_s = good ? json_integer_value(json_object_get(last, "time")) : 0;
	r->marks = calloc(r->found.n ?: 1, sizeof(*r->marks));
	r->gone = json_array();
	if (!r->marks || !r->gone)
		return -ENOMEM;
	for (size_t i = 0; i < r->found.n; i++) {
		const struct finding *f = &r->found.list[i];
		struct audit_mark *m = &r->marks[i];
		const json_t *before = find_last(list, f);

		if (audit_is_bad(f->result)) {
			m->is_new = !before;
			m->accepted = is_accepted(c, f);
			m->since_s = before ? json_integer_value(json_object_get(before, "since")) :
					      now_s;
		}
		count(r, i);
	}
	if (list && list_gone(r, list))
		return -ENOMEM;
	return last && !good ? -EPROTO : 0;
}

void audit_report_done(struct audit_report *r)
{
	findings_done(&r->found);
	free(r->marks);
	json_decref(r->gone);
}

static json_t *entry(const struct finding *f, const struct audit_mark *m)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "id", f->id, "subject", f->subject, "result",
			 audit_grade(f->result), "since", (json_int_t)m->since_s);
}

json_t *audit_state_make(const struct audit_report *r, const json_t *last, int64_t now_s)
{
	_cleanup_(json_freep) json_t *list = json_array();
	json_t *j;
	size_t k;

	for (size_t i = 0; i < r->found.n; i++)
		if (audit_is_bad(r->found.list[i].result) &&
		    json_array_append_new(list, entry(&r->found.list[i], &r->marks[i])))
			return NULL;
	if (r->last_s)
		json_array_foreach(json_object_get(last, "findings"), k, j)
			if (!is_found(&r->found, j) &&
			    is_in_doubt(&r->found, json_member_text(j, "id", "")) &&
			    json_array_append_new(list, json_deep_copy(j)))
				return NULL;
	if (!list)
		return NULL;
	return json_pack("{s:i, s:I, s:O}", "version", VERSION, "time", (json_int_t)now_s,
			 "findings", list);
}
