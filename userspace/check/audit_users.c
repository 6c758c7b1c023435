/* SPDX-License-Identifier: MIT */
/* Who can log in, and how: users with a shell, other names of root, passwords that are none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "check/audit_accounts.h"
#include "check/audit_impl.h"

#define PASSWD "/etc/passwd"
#define SHADOW "/etc/shadow"
#define FILE_MAX (4u << 20)

struct users {
	const struct config *config;
	struct findings *out;
	struct buf passwd, shadow; /* the latter holds secrets */
	bool has_shadow;
	size_t n_shells, n_wrong;
};

static void users_done(struct users *u)
{
	buf_done(&u->passwd);
	if (u->shadow.data)
		explicit_bzero(u->shadow.data, u->shadow.size);
	buf_done(&u->shadow);
}

static bool has_keys(const struct audit_account *a)
{
	static const char *const names[] = { "authorized_keys", "authorized_keys2" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[400];

		snprintf(path, sizeof(path), "%s/.ssh/%s", a->home, names[i]);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
			return true;
	}
	return false;
}

static int check_shell(struct users *u, const struct audit_account *a, enum audit_password p)
{
	const bool keys = has_keys(a);
	const bool password = p == AUDIT_PASSWORD_SET || p == AUDIT_PASSWORD_WEAK;
	char remedy[400];

	u->n_shells++;
	if (audit_user_is_allowed(u->config, a->name) || a->uid == 0)
		return 0;
	u->n_wrong++;
	snprintf(remedy, sizeof(remedy),
		 "usermod --shell /usr/sbin/nologin %s; or allow it: allow_user = %s in [audit]",
		 a->name, a->name);
	return findings_add(
		u->out,
		AUDIT_TEXT(.id = "users.shell", .subject = a->name,
			   .result = keys || password ? FINDING_WARNING : FINDING_NOTE,
			   .meaning = keys || password ?
					      "A user who can log in and is not on the list." :
					      "A shell, though nobody can log in with it now.",
			   .remedy = remedy),
		"user %u, shell %s, %s%s%s", (unsigned int)a->uid, *a->shell ? a->shell : "/bin/sh",
		password ? "a password" : "no password that fits",
		keys ? ", SSH keys in " : ", no SSH keys", keys ? a->home : "");
}

static int check_password(struct users *u, const struct audit_account *a, enum audit_password p)
{
	char remedy[200];

	if (p != AUDIT_PASSWORD_NONE && p != AUDIT_PASSWORD_WEAK)
		return 0;
	u->n_wrong++;
	snprintf(remedy, sizeof(remedy),
		 p == AUDIT_PASSWORD_NONE ? "passwd --lock %s" : "passwd %s", a->name);
	if (p == AUDIT_PASSWORD_NONE)
		return findings_add(u->out,
				    AUDIT_TEXT(.id = "users.empty-password", .subject = a->name,
					       .result = audit_is_shell(a->shell) ?
								 FINDING_PROBLEM :
								 FINDING_WARNING,
					       .meaning = "Whoever knows the name is this user.",
					       .remedy = remedy),
				    "user %u has an empty password, shell %s", (unsigned int)a->uid,
				    *a->shell ? a->shell : "/bin/sh");
	return findings_add(
		u->out,
		AUDIT_TEXT(.id = "users.weak-hash", .subject = a->name, .result = FINDING_WARNING,
			   .meaning = "Who gets hold of the file has the password soon.",
			   .remedy = remedy),
		"the password is kept by DES or MD5");
}

static int check_account(struct users *u, const struct audit_account *a)
{
	enum audit_password p = a->password;
	char remedy[200];
	int err = 0;

	if (p == AUDIT_PASSWORD_SHADOW)
		p = u->has_shadow ? audit_shadow_find(buf_str(&u->shadow), u->shadow.len, a->name) :
				    AUDIT_PASSWORD_LOCKED;
	if (a->uid == 0 && strcmp(a->name, "root") != 0) {
		u->n_wrong++;
		snprintf(remedy, sizeof(remedy),
			 "remove its line with vipw, or: userdel --force %s", a->name);
		err = findings_add(
			u->out,
			AUDIT_TEXT(.id = "users.uid-0", .subject = a->name,
				   .result = FINDING_PROBLEM,
				   .meaning = "It is root under another name.", .remedy = remedy),
			"user 0 in " PASSWD ", shell %s", *a->shell ? a->shell : "/bin/sh");
	}
	if (!err)
		err = check_password(u, a, p);
	if (!err && audit_is_shell(a->shell))
		err = check_shell(u, a, p);
	return err;
}

int audit_users(const struct check_input *in, struct findings *out)
{
	_cleanup_(users_done) struct users u = { .config = in->config,
						 .out = out,
						 .passwd = BUF_INIT(FILE_MAX),
						 .shadow = BUF_INIT(FILE_MAX) };
	struct audit_account a;
	const char *at;
	int err = file_read(PASSWD, &u.passwd), shadow_err;

	if (err)
		return err;
	shadow_err = file_read(SHADOW, &u.shadow);
	u.has_shadow = !shadow_err;
	at = buf_str(&u.passwd);
	while (!err && audit_accounts_next(&at, buf_str(&u.passwd) + u.passwd.len, &a))
		err = check_account(&u, &a);
	if (!err && shadow_err && shadow_err != -ENOENT)
		err = findings_add(out,
				   AUDIT_TEXT(.id = "users.empty-password",
					      .result = FINDING_UNKNOWN,
					      .remedy = "run it as root"),
				   SHADOW " cannot be read: %s", strerror(-shadow_err));
	if (!err && !u.n_wrong)
		err = findings_add(out, AUDIT_TEXT(.id = "users.shell", .result = FINDING_FINE),
				   "users with a shell: %zu, all of them allowed", u.n_shells);
	return err;
}
