/* SPDX-License-Identifier: MIT */
/* What schemas can say: sections with labels, lists, sizes. */
#include "unit.h"

#include "config_sources.h"

/* A schema with a section that has labels, and a size: for what later keys will need. */
struct item {
	char *label;
	uint64_t bytes;
	char *words[2];
	size_t n_words;
};

struct whole {
	struct item items[2];
	bool plain;
};

static const struct schema *item_schema(void);

static int item_of(void *whole, const char *label, struct buf *why, void **ret_item)
{
	struct whole *w = whole;

	for (size_t i = 0; i < ARRAY_SIZE(w->items); i++) {
		struct item *item = &w->items[i];

		if (item->label)
			continue;
		item->label = strdup(label);
		if (!item->label || value_set_initial(item_schema(), "alarm", item))
			return -ENOMEM;
		*ret_item = item;
		return 0;
	}
	buf_add_str(why, "too many");
	return -ERANGE;
}

static const struct schema *item_schema(void)
{
	static const struct schema_section sections[] = { { "plain", NULL }, { "alarm", item_of } };
	static const struct schema_key keys[] = {
		{ "plain", "plain", SCHEMA_BOOL, .offset = offsetof(struct whole, plain) },
		{ "alarm", "size", SCHEMA_SIZE, .offset = offsetof(struct item, bytes), .min = 10,
		  .max = 1ull << 50, .initial = "1K" },
		{ "alarm", "word", SCHEMA_STRINGS, .offset = offsetof(struct item, words),
		  .n_offset = offsetof(struct item, n_words), .max = 2 },
	};
	static const struct schema s = { sections, ARRAY_SIZE(sections), keys, ARRAY_SIZE(keys) };

	return &s;
}

static int parse_items(const char *text, struct whole *w, struct buf *found)
{
	struct parse_source source = { .name = "i", .text = text, .len = strlen(text) };
	struct table *lines = table_new();
	int err = parse_text(item_schema(), &source, w, lines, found);

	table_free(lines, NULL);
	return err;
}

static void items_done(struct whole *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->items); i++) {
		free(w->items[i].label);
		value_clear_all(item_schema(), "alarm", &w->items[i]);
	}
}

static void sections_may_have_labels(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	struct whole w = { 0 };

	EXPECT_INT(parse_items("[alarm \"A b\"]\nsize = 2 MiB\nword = x\nword = y\n"
			       "[plain]\nplain = on\n[alarm \"c\"]\nword = z\n",
			       &w, &found),
		   0);
	EXPECT_STR(buf_str(&found), "");
	EXPECT_STR(w.items[0].label, "A b");
	EXPECT_UINT(w.items[0].bytes, 2 << 20);
	EXPECT_UINT(w.items[0].n_words, 2);
	EXPECT_STR(w.items[1].label, "c");
	EXPECT_UINT(w.items[1].bytes, 1024);
	EXPECT_UINT(w.items[1].n_words, 1);
	EXPECT(w.plain);
	items_done(&w);
}

static void labels_are_checked(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	struct whole w = { 0 };

	EXPECT_INT(parse_items("[alarm]\nsize = 1\n[alarm x]\n[alarm \"\"]\n[alarm \"a\" \"b\"]\n"
			       "[alarm \"x\"]\nsize = 20\n[alarm \"x\"]\nsize = 30\n"
			       "[alarm \"y]z\"]\nword = 1\nword = 2\nword = 3\n[alarm \"z\"]\n",
			       &w, &found),
		   -EINVAL);
	EXPECT_STR(
		buf_str(&found),
		"i:1: [alarm]: a label is missing; write [alarm \"a name\"]\n"
		"i:3: [alarm x]: a label is missing; write [alarm \"a name\"]\n"
		"i:4: [alarm \"\"]: a label is missing; write [alarm \"a name\"]\n"
		"i:5: [alarm \"a\" \"b\"]: a label is missing; write [alarm \"a name\"]\n"
		"i:8: [alarm \"x\"]: stands in line 6 already; give it another name, or make one of them\n"
		"i:13: [alarm \"y]z\"] word = 3: one too many; there may be 2\n"
		"i:14: [alarm \"z\"]: too many\n");
	EXPECT_UINT(w.items[0].bytes, 20);
	items_done(&w);
}

static void sizes(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		int err;
	} rows[] = {
		{ "10", 10, 0 },
		{ "64M", 64 << 20, 0 },
		{ "1 KiB", 1024, 0 },
		{ "20B", 20, 0 },
		{ "1G", 1 << 30, 0 },
		{ "1024T", 1ull << 50, 0 },
		{ "1025T", 0, -ERANGE },
		{ "99999999999T", 0, -ERANGE },
		{ "9", 0, -ERANGE },
		{ "1.5G", 0, -EINVAL },
		{ "M", 0, -EINVAL },
		{ "10 MB", 0, -EINVAL },
		{ "10 m", 0, -EINVAL },
		{ "-1", 0, -EINVAL },
		{ "123456789012345678901234567890", 0, -EINVAL },
	};
	const struct schema_key *k = schema_find_key(item_schema(), "alarm", "size");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct item item = { .bytes = 4711 };

		unit_begin("the size \"%s\"", rows[i].text);
		EXPECT_INT(value_set(k, &item, rows[i].text, &why), rows[i].err);
		EXPECT_UINT(item.bytes, rows[i].err ? 4711 : rows[i].bytes);
		EXPECT((why.len > 0) == (rows[i].err != 0));
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "sections may have labels", sections_may_have_labels },
		{ "labels are checked", labels_are_checked },
		{ NULL, sizes },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
