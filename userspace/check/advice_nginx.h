/* SPDX-License-Identifier: MIT */
/* Changes of nginx's files, between the files of advice on it. */
#ifndef ISAMON_ADVICE_NGINX_H
#define ISAMON_ADVICE_NGINX_H

#include "check/advice_impl.h"

#define ADVICE_NGINX_UNDO "the diff backwards (patch -R), then nginx -t && nginx -s reload"
#define ADVICE_NGINX_DO "# then: nginx -t && nginx -s reload\n"

#define UPSTREAMS_MAX 4

/* New ones, of all files: a name is defined once. */
struct upstreams {
	struct {
		char host[NGINX_TEXT_MAX], name[64];
		uint16_t port;
	} list[UPSTREAMS_MAX];
	size_t n;
};

/* One of its files, in the making. */
struct editing {
	const struct advice_case *c;
	const struct nginx_conf *conf;
	unsigned int file;
	const char *text;
	struct advice_edits edits;
	struct upstreams *new;
};

/* Whether a setting may hold for a place: there, in its server, above it, in a file that is included. */
bool nginx_applies(const struct nginx_setting *s, const struct nginx_pass *p);
/* Whether one of these has that @value (NULL: any). */
bool nginx_is_set(const struct nginx_conf *c, const struct nginx_pass *p, const char *name,
		  const char *value);
/* Whether the line has one directive, of that name, and no bracket: then what comes behind the line stands in the same block. */
bool nginx_stands_alone(const char *text, size_t line, const char *name);
/* Whether the block around the line is a location: an "if" in it takes no proxy_http_version. No, where the block begins in another file. */
bool nginx_in_location(const char *text, size_t line);
/* Whether an earlier pass stands in the same block: what is added there is added once. */
bool nginx_is_second(const struct nginx_conf *c, size_t pass);
/* The number of blanks before the line. */
int nginx_indent_of(const char *text, size_t line);
int nginx_add_behind(struct editing *e, size_t line, const char *what);

/* The diffs of all files in which @edit finds something to do; or, where that cannot be said in diffs, all of it in words. Returns 0 or -errno. */
int nginx_diff_files(const struct advice_case *c, int (*edit)(struct editing *e), const char *words,
		     struct buf *out);

#endif
