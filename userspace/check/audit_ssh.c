/* SPDX-License-Identifier: MIT */
/*
 * How sshd lets people in: by what `sshd -T` says, where it can be asked; otherwise by its files, as it would read them. What stands
 * behind a Match is read from the files in either case, for sshd -T leaves it out.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/file.h"
#include "base/number.h"
#include "check/audit_impl.h"
#include "check/audit_sshd.h"

#define CONFIG "/etc/ssh/sshd_config"
#define FILE_MAX (256u << 10)
#define FILES_MAX 128
#define DEPTH_MAX 16 /* as sshd's own */
#define ASK_MS 4000
#define TRIES_MAX 6 /* sshd's own */

struct reading {
	struct audit_sshd *sshd;
	size_t n_files;
	unsigned int depth;
	int err; /* of the first file that could not be read */
};

static int file_take(struct reading *r, const char *path, const char *match);

static int include_one(struct reading *r, const char *pattern, const char *match)
{
	glob_t found = { 0 };
	char path[512];
	int err = 0;

	if (snprintf(path, sizeof(path), "%s%s", *pattern == '/' ? "" : "/etc/ssh/", pattern) >=
	    (int)sizeof(path))
		return 0;
	if (glob(path, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !err; i++)
			err = file_take(r, found.gl_pathv[i], match);
	globfree(&found);
	return err;
}

static int include(const char *patterns, const char *match, void *ctx)
{
	struct reading *r = ctx;
	char words[1024], *at = words, *word;
	int err = 0;

	if (r->depth == DEPTH_MAX)
		return 0;
	snprintf(words, sizeof(words), "%s", patterns);
	r->depth++;
	while (!err && (word = audit_next_word(&at))) {
		word += *word == '"';
		word[strcspn(word, "\"")] = '\0';
		err = include_one(r, word, match);
	}
	r->depth--;
	return err;
}

static int file_take(struct reading *r, const char *path, const char *match)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	int err;

	if (r->n_files == FILES_MAX)
		return 0;
	err = file_read(path, &text);
	if (err == -ENOMEM)
		return err;
	if (err) {
		r->err = r->err ?: err;
		return 0;
	}
	r->n_files++;
	return audit_sshd_parse(buf_str(&text), text.len, match, include, r, r->sshd);
}

/* Returns whether it answered. */
static bool ask_sshd(struct audit_sshd *ret)
{
	const char *const argv[] = { "sshd", "-T", NULL };
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);

	if (child_run(argv, ASK_MS, &text) != 0 || !strstr(buf_str(&text), "permitrootlogin"))
		return false;
	return audit_sshd_parse(buf_str(&text), text.len, NULL, NULL, NULL, ret) == 0;
}

struct judging {
	const struct audit_sshd *s;
	struct findings *out;
	bool asked; /* it is what sshd itself says */
};

static const char *value_of(const struct judging *j, enum audit_sshd_key key)
{
	return *j->s->value[key] ? j->s->value[key] : audit_sshd_default(key);
}

static bool says(const struct judging *j, enum audit_sshd_key key, const char *value)
{
	return strcasecmp(value_of(j, key), value) == 0;
}

static int report(const struct judging *j, enum audit_sshd_key key, enum finding_result result,
		  const char *better, const char *meaning)
{
	const char *name = audit_sshd_key_name(key);
	char remedy[600];

	snprintf(
		remedy, sizeof(remedy),
		"write %s %s in a file of /etc/ssh/sshd_config.d that is read first, then: sshd -t && systemctl "
		"reload ssh (on Amazon Linux: sshd)",
		name, better);
	return findings_add(j->out,
			    AUDIT_TEXT(.id = "ssh.setting", .subject = name, .result = result,
				       .meaning = meaning, .remedy = remedy),
			    "%s %s, says %s%s", name, value_of(j, key),
			    j->asked ? "sshd -T" : CONFIG,
			    *j->s->value[key] ? "" : " (by not saying)");
}

