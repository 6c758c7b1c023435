/* SPDX-License-Identifier: MIT */
/*
 * Who came in, and who tried, within the last days: of what sshd wrote into the journal; where that has nothing into auth.log or secure;
 * where there are none of wtmp and btmp. Of each the newest part is read, and it is said when that does not reach back far enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "check/audit_impl.h"
#include "check/audit_tally.h"
#include "logs/journal.h"

#define JOURNAL_LINES "20000"
#define JOURNAL_MAX (24u << 20)
#define JOURNAL_MS 12000
#define TAIL_MAX (8u << 20)
#define MESSAGE_MAX 4096
#define TOP 5

struct logins {
	struct audit_tally tally;
	int64_t now_s, from_s;
	const char *source; /* where they were read; NULL: there was nothing to be read */
	bool cut;           /* not all of the days are there */
};

static int add(struct logins *l, const struct audit_login *one)
{
	return one->time_s < l->from_s ? 0 : audit_tally_add(&l->tally, one);
}

/* --- the journal */

static int journal_line(struct logins *l, const char *line, size_t n, size_t *ret_n)
{
	_cleanup_(buf_done) struct buf message = BUF_INIT(MESSAGE_MAX);
	struct journal_entry entry;
	struct audit_login one;

	if (*line != '{' || journal_parse(line, n, &message, &entry))
		return 0;
	++*ret_n;
	if (!audit_login_message(entry.message, entry.len, &one))
		return 0;
	one.time_s = entry.time_ms / 1000;
	return add(l, &one);
}

/* *ret_n: entries. */
static int read_journal(struct logins *l, size_t *ret_n)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(JOURNAL_MAX);
	char since[32];
	const char *const argv[] = { "journalctl",
				     "-q",
				     "--no-pager",
				     "-o",
				     "json",
				     "--output-fields=MESSAGE",
				     "-n",
				     JOURNAL_LINES,
				     "--since",
				     since,
				     "_COMM=sshd",
				     "+",
				     "_COMM=sshd-session",
				     NULL };
	int err;

	*ret_n = 0;
	snprintf(since, sizeof(since), "@%lld", (long long)l->from_s);
	err = child_run(argv, JOURNAL_MS, &text);
	for (const char *at = buf_str(&text), *end = at + text.len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		if (newline) {
			int e = journal_line(l, at, n, ret_n);

			if (e)
				return e;
		}
		at += n + 1;
	}
	l->source = err == 0 ? "the journal" : NULL;
	l->cut = *ret_n >= strtoul(JOURNAL_LINES, NULL, 10) || text.err || err == -ETIMEDOUT;
	return 0;
}

/* --- files */

/* The last TAIL_MAX of it. Returns 0 or -errno. */
static int read_tail(const char *path, struct buf *ret, bool *ret_cut)
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char bytes[16384];
	off_t size, from;
	ssize_t n;

	if (fd < 0)
		return -errno;
	size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return -errno;
	from = size > (off_t)TAIL_MAX ? size - (off_t)TAIL_MAX : 0;
	*ret_cut = from > 0;
	if (lseek(fd, from, SEEK_SET) < 0)
		return -errno;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (buf_add(ret, bytes, (size_t)n))
			break; /* it grows while it is read */
	return n < 0 ? -errno : 0;
}

static int read_log(struct logins *l, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TAIL_MAX + (64u << 10));
	const char *at, *end;
	int err = read_tail(path, &text, &l->cut);

	if (err)
		return err;
	l->source = path;
	for (at = buf_str(&text), end = at + text.len; at < end && !err;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);
		struct audit_login one;

		if (audit_login_line(at, n, l->now_s, &one))
			err = add(l, &one);
		at += n + 1;
	}
	return err;
}

static int read_records(struct logins *l, const char *path, bool failed)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TAIL_MAX + (64u << 10));
	const size_t size = audit_login_record_size();
	bool cut = false;
	int err = read_tail(path, &text, &cut);

	if (err)
		return err == -ENOENT ? 0 : err;
	l->source = "wtmp and btmp";
	l->cut = l->cut || cut;
	for (size_t at = cut ? text.len % size : 0; at + size <= text.len && !err; at += size) {
		struct audit_login one;

		if (audit_login_record(buf_str(&text) + at, size, failed, &one))
			err = add(l, &one);
	}
	return err;
}

static int read_somewhere(struct logins *l)
{
	static const char *const logs[] = { "/var/log/auth.log", "/var/log/secure" };
	size_t n;
	int err = read_journal(l, &n);

	if (err || n) {
		l->source = "the journal";
		return err;
	}
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		err = read_log(l, logs[i]);
		if (err != -ENOENT)
			return err;
	}
	err = read_records(l, "/var/log/wtmp", false);
	return err ?: read_records(l, "/var/log/btmp", true);
}

/* --- what is found */

static int by_failed(const void *a, const void *b)
{
	const struct audit_source *x = *(struct audit_source *const *)a;
	const struct audit_source *y = *(struct audit_source *const *)b;

	return x->failed != y->failed ? (x->failed < y->failed ? 1 : -1) : strcmp(x->from, y->from);
}

