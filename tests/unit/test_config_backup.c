/* SPDX-License-Identifier: MIT */
/* [backup]: what is taken, and what is refused and why. */
#include "unit.h"

#include "config_sources.h"

static void sets_every_key(void)
{
	static const char text[] =
		"[backup]\ndirectory = /b\ndata = none\nconfig = /c\nname = a.b-c_9\nexclude = *.pyc\n"
		"exclude = cache/x\ncompression_level = 1\nkeep_days = 0\nkeep_daily = 1\n"
		"keep_weekly = 2\nkeep_monthly = 3\ns3_bucket = my.bucket-1\ns3_prefix = a/ñ/\n"
		"s3_storage_class = STANDARD_IA\ns3_encryption = aws:kms\ns3_kms_key = arn:x\n"
		"s3_bandwidth = 2 MiB\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), 0);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE(c);
	EXPECT_STR(c->backup_directory, "/b");
	EXPECT_STR(c->backup_data, "none");
	EXPECT_STR(c->backup_config, "/c");
	EXPECT_STR(c->backup_name, "a.b-c_9");
	REQUIRE_UINT(c->n_backup_excludes, 2);
	EXPECT_STR(c->backup_excludes[1], "cache/x");
	EXPECT_UINT(c->backup_level, 1);
	EXPECT(!c->backup_keep_days && c->backup_keep_daily == 1 && c->backup_keep_weekly == 2 &&
	       c->backup_keep_monthly == 3);
	EXPECT_STR(c->backup_s3_bucket, "my.bucket-1");
	EXPECT_STR(c->backup_s3_prefix, "a/ñ/");
	EXPECT_STR(c->backup_s3_class, "STANDARD_IA");
	EXPECT_INT((int)c->backup_s3_encryption, CONFIG_S3_KMS);
	EXPECT_STR(c->backup_s3_kms_key, "arn:x");
	EXPECT_UINT(c->backup_s3_bandwidth, 2 << 20);
}

static void has_defaults(void)
{
	_cleanup_(config_freep) struct config *c = NULL;

	REQUIRE_INT(config_new(&c), 0);
	EXPECT_STR(c->backup_directory, "/opt/agent-isa/backups");
	EXPECT_STR(c->backup_data, "/opt/agent-isa/data");
	EXPECT_STR(c->backup_config, "/etc/agent-isa");
	EXPECT_UINT(c->backup_keep_days, 30);
	EXPECT_STR(c->backup_s3_bucket, "");
	EXPECT_INT((int)c->backup_s3_encryption, CONFIG_S3_BUCKET);
}

static void refuses(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "data = none\nconfig = none\n",
		  "t.conf:2: [backup] data = none: nothing is left to be kept; write a directory here, or as "
		  "config\n" },
		{ "data = data\n",
		  "t.conf:2: [backup] data = data: not an absolute path; begin it with /, or write none\n" },
		{ "directory = /\n",
		  "t.conf:2: [backup] directory = /: must be a directory for backups alone; write "
		  "another\n" },
		{ "name = ../a\n",
		  "t.conf:2: [backup] name = ../a: archives are called so; write letters, digits, . _ "
		  "and - only, and no . first\n" },
		{ "name = a/b\n",
		  "t.conf:2: [backup] name = a/b: archives are called so; write letters, digits, . _ "
		  "and - only, and no . first\n" },
		{ "keep_days = 0\n",
		  "t.conf:2: [backup] keep_days = 0: by no rule anything would be kept; write how many "
		  "days, or keep_daily, keep_weekly or keep_monthly\n" },
		{ "s3_bucket = Bucket\n",
		  "t.conf:2: [backup] s3_bucket = Bucket: not a bucket; write 3 to 63 small letters, "
		  "digits, . and -\n" },
		{ "s3_bucket = a..b\n",
		  "t.conf:2: [backup] s3_bucket = a..b: not a bucket; write 3 to 63 small letters, "
		  "digits, . and -\n" },
		{ "s3_bucket = ab-\n",
		  "t.conf:2: [backup] s3_bucket = ab-: not a bucket; write 3 to 63 small letters, "
		  "digits, . and -\n" },
		{ "s3_prefix = /daily\n",
		  "t.conf:2: [backup] s3_prefix = /daily: not the beginning of a key; write one such as "
		  "daily, without / first\n" },
		{ "s3_storage_class = cheap\n",
		  "t.conf:2: [backup] s3_storage_class = cheap: not a storage class; write one such as "
		  "STANDARD_IA\n" },
		{ "s3_kms_key = x\n",
		  "t.conf:2: [backup] s3_kms_key = x: is for s3_encryption = aws:kms; write that too, or "
		  "leave this out\n" },
		{ "s3_bandwidth = 65535\n",
		  "t.conf:2: [backup] s3_bandwidth = 65535: too slow to come to an end; write 64 KiB or "
		  "more, or 0 for no limit\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000), text = BUF_INIT(1000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("the problem in %.*s", (int)strcspn(rows[i].text, "\n"), rows[i].text);
		buf_printf(&text, "[backup]\n%s", rows[i].text);
		EXPECT_INT(parse(text.data, text.len, &c, &found), -EINVAL);
		EXPECT_STR(buf_str(&found), rows[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "every key is set", sets_every_key },
		{ "the defaults are the guide's", has_defaults },
		{ NULL, refuses },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
