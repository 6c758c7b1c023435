/* SPDX-License-Identifier: MIT */
/*
 * The ends of logs. Their directories may belong to the service, so files are opened as logs/trusted_path.h does: nobody leads isamon, which is
 * root, to a file that is none of theirs.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "check/evidence_impl.h"
#include "config/log.h"
#include "logs/records.h"
#include "logs/trusted_path.h"

#define NGINX_ERRORS "/var/log/nginx/error.log"
#define NAME_MAX_BYTES 256
#define WHY_MAX 4096
#define CANDIDATES_MAX 256

/* "logs/NAME", of characters that a file's name may have anywhere. */
static void name_log(const struct config_log *l, size_t i, char ret[NAME_MAX_BYTES])
{
	int n = snprintf(ret, NAME_MAX_BYTES, i ? "logs/%s.%zu" : "logs/%s", l->name, i + 1);

	for (char *at = ret + strlen("logs/"); n > 0 && *at; at++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-",
			    *at))
			*at = '_';
}

/* The end of a file, from the beginning of a line. */
static int read_end(int fd, off_t size, struct buf *ret)
{
	off_t from = size > (off_t)EVIDENCE_TAIL_BYTES ? size - (off_t)EVIDENCE_TAIL_BYTES : 0;
	const off_t first = from;
	char bytes[16384];
	bool begun = !first;
	ssize_t n;

	while (from < size && (n = pread(fd, bytes, sizeof(bytes), from)) > 0) {
		const char *at = bytes, *line = begun ? NULL : memchr(bytes, '\n', (size_t)n);
		size_t left = (size_t)n;

		from += n;
		if (!begun && !line)
			continue;
		if (!begun) {
			left -= (size_t)(line + 1 - bytes);
			at = line + 1;
		}
		begun = true;
		if (buf_add(ret, at, left))
			return ret->err == -EFBIG ? 0 : ret->err;
	}
	return 0;
}

static int add_file(struct bundle *b, const char *name, const char *path,
		    const struct record_rules *rules)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(EVIDENCE_TAIL_BYTES),
				       why = BUF_INIT(WHY_MAX);
	_cleanup_(file_closep) int fd = -1;
	struct stat st;
	int err = trusted_path_open(path, &fd, &st);

	if (!err)
		err = read_end(fd, st.st_size, &text);
	if (!err)
		return bundle_add(b, name, rules, buf_str(&text), text.len);
	buf_printf(&why, "%s: %s", path, strerror(-err));
	bundle_miss(b, name, buf_str(&why));
	return err == -ENOMEM ? err : 0;
}

static bool newest(const char *pattern, struct buf *ret)
{
	struct timespec last = { 0 };
	glob_t g = { 0 };

	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc && i < CANDIDATES_MAX; i++) {
			struct stat st;

			if (stat(g.gl_pathv[i], &st) || st.st_mtim.tv_sec < last.tv_sec)
				continue;
			last = st.st_mtim;
			buf_reset(ret);
			buf_add_str(ret, g.gl_pathv[i]);
		}
	globfree(&g);
	return ret->len && !ret->err;
}

static int add_log(const struct config_log *l, struct bundle *b)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct record_rules *rules = NULL;
	char name[NAME_MAX_BYTES];
	int err = record_rules_new(l, &why, &rules);

	name_log(l, 0, name);
	if (err) {
		/* Without the rules it could tell what they mask. */
		bundle_miss(b, name, why.len ? buf_str(&why) : strerror(-err));
		return err == -ENOMEM ? err : 0;
	}
	for (size_t i = 0; i < l->n_paths && !err; i++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT(4096);

		name_log(l, i, name);
		if (newest(l->paths[i], &path))
			err = add_file(b, name, buf_str(&path), rules);
		else
			bundle_miss(b, name, "there is no such file");
	}
	record_rules_free(rules);
	return err;
}

static bool reads_nginx(const struct config *c)
{
	for (size_t i = 0; i < c->n_logs; i++)
		for (size_t j = 0; j < c->logs[i]->n_paths; j++)
			if (strcmp(c->logs[i]->paths[j], NGINX_ERRORS) == 0)
				return true;
	return false;
}

static int add_journal(struct bundle *b, const char *name, const char *unit)
{
	const char *const argv[] = {
		"journalctl", "--no-pager",           "--quiet", "-o", "short-iso",
		"-n",         EVIDENCE_JOURNAL_LINES, "-u",      unit, NULL
	};

	return evidence_add_command(b, name, argv);
}

int evidence_add_logs(const struct config *c, struct bundle *b)
{
	static const char *const kernel[] = {
		"journalctl", "--no-pager",           "--quiet", "-o", "short-iso",
		"-n",         EVIDENCE_JOURNAL_LINES, "-k",      NULL
	};
	_cleanup_(buf_done) struct buf unit = BUF_INIT(512);
	int err = 0;

	for (size_t i = 0; i < c->n_logs && !err; i++)
		if (c->logs[i]->n_paths)
			err = add_log(c->logs[i], b);
	if (!err && !reads_nginx(c))
		err = add_file(b, "nginx/error.log", NGINX_ERRORS, NULL);
	if (*c->service_unit)
		buf_add_str(&unit, c->service_unit);
	else
		buf_printf(&unit, "%s.service", c->service_name);
	err = err ?: add_journal(b, "journal/isamon", "isamon.service");
	err = err ?: add_journal(b, "journal/service", buf_str(&unit));
	return err ?: evidence_add_command(b, "journal/kernel", kernel);
}
