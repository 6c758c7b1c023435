/* SPDX-License-Identifier: MIT */
/* isamon alarms: what is configured, brought to CloudWatch. Invariant: an alarm that does not carry our tag is changed only
 * when --adopt says so. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/alarms_cmd.h"
#include "cmd/cmd.h"

#define WHY_MAX 2048

static const char usage[] =
	"usage: isamon alarms list   [--json] [--config FILE]\n"
	"       isamon alarms diff   [--json] [--config FILE]\n"
	"       isamon alarms apply  [--prune] [--adopt] [--yes] [--dry-run] [--json] [--config FILE]\n"
	"       isamon alarms delete [NAME...] [--yes] [--dry-run] [--json] [--config FILE]\n"
	"\n"
	"Keeps CloudWatch's alarms as the [alarm \"NAME\"] sections of the configuration say.\n"
	"\n"
	"list    the alarms that are configured, or are in a namespace that is configured\n"
	"diff    what apply would change\n"
	"apply   makes alarms that are missing and changes those that differ\n"
	"delete  deletes isamon's alarms: those that are named, or all of this configuration\n"
	"\n"
	"isamon marks the alarms that it makes with the tag isamon=SERVICE, and touches no others.\n"
	"Before something is changed or deleted it is shown, and the terminal asked.\n"
	"\n"
	"  --prune       apply: also deletes isamon's alarms that are not configured any more\n"
	"  --adopt       apply: makes alarms that have a configured name, but are not isamon's, its own\n"
	"  --yes         does not ask\n"
	"  --dry-run     shows what would be done, and does nothing\n"
	"  --json        the alarms, their differences and what was done, as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 done, or nothing differs; 1 diff: something differs; apply: something was left\n"
	"as it is, because the answer was no or it is not isamon's; delete: a name is not there, or not\n"
	"isamon's; 2 wrong usage or configuration; 3 something could not be looked at or done.\n";

struct options {
	const char *config_path;
	bool json, yes, dry_run, prune, adopt;
	char **names; /* of delete */
	size_t n_names;
};

enum plan { PLAN_NOTHING, PLAN_CREATE, PLAN_CHANGE, PLAN_ADOPT, PLAN_DELETE };

static enum plan plan_apply(const struct options *o, const struct alarm_row *row)
{
	bool foreign = row->have && row->owner != ALARM_OURS;

	switch (row->status) {
	case ALARM_NOT_THERE: return PLAN_CREATE;
	case ALARM_DIFFERS: return !foreign ? PLAN_CHANGE : o->adopt ? PLAN_ADOPT : PLAN_NOTHING;
	case ALARM_SAME: return foreign && o->adopt ? PLAN_ADOPT : PLAN_NOTHING;
	case ALARM_LEFT_OVER: return o->prune ? PLAN_DELETE : PLAN_NOTHING;
	default: return PLAN_NOTHING;
	}
}

/* Whether the command line names it: as CloudWatch does, or as the section of the configuration. */
static bool is_named(const struct options *o, const struct alarm_row *row)
{
	for (size_t i = 0; i < o->n_names; i++)
		if (strcmp(o->names[i], alarm_row_name(row)) == 0 ||
		    (row->configured && strcmp(o->names[i], row->configured->name) == 0))
			return true;
	return false;
}

/* That of another host, whose instance may be gone, only by its name. */
static enum plan plan_delete(const struct options *o, const struct alarm_row *row)
{
	if (!row->have || row->status == ALARM_UNKNOWN || row->owner == ALARM_FOREIGN)
		return PLAN_NOTHING;
	if (o->n_names ? is_named(o, row) : row->owner == ALARM_OURS)
		return PLAN_DELETE;
	return PLAN_NOTHING;
}

typedef enum plan (*plan_fn)(const struct options *o, const struct alarm_row *row);

