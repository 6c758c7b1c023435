/* SPDX-License-Identifier: MIT */
/* Words of nginx's configuration (ngx_conf_read_token()): quotes, backslashes, comments; directives end with ; { or }. */
#include "check/audit_nginx.h"

#include <stdbool.h>
#include <string.h>

#include "base/util.h"

#define WORD_BYTES 1024

struct words {
	const char *at, *end;
};

static void skip_blank(struct words *w)
{
	while (w->at < w->end) {
		if (*w->at == '#') {
			const char *newline = memchr(w->at, '\n', (size_t)(w->end - w->at));

			w->at = newline ? newline : w->end;
		} else if (!*w->at || !strchr(" \t\r\n", *w->at)) {
			return;
		} else {
			w->at++;
		}
	}
}

static void add(char *word, size_t *n, char c)
{
	if (*n < WORD_BYTES - 1 && c)
		word[(*n)++] = c;
}

/* The next word; "" for what ends a directive, or for the end of all. Returns whether there was one, or an end of a directive. */
static bool next(struct words *w, char word[static WORD_BYTES])
{
	size_t n = 0;
	char quote = '\0';

	word[0] = '\0';
	skip_blank(w);
	if (w->at == w->end)
		return false;
	if (*w->at && strchr(";{}", *w->at)) {
		w->at++;
		return true;
	}
	if (*w->at == '"' || *w->at == '\'')
		quote = *w->at++;
	for (; w->at < w->end; w->at++) {
		if (*w->at == '\\' && w->at + 1 < w->end)
			w->at++;
		else if (quote ? *w->at == quote : *w->at && strchr(" \t\r\n;{}", *w->at))
			break;
		add(word, &n, *w->at);
	}
	if (quote && w->at < w->end)
		w->at++;
	word[n] = '\0';
	if (!n)
		add(word, &n, '?');
	word[n] = '\0';
	return true;
}

int audit_nginx_parse(const char *text, size_t len, audit_nginx_fn fn, void *ctx)
{
	static const struct {
		const char *name;
		enum audit_nginx_kind kind;
	} names[] = {
		{ "ssl_certificate", AUDIT_NGINX_CERTIFICATE },
		{ "ssl_certificate_key", AUDIT_NGINX_KEY },
		{ "include", AUDIT_NGINX_INCLUDE },
	};
	struct words w = { .at = text, .end = text + len };
	char word[WORD_BYTES], argument[WORD_BYTES];
	bool first = true;
	int err = 0;

	while (!err && next(&w, word)) {
		const bool begins = first && *word;

		first = !*word;
		for (size_t i = 0; begins && i < ARRAY_SIZE(names) && !err; i++) {
			if (strcmp(word, names[i].name) != 0)
				continue;
			if (!next(&w, argument))
				return 0;
			first = !*argument;
			if (*argument)
				err = fn(names[i].kind, argument, ctx);
			break;
		}
	}
	return err;
}
