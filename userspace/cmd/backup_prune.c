/* SPDX-License-Identifier: MIT */
/* isamon backup prune: what is in the directory and no rule keeps. What is in S3 stays: the bucket's lifecycle rules are for that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "care/restore.h"
#include "care/retention.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"

static const char usage[] =
	"usage: isamon backup prune [--dry-run] [--yes] [--json]\n"
	"Removes backups from the directory that no rule of [backup] keeps (keep_days, keep_daily, keep_weekly, keep_monthly). The newest\n"
	"sound one of each kind always stays. In S3 nothing is removed.\n"
	"\n"
	"  --dry-run         only say what would go, and why the rest stays\n"
	"  --yes             do not ask\n"
	"  --json            what goes, as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 done; 1 not wanted; 2 wrong usage or configuration, or nobody to ask; 3 could not be done.\n";

_Static_assert(RETENTION_KINDS == (int)BACKUP_KINDS, "each kind is decided for itself");

struct pruning {
	struct backup_tool *t;
	struct retention_item *items; /* of those that are here, in the order of the list */
	size_t *at;                   /* where each is in the list */
	size_t n, n_going;
	bool plan;
	json_t *json;
};

/* Without the catalogue none is known to be sound, and the only one that is might go. */
static int refuse_blind(const struct backup_tool *t)
{
	if (!t->blind)
		return CMD_OK;
	backup_complain(t, "nothing is removed while it is not known which backups are sound", 0);
	return CMD_FAILED;
}

static void decide(struct pruning *p)
{
	const struct config *c = p->t->config;
	const struct retention_rules rules = { c->backup_keep_days, c->backup_keep_daily,
					       c->backup_keep_weekly, c->backup_keep_monthly };

	for (size_t i = 0; i < p->t->list.n; i++) {
		struct catalogue_entry *e = &p->t->list.entries[i];

		if (!e->local)
			continue;
		p->at[p->n] = i;
		p->items[p->n++] = (struct retention_item){
			.created_s = e->created_s,
			.kind = (int)e->kind,
			.good = e->verdict == BACKUP_SOUND && !e->n_damaged,
			.bad = e->verdict == BACKUP_UNSOUND,
		};
	}
	retention_decide(p->items, p->n, &rules, backup_now_s());
	for (size_t i = 0; i < p->n; i++)
		p->n_going += p->items[i].kept == RETENTION_NONE;
}

static void tell(struct pruning *p, size_t i)
{
	const bool goes = p->items[i].kept == RETENTION_NONE;
	struct catalogue_entry *e = &p->t->list.entries[p->at[i]];

	if (p->json && goes)
		json_array_append_new(p->json, backup_json(p->t, e));
	if (p->json)
		return;
	if (goes)
		printf("%-24s %s\n", e->id, p->plan ? "would be removed" : "removed");
	else if (p->plan)
		printf("%-24s stays: %s\n", e->id, retention_reasons[p->items[i].kept]);
}

/* What S3 has stays known. */
static int forget(struct pruning *p, struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int err;

	if (e->remote == BACKUP_SENT)
		return 0;
	err = catalogue_forget(p->t->catalogue, e->file, &why);
	if (err)
		backup_complain(p->t, buf_str(&why), err);
	return err;
}

static int remove_all(struct pruning *p, const struct backup_place *place)
{
	int status = CMD_OK;

	for (size_t i = 0; i < p->n; i++) {
		struct catalogue_entry *e = &p->t->list.entries[p->at[i]];

		if (p->items[i].kept != RETENTION_NONE)
			continue;
		if (unlinkat(place->dir_fd, e->file, 0) && errno != ENOENT) {
			fprintf(stderr, "%s: %s/%s: cannot be removed: %s\n", p->t->command,
				p->t->config->backup_directory, e->file, strerror(errno));
			status = CMD_FAILED;
			continue;
		}
		tell(p, i);
		backup_s3_abort(p->t, e);
		if (forget(p, e))
			status = CMD_FAILED;
	}
	return status;
}

static int ask(const struct pruning *p, bool asked)
{
	char question[100];
	int yes;

	snprintf(question, sizeof(question), "Remove %zu of %zu backups?", p->n_going, p->n);
	for (size_t i = 0; !asked && i < p->n; i++)
		if (p->items[i].kept == RETENTION_NONE)
			fprintf(stderr, "%s\n", p->t->list.entries[p->at[i]].id);
	yes = tool_confirm(p->t->command, question, asked);
	if (!yes)
		fprintf(stderr, "%s: not wanted: nothing was removed\n", p->t->command);
	return yes < 0 ? CMD_USAGE : yes ? CMD_OK : CMD_NOT_OK;
}

