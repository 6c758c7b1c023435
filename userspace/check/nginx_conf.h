/* SPDX-License-Identifier: MIT */
/*
 * What nginx is configured to do, as `nginx -T` prints it: every file behind a line "# configuration file PATH:". Only what is asked about the way
 * to an upstream is kept: servers and where they listen, proxy_pass, upstreams, logs of errors, and some settings. Variables are not evaluated.
 */
#ifndef ISAMON_NGINX_CONF_H
#define ISAMON_NGINX_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/nginx_address.h"

#define NGINX_ITEMS_MAX 1024 /* of each kind; more are left out */

struct nginx_place {
	unsigned int file; /* index into files; UINT_MAX: none was named */
	unsigned int line;
};

struct nginx_server {
	char name[NGINX_TEXT_MAX]; /* the first server_name; "" */
	unsigned int n_listen;     /* 0: it listens on port 80 */
};

struct nginx_listen {
	size_t server;
	char text
		[NGINX_TEXT_MAX]; /* as it stands there: "80", "127.0.0.1:8080", "[::]:80", "unix:/x" */
	bool tls;
};

struct nginx_pass {
	size_t server; /* SIZE_MAX: it stands in a file that is included within one */
	char location[NGINX_TEXT_MAX]; /* the last word of the innermost location; "" */
	char text[NGINX_TEXT_MAX];     /* "http://127.0.0.1:8000/api/" */
	struct nginx_place place;
};

/* A server of an upstream. */
struct nginx_peer {
	char upstream[NGINX_TEXT_MAX];
	char text[NGINX_TEXT_MAX]; /* "127.0.0.1:8000", "unix:/x" */
	bool down;
	struct nginx_place place;
};

struct nginx_file {
	char path[1024];
};

struct nginx_log {
	char path[1024]; /* as it stands there */
};

/* A directive of these: worker_processes, worker_connections, keepalive, proxy_http_version, proxy_set_header, proxy_buffering,
 * worker_rlimit_nofile. */
struct nginx_setting {
	char name[32];
	char value[NGINX_TEXT_MAX]; /* its words, with a space between them */
	size_t server;              /* as of struct nginx_pass */
	char location[NGINX_TEXT_MAX];
	char upstream[NGINX_TEXT_MAX]; /* it stands in; "" */
	struct nginx_place place;
};

struct nginx_conf {
	struct nginx_file *files;
	struct nginx_server *servers;
	struct nginx_listen *listens;
	struct nginx_pass *passes;
	struct nginx_peer *peers;
	struct nginx_log *error_logs;
	struct nginx_setting *settings;
	size_t n_files, n_servers, n_listens, n_passes, n_peers, n_error_logs, n_settings;
};

/* Reads all of @text, which may hold any bytes; what stands before the first named file is passed over. Returns 0, -EPROTO (braces do not
 * match; what was read until then is kept) or -ENOMEM. @ret is for nginx_conf_done() always. */
int nginx_conf_parse(const char *text, size_t len, struct nginx_conf *ret);
void nginx_conf_done(struct nginx_conf *c);

/* The path of its file, or "". */
const char *nginx_conf_file(const struct nginx_conf *c, const struct nginx_place *p);

#endif
