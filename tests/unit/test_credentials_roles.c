/* SPDX-License-Identifier: MIT */
/* Credentials of the shared files: files that change, and roles through STS. */
#include "credentials_fixture.h"

static void file_is_rotated(void)
{
	const char *path = file("credentials", every_source);
	struct credentials_options o = { .credentials_file = path };
	struct credentials *c;

	stub_begin();
	c = make(&o);
	EXPECT_STR(get(c).id, "AKIAFILE");
	file("credentials",
	     "[default]\naws_access_key_id=AKIANEW2\naws_secret_access_key=" HUSH "\n");
	o.credentials_file = path;
	EXPECT_STR(get(c).id, "AKIAFILE"); /* not looked at within the minute */
	pass_seconds(61);
	EXPECT_STR(get(c).id, "AKIANEW2");
	file("credentials",
	     "[default]\naws_access_key_id=AKIATHIRD\naws_secret_access_key=" HUSH "\n");
	credentials_reject(c);
	EXPECT_STR(get(c).id, "AKIATHIRD");
	file("credentials", "[default]\naws_access_key_id=AKIA\n");
	pass_seconds(61);
	EXPECT_STR(get(c).id, "AKIATHIRD"); /* half written: the old ones stay */
	EXPECT_HAS(told(), "profile default has aws_access_key_id without aws_secret_access_key");
	credentials_free(c);
	stub_end();
}

#define STS "https://sts.eu-west-1.amazonaws.com"

static const char assumed[] =
	"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
	"<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>" HUSH
	"-role</SecretAccessKey><SessionToken>" HUSH "-roletoken</SessionToken>"
	"<Expiration>2026-11-26T11:00:00Z</Expiration></Credentials></AssumeRoleResult>"
	"</AssumeRoleResponse>";

static void role_by_source_profile(void)
{
	struct credentials_options o = { .profile = "role" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile role]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = base\n"
		    "external_id = e/x\nduration_seconds = 900\nregion = eu-west-1\n"),
	       1);
	setenv("AWS_SHARED_CREDENTIALS_FILE",
	       file("credentials",
		    "[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=" HUSH "\n"),
	       1);
	STUB(.method = "POST", .url = STS, .body = assumed);
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIAROLE");
	EXPECT_STR(credentials_source(c), "profile role");
	EXPECT_HAS(buf_str(&stub.asked), "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa");
	EXPECT_HAS(buf_str(&stub.asked),
		   "&RoleSessionName=isamon&DurationSeconds=900&ExternalId=e%2Fx");
	EXPECT_HAS(buf_str(&stub.asked), "Credential=AKIABASE/20261126/eu-west-1/sts/aws4_request");
	EXPECT(!strstr(buf_str(&stub.asked), "Security-Token"));
	EXPECT(!stub.all_direct);
	credentials_free(c);
	stub_end();
}

/* The role's keys are asked for by the instance's, and those of the outer role by the inner one's. */
static void role_by_instance(void)
{
	struct credentials_options o = { .profile = "outer", .region = "eu-west-1" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile outer]\nrole_arn=arn:aws:iam::1:role/outer\nsource_profile=inner\n"
		    "[profile inner]\nrole_arn=arn:aws:iam::1:role/inner\n"
		    "credential_source = Ec2InstanceMetadata\n"),
	       1);
	imds_token();
	imds_role(json(7, "2026-11-26T16:00:00Z"));
	STUB(.method = "POST", .url = STS, .body = assumed);
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIAROLE");
	EXPECT_UINT(stub.n_asked, 5);
	EXPECT_HAS(buf_str(&stub.asked), "X-Amz-Security-Token: " HUSH "-token-7");
	EXPECT_HAS(strstr(buf_str(&stub.asked), "inner"), "Credential=ASIAROLE/");
	EXPECT_HAS(strstr(buf_str(&stub.asked), "inner"), "outer");
	credentials_free(c);
	stub_end();
}

static void role_by_environment_and_container(void)
{
	struct credentials_options o = { .profile = "env", .region = "eu-west-1" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile env]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=Environment\n"
		    "[profile ecs]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=EcsContainer\n"),
	       1);
	c = make(&o);
	EXPECT_INT(get(c).err, -EINVAL);
	EXPECT_HAS(told(), "profile env: the environment has neither AWS_ACCESS_KEY_ID");
	credentials_free(c);
	o.profile = "ecs";
	c = make(&o);
	EXPECT_INT(get(c).err, -EINVAL);
	EXPECT_HAS(told(), "credential_source = EcsContainer, but there is no");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1]:8/", 1);
	STUB(.method = "GET", .url = "http://[::1]:8/", .body = json(4, "2026-11-26T16:00:00Z"));
	STUB(.method = "POST", .url = STS, .body = assumed);
	pass_seconds(1);
	EXPECT_STR(get(c).id, "ASIAROLE");
	EXPECT_HAS(buf_str(&stub.asked), "Credential=ASIA4/");
	credentials_free(c);
	stub_end();
}

static void role_is_refused(void)
{
	struct credentials_options o = { .profile = "role",
					 .region = "eu-west-1",
					 .sts_endpoint = "http://127.0.0.1:9/sts" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile role]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=role\n"
		    "aws_access_key_id=AKIA1\naws_secret_access_key=" HUSH "-0123456789abcdef\n"),
	       1);
	STUB(.method = "POST", .url = "http://127.0.0.1:9/sts", .status = 403,
	     .body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: u "
		     "is not authorized</Message></Error></ErrorResponse>",
	     .times = 1);
	c = make(&o);
	EXPECT_INT(get(c).err, -EACCES);
	EXPECT_HAS(told(),
		   "profile role: the role arn:aws:iam::1:role/a could not be assumed at "
		   "127.0.0.1:9: AccessDenied: User: u is not authorized; the role's trust policy");
	STUB(.method = "POST", .url = "http://127.0.0.1:9/sts", .status = 403,
	     .body = "<Error><Code>SignatureDoesNotMatch</Code><Message>your secret is " HUSH
		     "-0123456789abcdef, is it?</Message></Error>");
	pass_seconds(1);
	EXPECT_INT(get(c).err, -EACCES);
	EXPECT_HAS(told(), "SignatureDoesNotMatch: (a message with a secret in it)");
	credentials_free(c);
	stub_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a file that is changed is read again", file_is_rotated },
		{ "a role through source_profile", role_by_source_profile },
		{ "a role of a role, through the instance", role_by_instance },
		{ "a role through environment and container", role_by_environment_and_container },
		{ "a role that is refused", role_is_refused },
	};

	return credentials_main(argc, argv, cases, ARRAY_SIZE(cases));
}
