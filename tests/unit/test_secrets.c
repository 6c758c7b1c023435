/* SPDX-License-Identifier: MIT */
/* Secrets of every form that secrets.h names, and what only looks like one. */
#include "unit.h"

#include "logs/secrets.h"

#define KEY "ABCDEFGHIJKLMNOP"
#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-_A"

static const struct {
	const char *text, *expected; /* NULL: nothing is found */
} rows[] = {
	{ "password=hunter2", "password=***" },
	{ "password=hunter2 next", "password=*** next" },
	{ "PASSWORD: hunter2, next", "PASSWORD: ***, next" },
	{ "password = hunter2", "password = ***" },
	{ "password='it is long' x", "password='***' x" },
	{ "{\"password\": \"a\\\"b\", \"x\": 1}", "{\"password\": \"***\", \"x\": 1}" },
	{ "{\\\"token\\\": \\\"abc\\\", 1}", "{\\\"token\\\": \\\"***\\\", 1}" },
	{ "{'api_key': b'xyz'}", "{'api_key': b'***'}" },
	{ "JWT_SECRET=abc DATABASE_PASSWORD=def", "JWT_SECRET=*** DATABASE_PASSWORD=***" },
	{ "aws_secret_access_key=wJalr/XUtn+FEMI", "aws_secret_access_key=***" },
	{ "X-Api-Key: 123-456", "X-Api-Key: ***" },
	{ "X-Auth-Token: abc\nHost: x", "X-Auth-Token: ***\nHost: x" },
	{ "GET /a?token=abc&x=1 HTTP/1.1", "GET /a?token=***&x=1 HTTP/1.1" },
	{ "Authorization: Bearer abc.def", "Authorization: Bearer ***" },
	{ "Authorization: Basic dXNlcg== x", "Authorization: Basic *** x" },
	{ "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/1, Signature=2",
	  "Authorization: AWS4-HMAC-SHA256 ***" },
	{ "Authorization: Digest username=\"a\", response=\"b\"\nHost: x",
	  "Authorization: Digest ***\nHost: x" },
	{ "'authorization': 'Bearer abc', 'x'", "'authorization': 'Bearer ***', 'x'" },
	{ "authorization=abc", "authorization=***" },
	{ "sent Bearer abcdefgh12 to", "sent Bearer *** to" },
	{ "sent BEARER abcdefgh12 to", "sent BEARER *** to" },
	{ "key AKIA" KEY " is", "key *** is" },
	{ "key ASIA" KEY, "key ***" },
	{ "AKIA" KEY, "***" },
	{ "got " JWT " now", "got *** now" },
	{ JWT, "***" },
	{ "sk-proj-" KEY KEY " x", "*** x" },
	{ "(ghp_" KEY "x) github_pat_" KEY "_y xoxb-1-" KEY, "(***) *** ***" },
	{ "postgres://me:pa:ss@host/db", "postgres://me:***@host/db" },
	{ "redis://:pass@host", "redis://:***@host" },
	{ "a password=\"unfinished", "a password=\"***" },
	{ "token=a token=b token=c", "token=*** token=*** token=***" },
	{ "0123456789 0123456789 0123456789 0123456789 secret=x",
	  "0123456789 0123456789 0123456789 "
	  "0123456789 secret=***" },
	/* with escapes */
	{ "{\"password\": \"p\\u0061ss\\/word\"}", "{\"password\": \"***\"}" },
	{ "{\\\"password\\\": \\\"ab\\\\\\\"c d\\\", 1}", "{\\\"password\\\": \\\"***\\\", 1}" },
	{ "{\\\"password\\\": \\\"ab\\\\\\\\\\\", 1}", "{\\\"password\\\": \\\"***\\\", 1}" },
	{ "\\\\\\\"token\\\\\\\": \\\\\\\"abc\\\\\\\", 1",
	  "\\\\\\\"token\\\\\\\": \\\\\\\"***\\\\\\\", 1" },
	{ "\"a \\\"token\\\": \\\"cut\" x", "\"a \\\"token\\\": \\\"***\" x" },
	{ "password=p\\u0061ss\\/word x", "password=*** x" },
	{ "password=a\\b", "password=***" },
	{ "\"password=abc\\nnext\"", "\"password=***\\nnext\"" },
	{ "\"password=abc\\\\nnext\\\"", "\"password=***\\\\nnext\\\"" },
	{ "password=\\", NULL },
	/* cookies */
	{ "Cookie: session=a; csrf=b\nHost: x", "Cookie: ***\nHost: x" },
	{ "Set-Cookie: session=a; Path=/", "Set-Cookie: ***" },
	{ "{\"cookie\": \"a=b; c=d\", \"x\": 1}", "{\"cookie\": \"***\", \"x\": 1}" },
	{ "\"Cookie: a=b; c\\nHost: x\"", "\"Cookie: ***\\nHost: x\"" },
	{ "bad cookie: the session is over", NULL },
	{ "cookie: a", NULL },
	/* nothing */
	{ "", NULL },
	{ "a", NULL },
	{ "=:", NULL },
	{ "2026-11-23 18:40:00,123 - app - INFO - done", NULL },
	{ "total_tokens=512 prompt_tokens: 9", NULL },
	{ "password=", NULL },
	{ "password= ", NULL },
	{ "password=***", NULL },
	{ "token=None secret: null api_key=false", NULL },
	{ "credentials: {}", NULL },
	{ "token == x", NULL },
	{ "password reset for a@b", NULL },
	{ "http://host:80/a?b=c@d", NULL },
	{ "https://a@host/", NULL },
	{ "MAKIA" KEY, NULL },
	{ "AKIA" KEY "Q", NULL },
	{ "AKIAabcdefghijklmnop", NULL },
	{ "beautiful bearer, bearer of news", NULL },
	{ "eyJ", NULL },
	{ "eyJabc", NULL },
	{ "task-" KEY KEY, NULL },
	{ "risk-averse sk-short", NULL },
	{ "PWD=/root key=value author=me", NULL },
	{ "OLDPWD=/ 'pwd': '/tmp'", NULL },
	{ "UID=sa;PWD=hunter2;x", "UID=sa;PWD=***;x" },
	{ "\"dbPwd\": \"/a\", pwd: \"b\"", "\"dbPwd\": \"/a\", pwd: \"***\"" },
	{ "DB_PWD=/a", "DB_PWD=***" },
};

