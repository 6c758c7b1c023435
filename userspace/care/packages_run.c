/* SPDX-License-Identifier: MIT */
/*
 * apt-get and dnf. Invariant: what is installed is what the dry run has listed, by versions (apt), or by the same choice (dnf); nothing is ever
 * removed for it.
 */
#include "care/packages_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"

#define OUT_MAX (8u << 20)
#define ARGS_OWN 24
#define PREFERENCES "update-security.pref"
#define PREFERENCES_MAX (1u << 20)
#define MARGIN_BYTES (100ull << 20)
#define DNF_PENDING 100 /* exit status of check-update */

static const char *const apt_environment[] = { "DEBIAN_FRONTEND=noninteractive",
					       "APT_LISTCHANGES_FRONTEND=none",
					       "NEEDRESTART_MODE=l", NULL };
/* Within what apt-get is told always. */
static const char security_pin[] =
	"Package: *\nPin: release a=*-security\nPin-Priority: 990\n\n"
	"Package: *\nPin: release l=Debian-Security\nPin-Priority: 990\n\n";

int packages_find_manager(struct packages_run *r, struct buf *why)
{
	if (child_find("dnf", NULL))
		r->manager = PACKAGES_DNF;
	else if (child_find("apt-get", NULL))
		r->manager = PACKAGES_APT;
	else {
		buf_add_str(why, "this host has neither dnf nor apt-get");
		return -ENOENT;
	}
	return 0;
}

const char *packages_manager_name(const struct packages_run *r)
{
	return r->manager == PACKAGES_APT ? "apt-get" : "dnf";
}

/* --- arguments */

struct arguments {
	const char **list;
	size_t n, size;
	struct buf preferences; /* an argument of its own */
	char **specs;           /* "NAME=VERSION" */
	size_t n_specs;
};

static void arguments_done(struct arguments *a)
{
	for (size_t i = 0; i < a->n_specs; i++)
		free(a->specs[i]);
	free(a->specs);
	free(a->list);
	buf_done(&a->preferences);
}

static int arguments_new(struct arguments *a, size_t n_packages)
{
	a->list = calloc(n_packages + ARGS_OWN + 1, sizeof(*a->list));
	a->specs = calloc(n_packages + 1, sizeof(*a->specs));
	if (!a->list || !a->specs)
		return -ENOMEM;
	a->size = n_packages + ARGS_OWN; /* none: nothing can be added */
	return 0;
}

static void add(struct arguments *a, const char *const *more)
{
	while (*more && a->n < a->size)
		a->list[a->n++] = *more++;
}

#define ADD(a, ...) add(a, (const char *const[]){ __VA_ARGS__, NULL })

