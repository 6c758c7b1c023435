/* SPDX-License-Identifier: MIT */
/* Profiles of the shared files: what they mean, chains of roles, and what is said of those that mean nothing. */
#include "unit.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nomem.h"

#include "aws/keys.c"
#include "aws/profile_files.c"

#include "aws/profile.c"

static char scratch[] = "/tmp/test_profile.XXXXXX";
static char credentials_path[100], config_path[100];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (EXPECT(f)) {
		fputs(text, f);
		fclose(f);
	}
}

static struct profile_options files(const char *profile, const char *credentials,
				    const char *config)
{
	put(credentials_path, credentials);
	put(config_path, config);
	return (struct profile_options){ profile, credentials_path, config_path };
}

/* "a > b > BASE", in the order of the list. */
static void show(const struct profile *p, char *to, size_t size)
{
	static const char *const bases[] = { "none", "keys", "environment", "imds", "container" };
	size_t at = 0;

	for (size_t i = 0; i < p->n_roles; i++)
		at += (size_t)snprintf(to + at, size - at, "%s ", p->roles[i].arn);
	snprintf(to + at, size - at, "%s %s", bases[p->base], p->keys.id ? p->keys.id : "-");
}

#define KEYS_OF(id) "aws_access_key_id = " id "\naws_secret_access_key = hush\n"

