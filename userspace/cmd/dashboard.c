/* SPDX-License-Identifier: MIT */
/* isamon dashboard: the dashboard of CloudWatch, made of the configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"
#include "ship/alarm.h"
#include "ship/dashboard.h"

#define COMMAND "isamon dashboard"
#define WHY_MAX 2048
#define BODY_MAX (1u << 20)
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define NAME_MAX_BYTES 255

static const char usage[] =
	"usage: isamon dashboard print [--config FILE]\n"
	"       isamon dashboard diff  [--name NAME] [--json] [--config FILE]\n"
	"       isamon dashboard apply [--name NAME] [--yes] [--dry-run] [--json] [--config FILE]\n"
	"\n"
	"Shows what isamon publishes on a dashboard of CloudWatch: requests, errors, latency, what else\n"
	"[cloudwatch] has switched on, CPU and memory by host, alarms. It is the same whichever host\n"
	"makes it.\n"
	"\n"
	"print  the dashboard's body, as CloudWatch takes it\n"
	"diff   where CloudWatch's dashboard differs, by path\n"
	"apply  makes it, or replaces it if it differs; what CloudWatch says of it is shown\n"
	"\n"
	"  --name NAME   default: dashboard in [cloudwatch]\n"
	"  --yes         does not ask before a dashboard is replaced\n"
	"  --dry-run     shows what would be done, and does nothing\n"
	"  --json        the differences, what was done and CloudWatch's messages as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 done, or nothing differs; 1 diff: something differs; apply: the answer was no;\n"
	"2 wrong usage or configuration; 3 it could not be done.\n";

struct options {
	const char *config_path, *name;
	bool json, yes, dry_run;
};

/* Everything about the one dashboard. */
struct dashboard {
	const struct config *c;
	const struct options *o;
	const char *name;
	json_t *want;
	json_t *have;        /* NULL: is not there */
	bool unreadable;     /* it is there, but is no JSON */
	json_t *differences; /* [{"path", "have", "want"}] */
	json_t *messages;    /* of CloudWatch; NULL: none */
	const char *done;    /* "created", "replaced"; NULL: nothing was */
};

static void dashboard_done(struct dashboard *d)
{
	json_decref(d->want);
	json_decref(d->have);
	json_decref(d->differences);
	json_decref(d->messages);
}

static int failed(const char *why)
{
	fprintf(stderr, "%s: %s\n", COMMAND, why);
	return CMD_FAILED;
}

/* Whether the name may be that of the configured alarm, on whichever host. */
static bool has_configured_name(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_alarms; i++) {
		const char *pattern = c->alarms[i]->name;
		const char *hole = strstr(pattern, CONFIG_INSTANCE_ID);
		size_t before = hole ? (size_t)(hole - pattern) : 0, after;

		if (!hole && strcmp(pattern, name) == 0)
			return true;
		after = hole ? strlen(hole + strlen(CONFIG_INSTANCE_ID)) : 0;
		if (hole && strlen(name) > before + after && strncmp(pattern, name, before) == 0 &&
		    strcmp(name + strlen(name) - after, hole + strlen(CONFIG_INSTANCE_ID)) == 0)
			return true;
	}
	return false;
}

struct arns {
	const struct config *c;
	json_t *list;
};

static int add_arn(const json_t *alarm, void *ctx)
{
	struct arns *arns = ctx;

	if (!has_configured_name(arns->c, json_member_text(alarm, "AlarmName", "")))
		return 0;
	return json_array_append(arns->list, json_object_get(alarm, "AlarmArn")) ? -ENOMEM : 0;
}

