/* SPDX-License-Identifier: MIT */
/* isamon restore: which archive is meant, and for which directory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/cmd.h"
#include "cmd/restore_cmd.h"

#define S3_SCHEME "s3://"

static int said_kind(const struct restore_command *c)
{
	return c->data ? BACKUP_DATA : c->config ? BACKUP_CONFIG : -1;
}

static int no_such(const struct restore_command *c)
{
	fprintf(stderr,
		RESTORE_COMMAND
		": there is no backup \"%s\"; isamon backup list shows which there are\n",
		c->source ? c->source : backup_kind_names[said_kind(c)]);
	return CMD_NOT_OK;
}

static int take_path(struct restore_command *c, const char *path)
{
	char real[PATH_MAX];

	if (!realpath(path, real) || strlen(real) >= sizeof(c->archive)) {
		fprintf(stderr, RESTORE_COMMAND ": %s: %s\n", path, strerror(errno));
		return errno == ENOENT ? CMD_NOT_OK : CMD_FAILED;
	}
	memcpy(c->archive, real, strlen(real) + 1);
	return CMD_OK;
}

static int take_file(struct restore_command *c)
{
	const char *slash = strrchr(c->source, '/');
	struct catalogue_entry e = { 0 };
	int said = said_kind(c);

	c->kind = said;
	if (backup_name_parse(c->tool.config->backup_name, slash ? slash + 1 : c->source, &e)) {
		if (said >= 0 && said != (int)e.kind) {
			fprintf(stderr,
				RESTORE_COMMAND ": %s is a backup of %s, going by its name\n",
				c->source, backup_kind_names[e.kind]);
			return CMD_USAGE;
		}
		c->kind = (int)e.kind;
	}
	return take_path(c, c->source);
}

static int take_entry(struct restore_command *c, const struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(RESTORE_PATH_MAX);

	if (e->verdict == BACKUP_UNSOUND) {
		fprintf(stderr, RESTORE_COMMAND ": %s is known to be damaged: %s%s\n", e->file,
			e->why,
			e->remote == BACKUP_SENT ?
				"; it is in S3, too: remove the one that is here, and say it again" :
				"; isamon backup list shows which others there are");
		return CMD_NOT_OK;
	}
	c->kind = (int)e->kind;
	if (buf_printf(&path, "%s/%s", c->tool.config->backup_directory, e->file))
		return CMD_FAILED;
	return take_path(c, buf_str(&path));
}

/* Those that are meant: by c->source, and the kind. The newest comes first; without a name, one that is refused for a damaged database in it
 * only if there is no other. */
static const struct catalogue_entry *find_entry(const struct restore_command *c, const char *name,
						bool *ret_ambiguous)
{
	const struct catalogue_entry *found = NULL, *other = NULL;

	*ret_ambiguous = false;
	for (size_t i = 0; i < c->tool.list.n; i++) {
		const struct catalogue_entry *e = &c->tool.list.entries[i];

		if (said_kind(c) >= 0 && said_kind(c) != (int)e->kind)
			continue;
		if (!name) {
			if (!e->local || e->verdict == BACKUP_UNSOUND)
				continue;
			if (!e->n_damaged)
				return e;
			other = other ? other : e;
			continue;
		}
		if (!backup_name_means(name, e))
			continue;
		*ret_ambiguous |= found != NULL;
		found = e;
	}
	return name ? found : other;
}

/* s3://BUCKET/PREFIX/FILE: the configured bucket's. */
static int file_of_key(const struct restore_command *c, const char **ret_file)
{
	const char *bucket = c->source + strlen(S3_SCHEME), *slash = strchr(bucket, '/');
	const char *configured = c->tool.config->backup_s3_bucket;

	if (!slash || !slash[1] || slash[strlen(slash) - 1] == '/')
		return tool_wrong(RESTORE_COMMAND, NULL, "not the address of an object", c->source);
	if (strlen(configured) != (size_t)(slash - bucket) ||
	    strncmp(configured, bucket, strlen(configured)) != 0) {
		fprintf(stderr,
			RESTORE_COMMAND
			": %s: is not in the bucket of [backup]; fetch it with aws s3 cp, and restore the file\n",
			c->source);
		return CMD_FAILED;
	}
	*ret_file = strrchr(c->source, '/') + 1;
	return CMD_OK;
}

static int take_named(struct restore_command *c, const char *name)
{
	const struct catalogue_entry *e;
	bool ambiguous;
	int status = backup_tool_list(&c->tool);

	if (status)
		return status;
	e = find_entry(c, name, &ambiguous);
	if (ambiguous)
		return tool_wrong(RESTORE_COMMAND, NULL,
				  "several are meant: say --data or --config", name);
	if (!e && !name)
		return no_such(c);
	if (e && e->local)
		return take_entry(c, e);
	if (!*c->tool.config->backup_s3_bucket)
		return no_such(c);
	status = backup_fetch(&c->tool, name);
	if (status)
		return status;
	e = find_entry(c, name, &ambiguous);
	return e && e->local ? take_entry(c, e) : no_such(c);
}

int restore_find_archive(struct restore_command *c)
{
	const char *name = c->source;
	int status;

	c->kind = -1;
	if (!name && said_kind(c) < 0)
		return tool_wrong(RESTORE_COMMAND, NULL,
				  "which one? An ID, a file, --data or --config", NULL);
	if (!name)
		return take_named(c, NULL);
	if (strncmp(name, S3_SCHEME, strlen(S3_SCHEME)) != 0)
		return strchr(name, '/') || access(name, F_OK) == 0 ? take_file(c) :
								      take_named(c, name);
	status = file_of_key(c, &name);
	return status ? status : take_named(c, name);
}

/* --- the target */

const char *restore_find_target(const struct restore_command *c)
{
	const char *path = c->target    ? c->target :
			   c->kind >= 0 ? backup_source(c->tool.config, c->kind) :
					  NULL;

	if (!path && c->kind >= 0)
		fprintf(stderr,
			RESTORE_COMMAND
			": no directory of the %s is configured (%s = none in [backup]): say --target DIR\n",
			backup_kind_names[c->kind], backup_kind_names[c->kind]);
	else if (!path)
		fprintf(stderr, RESTORE_COMMAND
			": of what it is a backup cannot be told from its name: say --data, --config or --target DIR\n");
	return path;
}

const char *restore_nth_target(const struct restore_command *c, unsigned int i)
{
	const char *both[3] = { NULL, NULL, NULL };
	unsigned int n = 0;

	if (c->target)
		return i == 0 ? c->target : NULL;
	if (!c->config && backup_source(c->tool.config, BACKUP_DATA))
		both[n++] = backup_source(c->tool.config, BACKUP_DATA);
	if (!c->data && backup_source(c->tool.config, BACKUP_CONFIG))
		both[n++] = backup_source(c->tool.config, BACKUP_CONFIG);
	return i < n ? both[i] : NULL;
}