static void means(void)
{
	static const struct {
		const char *name, *profile, *credentials, *config, *shown, *region, *token;
	} rows[] = {
		{ "nothing at all", NULL, "", "", "none -", NULL, NULL },
		{ "the default", NULL, "[default]\n" KEYS_OF("A"), "[default]\nregion=eu-west-1\n",
		  "keys A", "eu-west-1", NULL },
		{ "keys in the configuration file", "x", "", "[profile x]\n" KEYS_OF("B"), "keys B",
		  NULL, NULL },
		{ "a configuration file names profiles", "x", "",
		  "[x]\n" KEYS_OF("B") "[profile x]\nregion=r\n", "none -", "r", NULL },
		{ "a credentials file does not", "x",
		  "[profile x]\n" KEYS_OF("B") "[x]\n" KEYS_OF("C"), "", "keys C", NULL, NULL },
		{ "[profile default] is the default too", NULL, "",
		  "[profile default]\n" KEYS_OF("D"), "keys D", NULL, NULL },
		{ "quoted names, tabs, comments, CRLF", "my x",
		  "[ my x ] # mine\r\n\r\n# c\r\n; c\r\n"
		  "AWS_Access_Key_ID=A ; c\r\naws_secret_access_key\t=\thu=sh #c\r\n",
		  "[profile\t\"my x\"]\nregion = a-1 # there\n", "keys A", "a-1", NULL },
		{ "the credentials file goes first, its keys together", "x",
		  "[x]\n" KEYS_OF("A") "region = c\n",
		  "[profile x]\n" KEYS_OF("B") "aws_session_token = hush-t\nregion = d\n", "keys A",
		  "c", NULL },
		{ "a token", "x", "[x]\n" KEYS_OF("A") "aws_session_token = hush-t\n", "", "keys A",
		  NULL, "hush-t" },
		{ "two sections of one name are one; the last key counts", "x",
		  "[x]\n" KEYS_OF("A") "[y]\n" KEYS_OF("Y") "[x]\naws_access_key_id = Z\n", "",
		  "keys Z", NULL, NULL },
		{ "what is nested is not of the profile", "x", "",
		  "[profile x]\nregion = a-1\ns3 =\n  region = no\n  aws_access_key_id = no\n" KEYS_OF(
			  "A"),
		  "keys A", "a-1", NULL },
		{ "an indented first key counts", "x",
		  "[x]\n  aws_access_key_id = A\n"
		  "aws_secret_access_key = hush\n",
		  "", "keys A", NULL, NULL },
		{ "keys before any section are of none", NULL, KEYS_OF("A"), "", "none -", NULL,
		  NULL },
		{ "a section without its ] ends the one before", "x",
		  "[x]\nregion=q\n[y\n" KEYS_OF("A"), "", "none -", "q", NULL },
		{ "a byte order mark", NULL, "\xef\xbb\xbf[default]\n" KEYS_OF("A"), "", "keys A",
		  NULL, NULL },
		{ "single sign-on beside keys: keys", "x", "[x]\n" KEYS_OF("A"),
		  "[profile x]\nsso_start_url = u\n", "keys A", NULL, NULL },
		{ "a device for codes beside keys does not matter", "x",
		  "[x]\nmfa_serial = m\n" KEYS_OF("A"), "", "keys A", NULL, NULL },
		{ "a role by another profile's keys", "x", "[b]\n" KEYS_OF("A"),
		  "[profile x]\nrole_arn = arn:x\nsource_profile = b\nregion=r\n[profile b]\nregion=s\n",
		  "arn:x keys A", "r", NULL },
		{ "a role by its own profile's keys", "x", "[x]\n" KEYS_OF("A"),
		  "[profile x]\nrole_arn = arn:x\nsource_profile = x\n", "arn:x keys A", NULL,
		  NULL },
		{ "a role before keys", "x", "[x]\n" KEYS_OF("A"),
		  "[profile x]\nrole_arn=arn:x\ncredential_source=Environment\n",
		  "arn:x environment -", NULL, NULL },
		{ "a chain to the instance", "a", "",
		  "[profile a]\nrole_arn=arn:a\nsource_profile=b\n"
		  "[profile b]\nrole_arn=arn:b\nsource_profile=c\n"
		  "[profile c]\nrole_arn=arn:c\ncredential_source=Ec2InstanceMetadata\n",
		  "arn:a arn:b arn:c imds -", NULL, NULL },
		{ "a role by the container", "a", "",
		  "[profile a]\nrole_arn=arn:a\ncredential_source=EcsContainer\n",
		  "arn:a container -", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile_options o =
			files(rows[i].profile, rows[i].credentials, rows[i].config);
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct profile p;
		char shown[200], *region;

		unit_begin("means: %s", rows[i].name);
		if (EXPECT_INT(profile_read(&o, &p, &why), 0)) {
			show(&p, shown, sizeof(shown));
			EXPECT_STR(shown, rows[i].shown);
			EXPECT_STR(p.region, rows[i].region);
			EXPECT_STR(p.keys.token, rows[i].token);
			EXPECT_STR(p.name, rows[i].profile ? rows[i].profile : "default");
			profile_done(&p);
		}
		EXPECT_STR(buf_str(&why), "");
		EXPECT_INT(profile_read_region(&o, &region), 0);
		EXPECT_STR(region, rows[i].region);
		free(region);
	}
}

#define ROLE(name) "[profile " name "]\nrole_arn=arn:" name "\n"
#define ROLE_BY(name, source) ROLE(name) "source_profile=" source "\n"

static void means_nothing(void)
{
	static const struct {
		const char *name, *profile, *config, *why;
	} rows[] = {
		{ "not there", "x", "[profile y]\n", "profile x is neither in /tmp/test_profile." },
		{ "a strange name", "x\n\x1b", "", "profile x?? is neither" },
		{ "an id without a secret", "x", "[profile x]\naws_access_key_id=A\n",
		  "profile x has aws_access_key_id without aws_secret_access_key" },
		{ "a secret without an id", "x", "[profile x]\naws_secret_access_key=hush\n",
		  "profile x has aws_secret_access_key without aws_access_key_id" },
		{ "a secret with a space", "x",
		  "[profile x]\naws_access_key_id=A\naws_secret_access_key=hush x\n",
		  "cannot be one" },
		{ "sso", "x", "[profile x]\nsso_start_url=u\n",
		  "profile x has sso_start_url, which isamon does not support: use keys, a role" },
		{ "a program", "x", "[profile x]\ncredential_process=/bin/x\n",
		  "profile x has credential_process, which isamon does not support" },
		{ "a web identity", "x", ROLE("x") "web_identity_token_file=/x\n",
		  "profile x has web_identity_token_file, which isamon does not support" },
		{ "a code", "x", ROLE_BY("x", "b") "mfa_serial=arn:m\n[profile b]\n" KEYS_OF("A"),
		  "profile x has mfa_serial, which wants a person" },
		{ "a role without a source", "x", ROLE("x"),
		  "has role_arn, but neither source_profile nor credential_source" },
		{ "a role with two", "x", ROLE_BY("x", "b") "credential_source=Environment\n",
		  "has both source_profile and credential_source" },
		{ "an unknown source", "x", ROLE("x") "credential_source=environment\n",
		  "has a credential_source that is none of Environment" },
		{ "a source that is not there", "x", ROLE_BY("x", "b"), "profile b is neither in" },
		{ "a source without keys", "x", ROLE_BY("x", "b") "[profile b]\nregion=r\n",
		  "profile b is a source_profile, but has neither keys nor a role" },
		{ "a loop of one", "x", ROLE_BY("x", "x"),
		  "profile x has source_profile = x, which makes a loop" },
		{ "a loop of two", "x", ROLE_BY("x", "y") ROLE_BY("y", "x"),
		  "profile y has source_profile = x, which makes a loop" },
		{ "a loop behind the first", "x",
		  ROLE_BY("x", "y") ROLE_BY("y", "z") ROLE_BY("z", "y"),
		  "profile z has source_profile = y, which makes a loop" },
		{ "too long a chain", "1",
		  ROLE_BY("1", "2") ROLE_BY("2", "3") ROLE_BY("3", "4") ROLE_BY("4", "5")
			  ROLE_BY("5", "6") ROLE_BY("6", "7") "[profile 7]\n" KEYS_OF("A"),
		  "profile 6 is the 6th role in a chain of source_profile; 5 is the most" },
		{ "not an ARN", "x", "[profile x]\nrole_arn=hello\nsource_profile=b\n",
		  "has a role_arn that does not begin with arn:" },
		{ "a session's name", "x", ROLE_BY("x", "b") "role_session_name=a b\n",
		  "has a role_session_name that is not" },
		{ "an external id", "x", ROLE_BY("x", "b") "external_id=a b\n",
		  "has an external_id that is not" },
		{ "a duration", "x", ROLE_BY("x", "b") "duration_seconds=899\n",
		  "has a duration_seconds that is not 900 to 43200" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile_options o = files(rows[i].profile, "", rows[i].config);
		_cleanup_(buf_done) struct buf why = BUF_INIT(10000);
		struct profile p;

		unit_begin("means nothing: %s", rows[i].name);
		EXPECT_INT(profile_read(&o, &p, &why), -EINVAL);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT(!strstr(buf_str(&why), "hush"));
		EXPECT(!p.name && !p.n_roles && !p.keys.id);
	}
}

static void long_chain(void)
{
	struct profile_options o =
		files("1", "",
		      ROLE_BY("1", "2") ROLE_BY("2", "3") ROLE_BY("3", "4") ROLE_BY("4", "5")
			      ROLE_BY("5", "6") "[profile 6]\n" KEYS_OF("A"));
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct profile p;

	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_UINT(p.n_roles, 5);
	EXPECT_STR(p.keys.id, "A");
	profile_done(&p);
}

/* As long as AWS's tokens are, and longer than inih's lines. */
static void long_token(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(10000), why = BUF_INIT(1000);
	struct profile_options o;
	struct profile p;

	buf_add_str(&text, "[default]\n" KEYS_OF("A") "aws_session_token = ");
	for (int i = 0; i < 4000; i++)
		buf_add_char(&text, (char)('a' + i % 26));
	buf_add_str(&text, "\n");
	o = files(NULL, text.data, "");
	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_UINT(strlen(p.keys.token), 4000);
	EXPECT(p.keys.token[3999] == 'a' + 3999 % 26);
	profile_done(&p);
}

static void where_files_stand(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct profile_options o = { 0 };
	char path[200];
	struct profile p;

	files(NULL, "[default]\n" KEYS_OF("A"), "[profile y]\n" KEYS_OF("Y"));
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
	setenv("AWS_CONFIG_FILE", config_path, 1);
	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_STR(p.keys.id, "A");
	profile_done(&p);
	setenv("AWS_PROFILE", "y", 1);
	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_STR(p.keys.id, "Y");
	profile_done(&p);
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unsetenv("AWS_CONFIG_FILE");
	snprintf(path, sizeof(path), "%s/.aws", scratch);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.aws/credentials", scratch);
	put(path, "[default]\n" KEYS_OF("HOME"));
	setenv("HOME", scratch, 1);
	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_STR(p.keys.id, "HOME");
	profile_done(&p);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", 1);
	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_STR(p.keys.id, "HOME");
	profile_done(&p);
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unlink(path);
	snprintf(path, sizeof(path), "%s/.aws", scratch);
	rmdir(path);
	REQUIRE_INT(profile_read(&o, &p, &why), 0);
	EXPECT_INT(p.base, PROFILE_NONE);
	profile_done(&p);
}

/* systemd gives system services no HOME. */
static void without_home(void)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_BYTES);
	const struct passwd *me = getpwuid(getuid());
	struct profile_options o = { 0 };
	char expected[300];

	unsetenv("HOME");
	EXPECT_INT(path_of(&o, SHARED_CREDENTIALS, &path), 0);
	snprintf(expected, sizeof(expected), "%s/.aws/credentials", me ? me->pw_dir : "?");
	EXPECT_STR(buf_str(&path), me ? expected : "");
	setenv("HOME", "/nowhere", 1);
}

