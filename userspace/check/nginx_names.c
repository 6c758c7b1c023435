/* SPDX-License-Identifier: MIT */
/* The first word of each directive, and the one behind it. */
#include "check/nginx_names.h"

#include <stdbool.h>
#include <string.h>

#include "base/util.h"
#include "check/nginx_words.h"

static enum nginx_word next(struct nginx_words *w, char word[static NGINX_WORD_MAX])
{
	enum nginx_word kind;

	do
		kind = nginx_words_next(w, word);
	while (kind == NGINX_COMMENT);
	return kind;
}

/* Whether the directive is one of those that name a file. */
static bool find(const char *directive, enum nginx_names_kind *ret)
{
	static const char *const names[] = {
		[NGINX_NAMES_CERTIFICATE] = "ssl_certificate",
		[NGINX_NAMES_KEY] = "ssl_certificate_key",
		[NGINX_NAMES_INCLUDE] = "include",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(directive, names[i]) == 0) {
			*ret = (enum nginx_names_kind)i;
			return true;
		}
	return false;
}

int nginx_names_parse(const char *text, size_t len, nginx_names_fn fn, void *ctx)
{
	struct nginx_words w = { .at = text, .end = text + len };
	char word[NGINX_WORD_MAX];
	enum nginx_names_kind name;
	enum nginx_word kind;
	bool first = true;
	int err = 0;

	while (!err && (kind = next(&w, word)) != NGINX_END) {
		if (kind == NGINX_WORD && first && find(word, &name)) {
			kind = next(&w, word);
			if (kind == NGINX_WORD && *word)
				err = fn(name, word, ctx);
		}
		first = kind != NGINX_WORD;
	}
	return err;
}
