/* SPDX-License-Identifier: MIT */
/* From a request to the canonical request, the string to sign, and its signature; in a header or in the query. */
#include "aws/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "aws/uri.h"
#include "base/sha256.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define HEADERS_MAX 32
#define TEXT_MAX ((size_t)256 * 1024)
#define PRESIGN_MAX 604800

/* A request on its way to its signature. */
struct signing {
	const struct sigv4_request *r;
	struct sigv4_header headers[HEADERS_MAX + 3]; /* sorted by name */
	size_t n;
	char date[SIGV4_DATE];
	struct buf scope; /* 20260102/eu-west-1/monitoring/aws4_request */
	struct buf names; /* host;x-amz-date */
	char signature[SHA256_HEX];
};

void sigv4_date(time_t time, char ret[SIGV4_DATE])
{
	struct tm tm = { 0 };

	gmtime_r(&time, &tm);
	if (!strftime(ret, SIGV4_DATE, "%Y%m%dT%H%M%SZ", &tm))
		ret[0] = '\0';
}

static void signing_done(struct signing *s)
{
	buf_done(&s->scope);
	buf_done(&s->names);
}

/* Among the others by its name, behind those of the same one. */
static void add_header(struct signing *s, const char *name, const char *value)
{
	size_t k = s->n++;

	for (; k && strcasecmp(s->headers[k - 1].name, name) > 0; k--)
		s->headers[k] = s->headers[k - 1];
	s->headers[k] = (struct sigv4_header){ name, value };
}

static int begin(struct signing *s, const struct sigv4_request *r)
{
	if (r->n_headers > HEADERS_MAX)
		return -EINVAL;
	s->r = r;
	for (size_t i = 0; i < r->n_headers; i++)
		add_header(s, r->headers[i].name, r->headers[i].value);
	sigv4_date(r->time, s->date);
	return buf_printf(&s->scope, "%.8s/%s/%s/aws4_request", s->date, r->region, r->service);
}

static bool is_next_same(const struct signing *s, size_t i)
{
	return i + 1 < s->n && !strcasecmp(s->headers[i].name, s->headers[i + 1].name);
}

static void add_lower(struct buf *b, const char *s)
{
	for (; *s; s++)
		buf_add_char(b, (char)tolower((unsigned char)*s));
}

/* Fills .names. */
static int name_headers(struct signing *s)
{
	bool host = false;

	for (size_t i = 0; i < s->n; i++) {
		if (is_next_same(s, i))
			continue;
		if (s->names.len)
			buf_add_char(&s->names, ';');
		add_lower(&s->names, s->headers[i].name);
		host |= !strcasecmp(s->headers[i].name, "host");
	}
	return host ? s->names.err : -EINVAL;
}

/* Without blanks around it, and one for several inside. */
static void add_value(struct buf *b, const char *value)
{
	static const char blanks[] = " \t\r\n";

	value += strspn(value, blanks);
	while (*value) {
		size_t n = strcspn(value, blanks);

		buf_add(b, value, n);
		value += n;
		value += strspn(value, blanks);
		if (*value)
			buf_add_char(b, ' ');
	}
}

static void add_path(struct buf *b, const struct sigv4_request *r)
{
	_cleanup_(buf_done) struct buf normal = BUF_INIT(TEXT_MAX);
	const char *path = *r->path ? r->path : "/";

	if (!(r->options & SIGV4_KEEP_PATH)) {
		if (uri_normalize(&normal, path))
			b->err = normal.err;
		path = buf_str(&normal);
	}
	if (r->options & SIGV4_ENCODED_ONCE)
		buf_add_str(b, path);
	else
		uri_encode(b, path, strlen(path), false);
}

static int canonical(const struct signing *s, const char *query, struct buf *b)
{
	int err;

	buf_add_str(b, s->r->method);
	buf_add_char(b, '\n');
	add_path(b, s->r);
	buf_add_char(b, '\n');
	err = uri_sort_query(b, query);
	if (err)
		return err;
	buf_add_char(b, '\n');
	for (size_t i = 0; i < s->n; i++) {
		if (!i || !is_next_same(s, i - 1)) {
			add_lower(b, s->headers[i].name);
			buf_add_char(b, ':');
		}
		add_value(b, s->headers[i].value);
		buf_add_char(b, is_next_same(s, i) ? ',' : '\n');
	}
	return buf_printf(b, "\n%s\n%s", buf_str(&s->names), s->r->payload_hash);
}