static void unreadable(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct profile_options o = { .credentials_file = "/nowhere/c" };
	struct profile p;

	EXPECT_INT(profile_read(&o, &p, &why), -ENOENT);
	EXPECT_STR(buf_str(&why), "/nowhere/c cannot be read: No such file or directory");
	buf_reset(&why);
	o.credentials_file = scratch;
	EXPECT_INT(profile_read(&o, &p, &why), -EISDIR);
	EXPECT_HAS(buf_str(&why), "Is a directory");
}

static void stamps(void)
{
	struct profile_options o = files(NULL, "[default]\n", "");
	uint64_t first = profile_stamp(&o);

	EXPECT_UINT(profile_stamp(&o), first);
	put(credentials_path, "[default]\nregion=x\n");
	EXPECT(profile_stamp(&o) != first);
	unlink(config_path);
	EXPECT(profile_stamp(&o) != first);
	EXPECT_UINT(profile_stamp(&o), profile_stamp(&o));
}

static void without_memory(void)
{
	struct profile_options o =
		files("x", "[b]\n" KEYS_OF("A") "aws_session_token=hush\n",
		      ROLE_BY("x", "b") "external_id=ex\nregion=r\nrole_session_name=name\n");

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct profile p;
		int err = profile_read(&o, &p, &why);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		if (!err)
			profile_done(&p);
	}
	for (unsigned int n = 1; nomem_again(n); n++) {
		char *region = NULL;
		int err = profile_read_region(&o, &region);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		free(region);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, means },
		{ NULL, means_nothing },
		{ "five roles are not too many", long_chain },
		{ "a long token is read whole", long_token },
		{ "where the files stand", where_files_stand },
		{ "without HOME it is the user's", without_home },
		{ "a file that cannot be read", unreadable },
		{ "a file that changes is noticed", stamps },
		{ "no memory", without_memory },
	};
	int rc;

	if (!mkdtemp(scratch))
		return 1;
	snprintf(credentials_path, sizeof(credentials_path), "%s/credentials", scratch);
	snprintf(config_path, sizeof(config_path), "%s/config", scratch);
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_CONFIG_FILE");
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	rc = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unlink(credentials_path);
	unlink(config_path);
	rmdir(scratch);
	return rc;
}
