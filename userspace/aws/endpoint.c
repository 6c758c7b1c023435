/* SPDX-License-Identifier: MIT */
/* Endpoints: from the configuration, the environment, or built of the region. */
#include "aws/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/url.h"

#define REGION_MAX 32

static const struct {
	const char *host; /* its label in AWS's names */
	const char *key;  /* of [aws] */
	const char *variable;
} services[] = {
	[ENDPOINT_CLOUDWATCH] = { "monitoring", "endpoint_url_cloudwatch",
				  "AWS_ENDPOINT_URL_CLOUDWATCH" },
	[ENDPOINT_LOGS] = { "logs", "endpoint_url_logs", "AWS_ENDPOINT_URL_LOGS" },
	[ENDPOINT_STS] = { "sts", "endpoint_url_sts", "AWS_ENDPOINT_URL_STS" },
	[ENDPOINT_S3] = { "s3", "endpoint_url_s3", "AWS_ENDPOINT_URL_S3" },
};

/* AWS's partitions other than the usual one, and aws-us-gov, whose names end as the usual one's. */
static const struct {
	const char *prefix, *domain;
} partitions[] = {
	{ "cn-", "amazonaws.com.cn" },    { "us-iso-", "c2s.ic.gov" },
	{ "us-isob-", "sc2s.sgov.gov" },  { "us-isof-", "csp.hci.ic.gov" },
	{ "eu-isoe-", "cloud.adc-e.uk" }, { "eusc-", "amazonaws.eu" },
};

bool endpoint_is_region(const char *region)
{
	const size_t n = strlen(region);

	return n >= 2 && n <= REGION_MAX && region[0] != '-' && region[n - 1] != '-' &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static const char *domain_of(const char *region)
{
	for (size_t i = 0; i < ARRAY_SIZE(partitions); i++)
		if (!strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)))
			return partitions[i].domain;
	return "amazonaws.com";
}

/* The URL that somebody gave, and where it stands; NULL: nobody did. */
static const char *given(enum endpoint_service service, const char *configured,
			 const char *configured_all, const char **ret_where)
{
	const struct {
		const char *url, *where;
	} places[] = {
		{ configured, services[service].key },
		{ configured_all, "endpoint_url" },
		{ getenv(services[service].variable), services[service].variable },
		{ getenv("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		*ret_where = places[i].where;
		if (places[i].url && *places[i].url)
			return places[i].url;
	}
	return NULL;
}

/* Returns 0, or -EINVAL: it is no URL, or one with a query. */
static int take_apart(const char *url, struct endpoint *ret)
{
	struct url u;
	size_t n;

	if (strlen(url) + 1 >= sizeof(ret->url) || url_parse(url, &u) || strchr(u.rest, '?'))
		return -EINVAL;
	n = u.authority_len;
	/* Without the port, but with the brackets of an IPv6 address. */
	if (u.port == (u.tls ? 443 : 80))
		n = (size_t)(u.host - u.authority) * 2 + u.host_len;
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)n, u.authority);
	snprintf(ret->path, sizeof(ret->path), "%s", *u.rest ? u.rest : "/");
	snprintf(ret->url, sizeof(ret->url), "%s%s", url, *u.rest ? "" : "/");
	return 0;
}

int endpoint_find(enum endpoint_service service, const char *configured, const char *configured_all,
		  const char *region, struct endpoint *ret, struct buf *why)
{
	const char *where, *url = given(service, configured, configured_all, &where);
	char own[ENDPOINT_HOST_MAX];

	ret->own = !url;
	if (!url) {
		if (!endpoint_is_region(region)) {
			buf_add_str(
				why,
				"the region is not a name such as eu-west-1; correct region in [aws], "
				"or AWS_REGION");
			return -EINVAL;
		}
		snprintf(own, sizeof(own), "https://%s.%s.%s", services[service].host, region,
			 domain_of(region));
		url = own;
	}
	if (take_apart(url, ret)) {
		buf_printf(
			why,
			"%s is not a URL such as https://HOST:PORT (without user, query and fragment)",
			where);
		return -EINVAL;
	}
	return 0;
}
