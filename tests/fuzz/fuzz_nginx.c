/* SPDX-License-Identifier: MIT */
/* Any bytes as nginx's configuration, as an address in it, and as its log of errors: bounded, ended texts, and places that exist. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "check/nginx_conf.h"
#include "check/nginx_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_place(const struct nginx_conf *c, const struct nginx_place *p)
{
	require(p->file == UINT_MAX || p->file < c->n_files);
	require(strlen(nginx_conf_file(c, p)) < sizeof(c->files[0].path));
}

static void require_address(const char *text)
{
	struct nginx_address a;

	for (int listen = 0; listen < 2; listen++)
		if (nginx_address_parse(text, listen, &a))
			require(a.port > 0 && strlen(a.host) < sizeof(a.host));
}

static void conf(const char *text, size_t size)
{
	struct nginx_conf c;
	int err = nginx_conf_parse(text, size, &c);

	require(err == 0 || err == -EPROTO || err == -ENOMEM);
	require(c.n_passes <= NGINX_ITEMS_MAX && c.n_files <= NGINX_ITEMS_MAX);
	for (size_t i = 0; i < c.n_passes; i++) {
		require(c.passes[i].server == SIZE_MAX || c.passes[i].server < c.n_servers);
		require_place(&c, &c.passes[i].place);
		require_address(c.passes[i].text);
	}
	for (size_t i = 0; i < c.n_listens; i++) {
		require(c.listens[i].server < c.n_servers);
		require_address(c.listens[i].text);
	}
	for (size_t i = 0; i < c.n_peers; i++) {
		require_place(&c, &c.peers[i].place);
		require_address(c.peers[i].text);
	}
	nginx_conf_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nginx_errors e = { .upstream = "" };
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	conf(text, size);
	require_address(text);
	nginx_errors_count(text, size, 0, &e);
	require(utf8_is_plain(e.upstream, strlen(e.upstream)));
	free(text);
	return 0;
}
