/* SPDX-License-Identifier: MIT */
/* Logins by address. Invariant: a connection that failed and then went away counts once, however many lines there are of it. */
#include "check/audit_tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static char counted_softly, counted; /* marks of connections */

int audit_tally_init(struct audit_tally *t)
{
	*t = (struct audit_tally){ .sources = table_new(), .connections = table_new() };
	return t->sources && t->connections ? 0 : -ENOMEM;
}

void audit_tally_done(struct audit_tally *t)
{
	table_free(t->sources, free);
	table_free(t->connections, NULL);
	free(t->list);
}

static int list_add(struct audit_tally *t, struct audit_source *s)
{
	size_t size = t->size ? 2 * t->size : 16;
	struct audit_source **list;

	if (t->n == t->size) {
		list = realloc(t->list, size * sizeof(struct audit_source *));
		if (!list)
			return -ENOMEM;
		t->list = list;
		t->size = size;
	}
	t->list[t->n++] = s;
	return 0;
}

/* NULL, and 0: there are too many. */
static int source_of(struct audit_tally *t, const char *from, struct audit_source **ret)
{
	const size_t len = strlen(from);
	struct audit_source *s = table_get(t->sources, from, len);

	*ret = s;
	if (s || t->n >= AUDIT_SOURCES_MAX)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s || table_put(t->sources, from, len, s)) {
		free(s);
		return -ENOMEM;
	}
	snprintf(s->from, sizeof(s->from), "%s", from);
	*ret = s;
	return list_add(t, s);
}

/* Whether what failed is news: of each connection the first sign counts, and each further refusal. */
static int is_news(struct audit_tally *t, const struct audit_login *l, bool *ret)
{
	char key[AUDIT_LOGIN_FROM_MAX + 16];
	int len = snprintf(key, sizeof(key), "%s %u", l->from, l->port);
	const char *mark = l->port ? table_get(t->connections, key, (size_t)len) : NULL;

	*ret = l->kind == AUDIT_LOGIN_FAILED ? mark != &counted_softly : !mark;
	if (!l->port)
		return 0;
	if (table_count(t->connections) >= AUDIT_CONNECTIONS_MAX)
		table_clear(t->connections, NULL);
	return table_put(t->connections, key, (size_t)len,
			 l->kind == AUDIT_LOGIN_FAILED ? &counted :
			 mark                          ? (void *)(uintptr_t)mark :
							 &counted_softly);
}

static void accepted(struct audit_source *s, const struct audit_login *l)
{
	const bool guessable =
		!strcmp(l->method, "password") || !strcmp(l->method, "keyboard-interactive");

	s->accepted++;
	s->last_accepted_s = l->time_s;
	snprintf(s->last_user, sizeof(s->last_user), "%s", l->user);
	if (strcmp(l->user, "root") == 0) {
		s->root++;
		s->last_root_s = l->time_s;
		snprintf(s->root_method, sizeof(s->root_method), "%s", l->method);
	}
	if (guessable && s->failed >= AUDIT_TRIES_TO_GUESS) {
		snprintf(s->guessed, sizeof(s->guessed), "%s", l->user);
		s->guessed_s = l->time_s;
		s->tries = s->failed;
	}
}

int audit_tally_add(struct audit_tally *t, const struct audit_login *l)
{
	struct audit_source *s;
	bool news = true;
	int err = source_of(t, l->from, &s);

	if (!err && l->kind != AUDIT_LOGIN_ACCEPTED)
		err = is_news(t, l, &news);
	if (err)
		return err;
	if (l->kind == AUDIT_LOGIN_ACCEPTED) {
		t->accepted += l->times;
		if (s)
			accepted(s, l);
		return 0;
	}
	if (!news)
		return 0;
	t->failed += l->times;
	t->last_failed_s = l->time_s;
	if (s) {
		s->failed += l->times;
		s->last_failed_s = l->time_s;
	}
	return 0;
}
