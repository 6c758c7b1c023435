/* SPDX-License-Identifier: MIT */
/* Certificates that are over, or soon will be: those of the configuration and those of nginx; and private keys that all can read. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "check/audit_impl.h"
#include "check/audit_tree.h"
#include "check/certificate.h"
#include "check/nginx_names.h"

#define NGINX "/etc/nginx/"
#define NGINX_CONFIG NGINX "nginx.conf"
#define FILE_MAX (1u << 20)
#define FILES_MAX 300
#define DEPTH_MAX 10
#define PATHS_MAX 200
#define WHY_MAX 512

struct certificates {
	const struct config *config;
	struct findings *out;
	char *paths[PATHS_MAX]; /* that were looked at */
	size_t n, n_files;
	unsigned int depth;
};

/* Whether @path is met for the first time. */
static bool is_new(struct certificates *c, const char *path)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->paths[i], path) == 0)
			return false;
	if (c->n == PATHS_MAX)
		return false;
	c->paths[c->n] = strdup(path);
	c->n += c->paths[c->n] != NULL;
	return true;
}

static int unreadable(struct certificates *c, const char *path, const char *why)
{
	return findings_add(c->out,
			    AUDIT_TEXT(.id = "certificates.expiry", .subject = path,
				       .result = FINDING_UNKNOWN),
			    "%s", why);
}

static int judge(struct certificates *c, const char *path, const struct certificate *x)
{
	const struct config *config = c->config;
	const int64_t left_s = x->ends_s - (int64_t)time(NULL);
	const bool over = left_s < 0;
	const int days = (int)(left_s / DAY_S);
	static const char remedy[] =
		"renew it (certbot renew, where certbot made it), then: systemctl reload nginx";

	return findings_add(
		c->out,
		AUDIT_TEXT(.id = "certificates.expiry", .subject = path,
			   .result = over                                       ? FINDING_PROBLEM :
				     days < (int)config->audit_certificate_days ? FINDING_WARNING :
										  FINDING_FINE,
			   .meaning =
				   over ? "Browsers refuse the site." :
				   days < (int)config->audit_certificate_days ?
					  "Browsers will refuse the site soon; it should have been renewed by now." :
					  NULL,
			   .remedy = over || days < (int)config->audit_certificate_days ? remedy :
											  NULL),
		over ? "of %s: over since %d days" : "of %s: %d days left",
		*x->subject ? x->subject : "nobody", over ? -days : days);
}

static int look(struct certificates *c, const char *path)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct certificate x;

	if (!is_new(c, path))
		return 0;
	return certificate_read(path, &x, &why) ? unreadable(c, path, buf_str(&why)) :
						  judge(c, path, &x);
}

/* That the directory keeps others out is enough: /etc/letsencrypt/live does. */
static bool all_can_read(const char *path, struct stat *st)
{
	char real[PATH_MAX];

	return realpath(path, real) && stat(real, st) == 0 && st->st_mode & S_IROTH &&
	       audit_way_is_open(real);
}

static int look_at_key(struct certificates *c, const char *path)
{
	char remedy[PATH_MAX + 64];
	struct stat st;

	if (!is_new(c, path) || !all_can_read(path, &st))
		return 0;
	snprintf(remedy, sizeof(remedy), "chmod 600 %s, and have a new key certified", path);
	return findings_add(
		c->out,
		AUDIT_TEXT(.id = "certificates.key", .subject = path, .result = FINDING_PROBLEM,
			   .meaning = "Who takes any account of this host can be the site.",
			   .remedy = remedy),
		"the private key of nginx, owner %u, mode %04o: all users can read it",
		(unsigned int)st.st_uid, (unsigned int)st.st_mode & 07777);
}

/* --- nginx */

static int nginx_file(struct certificates *c, const char *path);

static int nginx_include(struct certificates *c, const char *pattern)
{
	glob_t found = { 0 };
	int err = 0;

	if (c->depth == DEPTH_MAX)
		return 0;
	c->depth++;
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !err; i++)
			err = nginx_file(c, found.gl_pathv[i]);
	globfree(&found);
	c->depth--;
	return err;
}

static int nginx_seen(enum nginx_names_kind kind, const char *name, void *ctx)
{
	struct certificates *c = ctx;
	char path[PATH_MAX];

	/* Variables and engines name no file. */
	if (strchr(name, '$') || strncmp(name, "data:", 5) == 0 || strncmp(name, "engine:", 7) == 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s", *name == '/' ? "" : NGINX, name);
	if (kind == NGINX_NAMES_INCLUDE)
		return nginx_include(c, path);
	return kind == NGINX_NAMES_KEY ? look_at_key(c, path) : look(c, path);
}

static int nginx_file(struct certificates *c, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	int err;

	if (c->n_files++ == FILES_MAX)
		return 0;
	err = file_read(path, &text);
	if (err && err != -ENOENT)
		return err == -ENOMEM ? err : unreadable(c, path, strerror(-err));
	return err ? 0 : nginx_names_parse(buf_str(&text), text.len, nginx_seen, c);
}

int audit_certificates(const struct check_input *in, struct findings *out)
{
	struct certificates c = { .config = in->config, .out = out };
	const size_t before = out->n;
	int err = nginx_file(&c, NGINX_CONFIG);

	for (size_t i = 0; i < in->config->n_audit_certificates && !err; i++)
		err = look(&c, in->config->audit_certificates[i]);
	for (size_t i = 0; i < c.n; i++)
		free(c.paths[i]);
	if (err || out->n > before)
		return err;
	return findings_add(out, AUDIT_TEXT(.id = "certificates.expiry", .result = FINDING_FINE),
			    "there are none");
}