/* Room for what is decided of each of the list. */
static int decide_all(struct pruning *p)
{
	const size_t room = p->t->list.n + 1;

	free(p->items);
	free(p->at);
	p->n = p->n_going = 0;
	p->items = calloc(room, sizeof(*p->items));
	p->at = calloc(room, sizeof(*p->at));
	if (!p->items || !p->at) {
		backup_complain(p->t, "", -ENOMEM);
		return CMD_FAILED;
	}
	decide(p);
	return CMD_OK;
}

/* By what is known when nobody else is at it any more, of what was asked about: a verification may have found one damaged meanwhile. */
static int decide_again(struct pruning *p)
{
	struct backup_list asked = p->t->list;
	size_t n = 0;
	int status;

	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].kept == RETENTION_NONE)
			asked.entries[n++] = asked.entries[p->at[i]];
	asked.n = n;
	p->t->list = (struct backup_list){ 0 };
	status = backup_tool_list(p->t);
	if (!status)
		status = refuse_blind(p->t);
	if (!status)
		status = decide_all(p);
	for (size_t i = 0; !status && i < p->n; i++)
		if (!backup_list_find(&asked, p->t->list.entries[p->at[i]].file))
			p->items[i].kept = RETENTION_AGE;
	backup_list_done(&asked);
	return status;
}

static int prune(struct pruning *p, bool asked)
{
	_cleanup_(backup_place_close) struct backup_place place = { .lock_fd = -1,
								    .dir_fd = -1,
								    .part_fd = -1 };
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	int status = refuse_blind(p->t), err;

	if (!status)
		status = decide_all(p);
	if (status)
		return status;
	if (p->plan) {
		for (size_t i = 0; i < p->n; i++)
			tell(p, i);
		return CMD_OK;
	}
	if (!p->n_going) {
		if (!p->json && !asked && p->n)
			printf("nothing is to be removed: the rules keep all of %zu\n", p->n);
		return CMD_OK;
	}
	status = ask(p, asked);
	if (status)
		return status;
	err = backup_place_open(p->t->config->backup_directory, &why, &place);
	if (err) {
		backup_complain(p->t, buf_str(&why), err);
		return CMD_FAILED;
	}
	status = decide_again(p);
	return status ? status : remove_all(p, &place);
}

/* What restores replaced more than a day ago. The daemon's unit may not write there; it is told, and no failure of pruning. */
static void forget_replaced(const struct backup_tool *t)
{
	for (int kind = 0; kind < BACKUP_KINDS; kind++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
		const char *target = backup_source(t->config, kind);
		unsigned int n;
		int err = target ?
				  restore_forget(target, backup_now_s(), RESTORE_KEEP_S, &why, &n) :
				  0;

		if (err) {
			buf_add_str(&why, " (what a restore replaced; isamon restore --forget)");
			backup_complain(t, buf_str(&why), err);
		}
	}
}

int backup_prune(struct backup_tool *t, bool plan, bool asked, json_t *json)
{
	struct pruning p = { .t = t, .plan = plan, .json = json };
	int status = prune(&p, asked);

	free(p.items);
	free(p.at);
	if (!plan && status == CMD_OK)
		forget_replaced(t);
	return status;
}

int backup_prune_command(int argc, char **argv)
{
	_cleanup_(backup_tool_done) struct backup_tool t = { 0 };
	_cleanup_(json_freep) json_t *list = NULL;
	const char *config_path = NULL;
	bool json = false, yes = false, plan = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ "yes", &yes, NULL },
		{ "dry-run", &plan, NULL },
		{ BACKUP_CONFIG_OPTION, NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong("isamon backup prune", usage, TOOL_UNEXPECTED, argv[first]);
	status = backup_tool_open("isamon backup prune", config_path, &t);
	if (!status)
		status = backup_tool_list(&t);
	list = json ? json_array() : NULL;
	if (!status)
		status = backup_prune(&t, plan, yes, list);
	if (!status && !json && !t.list.n)
		puts("no backups");
	if (json && tool_print_json(t.command, list) != CMD_OK)
		status = CMD_FAILED;
	return status;
}
