/* SPDX-License-Identifier: MIT */
/* Keys of INI files and units, and systemd's drop-ins. Invariant: a diff is made only of lines that were found in the file as it is. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check/advice_impl.h"

/* --- an INI file */

/* Whether @line is the head "[SECTION]". */
static bool is_head(const char *line, size_t len, const char *section)
{
	const size_t n = strlen(section);

	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	return len == n + 2 && line[0] == '[' && memcmp(line + 1, section, n) == 0 &&
	       line[len - 1] == ']';
}

static bool is_key(const char *line, size_t len, const char *key)
{
	size_t n = strlen(key);

	if (len < n || strncasecmp(line, key, n) != 0)
		return false;
	while (n < len && (line[n] == ' ' || line[n] == '\t'))
		n++;
	return n < len && (line[n] == '=' || line[n] == ':');
}

bool advice_find_place(const char *text, const char *section, const char *key,
		       struct advice_place *ret)
{
	const size_t n_lines = advice_lines(text);

	*ret = (struct advice_place){ 0 };
	for (size_t i = 1; i <= n_lines; i++) {
		size_t len;
		const char *line = advice_line(text, i, &len);

		if (!ret->head) {
			if (is_head(line, len, section))
				ret->head = i;
		} else if (*line == '[') {
			ret->end = i;
			return true;
		} else if (is_key(line, len, key)) {
			ret->key = i;
		}
	}
	ret->end = n_lines + 1;
	return ret->head != 0;
}

static bool has_value(const char *text, size_t number, const char *value)
{
	size_t len;
	const char *line = advice_line(text, number, &len), *end = line + len;
	const char *at = line + strcspn(line, "=:") + 1;

	at += strspn(at, " \t");
	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	return end >= at && (size_t)(end - at) == strlen(value) &&
	       memcmp(at, value, strlen(value)) == 0;
}

int advice_set_key(const struct advice_host *h, const char *path, const char *section,
		   const char *key, const char *separator, const char *value, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct advice_edits e = { .n = 0 };
	struct advice_place p;
	int err = advice_host_read(h, path, &text);

	if (err)
		return err;
	if (!advice_find_place(buf_str(&text), section, key, &p))
		return -ENOENT;
	if (p.key && has_value(buf_str(&text), p.key, value))
		return -EALREADY;
	err = advice_edit(&e, p.key ? p.key : p.head, p.key != 0, "%s%s%s", key, separator, value);
	return err ? err : advice_host_diff(h, path, buf_str(&text), &e, out);
}

int advice_append(const struct advice_host *h, const char *path, const char *lines, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct advice_edits e = { .n = 0 };
	int err = advice_host_read(h, path, &text);

	if (!err)
		err = advice_edit(&e, advice_lines(buf_str(&text)), false, "%s", lines);
	return err ? err : advice_host_diff(h, path, buf_str(&text), &e, out);
}

/* --- systemd's drop-ins */

struct finding_key {
	const struct advice_host *h;
	const char *key;
	char path[512]; /* the last in the order of systemd that has it; "" */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void look_for_key(const char *path, void *ctx)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct finding_key *f = ctx;
	struct advice_place p;

	if (strlen(path) >= sizeof(f->path) || advice_host_read(f->h, path, &text) ||
	    !advice_find_place(buf_str(&text), "Service", f->key, &p) || !p.key)
		return;
	if (!*f->path || strcmp(base_name(path), base_name(f->path)) > 0)
		snprintf(f->path, sizeof(f->path), "%s", path);
}

void advice_unit_file(const struct advice_host *h, const char *key, char *to, size_t size)
{
	/* Of drop-ins of one name that of /etc counts. */
	static const char *const directories[] = { "/etc/systemd/system", "/run/systemd/system",
						   "/usr/lib/systemd/system" };
	const struct discover_options o = { .root = h->root };
	struct finding_key f = { .h = h, .key = key };
	char pattern[512];

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s.service.d/*.conf", directories[i],
			 h->run.name);
		discover_each(&o, pattern, look_for_key, &f);
	}
	snprintf(to, size, "%s", *f.path ? f.path : h->run.file);
}

bool advice_is_packaged(const char *path)
{
	return strncmp(path, "/usr/lib/", 9) == 0 || strncmp(path, "/lib/", 5) == 0;
}

int advice_set_unit_key(const struct advice_host *h, const char *key, const char *value,
			struct buf *out)
{
	char path[512];

	advice_unit_file(h, key, path, sizeof(path));
	if (!advice_is_packaged(path))
		return advice_set_key(h, path, "Service", key, "=", value, out);
	return buf_printf(out,
			  "--- /dev/null\n+++ /etc/systemd/system/%s.service.d/90-advice.conf\n"
			  "@@ -0,0 +1,2 @@\n+[Service]\n+%s=%s\n",
			  h->run.name, key, value);
}
