/* SPDX-License-Identifier: MIT */
/* Checks of [backup]: names that can be files and keys; S3's rules for buckets ("Bucket naming rules" of its user guide); and that
 * something is kept. */
#include <string.h>

#include "base/utf8.h"
#include "config/problems.h"

#define BACKUP_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BACKUP_DIGITS "0123456789"
#define SPEED_MIN 65536 /* of aws/s3.h */

static void backup_failed(struct config_check *check, const char *key, const char *value,
			  const char *problem)
{
	check_failed(check, "backup", key);
	buf_printf(check->problems, "%.200s%s%s\n", value, *value ? ": " : "", problem);
}

static bool made_of(const char *text, const char *characters)
{
	return !text[strspn(text, characters)];
}

static bool is_bucket(const char *name)
{
	const size_t n = strlen(name);

	return n >= 3 && made_of(name, "abcdefghijklmnopqrstuvwxyz" BACKUP_DIGITS ".-") &&
	       !strchr(".-", name[0]) && !strchr(".-", name[n - 1]) && !strstr(name, "..");
}

static void check_backup_source(struct config_check *check, const char *key, const char *path)
{
	if (*path != '/' && strcmp(path, CONFIG_BACKUP_NONE) != 0)
		backup_failed(check, key, path,
			      "not an absolute path; begin it with /, or write none");
}

static void check_places(struct config_check *check)
{
	const struct config *c = check->c;

	check_backup_source(check, "data", c->backup_data);
	check_backup_source(check, "config", c->backup_config);
	if (strcmp(c->backup_data, CONFIG_BACKUP_NONE) == 0 &&
	    strcmp(c->backup_config, CONFIG_BACKUP_NONE) == 0)
		backup_failed(check, "data", CONFIG_BACKUP_NONE,
			      "nothing is left to be kept; write a directory here, or as config");
	if (strcmp(c->backup_directory, "/") == 0)
		backup_failed(check, "directory", c->backup_directory,
			      "must be a directory for backups alone; write another");
	if (*c->backup_name == '.' || !made_of(c->backup_name, BACKUP_LETTERS BACKUP_DIGITS "._-"))
		backup_failed(
			check, "name", c->backup_name,
			"archives are called so; write letters, digits, . _ and - only, and no . first");
	if (!c->backup_keep_days && !c->backup_keep_daily && !c->backup_keep_weekly &&
	    !c->backup_keep_monthly)
		backup_failed(
			check, "keep_days", "0",
			"by no rule anything would be kept; write how many days, or keep_daily, "
			"keep_weekly or keep_monthly");
}

static void check_s3(struct config_check *check)
{
	const struct config *c = check->c;
	const char *prefix = c->backup_s3_prefix;

	if (*c->backup_s3_bucket && !is_bucket(c->backup_s3_bucket))
		backup_failed(check, "s3_bucket", c->backup_s3_bucket,
			      "not a bucket; write 3 to 63 small letters, digits, . and -");
	if (*prefix == '/' || !utf8_is_plain(prefix, strlen(prefix)))
		backup_failed(
			check, "s3_prefix", prefix,
			"not the beginning of a key; write one such as daily, without / first");
	if (!made_of(c->backup_s3_class, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
		backup_failed(check, "s3_storage_class", c->backup_s3_class,
			      "not a storage class; write one such as STANDARD_IA");
	if (*c->backup_s3_kms_key && c->backup_s3_encryption != CONFIG_S3_KMS)
		backup_failed(check, "s3_kms_key", c->backup_s3_kms_key,
			      "is for s3_encryption = aws:kms; write that too, or leave this out");
	if (c->backup_s3_bandwidth && c->backup_s3_bandwidth < SPEED_MIN) {
		check_failed(check, "backup", "s3_bandwidth");
		buf_printf(
			check->problems,
			"%llu: too slow to come to an end; write 64 KiB or more, or 0 for no limit\n",
			(unsigned long long)c->backup_s3_bandwidth);
	}
}

void check_backup(struct config_check *check)
{
	check_places(check);
	check_s3(check);
}