/* The body. Without a permission to see the alarms it is made without them, which is said. */
static int make(struct lone_session *a, struct dashboard *d)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct identity *identity = aws_session_identity(a->session);
	struct arns arns = { .c = d->c, .list = json_array() };
	int err;

	lone_session_settle(a);
	err = d->c->n_alarms ? tool_each_alarm(a, false, add_arn, &arns, &why) : 0;
	if (err == -EIO)
		fprintf(stderr, "%s: without alarms, which could not be looked up: %s\n", COMMAND,
			buf_str(&why));
	if (!identity_region(identity)) {
		json_decref(arns.list);
		fprintf(stderr, "%s: %s\n", COMMAND, identity_why(identity));
		return CMD_FAILED;
	}
	d->want = dashboard_body(d->c, identity_region(identity), err == -EIO ? NULL : arns.list);
	json_decref(arns.list);
	if (!d->want || (err && err != -EIO))
		return failed(strerror(ENOMEM));
	return CMD_OK;
}

static int get(struct lone_session *a, struct dashboard *d)
{
	_cleanup_(tool_answer_done) struct tool_answer answer = { 0 };
	_cleanup_(json_freep) json_t *request = json_pack("{s:s}", "DashboardName", d->name);

	if (!request)
		return failed(strerror(ENOMEM));
	if (tool_call(a, AWS_CLOUDWATCH, "GetDashboard", request, &answer)) {
		if (strcmp(answer.code, "ResourceNotFound") == 0 ||
		    strcmp(answer.code, "DashboardNotFoundError") == 0)
			return CMD_OK;
		return failed(buf_str(&answer.why));
	}
	d->have = json_loads(json_member_text(answer.body, "DashboardBody", ""), 0, NULL);
	if (d->have)
		return CMD_OK;
	d->unreadable = true;
	d->have = json_object();
	return d->have ? CMD_OK : failed(strerror(ENOMEM));
}

static void add_difference(const char *path, const char *have, const char *want, void *ctx)
{
	/* (a lack of memory shows in the count) */
	json_array_append_new(ctx,
			      json_pack("{s:s,s:s,s:s}", "path", path, "have", have, "want", want));
}

static int compare(struct dashboard *d)
{
	int n;

	d->differences = json_array();
	n = d->have ? dashboard_diff(d->have, d->want, add_difference, d->differences) : 0;
	if (n < 0 || !d->differences || json_array_size(d->differences) != (size_t)n)
		return failed(strerror(ENOMEM));
	return CMD_OK;
}

static bool is_same(const struct dashboard *d)
{
	return d->have && !d->unreadable && json_array_size(d->differences) == 0;
}

static void print_diff(const struct dashboard *d)
{
	const json_t *one;
	size_t i;

	if (d->o->json)
		return;
	if (!d->have)
		printf("dashboard %s: not there\n", d->name);
	else if (d->unreadable)
		printf("dashboard %s: is there, but is no JSON\n", d->name);
	else
		printf("dashboard %s: %s\n", d->name, is_same(d) ? "as configured" : "differs");
	json_array_foreach(d->differences, i, one) {
		const char *have = json_member_text(one, "have", "");
		const char *want = json_member_text(one, "want", "");
		char path[1024];

		utf8_make_plain(json_member_text(one, "path", ""), sizeof(path), path,
				sizeof(path));
		printf("  %s: %s -> %s\n", path, *have ? have : "(none)", *want ? want : "(none)");
	}
}

static void print_messages(const struct dashboard *d)
{
	const json_t *one;
	size_t i;

	json_array_foreach(d->messages, i, one) {
		char path[1024], text[1024];

		utf8_make_plain(json_member_text(one, "DataPath", ""), sizeof(path), path,
				sizeof(path));
		utf8_make_plain(json_member_text(one, "Message", ""), sizeof(text), text,
				sizeof(text));
		fprintf(stderr, "%s: CloudWatch says of %s: %s\n", COMMAND,
			*path ? path : "the body", text);
	}
}

