/* SPDX-License-Identifier: MIT */
/* Advice for people and for programs. Texts are plain already (advices_add()). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cmd/advise_cmd.h"
#include "cmd/wrap.h"

#define INDENT 10

static void wrap_lines(const char *lead, const char *text, struct buf *out)
{
	for (; *text; text += *text == '\n') {
		const size_t n = strcspn(text, "\n");

		wrap_line(lead, INDENT, text, n, out);
		lead = "          ";
		text += n;
	}
}

/* As it is: somebody may take it by the mouse. */
static void write_change(const char *text, struct buf *out)
{
	buf_add_str(out, "  change\n");
	for (; *text; text += *text == '\n') {
		const size_t n = strcspn(text, "\n");

		buf_printf(out, "    %.*s\n", (int)n, text);
		text += n;
	}
}

static void write_one(const struct advice *a, struct buf *out)
{
	buf_printf(out, "%s: %s\n", a->id, a->title);
	wrap_lines("  seen    ", a->evidence, out);
	write_change(a->change, out);
	wrap_line("  effect  ", INDENT, a->effect, strlen(a->effect), out);
	wrap_line("  undo    ", INDENT, a->undo, strlen(a->undo), out);
	buf_add_char(out, '\n');
}

static void write_days(struct buf *out, double s)
{
	if (s >= 2 * 86400)
		buf_printf(out, "%.1f days", s / 86400);
	else
		buf_printf(out, "%.1f hours", s / 3600);
}

static void write_span(const struct advise_span *span, struct buf *out)
{
	const time_t from = span->from_s;
	char when[32] = "?";
	struct tm tm;

	if (!span->until_s) {
		buf_printf(out,
			   "there is no history yet: the daemon writes it, minute by minute\n");
		return;
	}
	if (localtime_r(&from, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	buf_printf(out, "history of the last %u days: since %s, ", span->days, when);
	write_days(out, (double)span->watched_s);
	buf_add_str(out, " of it watched\n");
}

static void write_lacks(const struct advices *a, struct buf *out)
{
	for (size_t i = 0; i < a->n_lacks; i++) {
		const struct advice_lack *l = &a->lacks[i];

		buf_printf(out, "no advice on %s: it needs ", l->subject);
		write_days(out, (double)l->need_s);
		buf_add_str(out, " of history, and there are ");
		write_days(out, (double)l->have_s);
		buf_add_char(out, '\n');
	}
}

int advise_format(const struct advices *a, const struct advice_host *h,
		  const struct advise_span *span, struct buf *out)
{
	for (size_t i = 0; i < a->n; i++)
		write_one(&a->list[i], out);
	write_span(span, out);
	write_lacks(a, out);
	if (*h->aws.why)
		wrap_line("AWS could not be asked, so nothing is advised on that: ", INDENT,
			  h->aws.why, strlen(h->aws.why), out);
	if (a->n)
		buf_printf(out, "%zu %s of advice\n", a->n, a->n == 1 ? "piece" : "pieces");
	else if (!a->n_lacks)
		buf_add_str(out, "nothing to advise\n");
	return out->err;
}

static json_t *lacks_json(const struct advices *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->n_lacks; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:I}", "subject", a->lacks[i].subject,
						"need_seconds", (json_int_t)a->lacks[i].need_s,
						"have_seconds", (json_int_t)a->lacks[i].have_s));
	return list;
}

json_t *advise_json(const struct advices *a, const struct advice_host *h,
		    const struct advise_span *span)
{
	_cleanup_(json_freep) json_t *list = advices_to_json(a);
	json_t *o;

	if (!list)
		return NULL;
	o = json_pack("{s:O, s:o, s:{s:I, s:I, s:I, s:i}}", "advice", list, "too_little_history",
		      lacks_json(a), "history", "from_seconds", (json_int_t)span->from_s,
		      "until_seconds", (json_int_t)span->until_s, "watched_seconds",
		      (json_int_t)span->watched_s, "days", (int)span->days);
	if (o && *h->aws.why && json_object_set_new(o, "aws_error", json_string(h->aws.why))) {
		json_decref(o);
		return NULL;
	}
	return o;
}
