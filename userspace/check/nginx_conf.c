/* SPDX-License-Identifier: MIT */
/* One pass over words, which ';' ends as a directive and '{' as a block. Invariant: at every moment stack[0..depth) are the blocks that are open;
 * nothing read is longer than its array. */
#include "check/nginx_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check/nginx_words.h"

#define WORDS_MAX 24
#define DEPTH_MAX 64
#define FILE_HEAD "# configuration file "
#define FIRST_SIZE 8

enum block { BLOCK_OTHER, BLOCK_SERVER, BLOCK_UPSTREAM, BLOCK_LOCATION };

struct reader {
	struct nginx_words words;
	unsigned int file;
	char word[WORDS_MAX + 1]
		 [NGINX_WORD_MAX]; /* of the directive; the last one is for what is too much */
	size_t n;
	struct {
		enum block kind;
		char name[NGINX_TEXT_MAX];
		size_t server;
	} stack[DEPTH_MAX];
	size_t depth;
	struct nginx_conf *conf;
};

/* The list with room for one more, which is zeroed; NULL: no memory. */
static void *grow(void *list, size_t n, size_t size)
{
	void *grown = list;

	/* A power of two is full. */
	if (n == 0 || (n >= FIRST_SIZE && (n & (n - 1)) == 0))
		grown = realloc(list, (n ? 2 * n : FIRST_SIZE) * size);
	if (grown)
		memset((char *)grown + n * size, 0, size);
	return grown;
}