static void carry_out(struct lone_session *a, struct alarms *x, const struct options *o,
		      plan_fn plan)
{
	for (size_t i = 0; i < x->n; i++) {
		struct alarm_row *row = &x->rows[i];
		char name[ALARM_PLAIN_BYTES];

		switch (plan(o, row)) {
		case PLAN_NOTHING: continue;
		case PLAN_CREATE:
		case PLAN_CHANGE: alarms_put(a, x, row); break;
		case PLAN_DELETE: alarms_delete(a, x, row); break;
		case PLAN_ADOPT:
			alarms_adopt(a, x, row);
			if (row->done && row->status == ALARM_DIFFERS)
				alarms_put(a, x, row);
			break;
		}
		if (row->done && !o->json)
			printf("%s %s\n", row->done, alarm_row_plain(row, name));
	}
}

/* Asks for what cannot be undone. Returns 0, or what the command ends with. */
static int ask(const struct alarms *x, const struct options *o, plan_fn plan)
{
	unsigned int n[PLAN_DELETE + 1] = { 0 };
	char question[120];
	int answer;

	for (size_t i = 0; i < x->n; i++)
		n[plan(o, &x->rows[i])]++;
	if (!n[PLAN_CHANGE] && !n[PLAN_ADOPT] && !n[PLAN_DELETE])
		return 0;
	snprintf(question, sizeof(question), "Create %u, change %u, adopt %u, delete %u?",
		 n[PLAN_CREATE], n[PLAN_CHANGE], n[PLAN_ADOPT], n[PLAN_DELETE]);
	answer = tool_confirm(ALARMS_COMMAND, question, o->yes);
	if (answer > 0)
		return 0;
	return answer < 0 ? CMD_USAGE : CMD_NOT_OK;
}

/* What apply leaves as it is, because it belongs to somebody else. */
static bool tell_foreign(const struct alarms *x, const struct options *o)
{
	bool differs = false;

	for (size_t i = 0; i < x->n; i++) {
		const struct alarm_row *row = &x->rows[i];

		if (!row->configured || !row->have || row->status == ALARM_UNKNOWN ||
		    row->owner == ALARM_OURS || o->adopt)
			continue;
		fprintf(stderr,
			"%s: %s: is not isamon's (no tag " ALARM_TAG
			"=%s), and is left as it is; --adopt would take it over\n",
			ALARMS_COMMAND, alarm_row_name(row), x->c->service_name);
		differs |= row->status == ALARM_DIFFERS;
	}
	return differs;
}

static int apply(struct lone_session *a, struct alarms *x, const struct options *o)
{
	int status = ask(x, o, plan_apply);
	bool left;

	if (status)
		return status;
	left = tell_foreign(x, o);
	if (!o->dry_run)
		carry_out(a, x, o, plan_apply);
	return left ? CMD_NOT_OK : CMD_OK;
}

/* Whether each name is that of an alarm that may be deleted; tells of those that are not. */
static bool check_names(const struct alarms *x, const struct options *o)
{
	bool fine = true;

	for (size_t k = 0; k < o->n_names; k++) {
		struct options one = { .names = &o->names[k], .n_names = 1 };
		const struct alarm_row *row = NULL;

		for (size_t i = 0; i < x->n && !row; i++)
			if (is_named(&one, &x->rows[i]) && x->rows[i].have)
				row = &x->rows[i];
		if (row && (row->status == ALARM_UNKNOWN || row->owner != ALARM_FOREIGN))
			continue;
		fine = false;
		fprintf(stderr, "%s: %s: %s\n", ALARMS_COMMAND, o->names[k],
			row ? "is not isamon's, and is left as it is" : "there is no such alarm");
	}
	return fine;
}

static int delete (struct lone_session *a, struct alarms *x, const struct options *o)
{
	bool fine = check_names(x, o);
	char name[ALARM_PLAIN_BYTES];
	size_t n = 0;
	int status;

	for (size_t i = 0; i < x->n; i++) {
		if (plan_delete(o, &x->rows[i]) != PLAN_DELETE)
			continue;
		n++;
		if (!o->json && !o->yes)
			printf("%s: would be deleted\n", alarm_row_plain(&x->rows[i], name));
	}
	if (!n && !o->n_names && !o->json)
		puts("no alarms to delete: none here is isamon's");
	status = o->dry_run ? 0 : ask(x, o, plan_delete);
	if (status)
		return status;
	if (!o->dry_run)
		carry_out(a, x, o, plan_delete);
	return fine ? CMD_OK : CMD_NOT_OK;
}

