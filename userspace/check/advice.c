/* SPDX-License-Identifier: MIT */
/* The table of all advice, and the list that it fills. Invariant: an advice is in the list whole, or not at all. */
#include "check/advice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"
#include "check/advice_impl.h"
#include "check/advice_lifecycle.h"

/* How much must have been watched. What weekdays decide wants a week; a day less, for restarts and the like. */
#define A_DAY (20 * ADVICE_HOUR_S)
#define A_WEEK (6 * ADVICE_DAY_S)

static const struct {
	const char *subject;
	int64_t need_s;
	advice_rule_fn run;
	bool ec2; /* of instances only */
} rules[] = {
	{ "workers", A_DAY, advice_workers_more, false },
	{ "workers", A_DAY, advice_workers_fewer, false },
	{ "nginx", A_DAY, advice_proxy_keepalive, false },
	{ "nginx", A_DAY, advice_proxy_buffering, false },
	{ "nginx", A_DAY, advice_proxy_connections, false },
	{ "limits", A_DAY, advice_limits_files, false },
	{ "limits", A_DAY, advice_limits_backlog, false },
	{ "the database's journal", A_DAY, advice_database_journal, false },
	{ "the database's space", 0, advice_database_space, false },
	{ "memory", A_DAY, advice_memory_short, false },
	{ "growth of memory", A_WEEK, advice_memory_grows, false },
	{ "log retention", 0, advice_cost_retention, false },
	{ "metrics", 0, advice_cost_metrics, false },
	{ "S3 lifecycle", 0, advice_cost_lifecycle, false },
	{ "instance size", A_WEEK, advice_cost_instance, true },
	{ "reserved capacity", A_WEEK, advice_cost_reserved, true },
	{ "scheduled capacity", A_WEEK, advice_cost_schedule, true },
	{ "scaling", A_WEEK, advice_cost_scaling, true },
};

static void lack(struct advices *a, const char *subject, int64_t need_s, int64_t have_s)
{
	for (size_t i = 0; i < a->n_lacks; i++)
		if (strcmp(a->lacks[i].subject, subject) == 0)
			return;
	if (a->n_lacks < ARRAY_SIZE(a->lacks))
		a->lacks[a->n_lacks++] = (struct advice_lack){ subject, need_s, have_s };
}

int advise(const struct advice_case *c, struct advices *ret)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rules) && !err; i++) {
		if (rules[i].ec2 && !c->host->on_ec2)
			continue;
		if (c->minutes->watched_s < rules[i].need_s)
			lack(ret, rules[i].subject, rules[i].need_s, c->minutes->watched_s);
		else
			err = rules[i].run(c, ret);
	}
	return err;
}

/* --- the list */

static void advice_done(struct advice *a)
{
	free(a->id);
	free(a->title);
	free(a->evidence);
	free(a->change);
	free(a->effect);
	free(a->undo);
}

/* Lines and tabs stay, what else is not plain becomes question marks: files of the host are in it. */
static char *plain_copy(const char *text)
{
	char *copy = malloc(strlen(text) + 1), *to = copy;

	if (!copy)
		return NULL;
	for (*to = '\0'; *text; text += *text != '\0') {
		const size_t n = strcspn(text, "\n\t");

		utf8_make_plain(text, n, to, n + 1);
		to += strlen(to);
		text += n;
		if (*text)
			*to++ = *text;
		*to = '\0';
	}
	return copy;
}

int advices_add(struct advices *a, const struct advice_text *t)
{
	struct advice new = { .applies = t->applies }, *list;

	if (a->n == ADVICE_MAX)
		return -E2BIG;
	if (t->evidence->err || t->change->err)
		return t->evidence->err ? t->evidence->err : t->change->err;
	list = realloc(a->list, (a->n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	a->list = list;
	new.id = strdup(t->id);
	new.title = plain_copy(t->title);
	new.evidence = plain_copy(buf_str(t->evidence));
	new.change = plain_copy(buf_str(t->change));
	new.effect = plain_copy(t->effect);
	new.undo = plain_copy(t->undo);
	if (!new.id || !new.title || !new.evidence || !new.change || !new.effect || !new.undo) {
		advice_done(&new);
		return -ENOMEM;
	}
	a->list[a->n++] = new;
	return 0;
}

void advices_done(struct advices *a)
{
	for (size_t i = 0; i < a->n; i++)
		advice_done(&a->list[i]);
	free(a->list);
	*a = (struct advices){ .n = 0 };
}

const struct advice *advices_find(const struct advices *a, const char *id)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->list[i].id, id) == 0)
			return &a->list[i];
	return NULL;
}

static json_t *lines_json(const char *text)
{
	json_t *list = json_array();

	for (; list && *text; text += *text == '\n') {
		const size_t n = strcspn(text, "\n");

		if (json_array_append_new(list, json_stringn(text, n))) {
			json_decref(list);
			return NULL;
		}
		text += n;
	}
	return list;
}

json_t *advices_to_json(const struct advices *a)
{
	_cleanup_(json_freep) json_t *list = json_array();

	for (size_t i = 0; list && i < a->n; i++) {
		const struct advice *v = &a->list[i];
		json_t *o = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:b}", "id", v->id, "title",
				      v->title, "evidence", lines_json(v->evidence), "change",
				      v->change, "effect", v->effect, "undo", v->undo, "applies",
				      v->applies);

		if (!o || json_array_append_new(list, o))
			return NULL;
	}
	return take(list);
}

/* --- drafts */

void advice_draft_done(struct advice_draft *d)
{
	buf_done(&d->evidence);
	buf_done(&d->change);
	buf_done(&d->effect);
	buf_done(&d->undo);
}

int advice_draft_add(struct advices *a, struct advice_draft *d, const char *id, const char *title,
		     bool applies)
{
	const struct advice_text t = { .id = id,
				       .title = title,
				       .evidence = &d->evidence,
				       .change = &d->change,
				       .effect = buf_str(&d->effect),
				       .undo = buf_str(&d->undo),
				       .applies = applies };

	if (d->effect.err || d->undo.err)
		return d->effect.err ? d->effect.err : d->undo.err;
	return advices_add(a, &t);
}

void advice_bytes(struct buf *out, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	for (; bytes >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		bytes /= 1024;
	buf_printf(out, i && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

void advice_percent(struct buf *out, double share)
{
	if (share > 0 && share < 0.01)
		buf_add_str(out, "less than 1 %");
	else
		buf_printf(out, "%.0f %%", 100 * share);
}