static int by_time(const void *a, const void *b)
{
	const struct audit_source *x = *(struct audit_source *const *)a;
	const struct audit_source *y = *(struct audit_source *const *)b;

	return (x->last_accepted_s < y->last_accepted_s) -
	       (x->last_accepted_s > y->last_accepted_s);
}

static const char *place(const struct audit_source *s)
{
	return *s->from ? s->from : "this host";
}

static int report_failed(struct logins *l, const struct config *c, struct findings *out)
{
	_cleanup_(buf_done) struct buf top = BUF_INIT(800);
	const struct audit_tally *t = &l->tally;
	char last[AUDIT_TIME_MAX];

	if (!t->failed)
		return 0;
	qsort(t->list, t->n, sizeof(struct audit_source *), by_failed);
	for (size_t i = 0; i < t->n && i < TOP && t->list[i]->failed; i++)
		buf_printf(&top, "%s%s %llu", i ? ", " : "", place(t->list[i]),
			   (unsigned long long)t->list[i]->failed);
	audit_format_time(t->last_failed_s, last);
	return findings_add(
		out,
		AUDIT_TEXT(.id = "logins.failed",
			   .result = t->failed >= c->audit_failed_logins ? FINDING_WARNING :
									   FINDING_NOTE,
			   .meaning = "Somebody tries names and passwords.",
			   .remedy =
				   "let only known networks reach the port (security group), and keys only "
				   "(PasswordAuthentication no); fail2ban keeps out who tries often"),
		"%llu failed logins within %llu days%s, the last one %s, says %s; most from %s",
		(unsigned long long)t->failed, (unsigned long long)c->audit_login_days,
		l->cut ? " (or fewer: not all of them are there any more)" : "", last, l->source,
		buf_str(&top));
}

static int report_source(const struct audit_source *s, struct findings *out)
{
	char last[AUDIT_TIME_MAX], subject[160];
	int err = 0;

	if (s->root) {
		audit_format_time(s->last_root_s, last);
		err = findings_add(
			out,
			AUDIT_TEXT(.id = "logins.root", .subject = place(s),
				   .result = FINDING_WARNING,
				   .meaning = "Who was it? A login of root has no name.",
				   .remedy = "log in as oneself and use sudo; PermitRootLogin no"),
			"root logged in %llu times from %s, last %s%s%s",
			(unsigned long long)s->root, place(s), last, *s->root_method ? ", by " : "",
			s->root_method);
	}
	if (err || !*s->guessed)
		return err;
	snprintf(subject, sizeof(subject), "%s from %s", s->guessed, place(s));
	audit_format_time(s->guessed_s, last);
	return findings_add(
		out,
		AUDIT_TEXT(.id = "logins.guessed", .subject = subject, .result = FINDING_PROBLEM,
			   .meaning = "A password may have been guessed.",
			   .remedy =
				   "ask the user; if it was not he: lock the account, look at what it "
				   "did, and change every secret that it could read"),
		"after %llu failed logins from %s the password of %s fitted at %s",
		(unsigned long long)s->tries, place(s), s->guessed, last);
}

static int report_last(struct logins *l, const struct config *c, struct findings *out)
{
	_cleanup_(buf_done) struct buf who = BUF_INIT(800);
	const struct audit_tally *t = &l->tally;

	qsort(t->list, t->n, sizeof(struct audit_source *), by_time);
	for (size_t i = 0; i < t->n && i < TOP && t->list[i]->accepted; i++) {
		char at[AUDIT_TIME_MAX];

		audit_format_time(t->list[i]->last_accepted_s, at);
		buf_printf(&who, "%s%s from %s at %s", i ? ", " : "; last ", t->list[i]->last_user,
			   place(t->list[i]), at);
	}
	return findings_add(out, AUDIT_TEXT(.id = "logins.last", .result = FINDING_FINE),
			    "%llu logins, %llu failed within %llu days, says %s%s",
			    (unsigned long long)t->accepted, (unsigned long long)t->failed,
			    (unsigned long long)c->audit_login_days, l->source, buf_str(&who));
}

static int report(struct logins *l, const struct config *c, struct findings *out)
{
	int err;

	if (!l->source)
		return findings_add(
			out, AUDIT_TEXT(.id = "logins.last", .result = FINDING_UNKNOWN),
			"neither the journal nor auth.log, secure, wtmp or btmp can be read");
	err = report_failed(l, c, out);
	for (size_t i = 0; i < l->tally.n && !err; i++)
		err = report_source(l->tally.list[i], out);
	return err ?: report_last(l, c, out);
}

int audit_logins(const struct check_input *in, struct findings *out)
{
	struct logins l = { .now_s = time(NULL) };
	int err = audit_tally_init(&l.tally);

	l.from_s = l.now_s - (int64_t)in->config->audit_login_days * DAY_S;
	if (!err)
		err = read_somewhere(&l);
	if (!err)
		err = report(&l, in->config, out);
	audit_tally_done(&l.tally);
	return err;
}
