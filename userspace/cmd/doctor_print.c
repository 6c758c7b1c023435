/* SPDX-License-Identifier: MIT */
/* What doctor says: text for people, wrapped by words, and JSON. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "check/diagnosis.h"
#include "cmd/doctor_cmd.h"

#define COLUMNS 80
#define TEXT_COLUMN 23
#define NAME_WIDTH 14
#define SENTENCE_MAX 8192

static const struct {
	const char *word, *colour;
} words[] = {
	[FINDING_FINE] = { "ok", "32" },      [FINDING_NOTE] = { "note", "36" },
	[FINDING_WARNING] = { "warn", "33" }, [FINDING_PROBLEM] = { "BAD", "1;31" },
	[FINDING_UNKNOWN] = { "?", "35" },
};

/* Characters, taking each for one column: bytes that do not go on with one. */
static size_t width_of(const char *s, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width += ((unsigned char)s[i] & 0xc0) != 0x80;
	return width;
}

/* How many bytes of @s, at least one character, fit into @room columns. */
static size_t bytes_in(const char *s, size_t room)
{
	size_t n = 0, width = 0;

	while (s[n] && (width < room || ((unsigned char)s[n] & 0xc0) == 0x80)) {
		width += ((unsigned char)s[n] & 0xc0) != 0x80;
		n++;
	}
	return n ? n : 1;
}

/* Appends @text from column @column on, where the cursor is; lines that follow begin at @indent. Ends the line. */
static void wrap(struct buf *out, const char *text, size_t column, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " "), width = width_of(text, n);

		if (!first && column + 1 + width > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		if (width > COLUMNS - indent && column + !first + width > COLUMNS) {
			n = bytes_in(text, COLUMNS - column - !first);
			width = width_of(text, n);
		}
		buf_printf(out, "%s%.*s", first ? "" : " ", (int)n, text);
		column += width + !first;
		text += n + strspn(text + n, " ");
		first = *text && text[-1] != ' ' && column >= COLUMNS;
		if (first) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
	}
	buf_add_char(out, '\n');
}

static void add_word(struct buf *out, enum finding_result r, bool colour)
{
	if (colour)
		buf_printf(out, "\033[%sm%-4s\033[0m", words[r].colour, words[r].word);
	else
		buf_printf(out, "%-4s", words[r].word);
}

static void add_finding(struct buf *out, const struct finding *f, const char *name, bool colour)
{
	_cleanup_(buf_done) struct buf seen = BUF_INIT(SENTENCE_MAX);

	buf_printf(&seen, "%s%s%s", f->subject, *f->subject ? ": " : "", f->evidence);
	buf_add_str(out, "  ");
	add_word(out, f->result, colour);
	buf_printf(out, "  %-*s ", NAME_WIDTH, name);
	wrap(out, buf_str(&seen), TEXT_COLUMN, TEXT_COLUMN);
	if (f->result == FINDING_FINE)
		return;
	if (*f->meaning) {
		buf_printf(out, "%*s", TEXT_COLUMN, "");
		wrap(out, f->meaning, TEXT_COLUMN, TEXT_COLUMN);
	}
	if (*f->remedy) {
		buf_printf(out, "%*s-> ", TEXT_COLUMN, "");
		wrap(out, f->remedy, TEXT_COLUMN + 3, TEXT_COLUMN + 3);
	}
}

static void add_area(struct buf *out, const struct doctor *d, const char *area, bool colour)
{
	const size_t n = strlen(area);

	buf_printf(out, "%s\n", area);
	for (size_t i = 0; i < d->found.n; i++) {
		const struct finding *f = &d->found.list[i];

		if (strncmp(f->id, area, n) == 0 && f->id[n] == '.')
			add_finding(out, f, f->id + n + 1, colour);
	}
	buf_add_char(out, '\n');
}

static size_t count(const struct findings *f, enum finding_result r)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->list[i].result == r;
	return n;
}

static void add_verdict(struct buf *out, const struct findings *f)
{
	const struct finding *cause = diagnosis_cause(f);
	_cleanup_(buf_done) struct buf say = BUF_INIT(SENTENCE_MAX);

	if (!cause) {
		const size_t notes = count(f, FINDING_NOTE);

		buf_printf(out, "All is well: %zu fine, %zu note%s.\n", count(f, FINDING_FINE),
			   notes, notes == 1 ? "" : "s");
		return;
	}
	buf_add_str(&say, cause->result == FINDING_PROBLEM ? "Diagnosis: " :
			  cause->result == FINDING_WARNING ? "Nothing is broken, but: " :
							     "Not known: ");
	diagnosis_say(cause, &say);
	wrap(out, buf_str(&say), 0, 0);
}

int doctor_format(const struct doctor *d, bool colour, struct buf *out)
{
	for (size_t i = 0; i < d->n_areas; i++)
		add_area(out, d, d->areas[i].name, colour);
	if (d->found.more)
		buf_printf(out, "(more was found than the %d that are kept)\n", FINDINGS_MAX);
	add_verdict(out, &d->found);
	return out->err;
}

static json_t *diagnosis_json(const struct findings *f)
{
	const struct finding *cause = diagnosis_cause(f);
	_cleanup_(buf_done) struct buf say = BUF_INIT(SENTENCE_MAX);

	if (!cause)
		return json_null();
	diagnosis_say(cause, &say);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", cause->id, "subject", cause->subject,
			 "result", finding_result_name(cause->result), "sentence", buf_str(&say),
			 "fix", cause->fix);
}

json_t *doctor_to_json(const struct doctor *d)
{
	json_t *areas = json_array();

	for (size_t i = 0; i < d->n_areas; i++)
		json_array_append_new(areas, json_string(d->areas[i].name));
	return json_pack("{s:o, s:o, s:s, s:o, s:O*, s:I}", "areas", areas, "findings",
			 findings_to_json(&d->found), "worst",
			 finding_result_name(findings_worst(&d->found)), "diagnosis",
			 diagnosis_json(&d->found), "fixes", d->fixes, "took_ms",
			 (json_int_t)(d->took_ns / NS_PER_MS));
}
