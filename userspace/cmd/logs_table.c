/* SPDX-License-Identifier: MIT */
/* Aligns the rows of a query. Fields are columns in the order in which they come up first; a value of several lines goes on below itself
 * in the last column, and is one line in the others. */
#include "cmd/logs_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/logs_print.h"
#include "cmd/tool.h"

#define COLUMNS_MAX 64
#define TABLE_MAX (64u << 20)
#define GAP 2

struct column {
	const char *field;
	int width;
};

struct table_of {
	struct column columns[COLUMNS_MAX];
	size_t n;
};

double logs_table_statistic(const json_t *answer, const char *name)
{
	return json_number_value(json_object_get(json_object_get(answer, "statistics"), name));
}

static const char *value_of(const json_t *row, const char *field)
{
	const json_t *cell;
	size_t i;

	json_array_foreach(row, i, cell) {
		if (strcmp(json_member_text(cell, "field", ""), field) == 0)
			return json_member_text(cell, "value", "");
	}
	return "";
}

/* A value that is in one line. */
static int add_cell(const char *value, struct buf *out)
{
	for (;;) {
		size_t n = strcspn(value, "\n\t");

		logs_add_plain(value, n, out);
		if (!value[n])
			return out->err;
		buf_add_char(out, ' ');
		value += n + 1;
	}
}

static int cell_width(const char *value)
{
	_cleanup_(buf_done) struct buf plain = BUF_INIT(TABLE_MAX);

	return add_cell(value, &plain) ? 0 : logs_columns(buf_str(&plain), plain.len);
}

static void take_cell(struct table_of *t, const char *field, const char *value)
{
	int width = cell_width(value);
	size_t i;

	if (strcmp(field, "@ptr") == 0)
		return;
	for (i = 0; i < t->n; i++)
		if (strcmp(t->columns[i].field, field) == 0)
			break;
	if (i == COLUMNS_MAX)
		return;
	if (i == t->n)
		t->columns[t->n++] = (struct column){ field, cell_width(field) };
	if (width > t->columns[i].width)
		t->columns[i].width = width;
}

static void measure(struct table_of *t, const json_t *rows)
{
	const json_t *row, *cell;
	size_t i, k;

	json_array_foreach(rows, i, row) {
		json_array_foreach(row, k, cell) {
			take_cell(t, json_member_text(cell, "field", ""),
				  json_member_text(cell, "value", ""));
		}
	}
}

/* Where the last column begins. */
static int last_at(const struct table_of *t)
{
	int at = 0;

	for (size_t i = 0; i + 1 < t->n; i++)
		at += t->columns[i].width + GAP;
	return at;
}

static void add_last(const struct table_of *t, const char *value, struct buf *out)
{
	for (;;) {
		size_t n = strcspn(value, "\n");

		logs_add_plain(value, n, out);
		buf_add_char(out, '\n');
		if (!value[n] || !value[n + 1])
			return;
		value += n + 1;
		buf_printf(out, "%*s", last_at(t), "");
	}
}

static void add_row(const struct table_of *t, const json_t *row, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *field = t->columns[i].field;
		const char *value = row ? value_of(row, field) : field;

		if (i + 1 == t->n) {
			add_last(t, value, out);
			return;
		}
		add_cell(value, out);
		buf_printf(out, "%*s", t->columns[i].width - cell_width(value) + GAP, "");
	}
}

static void add_statistics(const json_t *answer, struct buf *out)
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB" };
	double bytes = logs_table_statistic(answer, "bytesScanned");
	size_t unit = 0;

	while (bytes >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		unit++;
	}
	buf_printf(out, "%zu rows; %.0f records matched of %.0f scanned, %.*f %s\n",
		   json_array_size(json_object_get(answer, "results")),
		   logs_table_statistic(answer, "recordsMatched"),
		   logs_table_statistic(answer, "recordsScanned"), unit ? 1 : 0, bytes,
		   units[unit]);
}

int logs_table_format(const json_t *answer, struct buf *out)
{
	const json_t *rows = json_object_get(answer, "results"), *row;
	struct table_of t = { .n = 0 };
	size_t i;

	measure(&t, rows);
	if (t.n)
		add_row(&t, NULL, out);
	json_array_foreach(rows, i, row) {
		add_row(&t, row, out);
	}
	if (t.n)
		buf_add_char(out, '\n');
	add_statistics(answer, out);
	return out->err;
}

int logs_table_print(const json_t *answer)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(TABLE_MAX);
	int err = logs_table_format(answer, &out);

	if (err)
		return err;
	errno = EIO;
	return fwrite(buf_str(&out), 1, out.len, stdout) == out.len ? 0 : -errno;
}

static json_t *row_json(const json_t *row)
{
	json_t *o = json_object();
	const json_t *cell;
	size_t i;

	json_array_foreach(row, i, cell) {
		if (json_object_set(o, json_member_text(cell, "field", ""),
				    json_object_get(cell, "value") ?: json_null()) == 0)
			continue;
		json_decref(o);
		return NULL;
	}
	return o;
}

int logs_table_print_json(const char *command, const json_t *answer)
{
	_cleanup_(json_freep) json_t *o =
		json_pack("{s:s,s:[],s:O?}", "status", json_member_text(answer, "status", ""),
			  "rows", "statistics", json_object_get(answer, "statistics"));
	const json_t *row;
	size_t i;
	int err = o ? 0 : -1;

	json_array_foreach(json_object_get(answer, "results"), i, row) {
		if (!err)
			err = json_array_append_new(json_object_get(o, "rows"), row_json(row));
	}
	if (err)
		return -ENOMEM;
	return tool_print_json(command, o) == CMD_OK ? 0 : -EIO;
}
