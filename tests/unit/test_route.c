/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/utf8.h"
#include "metrics/route.h"

#define UUID "3f2a9c1b-0c1d-4e5f-8a9b-0123456789ab"
#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X60 X50 X10

static void heuristic(void)
{
	static const struct {
		const char *path, *route;
	} rows[] = {
		/* what stays */
		{ "/", "/" },
		{ "/health", "/health" },
		{ "/api/v1/users/", "/api/v1/users/" },
		{ "/API/v2.0/Users", "/API/v2.0/Users" },
		{ "/.well-known/acme-challenge", "/.well-known/acme-challenge" },
		{ "/oauth2/callback", "/oauth2/callback" },
		{ "/OAuth2Callback", "/OAuth2Callback" },
		{ "/ws/chat", "/ws/chat" },
		{ "/com.example.service.v1.Users/List", "/com.example.service.v1.Users/List" },
		{ "/deadbeef", "/deadbeef" },
		{ "/a-long-title-of-a-page-in-words", "/a-long-title-of-a-page-in-words" },
		{ "/caf\xc3\xa9", "/caf\xc3\xa9" },
		{ "/caf%C3%A9", "/caf\xc3\xa9" },
		{ "/@someone", "/@someone" },
		{ "/a=b&c", "/a=b&c" },
		{ "*", "*" },
		/* identifiers */
		{ "/users/42", "/users/{id}" },
		{ "/users/42/", "/users/{id}/" },
		{ "/0", "/{id}" },
		{ "/x/-1", "/x/{id}" },
		{ "/x/3.14", "/x/{id}" },
		{ "/x/2026-11-23", "/x/{id}" },
		{ "/x/2026-11-23T10:30:00Z", "/x/{id}" },
		{ "/x/10.0.0.1", "/x/{id}" },
		{ "/x/%34%32", "/x/{id}" },
		{ "/x/" UUID, "/x/{id}" },
		{ "/x/user-" UUID, "/x/{id}" },
		{ "/x/3F2A9C1B", "/x/{id}" },
		{ "/x/0xdeadbeef", "/x/{id}" },
		{ "/x/507f1f77bcf86cd799439011", "/x/{id}" },
		{ "/x/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/x/{id}" },
		{ "/x/dQw4w9WgXcQ", "/x/{id}" },
		{ "/x/user12345", "/x/{id}" },
		{ "/x/order-1700000000", "/x/{id}" },
		{ "/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "/x/{id}" },
		{ "/x/dGhpcyBpcyBiYXNlNjQ1==", "/x/{id}" },
		{ "/x/someone@example.org", "/x/{id}" },
		{ "/x/some%40one%40example.org", "/x/{id}" },
		{ "/x/" X60 "xxxx", "/x/" X60 "xxxx" },
		{ "/x/" X60 "xxxxx", "/x/{id}" },
		/* files */
		{ "/static/app.js", "/static/app.js" },
		{ "/static/app.3f2a9c1b.js", "/static/app.{id}.js" },
		{ "/static/index-BZv3xQ1a.css", "/static/index-{id}.css" },
		{ "/static/jquery-3.6.0.min.js", "/static/jquery-3.6.0.min.js" },
		{ "/static/app-bundle-production-main-v2.js",
		  "/static/app-bundle-production-main-v2.js" },
		{ "/img/logo@2x.png", "/img/logo@2x.png" },
		{ "/img/IMG_1234.jpg", "/img/IMG_{id}.jpg" },
		{ "/img/" UUID ".png", "/img/{id}.png" },
		{ "/img/a-" UUID "-b.png", "/img/{id}.png" },
		{ "/data/42.json", "/data/{id}.json" },
		{ "/log/2026-11-23.log", "/log/{id}.log" },
		/* made regular */
		{ "//a//b", "/a/b" },
		{ "///", "/" },
		{ "/a/./b", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/a/b/..", "/a/" },
		{ "/a/b/.", "/a/b/" },
		{ "/../../etc/passwd", "/etc/passwd" },
		{ "/%2e%2E/etc/passwd", "/etc/passwd" },
		{ "/a/..;x=1/b", "/b" },
		{ "/page;jsessionid=A1B2C3", "/page" },
		{ "/;x", "/%3Bx" },
		{ "/a%2Fb", "/a%2Fb" },
		{ "/a%2fb", "/a%2Fb" },
		{ "/..%2f..%2fetc", "/..%2F..%2Fetc" },
		{ "/a%3Fb%23c", "/a%3Fb%23c" },
		{ "/a%25b", "/a%25b" },
		{ "/a%2541", "/a%2541" },
		{ "/100%", "/100%25" },
		{ "/a%zz", "/a%25zz" },
		{ "/a%4", "/a%254" },
		{ "/a?b=42", "/a" },
		{ "/a#b", "/a" },
		{ "/a b", "/a b" },
		{ "/\"quoted\"\\", "/\"quoted\"\\" },
		/* not text */
		{ "/a/\xff\xfe", "/a/{invalid}" },
		{ "/a/%ff", "/a/{invalid}" },
		{ "/a/%00", "/a/{invalid}" },
		{ "/a/%0a", "/a/{invalid}" },
		{ "/a/\x1b[2J", "/a/{invalid}" },
		{ "/a/\xc2\x9b"
		  "2J",
		  "/a/{invalid}" },
		{ "/a/\xe2\x80\xae"
		  "fdp",
		  "/a/{invalid}" },
		{ "/a/%c0%af", "/a/{invalid}" },
		{ "/a/\xe2\x82", "/a/{invalid}" },
		/* other forms of a target */
		{ "http://host/a/42", "/a/{id}" },
		{ "HTTPS://user@host:8000/a", "/a" },
		{ "http://host", "/" },
		{ "http://host?x", "/" },
		{ "example.org:443", "{authority}" },
		{ "[::1]:443", "{authority}" },
		{ "a/b", "{invalid}" },
		{ "://x/y", "{invalid}" },
		{ "", "{invalid}" },
		{ ":80", "{invalid}" },
		/* too much */
		{ "/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/k/l" },
		{ "/a/b/c/d/e/f/g/h/i/j/k/l/m", "/a/b/c/d/e/f/g/h/i/j/k/l/m" },
		{ "/a/b/c/d/e/f/g/h/i/j/k/l/m/n", "/a/b/c/d/e/f/g/h/i/j/k/l/{rest}" },
		{ "/" X60 "/" X50 "/end", "/" X60 "/" X50 "/end" },
		{ "/" X60 "/" X60 "/ending", "/" X60 "/{rest}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf once = BUF_INIT(ROUTE_LENGTH_MAX);
		_cleanup_(buf_done) struct buf twice = BUF_INIT(ROUTE_LENGTH_MAX);

		unit_begin("%zu: %.60s", i,
			   utf8_is_plain(rows[i].path, strlen(rows[i].path)) ? rows[i].path :
									       rows[i].route);
		EXPECT_INT(route_of(NULL, rows[i].path, strlen(rows[i].path), false, &once), 0);
		EXPECT_STR(buf_str(&once), rows[i].route);
		EXPECT_INT(route_of(NULL, buf_str(&once), once.len, false, &twice), 0);
		EXPECT_STR(buf_str(&twice), buf_str(&once));
	}
}

static void cut(void)
{
	static const struct {
		const char *path, *route;
	} rows[] = {
		{ "/a/bcd", "/a/{id}" },       { "/a/", "/a/{id}" },   { "/abc", "/{id}" },
		{ "/a/%4", "/a/{id}" },        { "/a/..", "/a/{id}" }, { "/a/b?c", "/a/b" },
		{ "http://ho", "/{id}" },      { "/f/abc", "/f/{x}" }, { "/f/literal", "/f/{x}" },
		{ "/r/a/b/c", "/r/{all...}" },
	};
	static char one[] = "/f/literal/x", two[] = "/f/{x}", three[] = "/r/{all...}";
	char *const list[] = { one, two, three };
	struct route_patterns *p = NULL;
	const char *why;
	size_t bad;

	REQUIRE_INT(route_patterns_new(list, 3, &p, &bad, &why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(ROUTE_LENGTH_MAX);

		EXPECT_INT(route_of(p, rows[i].path, strlen(rows[i].path), true, &out), 0);
		EXPECT_STR(buf_str(&out), rows[i].route);
	}
	route_patterns_free(p);
}

static void long_paths(void)
{
	static char path[70000];
	_cleanup_(buf_done) struct buf out = BUF_INIT(ROUTE_LENGTH_MAX);

	memset(path, '/', sizeof(path));
	EXPECT_INT(route_of(NULL, path, sizeof(path), false, &out), 0);
	EXPECT_STR(buf_str(&out), "/{id}");
	for (size_t i = 0; i < sizeof(path); i += 2)
		path[i + 1] = 'a';
	buf_reset(&out);
	EXPECT_INT(route_of(NULL, path, sizeof(path), false, &out), 0);
	EXPECT_STR(buf_str(&out), "/a/a/a/a/a/a/a/a/a/a/a/a/{rest}");
}

static void full(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(4);

	EXPECT_INT(route_of(NULL, "/abcdef", 7, false, &out), -EFBIG);
}

static void configured(void)
{
	static const struct {
		const char *path, *pattern;
	} rows[] = {
		{ "/", "/" },
		{ "/api/files/abc", "/api/files/{session_id}" },
		{ "/api/files/abc/", NULL },
		{ "/api/files/a%2Fb", "/api/files/{session_id}" },
		{ "/api/files/%ff", "/api/files/{session_id}" },
		{ "/api//files/./abc", "/api/files/{session_id}" },
		{ "/api/x/../files/abc", "/api/files/{session_id}" },
		{ "/api/%66iles/abc", "/api/files/{session_id}" },
		{ "http://h/api/files/abc", "/api/files/{session_id}" },
		{ "/api/files/", NULL },
		{ "/api/files", NULL },
		{ "/api/files/a/b", NULL },
		{ "/api/files/latest", "/api/files/{session_id}" },
		{ "/static/a/b/c.js", "/static/{path...}" },
		{ "/static/", "/static/{path...}" },
		{ "/static", NULL },
		{ "/caf\xc3\xa9/1", "/caf\xc3\xa9/{n}" },
		{ "/caf%c3%a9/1", "/caf\xc3\xa9/{n}" },
		{ "/dir/", "/dir/" },
		{ "/dir", NULL },
		{ "*", NULL },
		{ "h:80", NULL },
	};
	static char patterns[][40] = { "/",     "/api/files/{session_id}", "/api/files/latest",
				       "/dir/", "/static/{path...}",       "/caf\xc3\xa9/{n}" };
	char *list[ARRAY_SIZE(patterns)];
	struct route_patterns *p = NULL;
	const char *why;
	size_t bad;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		list[i] = patterns[i];
	unit_begin("patterns compile");
	REQUIRE_INT(route_patterns_new(list, ARRAY_SIZE(list), &p, &bad, &why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].path);
		_cleanup_(buf_done) struct buf out = BUF_INIT(ROUTE_LENGTH_MAX);

		unit_begin("pattern: %s", rows[i].path);
		EXPECT_STR(route_configured(p, rows[i].path, len, false), rows[i].pattern);
		EXPECT_INT(route_of(p, rows[i].path, len, false, &out), 0);
		if (rows[i].pattern)
			EXPECT_STR(buf_str(&out), rows[i].pattern);
	}
	unit_end();
	route_patterns_free(p);
}

static void refused(void)
{
	static const struct {
		const char *pattern, *why; /* part of it */
	} rows[] = {
		{ "", "slash" },
		{ "a", "slash" },
		{ "/a/{", "without its }" },
		{ "/{}", "empty" },
		{ "/{a b}", "letters" },
		{ "/{1a}", "letters" },
		{ "/a{b}", "whole" },
		{ "/{a}b", "without its }" },
		{ "/}", "whole" },
		{ "/{a...}/b", "last" },
		{ "/{...}", "letters" },
		{ "/a//b", "empty" },
		{ "/a/../b", "\"..\"" },
		{ "/a?b", "ends before" },
		{ "/a%20b", "decoded" },
		{ "/a\nb", "plain" },
		{ "/\xff", "plain" },
		{ "/a;b", "ends before" },
		{ "/{a...}/", "last" },
		{ "/" X60 X60 "xxxxxxxx", "128" },
		{ "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3", "32" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct route_patterns *p = NULL;
		char good[] = "/good", text[200];
		char *list[] = { good, text };
		const char *why = NULL;
		size_t bad = 0;

		unit_begin("refused: %zu", i);
		snprintf(text, sizeof(text), "%s", rows[i].pattern);
		EXPECT_INT(route_patterns_new(list, 2, &p, &bad, &why), -EINVAL);
		EXPECT_UINT(bad, 1);
		EXPECT_HAS(why, rows[i].why);
		route_patterns_free(p);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, heuristic },
		{ "a cut path ends in an identifier", cut },
		{ "paths without end are bounded", long_paths },
		{ "a full buffer is an error", full },
		{ NULL, configured },
		{ NULL, refused },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