/* The key that signs for one day, region and service. */
static int derive(const struct signing *s, const char *secret, unsigned char ret[SHA256_BYTES])
{
	const char *parts[] = { s->r->region, s->r->service, "aws4_request" };
	_cleanup_(buf_done) struct buf first = BUF_INIT(1024);
	int err = buf_printf(&first, "AWS4%s", secret);

	if (!err)
		err = hmac_sha256(first.data, first.len, s->date, 8, ret);
	for (size_t i = 0; !err && i < ARRAY_SIZE(parts); i++)
		err = hmac_sha256(ret, SHA256_BYTES, parts[i], strlen(parts[i]), ret);
	if (first.data)
		OPENSSL_cleanse(first.data, first.len);
	return err;
}

/* Fills .signature. */
static int sign(struct signing *s, const char *query, const char *secret)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	unsigned char key[SHA256_BYTES], mac[SHA256_BYTES];
	char hash[SHA256_HEX];
	int err = canonical(s, query, &text);

	if (!err)
		err = sha256_hex(text.data, text.len, hash);
	if (err)
		return err;
	buf_reset(&text);
	err = buf_printf(&text, ALGORITHM "\n%s\n%s\n%s", s->date, buf_str(&s->scope), hash);
	if (!err)
		err = derive(s, secret, key);
	if (!err)
		err = hmac_sha256(key, sizeof(key), text.data, text.len, mac);
	OPENSSL_cleanse(key, sizeof(key));
	if (!err)
		sha256_to_hex(mac, s->signature);
	return err;
}

int sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *key, struct buf *ret)
{
	_cleanup_(signing_done) struct signing s = { .scope = BUF_INIT(512),
						     .names = BUF_INIT(4096) };
	int err = begin(&s, r);

	if (err)
		return err;
	add_header(&s, "x-amz-date", s.date);
	if (key->token && !(r->options & SIGV4_TOKEN_UNSIGNED))
		add_header(&s, "x-amz-security-token", key->token);
	if (r->options & SIGV4_HASH_HEADER)
		add_header(&s, "x-amz-content-sha256", r->payload_hash);
	err = name_headers(&s);
	if (!err)
		err = sign(&s, r->query, key->secret);
	if (err)
		return err;
	return buf_printf(ret, ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
			  key->id, buf_str(&s.scope), buf_str(&s.names), s.signature);
}

static void add_parameter(struct buf *b, const char *name, const char *value)
{
	if (b->len)
		buf_add_char(b, '&');
	buf_add_str(b, name);
	buf_add_char(b, '=');
	uri_encode(b, value, strlen(value), true);
}

int sigv4_presign(const struct sigv4_request *r, const struct sigv4_key *key, unsigned int seconds,
		  struct buf *ret)
{
	_cleanup_(signing_done) struct signing s = { .scope = BUF_INIT(512),
						     .names = BUF_INIT(4096) };
	_cleanup_(buf_done) struct buf query = BUF_INIT(TEXT_MAX), credential = BUF_INIT(1024);
	char expires[16];
	int err;

	if (!seconds || seconds > PRESIGN_MAX)
		return -EINVAL;
	err = begin(&s, r);
	if (!err)
		err = name_headers(&s);
	if (err)
		return err;
	snprintf(expires, sizeof(expires), "%u", seconds);
	buf_printf(&credential, "%s/%s", key->id, buf_str(&s.scope));
	buf_add_str(&query, r->query);
	add_parameter(&query, "X-Amz-Algorithm", ALGORITHM);
	add_parameter(&query, "X-Amz-Credential", buf_str(&credential));
	add_parameter(&query, "X-Amz-Date", s.date);
	add_parameter(&query, "X-Amz-SignedHeaders", buf_str(&s.names));
	add_parameter(&query, "X-Amz-Expires", expires);
	if (key->token && !(r->options & SIGV4_TOKEN_UNSIGNED))
		add_parameter(&query, "X-Amz-Security-Token", key->token);
	if (query.err || credential.err)
		return query.err ? query.err : credential.err;
	err = sign(&s, query.data, key->secret);
	if (err)
		return err;
	if (key->token && r->options & SIGV4_TOKEN_UNSIGNED)
		add_parameter(&query, "X-Amz-Security-Token", key->token);
	add_parameter(&query, "X-Amz-Signature", s.signature);
	return query.err ? query.err : buf_add_str(ret, query.data);
}
