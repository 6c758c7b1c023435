/* SPDX-License-Identifier: MIT */
/*
 * From the base (keys that are there, a container's, the instance's) through the roles of a profile, the last of its
 * list first. Invariant: a walk has one thing under way (the timer, container, instance or sts), and ends with one finish().
 */
#include "aws/credentials_chain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/container_credentials.h"
#include "aws/identity.h"
#include "aws/imds.h"
#include "aws/instance_credentials.h"
#include "aws/sts.h"
#include "base/utf8.h"

#define WHY_MAX 3000
#define NAME_SHOWN 128

struct credentials_chain {
	const struct credentials_options *o;
	struct event *timer;
	struct container_credentials *container;
	struct instance_credentials *instance;
	struct sts *sts;

	/* the walk that is under way, if there is a function */
	credentials_found_fn fn;
	void *ctx;
	struct profile profile;
	bool of_profile; /* the profile decides: its credential_source, its roles */
	bool of_instance;
	bool nobody;      /* it failed because no source has any */
	struct keys keys; /* so far */
	struct buf why;
	struct buf source;
};

struct profile_options credentials_profile_options(const struct credentials_options *o)
{
	return (struct profile_options){ .profile = o->profile,
					 .credentials_file = o->credentials_file,
					 .config_file = o->config_file };
}

