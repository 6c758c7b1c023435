/* SPDX-License-Identifier: MIT */
/* Checks of [aws] and [cloudwatch]. Invariant: no key, token or password is in a problem. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/util.h"
#include "config/problems.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define DIMENSION_NAME_MAX 255
#define DIMENSION_VALUE_MAX 1024
/* Of all names and values together, so that a request with every set of dimensions stays within 1 MB. */
#define DIMENSIONS_BYTES_MAX 2048

static bool consists_of(const char *s, const char *characters)
{
	return s[strspn(s, characters)] == '\0';
}

static bool is_visible_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	return true;
}

static bool is_port(const char *s)
{
	uint64_t port;

	return number_parse_u64(s, 1, 65535, &port) == 0;
}

/* HOST or HOST:PORT, where HOST is a name, an IPv4 address or an IPv6 address in brackets. */
static bool is_host(const char *s)
{
	size_t n;

	if (*s == '[') {
		unsigned char address[sizeof(struct in6_addr)];
		char text[INET6_ADDRSTRLEN];

		n = strcspn(s, "]");
		if (!s[n] || n > sizeof(text))
			return false;
		memcpy(text, s + 1, n - 1);
		text[n - 1] = '\0';
		if (inet_pton(AF_INET6, text, address) != 1)
			return false;
		n++;
	} else {
		n = strspn(s, LETTERS DIGITS ".-_");
		if (n == 0 || n > 253)
			return false;
	}
	return !s[n] || (s[n] == ':' && is_port(s + n + 1));
}

/* http(s)://HOST[:PORT], perhaps with a / behind it. */
static bool is_base_url(const char *url)
{
	char host[300];
	size_t n;

	if (strncmp(url, "http://", 7) == 0)
		url += 7;
	else if (strncmp(url, "https://", 8) == 0)
		url += 8;
	else
		return false;
	n = strcspn(url, "/");
	if (n >= sizeof(host) || (url[n] && url[n + 1]))
		return false;
	memcpy(host, url, n);
	host[n] = '\0';
	return is_host(host);
}

static void check_url(struct config_check *check, const char *name, const char *url)
{
	if (!*url || is_base_url(url))
		return;
	check_failed(check, "aws", name);
	if (strchr(url, '@'))
		buf_add_str(check->problems,
			    "...: holds a user or a password; write "
			    "http://HOST:PORT or https://HOST:PORT without them\n");
	else
		buf_printf(check->problems,
			   "%.200s: not an address; write http://HOST:PORT or https://HOST:PORT, "
			   "without a path\n",
			   url);
}

static void check_urls(struct config_check *check)
{
	const struct config *c = check->c;

	check_url(check, "proxy", c->aws_proxy);
	check_url(check, "endpoint_url", c->aws_endpoint_url);
	check_url(check, "endpoint_url_cloudwatch", c->aws_endpoint_url_cloudwatch);
	check_url(check, "endpoint_url_logs", c->aws_endpoint_url_logs);
	check_url(check, "endpoint_url_s3", c->aws_endpoint_url_s3);
	check_url(check, "endpoint_url_sts", c->aws_endpoint_url_sts);
	check_url(check, "imds_endpoint", c->aws_imds_endpoint);
}

static void check_key_pair(struct config_check *check)
{
	const struct config *c = check->c;
	bool id = *c->aws_access_key_id, secret = *c->aws_secret_access_key;

	if (id != secret) {
		check_failed(check, "aws", id ? "access_key_id" : "secret_access_key");
		buf_printf(check->problems, "...: is one half of a key; write %s too\n",
			   id ? "secret_access_key" : "access_key_id");
	} else if (*c->aws_session_token && !id) {
		check_failed(check, "aws", "session_token");
		buf_add_str(
			check->problems,
			"...: belongs to a key; write access_key_id and secret_access_key too\n");
	}
}

static void check_key_file(struct config_check *check)
{
	const struct config *c = check->c;

	if (*c->aws_secret_access_key)
		check_secret_file(check, "aws", "secret_access_key");
	else if (*c->aws_session_token)
		check_secret_file(check, "aws", "session_token");
	else if (*c->aws_access_key_id)
		check_secret_file(check, "aws", "access_key_id");
}

static void check_names(struct config_check *check)
{
	const struct config *c = check->c;

	if (!consists_of(c->aws_region, "abcdefghijklmnopqrstuvwxyz" DIGITS "-")) {
		check_failed(check, "aws", "region");
		buf_printf(check->problems, "%s: not a region; write one such as eu-west-1\n",
			   c->aws_region);
	}
	if (!is_visible_ascii(c->aws_instance_id, strlen(c->aws_instance_id))) {
		check_failed(check, "aws", "instance_id");
		buf_printf(check->problems,
			   "%s: only ASCII characters without spaces are possible; write another\n",
			   c->aws_instance_id);
	}
	if (!is_visible_ascii(c->aws_profile, strlen(c->aws_profile))) {
		check_failed(check, "aws", "profile");
		buf_printf(check->problems,
			   "%s: only ASCII characters without spaces are possible; rename the "
			   "profile\n",
			   c->aws_profile);
	}
}

void check_aws(struct config_check *check)
{
	check_names(check);
	check_key_pair(check);
	check_key_file(check);
	check_urls(check);
}

