/* SPDX-License-Identifier: MIT */
/* [aws] and [cloudwatch]: what is taken, what is refused and why; and that secrets stay secrets. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "config_sources.h"

#define LONG100 \
	"0123456789012345678901234567890123456789012345678901234567890123456789" \
	"012345678901234567890123456789"
#define LONG1000 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100

static void takes(void)
{
	static const char *const rows[] = {
		"[aws]\nregion = us-gov-west-1\ninstance_id = i-0123456789abcdef0\nprofile = ops",
		"[aws]\ncredentials_file = /root/c\nconfig_file = /root/k\nca_bundle = /etc/ca.pem",
		"[aws]\ncredentials_file =\nca_bundle =",
		"[aws]\naccess_key_id = AKIA1\nsecret_access_key = s3cr=et/+x\nsession_token = t",
		"[aws]\nproxy = http://proxy.example:3128\nendpoint_url = https://127.0.0.1/",
		"[aws]\nendpoint_url_cloudwatch = https://vpce-1.monitoring.eu-west-1.vpce.amazonaws.com",
		"[aws]\nendpoint_url_logs = https://vpce-1.logs.eu-west-1.vpce.amazonaws.com",
		"[aws]\nimds_endpoint = http://[fd00:ec2::254]\nendpoint_url_sts = http://[::1]:80",
		"[aws]\nsecret_access_key = x\naccess_key_id = y\nsession_token = " LONG1000,
		"[cloudwatch]\nstorage_resolution = 1\ninterval = 10",
		"[cloudwatch]\nstorage_resolution = 1\ninterval = 60",
		"[cloudwatch]\nlog_errors = yes\nexceptions = yes\n[logs]\nenabled = yes",
		"[cloudwatch]\njobs = yes",
		"[cloudwatch]\njobs = yes\n[job \"j\"]\nschedule = @daily\ncommand = version\n"
		"[job \"backup\"]\nenabled = no",
		"[cloudwatch]\nnamespace = My App/web-1_2.3:#4\ndashboard = A_b-3",
		"[cloudwatch]\ndimension = AutoScalingGroupName=web\ndimension = Stage=a=b c",
		"[cloudwatch]\ndimension = A=" LONG1000 "\ndimension = B=" LONG1000,
	};

	expect_taken(rows, ARRAY_SIZE(rows));
}

static void refuses(void)
{
	static const struct refused rows[] = {
		{ "[aws]\nregion = eu_west_1\n",
		  "t.conf:2: [aws] region = eu_west_1: not a region; write one such as eu-west-1\n" },
		{ "[aws]\ninstance_id = i 1\n",
		  "t.conf:2: [aws] instance_id = i 1: only ASCII characters without spaces are "
		  "possible; write another\n" },
		{ "[aws]\ncredentials_file = c\n",
		  "t.conf:2: [aws] credentials_file = c: not an absolute path; begin it with /\n" },
		{ "[aws]\n\naccess_key_id = AKIASECRET\n",
		  "t.conf:3: [aws] access_key_id = ...: is one half of a key; write "
		  "secret_access_key too\n" },
		{ "[aws]\nsecret_access_key = SECRET\n",
		  "t.conf:2: [aws] secret_access_key = ...: is one half of a key; write "
		  "access_key_id too\n" },
		{ "[aws]\nsession_token = SECRET\n",
		  "t.conf:2: [aws] session_token = ...: belongs to a key; write access_key_id and "
		  "secret_access_key too\n" },
		{ "[aws]\nproxy = proxy.example:3128\n",
		  "t.conf:2: [aws] proxy = proxy.example:3128: not an address; write http://HOST:PORT "
		  "or https://HOST:PORT, without a path\n" },
		{ "[aws]\nproxy = http://me:SECRET@proxy.example:3128\n",
		  "t.conf:2: [aws] proxy = ...: holds a user or a password; write http://HOST:PORT "
		  "or https://HOST:PORT without them\n" },
		{ "[aws]\nendpoint_url = http://h/x\n",
		  "t.conf:2: [aws] endpoint_url = http://h/x: not an address; write "
		  "http://HOST:PORT or https://HOST:PORT, without a path\n" },
		{ "[aws]\nendpoint_url_sts = http://h:0\n",
		  "t.conf:2: [aws] endpoint_url_sts = http://h:0: not an address; write "
		  "http://HOST:PORT or https://HOST:PORT, without a path\n" },
		{ "[aws]\nimds_endpoint = http://[::1\n",
		  "t.conf:2: [aws] imds_endpoint = http://[::1: not an address; write "
		  "http://HOST:PORT or https://HOST:PORT, without a path\n" },
		{ "[aws]\nendpoint_url_cloudwatch = http://?a=SECRET@\n",
		  "t.conf:2: [aws] endpoint_url_cloudwatch = ...: holds a user or a password; write "
		  "http://HOST:PORT or https://HOST:PORT without them\n" },
		{ "[cloudwatch]\nstorage_resolution = 30\n",
		  "t.conf:2: [cloudwatch] storage_resolution = 30: CloudWatch knows 60 and 1; write "
		  "one of them\n" },
		{ "[cloudwatch]\ninterval = 10\n",
		  "t.conf:2: [cloudwatch] interval = 10: with storage_resolution = 60 CloudWatch "
		  "would add them up to minutes; write storage_resolution = 1, or 60 here\n" },
		{ "[cloudwatch]\nstorage_resolution = 1\ninterval = 7\n",
		  "t.conf:3: [cloudwatch] interval = 7: write 60, or with storage_resolution = 1 one "
		  "of 1, 5, 10, 30\n" },
		{ "[cloudwatch]\nlog_errors = yes\nexceptions = yes\n",
		  "t.conf:2: [cloudwatch] log_errors = yes: with enabled = no in [logs] no log is read, "
		  "and nothing is counted; write enabled = yes there (and ship = no in each [log], if only "
		  "this is wanted), or log_errors = no\n"
		  "t.conf:3: [cloudwatch] exceptions = yes: with enabled = no in [logs] no log is read, "
		  "and nothing is counted; write enabled = yes there (and ship = no in each [log], if only "
		  "this is wanted), or exceptions = no\n" },
		{ "[cloudwatch]\njobs = yes\n[job \"backup\"]\nenabled = no\n",
		  "t.conf:2: [cloudwatch] jobs = yes: no job is enabled, and nothing is counted; write a "
		  "section [job \"NAME\"], or jobs = no\n" },
		{ "[cloudwatch]\njobs = yes\n[job \"j\"]\nschedule = @daily\ncommand = version\nenabled = no\n"
		  "[job \"backup\"]\nenabled = no\n",
		  "t.conf:2: [cloudwatch] jobs = yes: no job is enabled, and nothing is counted; write a "
		  "section [job \"NAME\"], or jobs = no\n" },
		{ "[cloudwatch]\nnamespace = aws/EC2\n",
		  "t.conf:2: [cloudwatch] namespace = aws/EC2: names that begin with AWS/ are "
		  "Amazon's own; write another\n" },
		{ "[cloudwatch]\nnamespace = :a\n",
		  "t.conf:2: [cloudwatch] namespace = :a: may not begin with a colon; write another\n" },
		{ "[cloudwatch]\nnamespace = a;b\n",
		  "t.conf:2: [cloudwatch] namespace = a;b: only letters, digits, spaces and .-_/#: "
		  "are possible; write another\n" },
		{ "[cloudwatch]\ndashboard = a b\n",
		  "t.conf:2: [cloudwatch] dashboard = a b: a dashboard's name has letters, digits, - "
		  "and _ only; write another\n" },
		{ "[cloudwatch]\ndimension = a\n",
		  "t.conf:2: [cloudwatch] dimension = a: not Name=Value; write one such as "
		  "AutoScalingGroupName=web\n" },
		{ "[cloudwatch]\ndimension = a=\n",
		  "t.conf:2: [cloudwatch] dimension = a=: not Name=Value; write one such as "
		  "AutoScalingGroupName=web\n" },
		{ "[cloudwatch]\ndimension = :a=b\n",
		  "t.conf:2: [cloudwatch] dimension = :a=b: a name may not begin with a colon; write "
		  "another\n" },
		{ "[cloudwatch]\ndimension = a b=c\n",
		  "t.conf:2: [cloudwatch] dimension = a b=c: a name has ASCII characters without "
		  "spaces only; write another\n" },
		{ "[cloudwatch]\ndimension = a=\xc3\xa4\n",
		  "t.conf:2: [cloudwatch] dimension = a=\xc3\xa4: a value has ASCII characters only; "
		  "write another\n" },
		{ "[cloudwatch]\ndimension = A=1\ndimension = AB=2\ndimension = A=2\n",
		  "t.conf:4: [cloudwatch] dimension = A=2: stands here twice; write each name once\n" },
		{ "[cloudwatch]\ndimension = InstanceId=i-1\ndimension = Route=x\ndimension = "
		  "Probe=y\n",
		  "t.conf:2: [cloudwatch] dimension = InstanceId=i-1: isamon has this dimension "
		  "itself; write another name\n"
		  "t.conf:3: [cloudwatch] dimension = Route=x: isamon has this dimension itself; "
		  "write another name\n"
		  "t.conf:4: [cloudwatch] dimension = Probe=y: isamon has this dimension itself; "
		  "write another name\n" },
		{ "[cloudwatch]\ndimension = A=" LONG1000 LONG100 "\n",
		  "t.conf:2: [cloudwatch] dimension = A=" LONG100
		  "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
		  "012345678901234567: too long; a name has at most 255 bytes, a value 1024\n" },
		{ "[cloudwatch]\ndimension = A=" LONG1000 "\ndimension = B=" LONG1000
		  "\ndimension = C=" LONG100 "\n",
		  "t.conf:4: [cloudwatch] dimension = C=" LONG100
		  ": all names and values have more than 2048 bytes; write fewer\n" },
	};

	expect_refused(rows, ARRAY_SIZE(rows));
}

/* Each way in which a line with a secret can be wrong. */
static void keeps_secrets(void)
{
	static const char *const rows[] = {
		"[aws]\nsecret_access_key = SECRET\nsecret_access_key = SECRET\n",
		"[aws]\nsecret_access_key = SECRET # my key\n",
		"[aws]\nsecret_access_key = SECRET ; my key\n",
		"[aws]\nsecret_access_key = SECRET" LONG1000 LONG1000 "\n",
		"[aws]\nsecret_access_key = SECRET" LONG1000 LONG1000 LONG1000 LONG1000 LONG1000
		"\n",
		"[aws]\nsecret_acces_key = SECRET\n",
		"[aws]\naws_secret_access_key = SECRET\n",
		"[aws]\nxyzzy = SECRET\n",
		"[cloudwatch]\nsecret_access_key = SECRET\n",
		"[alarm \"x\"]\nsession_token = SECRET\n",
		"secret_access_key = SECRET\n",
		"[aws]\nsecret_access_key SECRET\n",
		"[aws]\nsecret_access_key = SECRET\x01\n",
		"[aws]\nsecret_access_key = SECRET\xff\n",
		"[aws]\nsession_token = SECRET\n",
		"[aws]\nendpoint_url = https://SECRET:SECRET@x\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("no secret is in the problem of row %zu", i);
		EXPECT_INT(parse(rows[i], strlen(rows[i]), &c, &found), -EINVAL);
		EXPECT_HAS(buf_str(&found), "t.conf:");
		EXPECT(!strstr(buf_str(&found), "SECRET"));
	}
}