static int judge_passwords(const struct judging *j)
{
	int err = 0;

	if (says(j, AUDIT_SSHD_ROOT, "yes"))
		err = report(
			j, AUDIT_SSHD_ROOT, FINDING_PROBLEM, "no",
			"Passwords of root can be guessed from anywhere, and who came in has no name.");
	if (!err && says(j, AUDIT_SSHD_EMPTY, "yes"))
		err = report(j, AUDIT_SSHD_EMPTY, FINDING_PROBLEM, "no",
			     "A user without a password is open to all.");
	if (!err && says(j, AUDIT_SSHD_PASSWORD, "yes"))
		return report(j, AUDIT_SSHD_PASSWORD, FINDING_WARNING, "no",
			      "Passwords can be guessed; keys cannot.");
	if (!err && says(j, AUDIT_SSHD_KEYBOARD, "yes") && says(j, AUDIT_SSHD_PAM, "yes"))
		err = report(
			j, AUDIT_SSHD_KEYBOARD, FINDING_WARNING, "no",
			"Through PAM these are passwords, too, whatever PasswordAuthentication says.");
	return err;
}

static int judge_lists(const struct judging *j)
{
	int err = 0;

	for (int key = AUDIT_SSHD_CIPHERS; key <= AUDIT_SSHD_KEX && !err; key++) {
		char old[300] = "", better[320];

		audit_sshd_old_names((enum audit_sshd_key)key, j->s->value[key], old, sizeof(old));
		if (!*old)
			continue;
		snprintf(better, sizeof(better), "without %s", old);
		err = report(j, (enum audit_sshd_key)key, FINDING_WARNING, better,
			     "What is so old can be broken, or soon will be.");
	}
	return err;
}

static int judge_matches(const struct judging *j)
{
	int err = 0;

	for (size_t i = 0; i < j->s->n_matches && !err; i++) {
		const char *name = audit_sshd_key_name(j->s->matches[i].key);
		char subject[256];

		if (strcasecmp(j->s->matches[i].value, "yes") != 0)
			continue;
		snprintf(subject, sizeof(subject), "%s Match %s", name, j->s->matches[i].who);
		err = findings_add(
			j->out,
			AUDIT_TEXT(.id = "ssh.match", .subject = subject, .result = FINDING_NOTE,
				   .meaning =
					   "It holds for some only; whether it should is yours to say.",
				   .remedy = "take it away, or accept it: accept in [audit]"),
			"%s yes behind Match %s", name, j->s->matches[i].who);
	}
	return err;
}

static int judge(const struct judging *j)
{
	uint64_t tries = 0;
	int err = judge_passwords(j);

	if (!err && says(j, AUDIT_SSHD_X11, "yes"))
		err = report(j, AUDIT_SSHD_X11, FINDING_NOTE, "no",
			     "A server needs no windows, and a taken one could reach yours.");
	if (!err && (number_parse_u64(value_of(j, AUDIT_SSHD_TRIES), 0, UINT32_MAX, &tries) ||
		     tries > TRIES_MAX))
		err = report(j, AUDIT_SSHD_TRIES, FINDING_NOTE, "4",
			     "Each connection can guess longer.");
	if (!err)
		err = judge_lists(j);
	return err ?: judge_matches(j);
}

static int look(struct audit_sshd *read, struct audit_sshd *asked, struct findings *out)
{
	struct reading r = { .sshd = read };
	struct judging j = { .s = read, .out = out };
	const size_t before = out->n;
	int err;

	if (!child_find("sshd", NULL) && access(CONFIG, F_OK))
		return findings_add(out, AUDIT_TEXT(.id = "ssh.setting", .result = FINDING_FINE),
				    "there is no SSH server");
	err = file_take(&r, CONFIG, NULL);
	if (err)
		return err;
	if (ask_sshd(asked)) {
		memcpy(asked->matches, read->matches, sizeof(read->matches));
		asked->n_matches = read->n_matches;
		j.s = asked;
		j.asked = true;
	} else if (r.err) {
		return findings_add(out,
				    AUDIT_TEXT(.id = "ssh.setting", .result = FINDING_UNKNOWN,
					       .remedy = "run it as root"),
				    CONFIG ", or what it includes, cannot be read: %s",
				    strerror(-r.err));
	}
	err = judge(&j);
	if (err || out->n > before)
		return err;
	return findings_add(out, AUDIT_TEXT(.id = "ssh.setting", .result = FINDING_FINE),
			    "keys only, says %s", j.asked ? "sshd -T" : CONFIG);
}

int audit_ssh(const struct check_input *in, struct findings *out)
{
	struct audit_sshd *read = calloc(1, sizeof(*read)), *asked = calloc(1, sizeof(*asked));
	int err = read && asked ? look(read, asked, out) : -ENOMEM;

	(void)in;
	free(read);
	free(asked);
	return err;
}
