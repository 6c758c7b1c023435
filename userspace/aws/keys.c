/* SPDX-License-Identifier: MIT */
/*
 * Keys, and the JSON that holds them. While such JSON is parsed, jansson allocates through us, so that every piece of
 * memory that it gives back is overwritten first (isamon parses in one thread only).
 */
#include "aws/keys.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/timestamp.h"
#include "base/utf8.h"

#define ID_MAX 128
#define SECRET_MAX 256
#define MESSAGE_MAX 300

void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void secret_buf_done(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->size);
	buf_done(b);
}

int secret_buf_reserve(struct buf *b)
{
	char *data = b->data ? NULL : malloc(b->max + 1);

	if (!data)
		return -ENOMEM;
	data[0] = '\0';
	b->data = data;
	b->size = b->max + 1;
	return 0;
}

/* Printable ASCII, no spaces, 1 to @max bytes. */
static bool is_sound(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	return n && n <= max;
}

int keys_set(struct keys *k, const char *id, const char *secret, const char *token, time_t expires)
{
	struct keys set = { .expires = expires };

	if (token && !token[0])
		token = NULL;
	if (!is_sound(id, ID_MAX) || !is_sound(secret, SECRET_MAX) ||
	    (token && !is_sound(token, KEYS_TOKEN_MAX)))
		return -EINVAL;
	set.id = strdup(id);
	set.secret = strdup(secret);
	if (token)
		set.token = strdup(token);
	if (!set.id || !set.secret || (token && !set.token)) {
		keys_done(&set);
		return -ENOMEM;
	}
	*k = set;
	return 0;
}

void keys_done(struct keys *k)
{
	secret_free(k->id);
	secret_free(k->secret);
	secret_free(k->token);
	*k = (struct keys){ 0 };
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool keys_same(const struct keys *a, const struct keys *b)
{
	return same(a->id, b->id) && same(a->secret, b->secret) && same(a->token, b->token);
}

struct sigv4_key keys_sigv4(const struct keys *k)
{
	return (struct sigv4_key){ .id = k->id, .secret = k->secret, .token = k->token };
}

/* A block that knows its size. */
struct wiped {
	size_t size;
	max_align_t bytes[];
};

static void *wiped_alloc(size_t n)
{
	struct wiped *w = n <= SIZE_MAX - sizeof(*w) ? malloc(sizeof(*w) + n) : NULL;

	if (!w)
		return NULL;
	w->size = n;
	return w->bytes;
}

static void wiped_free(void *p)
{
	struct wiped *w;

	if (!p)
		return;
	w = (struct wiped *)(void *)((char *)p - offsetof(struct wiped, bytes));
	explicit_bzero(w->bytes, w->size);
	free(w);
}

static const char *string_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* The error that is told in the place of keys: IMDS writes Code and Message, containers' endpoints code and message. */
static int told_error(const json_t *o, struct buf *why)
{
	const char *code = string_of(o, "Code"), *message = string_of(o, "Message");
	char plain_code[64], plain[MESSAGE_MAX];

	if (!*code)
		code = string_of(o, "code");
	if (!*message)
		message = string_of(o, "message");
	utf8_make_plain(code, strlen(code), plain_code, sizeof(plain_code));
	utf8_make_plain(message, strlen(message), plain, sizeof(plain));
	buf_printf(why, "it answers with the error %s%s%s", plain_code, plain[0] ? ": " : "",
		   plain);
	return -EACCES;
}

static int keys_of(const json_t *o, bool wants_code, struct keys *ret, struct buf *why)
{
	const char *code = string_of(o, "Code"), *expiration = string_of(o, "Expiration");
	const char *id = string_of(o, "AccessKeyId"), *secret = string_of(o, "SecretAccessKey");
	time_t expires = 0;
	int err;

	if (wants_code && !*code) {
		buf_printf(why, "its answer has no Code");
		return -EPROTO;
	}
	if ((*code && strcmp(code, "Success") != 0) || (!*id && *string_of(o, "code")))
		return told_error(o, why);
	if (*expiration && timestamp_parse(expiration, &expires)) {
		buf_printf(why, "the Expiration of its answer is no time");
		return -EPROTO;
	}
	err = keys_set(ret, id, secret, string_of(o, "Token"), expires);
	if (err == -EINVAL) {
		buf_printf(
			why,
			"its answer has no AccessKeyId, SecretAccessKey and Token that could be used");
		return -EPROTO;
	}
	return err;
}

int keys_parse_json(const char *text, size_t len, bool wants_code, struct keys *ret,
		    struct buf *why)
{
	json_malloc_t old_malloc;
	json_free_t old_free;
	json_t *o;
	int err;

	json_get_alloc_funcs(&old_malloc, &old_free);
	json_set_alloc_funcs(wiped_alloc, wiped_free);
	o = json_loadb(text, len, 0, NULL);
	if (json_is_object(o)) {
		err = keys_of(o, wants_code, ret, why);
	} else {
		buf_printf(why, "its answer is not the JSON that was expected");
		err = -EPROTO;
	}
	json_decref(o);
	json_set_alloc_funcs(old_malloc, old_free);
	return err;
}

/* A shorter beginning of a secret at the end of a cut text is nothing that helps anybody. */
#define STRIKE_MIN 4

/* The text may be cut within the secret. */
static void strike_end(char *text, const char *secret)
{
	const size_t len = strlen(text), secret_len = strlen(secret);
	size_t n = len < secret_len ? len : secret_len;

	for (; n >= STRIKE_MIN; n--) {
		if (memcmp(text + len - n, secret, n) != 0)
			continue;
		memcpy(text + len - n, "***", 4);
		return;
	}
}

void secret_strike(char *text, const char *secret)
{
	const size_t n = secret ? strlen(secret) : 0;
	char *at = text;

	if (n < STRIKE_MIN)
		return;
	while ((at = strstr(at, secret))) {
		memmove(at + 3, at + n, strlen(at + n) + 1);
		memcpy(at, "***", 3);
		at += 3;
	}
	strike_end(text, secret);
}
