/* SPDX-License-Identifier: MIT */
/* isamon backup create: what it has made, with the names of what is not as it was. */
#include <stdio.h>
#include <string.h>

#include "cmd/backup_cmd.h"
#include "cmd/status_format.h"

static void print_names(const char *title, uint64_t n, const struct buf *names)
{
	uint64_t shown = 0;

	for (const char *at = buf_str(names); *at; at += strcspn(at, "\n"), at += *at == '\n') {
		printf("    %s %.*s\n", title, (int)strcspn(at, "\n"), at);
		shown++;
	}
	if (shown < n)
		printf("    %s %llu more\n", title, (unsigned long long)(n - shown));
}

void backup_made_print(const struct backup_made *m)
{
	const struct catalogue_entry *e = &m->entry;
	char all[STATUS_CELL_MAX], packed[STATUS_CELL_MAX];

	status_format_bytes(e->file_bytes, all);
	status_format_bytes(e->archive_bytes, packed);
	printf("%s: %llu file%s, %llu database%s, %s; the archive has %s; read back and compared\n",
	       e->file, (unsigned long long)e->files, status_format_s(e->files),
	       (unsigned long long)e->databases, status_format_s(e->databases), all, packed);
	print_names("left out:", m->written.n_skipped, &m->written.skipped);
	print_names("changed each time it was read:", m->written.n_changed, &m->written.changed);
	print_names("DAMAGED, and taken as it is:", m->written.n_damaged, &m->written.damaged);
}

static json_t *names_json(const struct buf *names)
{
	json_t *list = json_array();

	for (const char *at = buf_str(names); *at; at += strcspn(at, "\n"), at += *at == '\n')
		json_array_append_new(list, json_stringn(at, strcspn(at, "\n")));
	return list;
}

json_t *backup_made_json(const struct backup_tool *t, const struct backup_made *m)
{
	json_t *o = backup_json(t, &m->entry);

	json_object_set_new(o, "skipped_names", names_json(&m->written.skipped));
	json_object_set_new(o, "changed_names", names_json(&m->written.changed));
	json_object_set_new(o, "damaged_names", names_json(&m->written.damaged));
	return o;
}