static void check_times(struct config_check *check)
{
	static const unsigned int intervals[] = { 1, 5, 10, 30, 60 };
	const struct config *c = check->c;
	bool known = false;

	if (c->cloudwatch_resolution_s != 1 && c->cloudwatch_resolution_s != 60) {
		check_failed(check, "cloudwatch", "storage_resolution");
		buf_printf(check->problems, "%llu: CloudWatch knows 60 and 1; write one of them\n",
			   (unsigned long long)c->cloudwatch_resolution_s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++)
		known |= c->cloudwatch_interval_s == intervals[i];
	if (known && (c->cloudwatch_interval_s == 60 || c->cloudwatch_resolution_s != 60))
		return;
	check_failed(check, "cloudwatch", "interval");
	buf_printf(check->problems, "%llu: %s\n", (unsigned long long)c->cloudwatch_interval_s,
		   known ? "with storage_resolution = 60 CloudWatch would add them up to minutes; "
			   "write storage_resolution = 1, or 60 here" :
			   "write 60, or with storage_resolution = 1 one of 1, 5, 10, 30");
}

static void check_namespace(struct config_check *check)
{
	const char *name = check->c->cloudwatch_namespace;
	const char *what = NULL;

	if (strncasecmp(name, "AWS/", 4) == 0)
		what = "names that begin with AWS/ are Amazon's own; write another";
	else if (name[0] == ':')
		what = "may not begin with a colon; write another";
	else if (!consists_of(name, LETTERS DIGITS ".-_/#: "))
		what = "only letters, digits, spaces and .-_/#: are possible; write another";
	if (!what)
		return;
	check_failed(check, "cloudwatch", "namespace");
	buf_printf(check->problems, "%s: %s\n", name, what);
}

/* API reference, Dimension. */
bool check_dimension(const char *text, struct buf *why, size_t *ret_name_len)
{
	const char *equals = strchr(text, '=');
	size_t name_len = equals ? (size_t)(equals - text) : 0;
	size_t value_len = equals ? strlen(equals + 1) : 0;
	const char *what = NULL;

	if (!name_len || !value_len)
		what = "not Name=Value; write one such as AutoScalingGroupName=web";
	else if (name_len > DIMENSION_NAME_MAX || value_len > DIMENSION_VALUE_MAX)
		what = "too long; a name has at most 255 bytes, a value 1024";
	else if (text[0] == ':')
		what = "a name may not begin with a colon; write another";
	else if (!is_visible_ascii(text, name_len))
		what = "a name has ASCII characters without spaces only; write another";
	else
		for (const char *s = equals + 1; *s; s++)
			if (*s < ' ' || *s >= 0x7f)
				what = "a value has ASCII characters only; write another";
	if (what)
		buf_add_str(why, what);
	*ret_name_len = name_len;
	return !what;
}

static bool is_own_dimension(const char *text, size_t n)
{
	static const char *const own[] = { "InstanceId", "Route", "Probe" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strlen(own[i]) == n && memcmp(own[i], text, n) == 0)
			return true;
	return false;
}

/* Whether an earlier one has the same name, which is the first @n bytes and the = behind them. */
static bool is_repeated(const struct config *c, size_t i, size_t n)
{
	for (size_t j = 0; j < i; j++)
		if (strncmp(c->cloudwatch_dimensions[j], c->cloudwatch_dimensions[i], n + 1) == 0)
			return true;
	return false;
}

static void check_dimensions(struct config_check *check)
{
	const struct config *c = check->c;
	size_t bytes = 0, n;

	for (size_t i = 0; i < c->n_cloudwatch_dimensions; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(256);
		const char *text = c->cloudwatch_dimensions[i];

		bytes += strlen(text) - 1;
		if (!check_dimension(text, &why, &n))
			;
		else if (is_own_dimension(text, n))
			buf_add_str(&why, "isamon has this dimension itself; write another name");
		else if (is_repeated(c, i, n))
			buf_add_str(&why, "stands here twice; write each name once");
		else if (bytes > DIMENSIONS_BYTES_MAX)
			buf_printf(&why,
				   "all names and values have more than %d bytes; write fewer",
				   DIMENSIONS_BYTES_MAX);
		if (!why.len && !why.err)
			continue;
		check_failed_nth(check, "cloudwatch", "dimension", i);
		buf_printf(check->problems, "%.200s: %s\n", text, buf_str(&why));
	}
}

/* What is counted in the logs needs somebody who reads them. */
static void check_counts(struct config_check *check)
{
	static const char *const keys[] = { "log_errors", "exceptions" };
	const struct config *c = check->c;
	const bool wanted[] = { c->cloudwatch_log_errors, c->cloudwatch_exceptions };

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !c->logs_enabled; i++) {
		if (!wanted[i])
			continue;
		check_failed(check, "cloudwatch", keys[i]);
		buf_printf(
			check->problems,
			"yes: with enabled = no in [logs] no log is read, and nothing is counted; write "
			"enabled = yes there (and ship = no in each [log], if only this is wanted), or "
			"%s = no\n",
			keys[i]);
	}
}

/* Nor are there failures where nothing runs. */
static void check_has_jobs(struct config_check *check)
{
	const struct config *c = check->c;

	if (!c->cloudwatch_jobs)
		return;
	for (size_t i = 0; i < c->n_jobs; i++)
		if (c->jobs[i]->enabled)
			return;
	check_failed(check, "cloudwatch", "jobs");
	buf_add_str(check->problems,
		    "yes: no job is enabled, and nothing is counted; write a section "
		    "[job \"NAME\"], or jobs = no\n");
}

void check_cloudwatch(struct config_check *check)
{
	const struct config *c = check->c;

	check_times(check);
	check_namespace(check);
	check_dimensions(check);
	check_counts(check);
	check_has_jobs(check);
	if (!consists_of(c->cloudwatch_dashboard, LETTERS DIGITS "-_")) {
		check_failed(check, "cloudwatch", "dashboard");
		buf_printf(
			check->problems,
			"%s: a dashboard's name has letters, digits, - and _ only; write another\n",
			c->cloudwatch_dashboard);
	}
}