static void guards_key_files(void)
{
	static const char text[] = "[aws]\naccess_key_id = A\nsecret_access_key = SECRET\n";
	static const struct {
		const char *what;
		struct stat st;
		const char *expected;
	} rows[] = {
		{ "root's, 0600", { .st_mode = S_IFREG | 0600 }, "" },
		{ "root's, 0400", { .st_mode = S_IFREG | 0400 }, "" },
		{ "readable by the group",
		  { .st_mode = S_IFREG | 0640 },
		  "t.conf:3: [aws] secret_access_key = ...: others than root can read or change the "
		  "file (mode 640); chmod 600 it\n" },
		{ "readable by others",
		  { .st_mode = S_IFREG | 0604 },
		  "t.conf:3: [aws] secret_access_key = ...: others than root can read or change the "
		  "file (mode 604); chmod 600 it\n" },
		{ "writable by the group",
		  { .st_mode = S_IFREG | 0620 },
		  "t.conf:3: [aws] secret_access_key = ...: others than root can read or change the "
		  "file (mode 620); chmod 600 it\n" },
		{ "somebody else's",
		  { .st_mode = S_IFREG | 0600, .st_uid = 4711 },
		  "t.conf:3: [aws] secret_access_key = ...: the file belongs to user 4711, who can "
		  "read and change it; chown root and chmod 600 it\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL, *without = NULL;

		unit_begin("keys in a file that is %s", rows[i].what);
		EXPECT_INT(parse_file(text, sizeof(text) - 1, &rows[i].st, &c, &found),
			   *rows[i].expected ? -EINVAL : 0);
		EXPECT_STR(buf_str(&found), rows[i].expected);
		EXPECT_INT(parse_file("", 0, &rows[i].st, &without, &found), 0);
	}
}

static void looks_at_the_file(void)
{
	static const char text[] = "[aws]\naccess_key_id = A\nsecret_access_key = SECRET\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL, *none = NULL;
	char path[] = "/tmp/isamon-unit.XXXXXX";
	int fd = mkstemp(path);

	REQUIRE(fd >= 0);
	EXPECT_INT(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	EXPECT_INT(config_load(path, &found, &c), 0);
	EXPECT_INT(fchmod(fd, 0644), 0);
	EXPECT_INT(config_load(path, &found, &none), -EINVAL);
	EXPECT_HAS(buf_str(&found), "(mode 644)");
	close(fd);
	unlink(path);
	EXPECT(c && strcmp(c->aws_secret_access_key, "SECRET") == 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, takes },
		{ NULL, refuses },
		{ NULL, keeps_secrets },
		{ NULL, guards_key_files },
		{ "config_load() looks at the file's mode", looks_at_the_file },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
