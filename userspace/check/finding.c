/* SPDX-License-Identifier: MIT */
/* Findings: a bounded list of texts. Invariant: no text of a finding is NULL, or has control characters. */
#include "check/finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define EVIDENCE_BYTES 1024
#define FIRST_SIZE 16

static const char *const names[] = {
	[FINDING_FINE] = "fine",       [FINDING_NOTE] = "note",       [FINDING_WARNING] = "warning",
	[FINDING_PROBLEM] = "problem", [FINDING_UNKNOWN] = "unknown",
};

const char *finding_result_name(enum finding_result r)
{
	return names[r];
}

static void finding_done(struct finding *f)
{
	free(f->id);
	free(f->subject);
	free(f->evidence);
	free(f->meaning);
	free(f->remedy);
	free(f->fix);
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		finding_done(&f->list[i]);
	free(f->list);
	*f = (struct findings){ 0 };
}

/* Room for one more: 0; -ENOMEM; -ENOSPC when there are enough. */
static int make_room(struct findings *f)
{
	size_t size = f->size ? 2 * f->size : FIRST_SIZE;
	struct finding *list;

	if (f->n == FINDINGS_MAX) {
		f->more = true;
		return -ENOSPC;
	}
	if (f->n < f->size)
		return 0;
	list = realloc(f->list, size * sizeof(*list));
	if (!list)
		return -ENOMEM;
	f->list = list;
	f->size = size;
	return 0;
}

/* A copy in which what is not plain is a '?': what comes from the host goes to a terminal, and into JSON. */
static char *plain(const char *text)
{
	char *spaced = strdup(text ? text : "");
	char *copy = spaced ? strdup(spaced) : NULL;

	for (char *c = spaced; c && *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	if (copy)
		utf8_make_plain(spaced, strlen(spaced), copy, strlen(spaced) + 1);
	free(spaced);
	return copy;
}

static int add(struct findings *f, const struct finding_text *t, const char *evidence)
{
	struct finding new = { .result = t->result };
	int err = make_room(f);

	if (err)
		return err == -ENOSPC ? 0 : err;
	new.id = plain(t->id);
	new.subject = plain(t->subject);
	new.evidence = plain(evidence);
	new.meaning = plain(t->meaning);
	new.remedy = plain(t->remedy);
	new.fix = plain(t->fix);
	if (!new.id || !new.subject || !new.evidence || !new.meaning || !new.remedy || !new.fix) {
		finding_done(&new);
		return -ENOMEM;
	}
	f->list[f->n++] = new;
	return 0;
}

int findings_add(struct findings *f, const struct finding_text *t, const char *evidence, ...)
{
	char text[EVIDENCE_BYTES] = "";
	va_list args;

	va_start(args, evidence);
	vsnprintf(text, sizeof(text), evidence, args);
	va_end(args);
	return add(f, t, text);
}

int findings_move(struct findings *to, struct findings *from)
{
	int err = 0;

	for (size_t i = 0; i < from->n; i++) {
		if (!err)
			err = make_room(to);
		if (!err)
			to->list[to->n++] = from->list[i];
		else
			finding_done(&from->list[i]);
	}
	to->more = to->more || from->more;
	from->n = 0;
	findings_done(from);
	return err == -ENOSPC ? 0 : err;
}

enum finding_result findings_worst(const struct findings *f)
{
	static const int rank[] = { [FINDING_FINE] = 0,
				    [FINDING_NOTE] = 1,
				    [FINDING_UNKNOWN] = 2,
				    [FINDING_WARNING] = 3,
				    [FINDING_PROBLEM] = 4 };
	enum finding_result worst = FINDING_FINE;

	for (size_t i = 0; i < f->n; i++)
		if (rank[f->list[i].result] > rank[worst])
			worst = f->list[i].result;
	return worst;
}

static int set_text(json_t *object, const char *key, const char *text)
{
	return *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

static json_t *to_json(const struct finding *f)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "id", f->id, "result", names[f->result],
			      "evidence", f->evidence);

	if (j && (set_text(j, "subject", f->subject) || set_text(j, "meaning", f->meaning) ||
		  set_text(j, "remedy", f->remedy) || set_text(j, "fix", f->fix))) {
		json_decref(j);
		return NULL;
	}
	return j;
}

json_t *findings_to_json(const struct findings *f)
{
	_cleanup_(json_freep) json_t *array = json_array();

	for (size_t i = 0; i < f->n; i++)
		if (json_array_append_new(array, to_json(&f->list[i])))
			return NULL;
	return take(array);
}

int findings_from_json(const json_t *array, struct findings *f)
{
	size_t i;
	json_t *j;

	if (!json_is_array(array))
		return -EINVAL;
	json_array_foreach(array, i, j) {
		const char *result = json_member_text(j, "result", "");
		struct finding_text t = {
			.id = json_member_text(j, "id", ""),
			.subject = json_member_text(j, "subject", NULL),
			.meaning = json_member_text(j, "meaning", NULL),
			.remedy = json_member_text(j, "remedy", NULL),
			.fix = json_member_text(j, "fix", NULL),
		};
		size_t r = 0;
		int err;

		while (r < ARRAY_SIZE(names) && strcmp(names[r], result) != 0)
			r++;
		if (r == ARRAY_SIZE(names) || !*t.id)
			return -EINVAL;
		t.result = (enum finding_result)r;
		err = add(f, &t, json_member_text(j, "evidence", ""));
		if (err)
			return err;
	}
	return 0;
}