static int put(struct lone_session *a, struct dashboard *d)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(BODY_MAX);
	_cleanup_(tool_answer_done) struct tool_answer answer = { 0 };
	_cleanup_(json_freep) json_t *request = NULL;
	int err = json_add_text(d->want, JSON_COMPACT | JSON_REAL_PRECISION(15), &body);

	if (!err)
		request = json_pack("{s:s,s:s}", "DashboardName", d->name, "DashboardBody",
				    buf_str(&body));
	if (!request)
		return failed(strerror(err ? -err : ENOMEM));
	err = tool_call(a, AWS_CLOUDWATCH, "PutDashboard", request, &answer);
	d->messages = json_incref(json_object_get(answer.body, "DashboardValidationMessages"));
	print_messages(d);
	if (err)
		return failed(buf_str(&answer.why));
	d->done = d->have ? "replaced" : "created";
	if (!d->o->json)
		printf("%s dashboard %s\n", d->done, d->name);
	return CMD_OK;
}

static int apply(struct lone_session *a, struct dashboard *d)
{
	char question[NAME_MAX_BYTES + 60];
	int answer;

	if (is_same(d) || d->o->dry_run)
		return CMD_OK;
	snprintf(question, sizeof(question), "Replace the dashboard %s?", d->name);
	answer = tool_confirm(COMMAND, question, d->o->yes || !d->have);
	if (answer <= 0)
		return answer < 0 ? CMD_USAGE : CMD_NOT_OK;
	return put(a, d);
}

static int print_json(const struct dashboard *d)
{
	_cleanup_(json_freep) json_t *o =
		json_pack("{s:s,s:b,s:b,s:O}", "name", d->name, "there", d->have != NULL, "same",
			  is_same(d), "differences", d->differences);
	int err = o ? 0 : -1;

	if (d->done)
		err |= json_object_set_new(o, "done", json_string(d->done));
	if (d->messages)
		err |= json_object_set(o, "messages", d->messages);
	return tool_print_json(COMMAND, err ? NULL : o);
}

static int act(struct lone_session *a, struct dashboard *d, const char *action)
{
	int status = make(a, d);

	if (status)
		return status;
	if (strcmp(action, "print") == 0)
		return tool_print_json(COMMAND, d->want);
	status = get(a, d);
	if (!status)
		status = compare(d);
	if (status)
		return status;
	print_diff(d);
	if (strcmp(action, "apply") == 0)
		status = apply(a, d);
	else
		status = is_same(d) ? CMD_OK : CMD_NOT_OK;
	if (d->o->json && status != CMD_USAGE && print_json(d))
		return CMD_FAILED;
	return status;
}

static int wrong(const char *what, const char *argument)
{
	return tool_wrong(COMMAND, usage, what, argument);
}

static int run(const char *action, const struct options *o)
{
	_cleanup_(dashboard_done) struct dashboard d = { .o = o };
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_(lone_session_close) struct lone_session a = { 0 };
	int status = tool_load(o->config_path, &c);

	if (status)
		return status;
	d.c = c;
	d.name = o->name ? o->name : c->cloudwatch_dashboard;
	if (tool_aws_open(COMMAND, c, &a))
		return CMD_FAILED;
	return act(&a, &d, action);
}

int cmd_dashboard(int argc, char **argv)
{
	struct options o = { 0 };
	const struct tool_option options[] = {
		{ "json", &o.json, NULL },          { "yes", &o.yes, NULL },
		{ "dry-run", &o.dry_run, NULL },    { "name", NULL, &o.name },
		{ "config", NULL, &o.config_path },
	};
	const char *action;
	bool applies;
	int first, status;

	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (first == argc)
		return wrong("say what: print, diff or apply", NULL);
	action = argv[first++];
	applies = strcmp(action, "apply") == 0;
	if (!applies && strcmp(action, "print") != 0 && strcmp(action, "diff") != 0)
		return wrong(TOOL_UNKNOWN_COMMAND, action);
	if (first < argc)
		return wrong(TOOL_UNEXPECTED, argv[first]);
	if ((o.yes || o.dry_run) && !applies)
		return wrong("--yes and --dry-run are for apply", NULL);
	if (o.name && (!*o.name || strlen(o.name) > NAME_MAX_BYTES ||
		       o.name[strspn(o.name, NAME_CHARACTERS)]))
		return wrong("--name takes 1 to 255 letters, digits, - and _, not", o.name);
	return run(action, &o);
}
