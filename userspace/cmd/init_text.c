/* SPDX-License-Identifier: MIT */
/* The values of a discovery as a configuration, as lines, as JSON. */
#include "cmd/init_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "config/example.h"

#define COMMENT_SIZE (DISCOVER_VALUE_MAX + 64)

/* The logs that there are without a section [log]: as the example has them. With one section there are only those that stand there. */
static const struct {
	const char *label, *key, *initial;
} logs[] = {
	{ "application", "path", "/var/log/agent-isa/application.log" },
	{ "supervisor-output", "path", "/var/log/agent-isa/supervisor-output.log" },
	{ "supervisor-error", "path", "/var/log/agent-isa/supervisor-error.log" },
	{ "supervisor", "path", "/var/log/supervisor/supervisord.log" },
	{ "nginx-access", "path", "/var/log/nginx/access.log" },
	{ "nginx-error", "path", "/var/log/nginx/error.log" },
	{ "journal", "unit", "agent-isa.service" },
};

#define VALUES_MAX (DISCOVERED_MAX + ARRAY_SIZE(logs))

struct text {
	struct example_value values[VALUES_MAX];
	char comments[VALUES_MAX][COMMENT_SIZE];
	size_t n;
};

static const char *word(const struct discovered *f)
{
	return f->guessed ? "guessed" : "found";
}

static bool other_logs(const struct discovery *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct discovered *f = &d->list[i];

		if (strcmp(f->section, "log") != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(logs); k++)
			if (strcmp(f->label, logs[k].label) == 0 &&
			    (strcmp(f->key, logs[k].key) != 0 ||
			     strcmp(f->value, logs[k].initial) != 0))
				return true;
	}
	return false;
}

static void add(struct text *t, const struct discovered *f)
{
	struct example_value *v = &t->values[t->n];
	char *comment = t->comments[t->n++];

	snprintf(comment, COMMENT_SIZE, "%s: %s", f->guessed ? "Guessed" : "Found", f->source);
	*v = (struct example_value){ f->section, *f->label ? f->label : NULL, f->key, f->value,
				     comment };
}

int init_text(const struct discovery *d, struct buf *out)
{
	struct text *t = calloc(1, sizeof(*t));
	bool with_logs = other_logs(d);
	int err;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++)
		if (with_logs || strcmp(d->list[i].section, "log") != 0)
			add(t, &d->list[i]);
	for (size_t i = 0; with_logs && i < ARRAY_SIZE(logs); i++)
		if (!discover_find(d, "log", logs[i].label, logs[i].key))
			t->values[t->n++] =
				(struct example_value){ "log", logs[i].label, NULL, NULL,
							"As without any section [log]." };
	err = example_with(t->values, t->n, out);
	free(t);
	return err;
}

void init_tell(const struct discovery *d, FILE *to)
{
	if (!d->n)
		fputs("found     nothing that runs a web service here: every key keeps its default\n",
		      to);
	for (size_t i = 0; i < d->n; i++) {
		const struct discovered *f = &d->list[i];

		if (*f->label)
			fprintf(to, "%-8s  [%s \"%s\"] %s = %s\n", word(f), f->section, f->label,
				f->key, f->value);
		else
			fprintf(to, "%-8s  [%s] %s = %s\n", word(f), f->section, f->key, f->value);
		fprintf(to, "            %s\n", f->source);
	}
	for (const char *at = buf_str(&d->notes); *at;) {
		size_t n = strcspn(at, "\n");

		fprintf(to, "note      %.*s\n", (int)n, at);
		at += n + (at[n] == '\n');
	}
}

static json_t *notes_json(const struct discovery *d)
{
	json_t *notes = json_array();

	for (const char *at = buf_str(&d->notes); *at;) {
		size_t n = strcspn(at, "\n");

		json_array_append_new(notes, json_stringn(at, n));
		at += n + (at[n] == '\n');
	}
	return notes;
}

json_t *init_json(const struct discovery *d, const char *path)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct discovered *f = &d->list[i];
		json_t *j =
			json_pack("{s:s, s:s, s:s, s:s, s:b}", "section", f->section, "key", f->key,
				  "value", f->value, "source", f->source, "guessed", f->guessed);

		if (*f->label)
			json_object_set_new(j, "label", json_string(f->label));
		json_array_append_new(list, j);
	}
	return json_pack("{s:o, s:o, s:s?}", "values", list, "notes", notes_json(d), "written",
			 path);
}
