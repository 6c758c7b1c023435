/* SPDX-License-Identifier: MIT */
/* URLs, and which one a service has. */
#include "unit/unit.h"

#include "aws/endpoint.h"
#include "aws/url.h"

/* --- URLs */

static void good_urls(void)
{
	static const struct {
		const char *text;
		bool tls;
		const char *authority, *host;
		unsigned int port;
		const char *rest;
	} rows[] = {
		{ "https://a.example", true, "a.example", "a.example", 443, "" },
		{ "HTTP://a", false, "a", "a", 80, "" },
		{ "http://a:8080/b/c?d=e", false, "a:8080", "a", 8080, "/b/c?d=e" },
		{ "http://a?d", false, "a", "a", 80, "?d" },
		{ "http://127.0.0.1:65535/", false, "127.0.0.1:65535", "127.0.0.1", 65535, "/" },
		{ "http://[::1]:80/", false, "[::1]:80", "::1", 80, "/" },
		{ "https://[fd00::1]", true, "[fd00::1]", "fd00::1", 443, "" },
		{ "http://a_b-c.d", false, "a_b-c.d", "a_b-c.d", 80, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct url u;

		unit_begin("%s", rows[i].text);
		if (!EXPECT_INT(url_parse(rows[i].text, &u), 0))
			continue;
		EXPECT_INT(u.tls, rows[i].tls);
		EXPECT_BYTES(u.authority, u.authority_len, rows[i].authority,
			     strlen(rows[i].authority));
		EXPECT_BYTES(u.host, u.host_len, rows[i].host, strlen(rows[i].host));
		EXPECT_UINT(u.port, rows[i].port);
		EXPECT_STR(u.rest, rows[i].rest);
	}
}

static void bad_urls(void)
{
	static const char *const rows[] = {
		"",
		"a.example",
		"http:/a",
		"http://",
		"http:///a",
		"https://:80",
		"ftp://a",
		"http://a:",
		"http://a:0",
		"http://a:65536",
		"http://a:-1",
		"http://a:8080000",
		"http://a:80x",
		"http://u@a",
		"http://u:p@a/",
		"http://a/b c",
		"http://a/\r\nX: y",
		"http://a/\xc3\xa4",
		"http://a#b",
		"http://a\\b",
		"http://[::1",
		"http://[::1]x",
		"http://[a.example]",
		"http://[]",
		"http://a,b",
	};
	char longest[300] = "http://";
	struct url u = { .port = 7 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!EXPECT_INT(url_parse(rows[i], &u), -EINVAL))
			FAIL_CASE("%s", rows[i]);
	memset(longest + 7, 'a', 256);
	EXPECT_INT(url_parse(longest, &u), -EINVAL);
	EXPECT_UINT(u.port, 7);
	longest[7 + 255] = '\0';
	EXPECT_INT(url_parse(longest, &u), 0);
}

/* --- regions */

static void regions(void)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "eu-west-1", true },
		{ "us-gov-east-1", true },
		{ "ap-southeast-12", true },
		{ "", false },
		{ "-", false },
		{ "a", false },
		{ "eu-west-1-", false },
		{ "-eu-west-1", false },
		{ "EU-WEST-1", false },
		{ "eu-west-1.example.com/", false },
		{ "eu-west-1.example", false },
		{ "eu west", false },
		{ "eu-west-1\n", false },
		{ "a@b", false },
		{ "eu-west-1#", false },
		{ "abcdefghijklmnopqrstuvwxyzabcdef", true },
		{ "abcdefghijklmnopqrstuvwxyzabcdefg", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!EXPECT_INT(endpoint_is_region(rows[i].name), rows[i].good))
			FAIL_CASE("%s", rows[i].name);
}

/* --- endpoints */

