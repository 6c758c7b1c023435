/* SPDX-License-Identifier: MIT */
/* Where a bucket is: virtual-hosted or path style, in which region. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/s3_impl.h"
#include "aws/url.h"
#include "base/utf8.h"

#define BUCKET_CHARS "abcdefghijklmnopqrstuvwxyz0123456789.-"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "Bucket naming rules" of S3's user guide. */
bool s3_is_bucket(const char *name)
{
	const size_t n = strlen(name);

	return n >= 3 && n <= 63 && strspn(name, BUCKET_CHARS) == n && is_alnum(name[0]) &&
	       is_alnum(name[n - 1]) && !strstr(name, "..") && strspn(name, "0123456789.") != n;
}

bool s3_is_key(const char *key)
{
	const size_t n = strlen(key);

	if (n < 1 || n > S3_KEY_MAX)
		return false;
	for (size_t at = 0, len; at < n; at += len) {
		uint32_t c;

		len = utf8_next(key + at, n - at, &c);
		if (!len)
			return false;
	}
	return true;
}

static const char *given(const char *text)
{
	return text && *text ? text : NULL;
}

/* Runs the loop until the region is known, or is known not to be. */
static int find_region(struct s3 *s)
{
	const char *region = given(s->options.region);

	while (!region && s->identity) {
		region = identity_region(s->identity);
		if (region || identity_settled(s->identity))
			break;
		if (event_base_loop(s->base, EVLOOP_ONCE))
			return -EIO;
	}
	if (!region || strlen(region) >= sizeof(s->region)) {
		buf_reset(&s->why);
		buf_printf(&s->why,
			   "S3: the region of the bucket %s is not known%s%s; set region in [aws]",
			   s->options.bucket, s->identity ? ": " : "",
			   s->identity ? identity_why(s->identity) : "");
		return -EINVAL;
	}
	snprintf(s->region, sizeof(s->region), "%s", region);
	return 0;
}

/* Takes the endpoint apart: "https://HOST[:PORT]" and a path without its last '/'. */
static void set_place(struct s3 *s, const struct endpoint *e)
{
	const bool virtual = e->own && !strchr(s->options.bucket, '.');
	size_t path = strlen(e->path);
	const int scheme = (int)(strstr(e->url, "://") - e->url);

	while (path && e->path[path - 1] == '/')
		path--;
	if (virtual) {
		snprintf(s->host, sizeof(s->host), "%s.%s", s->options.bucket, e->host);
		snprintf(s->prefix, sizeof(s->prefix), "%.*s", (int)path, e->path);
	} else {
		snprintf(s->host, sizeof(s->host), "%s", e->host);
		snprintf(s->prefix, sizeof(s->prefix), "%.*s/%s", (int)path, e->path,
			 s->options.bucket);
	}
	snprintf(s->origin, sizeof(s->origin), "%.*s://%s", scheme, e->url, s->host);
}

int s3_find_place(struct s3 *s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	struct endpoint e;
	int err;

	if (s->host[0])
		return 0;
	err = find_region(s);
	if (err)
		return err;
	err = endpoint_find(ENDPOINT_S3, given(s->options.endpoint_url),
			    given(s->options.endpoint_url_all), s->region, &e, &why);
	if (err) {
		buf_reset(&s->why);
		buf_printf(&s->why, "S3: %s", buf_str(&why));
		return err;
	}
	set_place(s, &e);
	return 0;
}
