/* SPDX-License-Identifier: MIT */
/* One word after the other. Invariant: each call takes something, until the end. */
#include "check/nginx_words.h"

#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void step(struct nginx_words *w)
{
	w->line += *w->at++ == '\n';
}

static void add_letter(char *word, size_t *n, char c)
{
	if (*n < NGINX_WORD_MAX - 1)
		word[(*n)++] = c ? c : '?';
}

/* Until what ends it, which is left; a quote is passed over, too. */
static void read_word(struct nginx_words *w, char *word)
{
	const char quote = *w->at == '"' || *w->at == '\'' ? *w->at : '\0';
	size_t n = 0;

	if (quote)
		step(w);
	while (w->at < w->end) {
		char c = *w->at;

		if (quote ? c == quote : is_space(c) || c == ';' || c == '{' || c == '}')
			break;
		if (c == '$' && w->end - w->at > 1 && w->at[1] == '{') {
			/* ${name}: its braces are the word's */
			while (w->at < w->end && *w->at != '}') {
				add_letter(word, &n, *w->at);
				step(w);
			}
			c = '}';
		} else if (c == '\\' && w->end - w->at > 1) {
			step(w);
			c = *w->at;
		}
		if (w->at < w->end) {
			add_letter(word, &n, c);
			step(w);
		}
	}
	if (quote && w->at < w->end)
		step(w);
	word[n] = '\0';
}

static void read_comment(struct nginx_words *w)
{
	const char *end = memchr(w->at, '\n', (size_t)(w->end - w->at));

	w->comment = w->at;
	w->n_comment = (size_t)((end ? end : w->end) - w->at);
	w->at += w->n_comment;
}

enum nginx_word nginx_words_next(struct nginx_words *w, char word[static NGINX_WORD_MAX])
{
	enum nginx_word kind;

	while (w->at < w->end && is_space(*w->at))
		step(w);
	if (w->at == w->end)
		return NGINX_END;
	switch (*w->at) {
	case '#': read_comment(w); return NGINX_COMMENT;
	case ';': kind = NGINX_SEMICOLON; break;
	case '{': kind = NGINX_OPEN; break;
	case '}': kind = NGINX_CLOSE; break;
	default: read_word(w, word); return NGINX_WORD;
	}
	step(w);
	return kind;
}

void nginx_words_skip_block(struct nginx_words *w)
{
	size_t depth = 1;

	while (w->at < w->end && depth) {
		depth += *w->at == '{';
		depth -= *w->at == '}';
		step(w);
	}
}
