/* SPDX-License-Identifier: MIT */
/* The words of nginx's configuration (ngx_conf_read_token()): quotes, backslashes, comments, ${variables}. Any bytes are taken. */
#ifndef ISAMON_NGINX_WORDS_H
#define ISAMON_NGINX_WORDS_H

#include <stddef.h>

#define NGINX_WORD_MAX 1024 /* longer ones are cut */

/* What is still to be read, [at, end). */
struct nginx_words {
	const char *at, *end;
	unsigned int line; /* newlines that were passed */
	const char *
		comment; /* the last one, from its '#' to the end of its line, which is still to be read */
	size_t n_comment;
};

enum nginx_word {
	NGINX_END, /* of the text */
	NGINX_WORD,
	NGINX_COMMENT,
	NGINX_SEMICOLON,
	NGINX_OPEN, /* a brace */
	NGINX_CLOSE,
};

/* Takes the next one. @word is written for a word only: without quotes, NUL bytes as '?'; "" may be one. */
enum nginx_word nginx_words_next(struct nginx_words *w, char word[static NGINX_WORD_MAX]);

/* Takes all up to the brace that closes the open one, also what is no configuration: code of another language, in which only braces count. */
void nginx_words_skip_block(struct nginx_words *w);

#endif
