/* SPDX-License-Identifier: MIT */
/* Between the files of check/proxy_checks.h: one walk from nginx to the service. */
#ifndef ISAMON_PROXY_IMPL_H
#define ISAMON_PROXY_IMPL_H

#include "check/check.h"
#include "check/listening.h"
#include "check/nginx_conf.h"
#include "check/nginx_process.h"

#define PROXY_TARGETS_MAX 256

/* One address to which nginx passes requests. */
struct proxy_target {
	struct nginx_address address;
	struct in6_addr ip;   /* of an address or a name that was found: IPv4 as ::ffff:a.b.c.d */
	bool resolved, local; /* ip is known; it is one of this host's */
	bool ours;            /* it is the service's */
	const struct nginx_pass *pass;
	struct nginx_place place; /* where it stands: proxy_pass, or the server of the upstream */
};

struct proxy {
	const struct config *config;
	struct findings *out;
	struct nginx_processes processes;
	struct nginx_conf conf;
	struct listening_list listening;
	struct proxy_target targets[PROXY_TARGETS_MAX];
	size_t n_targets;
	bool connects;    /* the service's address took a connection */
	bool bad_gateway; /* nginx answered 502, 503, 504, or nothing */
};

/* Fills in the targets. */
void proxy_find_targets(struct proxy *p);
/* Each adds its findings; returns 0 or -ENOMEM. */
int proxy_tell_upstream(struct proxy *p); /* proxy.upstream */
int proxy_tell_connect(struct proxy *p);  /* proxy.connect */
int proxy_tell_front(struct proxy *p);    /* proxy.front: a request through nginx */
int proxy_tell_reload(struct proxy *p);   /* proxy.reload */
int proxy_tell_errors(struct proxy *p);   /* proxy.errors */

#endif