static void masks(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const size_t n = strlen(rows[i].text);
		/* exactly as long, so that the sanitizer sees a byte beyond */
		char *text = malloc(n ? n : 1);
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
		bool found;

		unit_begin("%s", rows[i].text);
		memcpy(text, rows[i].text, n);
		EXPECT_INT(secrets_mask(text, n, &out, &found), 0);
		EXPECT_INT(found, rows[i].expected != NULL);
		EXPECT_STR(buf_str(&out), rows[i].expected ?: "");
		free(text);
	}
}

/* Wherever they stand in the sixteen bytes that are looked at together. */
static void at_every_place(void)
{
	for (size_t i = 0; i < 40; i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
		char text[80], expected[80];
		bool found;

		snprintf(text, sizeof(text), "%.*s token=abc AKIA" KEY, (int)i,
			 "................................................");
		snprintf(expected, sizeof(expected), "%.*s token=*** ***", (int)i,
			 "................................................");
		EXPECT_INT(secrets_mask(text, strlen(text), &out, &found), 0);
		EXPECT_STR(buf_str(&out), expected);
	}
}

/* What begins a form again and again. */
static void is_linear(void)
{
	static const char *const pieces[] = {
		"eyJ",       "eyJ.",    "AKIA",     "://",
		"://a:",     "bearer ", "sk-",      "ghp_",
		"token=",    "token: ", "\"",       "authorization: x ",
		"=",         ":",       "a=",       "token='",
		"b\\\"",     "\\",      "token=\\", "token=\\\"\\\\",
		"cookie: a="
	};
	static char text[1 << 20];

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(4 << 20);
		const size_t len = strlen(pieces[i]);
		bool found;

		for (size_t at = 0; at < sizeof(text); at++)
			text[at] = pieces[i][at % len];
		EXPECT_INT(secrets_mask(text, sizeof(text), &out, &found), 0);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, masks },
		{ "found at every place", at_every_place },
		{ "a megabyte of beginnings does not take long", is_linear },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