static const char *variable(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

static void set_source(struct credentials_chain *c, const char *what, const char *name)
{
	char plain[NAME_SHOWN];

	utf8_make_plain(name, strlen(name), plain, sizeof(plain));
	buf_reset(&c->source);
	buf_printf(&c->source, "%s%s", what, plain);
}

static void forget(struct credentials_chain *c)
{
	event_del(c->timer);
	profile_done(&c->profile);
	keys_done(&c->keys);
	c->fn = NULL;
	c->of_profile = c->of_instance = c->nobody = false;
}

static void finish(struct credentials_chain *c, int err)
{
	_cleanup_(keys_done) struct keys keys = c->keys;
	struct credentials_found f = {
		.err = err == -ENOENT && !c->nobody ? -ENODATA : err,
		.why = err ? buf_str(&c->why) : "",
		.keys = err ? NULL : &keys,
		.source = buf_str(&c->source),
		.of_instance = c->of_instance,
		.of_files = c->of_profile,
	};
	credentials_found_fn fn = c->fn;
	void *ctx = c->ctx;

	if (err && !*f.why)
		f.why = strerror(-err);
	c->keys = (struct keys){ 0 };
	forget(c);
	fn(&f, ctx);
}

/* Ends the walk with an explanation, which names the profile if there is one at work. */
static void _printf_(3, 4) fail(struct credentials_chain *c, int err, const char *fmt, ...)
{
	char text[2000];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_reset(&c->why);
	if (c->of_profile)
		buf_printf(&c->why, "%s: ", buf_str(&c->source));
	buf_printf(&c->why, "%s", text);
	finish(c, err);
}

/* --- roles */

static const char *region_of(const struct credentials_chain *c)
{
	const char *s = c->o->region;

	if (!s || !*s)
		s = variable("AWS_REGION");
	if (!s)
		s = variable("AWS_DEFAULT_REGION");
	if (!s)
		s = c->profile.region;
	if (!s && c->o->identity)
		s = identity_region(c->o->identity);
	return s;
}

static void on_role(int err, struct keys *keys, const char *why, void *ctx);

/* The base's keys, or those of a role, are there: the next role is assumed by them, if there is one. */
static void go_on(struct credentials_chain *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(500);
	int err;

	if (!c->of_profile || !c->profile.n_roles) {
		finish(c, 0);
		return;
	}
	err = sts_assume_role(c->sts, &c->profile.roles[c->profile.n_roles - 1], &c->keys,
			      region_of(c), on_role, c, &why);
	if (err)
		fail(c, err, "%s", why.len ? buf_str(&why) : strerror(-err));
}

static void on_keys(struct credentials_chain *c, int err, struct keys *keys, const char *why)
{
	if (err) {
		fail(c, err, "%s", why);
		return;
	}
	keys_done(&c->keys);
	c->keys = *keys;
	*keys = (struct keys){ 0 };
	go_on(c);
}

static void on_role(int err, struct keys *keys, const char *why, void *ctx)
{
	struct credentials_chain *c = ctx;

	profile_role_done(&c->profile.roles[--c->profile.n_roles]);
	c->of_instance = false;
	on_keys(c, err, keys, why);
}

/* --- the bases */

/* Nobody has any. Says where there could have been some. */
static void fail_without(struct credentials_chain *c, const char *why)
{
	char name[NAME_SHOWN];

	utf8_make_plain(c->profile.name, strlen(c->profile.name), name, sizeof(name));
	c->nobody = true;
	fail(c, -ENOENT,
	     "no AWS credentials: none in [aws] of the configuration, none in the environment, none in profile "
	     "%s of the shared files%s, no container's endpoint, and %s",
	     name,
	     c->profile.unread ? " (one of which may not be read: see ProtectHome= of the unit)" :
				 "",
	     why);
}

static void on_instance(int err, struct keys *keys, const char *why, void *ctx)
{
	struct credentials_chain *c = ctx;

	if (err == -ENOENT && !c->of_profile) {
		fail_without(c, why);
		return;
	}
	if (!c->of_profile)
		set_source(c, "instance role ", instance_credentials_role(c->instance));
	on_keys(c, err, keys, why);
}

static void ask_instance(struct credentials_chain *c)
{
	static const char why[] =
		"the instance's metadata are not to be asked (AWS_EC2_METADATA_DISABLED)";
	int err;

	c->of_instance = true;
	if (imds_disabled()) {
		on_instance(-ENOENT, NULL, why, c);
		return;
	}
	err = instance_credentials_get(c->instance, on_instance, c);
	if (err)
		fail(c, err, "%s", strerror(-err));
}

static void on_container(int err, struct keys *keys, const char *why, void *ctx)
{
	on_keys(ctx, err, keys, why);
}

static void ask_container(struct credentials_chain *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(600);
	int err;

	if (!container_credentials_configured()) {
		fail(c, -EINVAL,
		     "credential_source = EcsContainer, but there is no "
		     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI in the environment");
		return;
	}
	err = container_credentials_get(c->container, on_container, c, &why);
	if (err)
		fail(c, err, "%s", why.len ? buf_str(&why) : strerror(-err));
}

/* Keys of which both must be there; the names are for the message. */
struct given {
	const char *id, *secret, *token;
	const char *id_name, *secret_name, *where;
};

static void take_given(struct credentials_chain *c, const struct given *g)
{
	bool has_id = g->id && *g->id, has_secret = g->secret && *g->secret;
	int err;

	if (!has_id && !has_secret) {
		fail(c, -EINVAL, "%s has neither %s nor %s", g->where, g->id_name, g->secret_name);
		return;
	}
	if (!has_id || !has_secret) {
		fail(c, -EINVAL, "%s has %s without %s", g->where,
		     has_id ? g->id_name : g->secret_name, has_id ? g->secret_name : g->id_name);
		return;
	}
	err = keys_set(&c->keys, g->id, g->secret, g->token, 0);
	if (err == -EINVAL)
		fail(c, err,
		     "%s has keys that cannot be keys (spaces or control characters in them?)",
		     g->where);
	else if (err)
		fail(c, err, "%s", strerror(-err));
	else
		go_on(c);
}

static struct given environment(void)
{
	return (struct given){ variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
			       variable("AWS_SESSION_TOKEN"), "AWS_ACCESS_KEY_ID",
			       "AWS_SECRET_ACCESS_KEY",       "the environment" };
}

static void take_profile(struct credentials_chain *c)
{
	const struct given g = environment();

	c->of_profile = true;
	switch (c->profile.base) {
	case PROFILE_KEYS:
		c->keys = c->profile.keys;
		c->profile.keys = (struct keys){ 0 };
		go_on(c);
		return;
	case PROFILE_ENVIRONMENT: take_given(c, &g); return;
	case PROFILE_IMDS: ask_instance(c); return;
	case PROFILE_CONTAINER: ask_container(c); return;
	case PROFILE_NONE: break;
	}
}

/* Shared files, container, instance. */
static void begin_with_files(struct credentials_chain *c)
{
	const struct profile_options files = credentials_profile_options(c->o);
	int err;

	set_source(c, "shared files", "");
	buf_reset(&c->why);
	err = profile_read(&files, &c->profile, &c->why);
	if (err) {
		finish(c, err);
		return;
	}
	set_source(c, "profile ", c->profile.name);
	if (c->profile.base != PROFILE_NONE) {
		take_profile(c);
	} else if (container_credentials_configured()) {
		set_source(c, "container", "");
		ask_container(c);
	} else {
		set_source(c, "instance", "");
		ask_instance(c);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct credentials_chain *c = ctx;
	const struct credentials_options *o = c->o;
	const struct given configured = { o->access_key_id,    o->secret_access_key,
					  o->session_token,    "access_key_id",
					  "secret_access_key", "[aws] of the configuration" };
	const struct given env = environment();

	(void)fd;
	(void)what;
	if ((o->access_key_id && *o->access_key_id) ||
	    (o->secret_access_key && *o->secret_access_key)) {
		set_source(c, "configuration", "");
		take_given(c, &configured);
	} else if (env.id || env.secret) {
		set_source(c, "environment", "");
		take_given(c, &env);
	} else {
		begin_with_files(c);
	}
}

int credentials_chain_walk(struct credentials_chain *c, credentials_found_fn fn, void *ctx)
{
	const struct timeval now = { 0 };

	if (c->fn)
		return -EBUSY;
	if (event_add(c->timer, &now))
		return -ENOMEM;
	c->fn = fn;
	c->ctx = ctx;
	return 0;
}

static void chain_freep(struct credentials_chain **c)
{
	credentials_chain_free(*c);
}

int credentials_chain_new(struct event_base *base, struct transport *t,
			  const struct credentials_options *o, struct credentials_chain **ret)
{
	_cleanup_(chain_freep) struct credentials_chain *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->o = o;
	buf_init(&c->why, WHY_MAX);
	buf_init(&c->source, 400);
	c->timer = evtimer_new(base, on_timer, c);
	if (!c->timer)
		return -ENOMEM;
	err = container_credentials_new(base, t, &c->container);
	if (!err)
		err = instance_credentials_new(base, t, o->imds_endpoint, &c->instance);
	if (!err)
		err = sts_new(base, t, o->sts_endpoint, &c->sts);
	if (err)
		return err;
	*ret = take(c);
	return 0;
}

void credentials_chain_free(struct credentials_chain *c)
{
	if (!c)
		return;
	container_credentials_free(c->container);
	instance_credentials_free(c->instance);
	sts_free(c->sts);
	if (c->timer) {
		forget(c);
		event_free(c->timer);
	}
	buf_done(&c->why);
	buf_done(&c->source);
	free(c);
}
