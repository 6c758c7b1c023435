/* SPDX-License-Identifier: MIT */
/*
 * Region and instance id. Attempts, one after the other with growing pauses, as long as something is missing; what was found
 * once stays. What is given but cannot be is told, and not asked for elsewhere: it was meant to decide.
 */
#include "aws/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds.h"
#include "aws/profile.h"
#include "base/buf.h"
#include "base/utf8.h"

#define DOCUMENT_PATH "/latest/dynamic/instance-identity/document"
#define PAUSE_MAX_S 60
#define SHOWN 65

struct identity {
	struct imds *imds;
	struct event *timer;
	struct profile_options files;
	void (*changed)(void *ctx);
	void *ctx;

	char *region, *instance_id;
	bool region_bad, instance_id_bad; /* given, but cannot be: not looked for any more */
	bool settled;
	unsigned int pause_s;
	struct buf why;
	struct buf bad; /* what is to be said of those that cannot be */
};

static bool wants_region(const struct identity *i)
{
	return !i->region && !i->region_bad;
}

static bool wants_instance_id(const struct identity *i)
{
	return !i->instance_id && !i->instance_id_bad;
}

static int refuse(struct identity *i, const char *where, const char *what, const char *s)
{
	char plain[SHOWN];

	utf8_make_plain(s, strlen(s), plain, sizeof(plain));
	buf_printf(&i->bad, "%s%s holds \"%s\", which is no %s", i->bad.len ? "; " : "", where,
		   plain, what);
	return i->bad.err;
}

static int take_region(struct identity *i, const char *s, const char *where)
{
	if (!s || !*s || !wants_region(i))
		return 0;
	if (!imds_is_region(s)) {
		i->region_bad = true;
		return refuse(i, where, "region", s);
	}
	i->region = strdup(s);
	return i->region ? 0 : -ENOMEM;
}

static int take_instance_id(struct identity *i, const char *s, const char *where)
{
	if (!s || !*s)
		return 0;
	if (!imds_is_instance_id(s)) {
		i->instance_id_bad = true;
		return refuse(i, where, "instance id", s);
	}
	i->instance_id = strdup(s);
	return i->instance_id ? 0 : -ENOMEM;
}

static int take_profile_region(struct identity *i)
{
	char *region = NULL;
	int err = 0;

	if (wants_region(i))
		err = profile_read_region(&i->files, &region);
	if (!err)
		err = take_region(i, region, "the profile of the shared files");
	free(region);
	return err;
}

static const char *missing(const struct identity *i)
{
	if (!wants_region(i))
		return "the instance id is not known; set instance_id in [aws]";
	if (!wants_instance_id(i))
		return "the region is not known; set region in [aws], or AWS_REGION";
	return "region and instance id are not known; set region and instance_id in [aws]";
}

/* Ends an attempt; @reason: why IMDS did not help. */
static void settle(struct identity *i, const char *reason, bool more_known)
{
	struct timeval pause = { 0 };

	i->settled = true;
	buf_reset(&i->why);
	buf_add(&i->why, buf_str(&i->bad), i->bad.len);
	if (wants_region(i) || wants_instance_id(i)) {
		buf_printf(&i->why, "%s%s: %s", i->why.len ? "; " : "", missing(i), reason);
		i->pause_s = i->pause_s ? i->pause_s * 2 : 1;
		if (i->pause_s > PAUSE_MAX_S)
			i->pause_s = PAUSE_MAX_S;
		pause.tv_sec = i->pause_s;
		event_add(i->timer, &pause);
	}
	if (more_known && i->changed)
		i->changed(i->ctx);
}

static void on_document(const struct imds_answer *a, void *ctx)
{
	struct identity *i = ctx;
	char *region = NULL, *instance_id = NULL;
	const char *reason = a->why;
	bool more;
	int err = a->err;

	if (!err) {
		err = imds_parse_identity(a->body, a->body_len, &region, &instance_id);
		reason =
			err ? "the instance's identity document is not the JSON that was expected" :
			      "the instance's identity document does not hold it";
	}
	more = (region && wants_region(i)) || (instance_id && wants_instance_id(i));
	if (region && wants_region(i))
		i->region = take(region);
	if (instance_id && wants_instance_id(i))
		i->instance_id = take(instance_id);
	free(region);
	free(instance_id);
	settle(i, reason, more);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct identity *i = ctx;
	bool had_region = i->region != NULL, more;
	int err;

	(void)fd;
	(void)what;
	err = take_profile_region(i);
	more = !had_region && i->region;
	if (err) {
		settle(i, strerror(-err), more);
	} else if (!wants_region(i) && !wants_instance_id(i)) {
		settle(i, "", more);
	} else if (imds_disabled()) {
		settle(i, "the instance's metadata are not to be asked (AWS_EC2_METADATA_DISABLED)",
		       more);
	} else {
		err = imds_get(i->imds, DOCUMENT_PATH, on_document, i);
		if (err)
			settle(i, strerror(-err), more);
		else if (more && i->changed)
			i->changed(i->ctx);
	}
}

/* What is known without waiting. */
static int take_given(struct identity *i, const struct identity_options *o)
{
	int err = take_region(i, o->region, "[aws] region");

	if (!err)
		err = take_region(i, getenv("AWS_REGION"), "AWS_REGION");
	if (!err)
		err = take_region(i, getenv("AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION");
	if (!err)
		err = take_profile_region(i);
	if (!err)
		err = take_instance_id(i, o->instance_id, "[aws] instance_id");
	return err;
}

static int begin(struct identity *i)
{
	const struct timeval now = { 0 };

	if (!wants_region(i) && !wants_instance_id(i)) {
		i->settled = true;
		return buf_add(&i->why, buf_str(&i->bad), i->bad.len);
	}
	buf_printf(&i->why, "%s: the instance's metadata have not answered yet", missing(i));
	return event_add(i->timer, &now) ? -ENOMEM : i->why.err;
}

static void identity_freep(struct identity **i)
{
	identity_free(*i);
}

int identity_new(struct event_base *base, struct transport *t, const struct identity_options *o,
		 void (*changed)(void *ctx), void *ctx, struct identity **ret)
{
	_cleanup_(identity_freep) struct identity *i = calloc(1, sizeof(*i));
	int err;

	if (!i)
		return -ENOMEM;
	buf_init(&i->why, 2000);
	buf_init(&i->bad, 600);
	i->files = (struct profile_options){ .profile = o->profile, .config_file = o->config_file };
	i->changed = changed;
	i->ctx = ctx;
	i->timer = evtimer_new(base, on_timer, i);
	err = i->timer ? imds_new(base, t, o->imds_endpoint, &i->imds) : -ENOMEM;
	if (!err)
		err = take_given(i, o);
	if (!err)
		err = begin(i);
	if (err)
		return err;
	*ret = take(i);
	return 0;
}

void identity_free(struct identity *i)
{
	if (!i)
		return;
	imds_free(i->imds);
	if (i->timer)
		event_free(i->timer);
	free(i->region);
	free(i->instance_id);
	buf_done(&i->why);
	buf_done(&i->bad);
	free(i);
}

const char *identity_region(const struct identity *i)
{
	return i->region;
}

const char *identity_instance_id(const struct identity *i)
{
	return i->instance_id;
}

bool identity_settled(const struct identity *i)
{
	return i->settled;
}

const char *identity_why(const struct identity *i)
{
	return buf_str(&i->why);
}
