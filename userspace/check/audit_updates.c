/* SPDX-License-Identifier: MIT */
/*
 * Security updates that are pending, by the lists of packages that are here, and how old these are. Nothing is fetched and nothing locked: apt
 * only simulates, dnf works from its cache.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "care/packages.h"
#include "check/audit_impl.h"

#define ASK_MS 25000
#define TEXT_MAX (4u << 20)
#define NAMED_MAX 20
#define NAMES_MAX 4096 /* of so many */

struct manager {
	const char *program;
	const char *const *argv;
	int pending; /* its exit status when there are some, beside 0 */
	int (*parse)(struct packages *p, const char *text);
	const char *update, *refresh; /* commands, for people */
	const char *const *stamps;    /* what is touched when lists are fetched: patterns */
};

static const char *const apt_argv[] = { "apt-get",
					"-s",
					"-q",
					"-o",
					"Debug::NoLocking=1",
					"-o",
					"Dir::Cache::pkgcache=",
					"-o",
					"Dir::Cache::srcpkgcache=",
					"dist-upgrade",
					NULL };
static const char *const apt_stamps[] = { "/var/lib/apt/periodic/update-success-stamp",
					  "/var/lib/apt/lists/partial", "/var/lib/apt/lists",
					  NULL };
static const char *const dnf_argv[] = { "dnf", "-q", "-C", "check-update", "--security", NULL };
static const char *const dnf_stamps[] = { "/var/cache/dnf/last_makecache",
					  "/var/cache/dnf/*/repodata/repomd.xml",
					  "/var/cache/libdnf5/*/repodata/repomd.xml", NULL };

static int parse_dnf(struct packages *p, const char *text)
{
	return packages_add_dnf(p, text, true);
}

static const struct manager managers[] = {
	{ "apt-get", apt_argv, 0, packages_add_apt, "apt-get update && apt-get upgrade",
	  "apt-get update", apt_stamps },
	{ "dnf", dnf_argv, 100, parse_dnf, "dnf upgrade --security", "dnf makecache", dnf_stamps },
};

static int64_t newest(const char *const patterns[])
{
	int64_t at_s = 0;

	for (; *patterns; patterns++) {
		glob_t found = { 0 };

		if (glob(*patterns, 0, NULL, &found) == 0)
			for (size_t i = 0; i < found.gl_pathc; i++) {
				struct stat st;

				if (stat(found.gl_pathv[i], &st) == 0 && st.st_mtime > at_s)
					at_s = st.st_mtime;
			}
		globfree(&found);
	}
	return at_s;
}

static int report_age(const struct manager *m, const struct config *c, int64_t age_days,
		      struct findings *out)
{
	const struct finding_text text = {
		.id = "updates.lists",
		.result = FINDING_WARNING,
		.meaning = "What has been mended since is not known here.",
		.remedy = m->refresh,
	};

	if (age_days < 0)
		return findings_add(out, &text, "there are no lists of packages");
	return findings_add(out, &text, "the lists of packages are %lld days old, more than %llu",
			    (long long)age_days, (unsigned long long)c->audit_list_days);
}

/* The first ones, by their names. */
static void name_some(const struct packages *p, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n && n < NAMED_MAX; i++)
		if (p->list[i].security)
			buf_printf(out, "%s%s", n++ ? ", " : "", p->list[i].name);
	if (n < p->n_security)
		buf_add_str(out, ", ...");
}

static int ask(const struct manager *m, const struct config *c, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	const int64_t at_s = newest(m->stamps);
	const int64_t age_days = at_s ? (time(NULL) - at_s) / DAY_S : -1;
	_cleanup_(packages_done) struct packages pending = { .n = 0 };
	_cleanup_(buf_done) struct buf names = BUF_INIT(NAMES_MAX);
	const size_t before = out->n;
	int status = child_run(m->argv, ASK_MS, &text), err = 0;

	if (age_days < 0 || age_days > (int64_t)c->audit_list_days)
		err = report_age(m, c, age_days, out);
	if (err)
		return err;
	if (status && status != m->pending)
		return findings_add(out,
				    AUDIT_TEXT(.id = "updates.security", .result = FINDING_UNKNOWN),
				    "%s did not say: %.300s", m->program,
				    status < 0 ? strerror(-status) : buf_str(&text));
	err = m->parse(&pending, buf_str(&text));
	if (err)
		return err;
	name_some(&pending, &names);
	if (pending.n_security)
		err = findings_add(out,
				   AUDIT_TEXT(.id = "updates.security", .result = FINDING_WARNING,
					      .meaning = "Their holes are published.",
					      .remedy = m->update),
				   "%zu security updates are pending: %s", pending.n_security,
				   buf_str(&names));
	if (err || out->n > before)
		return err;
	return findings_add(out, AUDIT_TEXT(.id = "updates.security", .result = FINDING_FINE),
			    "no security updates are pending, by lists that are %lld days old",
			    (long long)age_days);
}

int audit_updates(const struct check_input *in, struct findings *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
		if (child_find(managers[i].program, NULL))
			return ask(&managers[i], in->config, out);
	return findings_add(out, AUDIT_TEXT(.id = "updates.security", .result = FINDING_UNKNOWN),
			    "there is neither apt nor dnf");
}
