/* SPDX-License-Identifier: MIT */
/* Two questions: the role's name, then its keys. The name is asked for each time: roles are exchanged while instances run. */
#include "aws/instance_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds.h"

#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
#define ROLE_NAME_MAX 64

struct instance_credentials {
	struct imds *imds;
	keys_fn fn;
	void *ctx;
	char role[ROLE_NAME_MAX + 1];
};

static void on_keys(const struct imds_answer *a, void *ctx)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1500);
	_cleanup_(keys_done) struct keys keys = { 0 };
	struct instance_credentials *i = ctx;
	int err = a->err;

	buf_printf(&why, "the keys of the instance's role %s: ", i->role);
	if (err)
		buf_printf(&why, "%s", a->why);
	else
		err = keys_parse_json(a->body, a->body_len, true, &keys, &why);
	if (err)
		i->fn(err == -ENOENT ? -ENODATA : err, NULL, buf_str(&why), i->ctx);
	else
		i->fn(0, &keys, "", i->ctx);
}

/* The first line of the list, if it can be the name of a role (IAM API Reference, CreateRole). */
static bool take_role(struct instance_credentials *i, const char *body)
{
	size_t n = strcspn(body, "\r\n");

	if (!n || n > ROLE_NAME_MAX ||
	    strspn(body, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-") <
		    n)
		return false;
	memcpy(i->role, body, n);
	i->role[n] = '\0';
	return true;
}

static void on_role(const struct imds_answer *a, void *ctx)
{
	char path[sizeof(ROLES_PATH) + ROLE_NAME_MAX];
	struct instance_credentials *i = ctx;
	int err;

	if (a->err == -ENOENT) {
		i->fn(-ENOENT, NULL, "the instance has no role: attach an instance profile to it",
		      i->ctx);
	} else if (a->err) {
		i->fn(-ENOENT, NULL, a->why, i->ctx);
	} else if (!take_role(i, a->body)) {
		i->fn(-ENOENT, NULL, "the instance's metadata name no role", i->ctx);
	} else {
		snprintf(path, sizeof(path), "%s%s", ROLES_PATH, i->role);
		err = imds_get(i->imds, path, on_keys, i);
		if (err)
			i->fn(err, NULL, strerror(-err), i->ctx);
	}
}

int instance_credentials_get(struct instance_credentials *i, keys_fn fn, void *ctx)
{
	int err = imds_get(i->imds, ROLES_PATH, on_role, i);

	if (err)
		return err;
	i->fn = fn;
	i->ctx = ctx;
	return 0;
}

const char *instance_credentials_role(const struct instance_credentials *i)
{
	return i->role;
}

int instance_credentials_new(struct event_base *base, struct transport *t, const char *endpoint,
			     struct instance_credentials **ret)
{
	struct instance_credentials *i = calloc(1, sizeof(*i));

	if (!i)
		return -ENOMEM;
	if (imds_new(base, t, endpoint, &i->imds)) {
		free(i);
		return -ENOMEM;
	}
	*ret = i;
	return 0;
}

void instance_credentials_free(struct instance_credentials *i)
{
	if (!i)
		return;
	imds_free(i->imds);
	free(i);
}