/* A new item of a list of @conf; NULL: no memory. Whether it is full is asked before. */
#define ADD(conf, list) \
	({ \
		void *add_grown = grow((conf)->list, (conf)->n_##list, sizeof(*(conf)->list)); \
		if (add_grown) \
			(conf)->list = add_grown; \
		add_grown ? &(conf)->list[(conf)->n_##list++] : NULL; \
	})
#define FULL(conf, list) ((conf)->n_##list >= NGINX_ITEMS_MAX)

static void keep(char to[static NGINX_TEXT_MAX], const char *from)
{
	const size_t n = strnlen(from, NGINX_TEXT_MAX - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

/* --- files */

static int begin_file(struct reader *r, const char *path, size_t len)
{
	struct nginx_file *f;

	r->words.line = 0; /* the end of this line makes it 1 */
	r->depth = 0;
	r->n = 0;
	r->file = UINT_MAX;
	if (FULL(r->conf, files))
		return 0;
	f = ADD(r->conf, files);
	if (!f)
		return -ENOMEM;
	snprintf(f->path, sizeof(f->path), "%.*s",
		 (int)(len < sizeof(f->path) ? len : sizeof(f->path)), path);
	r->file = (unsigned int)r->conf->n_files - 1;
	return 0;
}

static int read_comment(struct reader *r)
{
	const size_t head = sizeof(FILE_HEAD) - 1, len = r->words.n_comment;
	const char *from = r->words.comment;

	if (len > head + 1 && memcmp(from, FILE_HEAD, head) == 0 && from[len - 1] == ':')
		return begin_file(r, from + head, len - head - 1);
	return 0;
}

/* --- directives */

static size_t server_of(const struct reader *r)
{
	for (size_t i = r->depth; i-- > 0;)
		if (r->stack[i].kind == BLOCK_SERVER)
			return r->stack[i].server;
	return SIZE_MAX;
}

static enum block kind_of(const struct reader *r)
{
	return r->depth ? r->stack[r->depth - 1].kind : BLOCK_OTHER;
}

/* Of the innermost block of that kind; "" */
static const char *name_of(const struct reader *r, enum block kind)
{
	for (size_t i = r->depth; i-- > 0;)
		if (r->stack[i].kind == kind)
			return r->stack[i].name;
	return "";
}

static bool has_word(const struct reader *r, size_t from, const char *word)
{
	for (size_t i = from; i < r->n; i++)
		if (strcmp(r->word[i], word) == 0)
			return true;
	return false;
}

static int add_listen(struct reader *r)
{
	const size_t server = server_of(r);
	struct nginx_listen *l;

	if (FULL(r->conf, listens))
		return 0;
	l = ADD(r->conf, listens);
	if (!l)
		return -ENOMEM;
	l->server = server;
	keep(l->text, r->word[1]);
	l->tls = has_word(r, 2, "ssl");
	r->conf->servers[server].n_listen++;
	return 0;
}

static int add_pass(struct reader *r)
{
	struct nginx_pass *p;

	if (FULL(r->conf, passes))
		return 0;
	p = ADD(r->conf, passes);
	if (!p)
		return -ENOMEM;
	p->server = server_of(r);
	p->place = (struct nginx_place){ r->file, r->words.line };
	keep(p->text, r->word[1]);
	keep(p->location, name_of(r, BLOCK_LOCATION));
	return 0;
}

static int add_peer(struct reader *r)
{
	struct nginx_peer *p;

	if (FULL(r->conf, peers))
		return 0;
	p = ADD(r->conf, peers);
	if (!p)
		return -ENOMEM;
	p->place = (struct nginx_place){ r->file, r->words.line };
	keep(p->upstream, r->stack[r->depth - 1].name);
	keep(p->text, r->word[1]);
	p->down = has_word(r, 2, "down");
	return 0;
}

static int add_error_log(struct reader *r)
{
	struct nginx_log *l;

	if (FULL(r->conf, error_logs))
		return 0;
	l = ADD(r->conf, error_logs);
	if (!l)
		return -ENOMEM;
	snprintf(l->path, sizeof(l->path), "%s", r->word[1]);
	return 0;
}

static bool is_setting(const char *name)
{
	static const char *const names[] = { "worker_processes",    "worker_connections",
					     "keepalive",           "proxy_http_version",
					     "proxy_set_header",    "proxy_buffering",
					     "worker_rlimit_nofile" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int add_setting(struct reader *r)
{
	struct nginx_setting *s;
	size_t n = 0;

	if (FULL(r->conf, settings))
		return 0;
	s = ADD(r->conf, settings);
	if (!s)
		return -ENOMEM;
	snprintf(s->name, sizeof(s->name), "%.31s", r->word[0]);
	s->server = server_of(r);
	s->place = (struct nginx_place){ r->file, r->words.line };
	keep(s->location, name_of(r, BLOCK_LOCATION));
	keep(s->upstream, name_of(r, BLOCK_UPSTREAM));
	for (size_t i = 1; i < r->n && n < sizeof(s->value) - 1; i++)
		n += (size_t)snprintf(s->value + n, sizeof(s->value) - n, "%s%s", i > 1 ? " " : "",
				      r->word[i]);
	return 0;
}

static int directive(struct reader *r)
{
	const char *name = r->n ? r->word[0] : "";
	const enum block in = kind_of(r);

	if (r->n < 2)
		return 0;
	if (strcmp(name, "error_log") == 0)
		return add_error_log(r);
	if (strcmp(name, "server") == 0 && in == BLOCK_UPSTREAM)
		return add_peer(r);
	if (strcmp(name, "proxy_pass") == 0)
		return add_pass(r);
	if (is_setting(name))
		return add_setting(r);
	if (strcmp(name, "listen") == 0 && in == BLOCK_SERVER)
		return add_listen(r);
	if (strcmp(name, "server_name") == 0 && in == BLOCK_SERVER) {
		struct nginx_server *s = &r->conf->servers[server_of(r)];

		if (!*s->name)
			keep(s->name, r->word[1]);
	}
	return 0;
}

static bool is_code(const char *name)
{
	static const char suffix[] = "_by_lua_block";
	const size_t n = strlen(name), m = sizeof(suffix) - 1;

	return (n > m && strcmp(name + n - m, suffix) == 0);
}

static int open_block(struct reader *r)
{
	const char *name = r->n ? r->word[0] : "";
	const char *last = r->n > 1 ? r->word[r->n - 1] : "";
	enum block kind = BLOCK_OTHER;
	size_t server = SIZE_MAX;

	if (r->depth == DEPTH_MAX)
		return -EPROTO;
	if (is_code(name)) {
		nginx_words_skip_block(&r->words);
		return 0;
	}
	if (strcmp(name, "upstream") == 0)
		kind = BLOCK_UPSTREAM;
	else if (strcmp(name, "location") == 0)
		kind = BLOCK_LOCATION;
	else if (strcmp(name, "server") == 0 && r->n == 1 && !FULL(r->conf, servers)) {
		if (!ADD(r->conf, servers))
			return -ENOMEM;
		kind = BLOCK_SERVER;
		server = r->conf->n_servers - 1;
	}
	r->stack[r->depth].kind = kind;
	r->stack[r->depth].server = server;
	keep(r->stack[r->depth].name, last);
	r->depth++;
	return 0;
}

static int close_block(struct reader *r)
{
	if (!r->depth)
		return -EPROTO;
	r->depth--;
	return 0;
}

/* One mark that ends a directive, or one word. */
static int take_next(struct reader *r, bool *more)
{
	int err = 0;

	switch (nginx_words_next(&r->words, r->word[r->n])) {
	case NGINX_END: *more = false; return 0;
	case NGINX_COMMENT: return read_comment(r);
	case NGINX_WORD: r->n += r->n < WORDS_MAX; return 0;
	case NGINX_SEMICOLON: err = directive(r); break;
	case NGINX_OPEN: err = open_block(r); break;
	case NGINX_CLOSE: err = close_block(r); break;
	}
	r->n = 0;
	return err;
}

int nginx_conf_parse(const char *text, size_t len, struct nginx_conf *ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	const char *from = memmem(text, len, "\n" FILE_HEAD, sizeof(FILE_HEAD));
	bool more = true;
	int err = 0;

	*ret = (struct nginx_conf){ .n_files = 0 };
	if (!r)
		return -ENOMEM;
	if (len >= sizeof(FILE_HEAD) && memcmp(text, FILE_HEAD, sizeof(FILE_HEAD) - 1) == 0)
		from = text;
	r->words.at = from ? from : text + len;
	r->words.end = text + len;
	r->file = UINT_MAX;
	r->conf = ret;
	while (!err && more)
		err = take_next(r, &more);
	if (!err && r->depth)
		err = -EPROTO;
	free(r);
	return err;
}

void nginx_conf_done(struct nginx_conf *c)
{
	free(c->files);
	free(c->servers);
	free(c->listens);
	free(c->passes);
	free(c->peers);
	free(c->error_logs);
	free(c->settings);
	*c = (struct nginx_conf){ .n_files = 0 };
}

const char *nginx_conf_file(const struct nginx_conf *c, const struct nginx_place *p)
{
	return p->file < c->n_files ? c->files[p->file].path : "";
}