/* For apt a version that closes holes comes before a newer one that does not, or also: so only those are installed. */
static int write_preferences(const struct packages_run *r, struct arguments *a)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(PREFERENCES_MAX), path = BUF_INIT(PATH_MAX);
	_cleanup_(file_closep) int fd = -1;
	int err = file_read("/etc/apt/preferences", &text);

	if (err && err != -ENOENT)
		return err;
	buf_add_str(&text, text.len ? "\n\n" : "");
	buf_add_str(&text, security_pin);
	err = file_make_directory(r->state_directory, 0750);
	if (!err)
		err = buf_printf(&path, "%s/" PREFERENCES, r->state_directory);
	if (!err)
		err = text.err;
	if (err)
		return err;
	fd = open(buf_str(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	err = fd < 0 ? -errno : file_write(fd, text.data, text.len);
	return err ? err : buf_printf(&a->preferences, "Dir::Etc::Preferences=%s", buf_str(&path));
}

static int apt_begin(const struct packages_run *r, size_t n_packages, struct arguments *a)
{
	int err = arguments_new(a, n_packages);

	a->preferences = (struct buf)BUF_INIT(2 * PATH_MAX);
	if (!err && r->security)
		err = write_preferences(r, a);
	if (err)
		return err;
	ADD(a, "apt-get", "-o", "DPkg::Lock::Timeout=120");
	if (r->security)
		ADD(a, "-o", buf_str(&a->preferences));
	return 0;
}

/* What is to be done: all, or of those that close holes each by its version. */
static int apt_what(const struct packages_run *r, const struct packages *p, struct arguments *a)
{
	if (!r->security || !p) {
		ADD(a, "--with-new-pkgs", "upgrade");
		return 0;
	}
	ADD(a, "install", "--only-upgrade", "--no-remove", "--");
	for (size_t i = 0; i < p->n; i++) {
		char *spec;

		/* What is new comes with what needs it. */
		if (!p->list[i].security || !*p->list[i].old)
			continue;
		if (asprintf(&spec, "%s=%s", p->list[i].name, p->list[i].new) < 0)
			return -ENOMEM;
		a->specs[a->n_specs++] = spec;
		ADD(a, spec);
	}
	return 0;
}

static int run(const struct packages_run *r, struct arguments *a, struct buf *out, bool shown)
{
	struct update_run how = r->run;

	how.environment = r->manager == PACKAGES_APT ? apt_environment : NULL;
	how.tail = shown;
	if (!shown)
		how.echo_fd = -1;
	return update_run(&how, a->list, out);
}

/* --- the sources */

int packages_refresh(const struct packages_run *r, struct buf *why)
{
	_cleanup_(arguments_done) struct arguments a = { .n = 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);
	int err;

	if (r->manager == PACKAGES_DNF)
		return 0;
	err = apt_begin(r, 0, &a);
	ADD(&a, "-q", "update");
	if (!err)
		err = run(r, &a, &out, true);
	return err ? update_run_failed("apt-get update", err, &out, why) : 0;
}

/* --- the dry run */

static int plan_apt(const struct packages_run *r, struct buf *why, struct packages *ret)
{
	_cleanup_(arguments_done) struct arguments a = { .n = 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);
	int err = apt_begin(r, 0, &a);

	ADD(&a, "-q", "-s", "-o", "Debug::NoLocking=1");
	if (!err)
		err = apt_what(r, NULL, &a);
	if (!err)
		err = run(r, &a, &out, false);
	return err ? update_run_failed("apt-get -s", err, &out, why) :
		     packages_add_apt(ret, buf_str(&out));
}

/* What comes along with those: the same simulation, of them alone. */
static int plan_apt_security(const struct packages_run *r, struct buf *why, struct packages *p)
{
	_cleanup_(arguments_done) struct arguments a = { .n = 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);
	int err;

	if (!p->n_security) {
		packages_done(p);
		return 0;
	}
	err = apt_begin(r, p->n, &a);
	ADD(&a, "-q", "-s", "-o", "Debug::NoLocking=1");
	if (!err)
		err = apt_what(r, p, &a);
	if (!err)
		err = run(r, &a, &out, false);
	packages_done(p);
	return err ? update_run_failed("apt-get -s install", err, &out, why) :
		     packages_add_apt(p, buf_str(&out));
}

static int list_dnf(const struct packages_run *r, bool security, struct buf *why,
		    struct packages *ret)
{
	_cleanup_(arguments_done) struct arguments a = { .n = 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);
	int err = arguments_new(&a, 0);

	ADD(&a, "dnf", "-q", "check-update");
	if (security)
		ADD(&a, "--security");
	if (!err)
		err = run(r, &a, &out, false);
	if (err && err != DNF_PENDING)
		return update_run_failed("dnf check-update", err, &out, why);
	return packages_add_dnf(ret, buf_str(&out), security);
}

int packages_plan(const struct packages_run *r, struct buf *why, struct packages *ret)
{
	int err;

	*ret = (struct packages){ .n = 0 };
	if (r->manager == PACKAGES_DNF) {
		err = r->security ? 0 : list_dnf(r, false, why, ret);
		return err ? err : list_dnf(r, true, why, ret);
	}
	err = plan_apt(r, why, ret);
	return err || !r->security ? err : plan_apt_security(r, why, ret);
}

/* --- room */

/*
 * @real: does it; otherwise only says how much it takes. To apt-get no option that answers questions must be left for that: of packages that
 * are all named --assume-no asks nothing, and installs them. --print-uris never does.
 */
static int begin_work(const struct packages_run *r, const struct packages *p, bool real,
		      struct arguments *a)
{
	int err;

	if (r->manager == PACKAGES_DNF) {
		err = arguments_new(a, 0);
		ADD(a, "dnf");
		if (real)
			ADD(a, "-y");
		else
			ADD(a, "--assumeno", "--setopt=alwaysprompt=True");
		ADD(a, r->security ? "upgrade-minimal" : "upgrade");
		if (r->security)
			ADD(a, "--security");
		return err;
	}
	err = apt_begin(r, p->n, a);
	ADD(a, "-q", "-y");
	if (real)
		ADD(a, "-o", "Dpkg::Options::=--force-confdef", "-o",
		    "Dpkg::Options::=--force-confold");
	else
		ADD(a, "--print-uris", "-o", "Debug::NoLocking=1");
	return err ? err : apt_what(r, p, a);
}

void packages_room(const struct packages_run *r, const struct packages *p,
		   struct packages_room *ret)
{
	_cleanup_(arguments_done) struct arguments a = { .n = 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);

	*ret = (struct packages_room){ .known = false };
	/* dnf's status says that it was answered with no. */
	if (begin_work(r, p, false, &a) || run(r, &a, &out, false) < 0)
		return;
	if (r->manager == PACKAGES_DNF)
		packages_room_dnf(buf_str(&out), ret);
	else
		packages_room_apt(buf_str(&out), ret);
}

static int check_one(const char *path, uint64_t needed, struct buf *why)
{
	struct statvfs st;
	uint64_t room;

	if (statvfs(path, &st))
		return 0; /* the program will make it, or say so */
	room = (uint64_t)st.f_bavail * st.f_frsize;
	if (room >= needed + MARGIN_BYTES)
		return 0;
	buf_printf(why, "%s: not enough room: %llu MiB are free, %llu MiB are needed", path,
		   (unsigned long long)(room >> 20),
		   (unsigned long long)((needed + MARGIN_BYTES) >> 20));
	return -ENOSPC;
}

int packages_check_room(const struct packages_run *r, const struct packages_room *room,
			struct buf *why)
{
	const char *cache =
		r->manager == PACKAGES_DNF ? "/var/cache/dnf" : "/var/cache/apt/archives";
	uint64_t disk = room->disk_bytes > 0 ? (uint64_t)room->disk_bytes : 0;
	struct stat a, b;
	bool same = stat(cache, &a) == 0 && stat("/usr", &b) == 0 && a.st_dev == b.st_dev;
	int err;

	if (!room->known)
		return 0;
	err = check_one(cache, room->fetch_bytes + (same ? disk : 0), why);
	return err ? err : check_one("/usr", disk + (same ? room->fetch_bytes : 0), why);
}

int packages_install(const struct packages_run *r, const struct packages *p, struct buf *why)
{
	_cleanup_(arguments_done) struct arguments a = { .n = 0 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);
	int err;

	if (p->n_removed) {
		buf_printf(why, "%zu packages would have to be removed for it: do that by hand",
			   p->n_removed);
		return -EIO;
	}
	err = begin_work(r, p, true, &a);
	if (!err)
		err = run(r, &a, &out, true);
	if (!err)
		return 0;
	err = update_run_failed(packages_manager_name(r), err, &out, why);
	if (err == -ETIMEDOUT && r->manager == PACKAGES_APT)
		buf_add_str(
			why,
			"\nwhat it was at may be half done: dpkg --configure -a goes on with it");
	return err;
}