static void found(void)
{
	static const struct {
		const char *name;
		enum endpoint_service service;
		const char *one, *all, *one_variable, *all_variable, *region;
		const char *url, *host, *path; /* NULL: -EINVAL, with host in why */
	} rows[] = {
		{ "AWS's own", ENDPOINT_CLOUDWATCH, NULL, NULL, NULL, NULL, "eu-west-1",
		  "https://monitoring.eu-west-1.amazonaws.com/",
		  "monitoring.eu-west-1.amazonaws.com", "/" },
		{ "AWS's own, STS", ENDPOINT_STS, "", "", "", "", "us-gov-west-1",
		  "https://sts.us-gov-west-1.amazonaws.com/", "sts.us-gov-west-1.amazonaws.com",
		  "/" },
		{ "AWS's own, Logs", ENDPOINT_LOGS, "", "", "", "", "eu-west-1",
		  "https://logs.eu-west-1.amazonaws.com/", "logs.eu-west-1.amazonaws.com", "/" },
		{ "China", ENDPOINT_CLOUDWATCH, NULL, NULL, NULL, NULL, "cn-north-1",
		  "https://monitoring.cn-north-1.amazonaws.com.cn/",
		  "monitoring.cn-north-1.amazonaws.com.cn", "/" },
		{ "isolated", ENDPOINT_STS, NULL, NULL, NULL, NULL, "us-isob-east-1",
		  "https://sts.us-isob-east-1.sc2s.sgov.gov/", "sts.us-isob-east-1.sc2s.sgov.gov",
		  "/" },
		{ "the configuration's for the service is first", ENDPOINT_CLOUDWATCH, "http://one",
		  "http://all", "http://ov", "http://av", "eu-west-1", "http://one/", "one", "/" },
		{ "then that for all", ENDPOINT_CLOUDWATCH, "", "http://all", "http://ov",
		  "http://av", "eu-west-1", "http://all/", "all", "/" },
		{ "then the service's variable", ENDPOINT_CLOUDWATCH, NULL, NULL, "http://ov",
		  "http://av", "eu-west-1", "http://ov/", "ov", "/" },
		{ "then the variable for all", ENDPOINT_CLOUDWATCH, NULL, NULL, NULL, "http://av",
		  "eu-west-1", "http://av/", "av", "/" },
		{ "a path and a port", ENDPOINT_STS, "http://127.0.0.1:4566/a/b", NULL, NULL, NULL,
		  "eu-west-1", "http://127.0.0.1:4566/a/b", "127.0.0.1:4566", "/a/b" },
		{ "the scheme's own port is not in Host", ENDPOINT_STS, "https://a:443/", NULL,
		  NULL, NULL, "eu-west-1", "https://a:443/", "a", "/" },
		{ "IPv6", ENDPOINT_STS, "http://[::1]:80", NULL, NULL, NULL, "eu-west-1",
		  "http://[::1]:80/", "[::1]", "/" },
		{ "IPv6 with another port", ENDPOINT_STS, "http://[::1]:8000", NULL, NULL, NULL,
		  "eu-west-1", "http://[::1]:8000/", "[::1]:8000", "/" },
		{ "the other port", ENDPOINT_STS, "http://a:443", NULL, NULL, NULL, "eu-west-1",
		  "http://a:443/", "a:443", "/" },
		{ "no URL", ENDPOINT_STS, "a", NULL, NULL, NULL, "eu-west-1", NULL,
		  "endpoint_url_sts is not a URL", NULL },
		{ "no URL in the environment", ENDPOINT_CLOUDWATCH, NULL, NULL, NULL, "u:p@a",
		  "eu-west-1", NULL, "AWS_ENDPOINT_URL is not a URL", NULL },
		{ "a query", ENDPOINT_STS, "http://a/?b", NULL, NULL, NULL, "eu-west-1", NULL,
		  "is not a URL", NULL },
		{ "a region that is none", ENDPOINT_STS, NULL, NULL, NULL, NULL, "evil.example/",
		  NULL, "the region is not a name", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(500);
		const char *variable = rows[i].service == ENDPOINT_STS ?
					       "AWS_ENDPOINT_URL_STS" :
					       "AWS_ENDPOINT_URL_CLOUDWATCH";
		struct endpoint e;

		unit_begin("%s", rows[i].name);
		setenv(variable, rows[i].one_variable ? rows[i].one_variable : "", 1);
		setenv("AWS_ENDPOINT_URL", rows[i].all_variable ? rows[i].all_variable : "", 1);
		EXPECT_INT(endpoint_find(rows[i].service, rows[i].one, rows[i].all, rows[i].region,
					 &e, &why),
			   rows[i].url ? 0 : -EINVAL);
		if (!rows[i].url) {
			EXPECT_HAS(buf_str(&why), rows[i].host);
			continue;
		}
		EXPECT_STR(e.url, rows[i].url);
		EXPECT_STR(e.host, rows[i].host);
		EXPECT_STR(e.path, rows[i].path);
		EXPECT_STR(buf_str(&why), "");
	}
}

static void too_long(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(500);
	char url[ENDPOINT_URL_MAX + 10] = "http://a/";
	struct endpoint e;

	memset(url + 9, 'b', sizeof(url) - 10);
	EXPECT_INT(endpoint_find(ENDPOINT_STS, url, NULL, "eu-west-1", &e, &why), -EINVAL);
	url[ENDPOINT_URL_MAX - 2] = '\0';
	EXPECT_INT(endpoint_find(ENDPOINT_STS, url, NULL, "eu-west-1", &e, &why), 0);
	EXPECT_STR(e.url, url);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, good_urls },
		{ "what is no URL", bad_urls },
		{ "names of regions", regions },
		{ NULL, found },
		{ "a URL that is too long", too_long },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
