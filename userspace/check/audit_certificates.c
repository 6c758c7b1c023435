/* SPDX-License-Identifier: MIT */
/* Certificates that are over, or soon will be: those of the configuration and those of nginx; and private keys that all can read. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"
#include "check/audit_impl.h"
#include "check/audit_nginx.h"

#define NGINX "/etc/nginx/"
#define NGINX_CONFIG NGINX "nginx.conf"
#define FILE_MAX (1u << 20)
#define FILES_MAX 300
#define DEPTH_MAX 10
#define PATHS_MAX 200

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

/* The first of the file, which is the one of the server. NULL: there is none. */
static X509 *first_of(const struct buf *text)
{
	BIO *bio = BIO_new_mem_buf(buf_str(text), (int)text->len);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return x;
}

static int judge(struct certificates *c, const char *path, const X509 *x)
{
	const struct config *config = c->config;
	char name[128] = "", plain[128], remedy[300];
	int days = 0, seconds = 0;
	bool over;

	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	utf8_make_plain(name, strlen(name), plain, sizeof(plain));
	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)))
		return unreadable(c, path, "its end is no time");
	over = days < 0 || seconds < 0;
	snprintf(remedy, sizeof(remedy),
		 "renew it (certbot renew, where certbot made it), then: systemctl reload nginx");
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
		*plain ? plain : "nobody", over ? -days : days);
}

static int look(struct certificates *c, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	X509 *x;
	int err;

	if (!is_new(c, path))
		return 0;
	err = file_read(path, &text);
	if (err)
		return unreadable(c, path, strerror(-err));
	x = first_of(&text);
	if (text.data)
		explicit_bzero(text.data, text.size); /* a key may stand in the same file */
	if (!x)
		return unreadable(c, path, "there is no certificate in PEM in it");
	err = judge(c, path, x);
	X509_free(x);
	return err;
}

/* That the directory keeps others out is enough: /etc/letsencrypt/live does. */
static bool all_can_read(const char *path, struct stat *st)
{
	char real[PATH_MAX], part[PATH_MAX];
	struct stat d;

	if (!realpath(path, real) || stat(real, st) || !(st->st_mode & S_IROTH))
		return false;
	for (char *slash = strchr(real + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - real), real);
		if (stat(part, &d) || !(d.st_mode & S_IXOTH))
			return false;
	}
	return true;
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

static int nginx_seen(enum audit_nginx_kind kind, const char *name, void *ctx)
{
	struct certificates *c = ctx;
	char path[PATH_MAX];

	/* Variables and engines name no file. */
	if (strchr(name, '$') || strncmp(name, "data:", 5) == 0 || strncmp(name, "engine:", 7) == 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s", *name == '/' ? "" : NGINX, name);
	if (kind == AUDIT_NGINX_INCLUDE)
		return nginx_include(c, path);
	return kind == AUDIT_NGINX_KEY ? look_at_key(c, path) : look(c, path);
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
	return err ? 0 : audit_nginx_parse(buf_str(&text), text.len, nginx_seen, c);
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