static int diff(const struct alarms *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->rows[i].status != ALARM_SAME && x->rows[i].status != ALARM_NOT_CONFIGURED)
			return CMD_NOT_OK;
	return CMD_OK;
}

/* After what there is was looked at. */
static int act(struct lone_session *a, struct alarms *x, const char *action,
	       const struct options *o)
{
	bool list = strcmp(action, "list") == 0;
	char name[ALARM_PLAIN_BYTES];
	int status = CMD_OK;

	if (list && !o->json)
		alarms_print_list(x);
	else if (strcmp(action, "delete") != 0 && !o->json)
		alarms_print_diff(x);
	for (size_t i = 0; i < x->n && (list || o->json); i++)
		if (x->rows[i].status == ALARM_UNKNOWN)
			fprintf(stderr, "%s: %s: %s\n", ALARMS_COMMAND,
				alarm_row_plain(&x->rows[i], name), buf_str(&x->rows[i].why));
	if (strcmp(action, "diff") == 0)
		status = diff(x);
	else if (strcmp(action, "apply") == 0)
		status = apply(a, x, o);
	else if (strcmp(action, "delete") == 0)
		status = delete (a, x, o);
	if (o->json && status != CMD_USAGE && alarms_print_json(x))
		return CMD_FAILED;
	return x->failed ? CMD_FAILED : status;
}

static int look_and_act(const struct config *c, const char *action, const struct options *o)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	_cleanup_(lone_session_close) struct lone_session a = { 0 };
	_cleanup_(alarms_done) struct alarms x = { .c = c };
	int err = tool_aws_open(ALARMS_COMMAND, c, &a);

	if (err)
		return CMD_FAILED;
	lone_session_settle(&a);
	x.instance_id = identity_instance_id(aws_session_identity(a.session));
	err = alarms_look(&a, &x, &why);
	if (!err)
		return act(&a, &x, action, o);
	fprintf(stderr, "%s: %s\n", ALARMS_COMMAND, buf_str(&why));
	return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
}

static int wrong(const char *what, const char *argument)
{
	return tool_wrong(ALARMS_COMMAND, usage, what, argument);
}

/* NULL: fine. */
static const char *misplaced(const char *action, const struct options *o)
{
	bool applies = strcmp(action, "apply") == 0, deletes = strcmp(action, "delete") == 0;

	if ((o->prune || o->adopt) && !applies)
		return "--prune and --adopt are for apply";
	if ((o->yes || o->dry_run) && !applies && !deletes)
		return "--yes and --dry-run are for apply and delete";
	return NULL;
}

int cmd_alarms(int argc, char **argv)
{
	static const char *const actions[] = { "list", "diff", "apply", "delete" };
	struct options o = { 0 };
	const struct tool_option options[] = {
		{ "json", &o.json, NULL },       { "yes", &o.yes, NULL },
		{ "dry-run", &o.dry_run, NULL }, { "prune", &o.prune, NULL },
		{ "adopt", &o.adopt, NULL },     { "config", NULL, &o.config_path },
	};
	_cleanup_(config_freep) struct config *c = NULL;
	const char *action;
	bool known = false;
	int first, status;

	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (first == argc)
		return wrong("say what: list, diff, apply or delete", NULL);
	action = argv[first++];
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		known |= strcmp(actions[i], action) == 0;
	if (!known)
		return wrong(TOOL_UNKNOWN_COMMAND, action);
	o.names = argv + first;
	o.n_names = (size_t)(argc - first);
	if (o.n_names && strcmp(action, "delete") != 0)
		return wrong(TOOL_UNEXPECTED, argv[first]);
	if (misplaced(action, &o))
		return wrong(misplaced(action, &o), NULL);
	status = tool_load(o.config_path, &c);
	return status ? status : look_and_act(c, action, &o);
}
