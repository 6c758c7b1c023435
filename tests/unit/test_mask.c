/* SPDX-License-Identifier: MIT */
/* No secret comes through a mask: known ones, those of known forms, keys, those that a log's rules name; the rest comes through as it was. */
#include "unit.h"

#include "nomem.h"

#include "check/mask.c"

#include "base/buf.c"
#include "config/log.h"

#include <stdio.h>
#include <unistd.h>

#define KNOWN "a-secret-of-the-configuration"

static void masks(void)
{
	static const struct {
		const char *name, *text, *expected;
	} rows[] = {
		{ "nothing", "", "" },
		{ "a plain line", "all is well\n", "all is well\n" },
		{ "no end of the line", "all is well", "all is well" },
		{ "empty lines", "\n\na\n\n", "\n\na\n\n" },
		{ "a known one", "x " KNOWN " y " KNOWN "\n", "x *** y ***\n" },
		{ "a known one within a word", "x" KNOWN "y\n", "x***y\n" },
		{ "two known ones", KNOWN " other-secret\n", "*** ***\n" },
		{ "known, as JSON writes it",
		  "{\"a\": \"a-s\\u0065cret-of\\u002dthe-configuration\", 1}",
		  "{\"a\": \"***\", 1}" },
		{ "known, in JSON in JSON", "a-s\\\\u0065cret-of-the-configuration\\\\n",
		  "***\\\\n" },
		{ "known, as a URL writes it", "?a=a%2dsecret-of-the%252Dconfiguration&b=1",
		  "?a=***&b=1" },
		{ "one with a slash", "{\"a\": \"p\\u0061ss\\/word pass/word pass%2Fword\"}",
		  "{\"a\": \"*** *** ***\"}" },
		{ "one with a quote and a backslash",
		  "q\\\"u\\\\ote q\"u\\ote q\\\\\\\"u\\\\\\\\ote q\\x22u\\x5cote",
		  "*** *** *** ***" },
		{ "one with umlauts",
		  "sch\\u00f6n\\ud83d\\ude00er sch\xc3\xb6n\xf0\x9f\x98\x80"
		  "er sch\\xc3\\xb6n\\xf0\\x9f\\x98\\x80"
		  "er",
		  "*** *** ***" },
		{ "not quite", "a-s\\u0066cret-of-the-configuration pass\\/wor pass%2word",
		  "a-s\\u0066cret-of-the-configuration pass\\/wor pass%2word" },
		{ "a form", "JWT_SECRET=abc\nfine\n", "JWT_SECRET=***\nfine\n" },
		{ "a form and a known one", "password=" KNOWN " and " KNOWN,
		  "password=*** and ***" },
		{ "a private key",
		  "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAAAA\n-----END RSA PRIVATE KEY-----\nb\n",
		  "a\n*** (private key)\n*** (private key)\n*** (private key)\n*** (private key)\nb\n" },
		{ "a private key without end", "-----BEGIN PRIVATE KEY-----\nMIIE\n",
		  "*** (private key)\n*** (private key)\n" },
		{ "a private key in one line",
		  "x -----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\nb\n",
		  "*** (private key)\nb\n" },
		{ "a certificate", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n",
		  "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n" },
		{ "what is no UTF-8",
		  "a\xff"
		  "b\n",
		  "a\xef\xbf\xbd"
		  "b\n" },
	};
	_cleanup_(mask_done) struct mask m = { .n = 0 };

	EXPECT_INT(mask_add(&m, KNOWN), 0);
	EXPECT_INT(mask_add(&m, KNOWN), 0);
	EXPECT_INT(mask_add(&m, "other-secret"), 0);
	EXPECT_INT(mask_add(&m, "pass/word"), 0);
	EXPECT_INT(mask_add(&m, "q\"u\\ote"), 0);
	EXPECT_INT(mask_add(&m, "sch\xc3\xb6n\xf0\x9f\x98\x80"
				"er"),
		   0);
	EXPECT_INT(mask_add(&m, "short"), 0);
	EXPECT_INT(mask_add(&m, NULL), 0);
	EXPECT_UINT(m.n, 5);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);

		unit_begin("masks: %s", rows[i].name);
		EXPECT_INT(mask_text(&m, NULL, rows[i].text, strlen(rows[i].text), &out), 0);
		EXPECT_STR(buf_str(&out), rows[i].expected);
	}
}

static void by_rules(void)
{
	struct config_log log = { .name = (char[]){ "app" },
				  .timestamp = (char[]){ "" },
				  .first_line = (char[]){ "" },
				  .mask = { (char[]){ "customer (\\d+)" } },
				  .n_mask = 1,
				  .mask_secrets = false };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20), why = BUF_INIT(1000);
	const struct mask m = { .n = 0 };
	struct record_rules *rules = NULL;
	static const char text[] = "customer 4711 paid\ntoken=abc\n";

	REQUIRE_INT(record_rules_new(&log, &why, &rules), 0);
	EXPECT_INT(mask_text(&m, rules, text, strlen(text), &out), 0);
	/* What the log itself may show (mask_secrets = no) leaves the host never. */
	EXPECT_STR(buf_str(&out), "customer *** paid\ntoken=***\n");
	record_rules_free(rules);
}

static void long_lines(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4 << 20), out = BUF_INIT(8 << 20);
	_cleanup_(mask_done) struct mask m = { .n = 0 };

	mask_add(&m, KNOWN);
	for (size_t i = 0; i < LINE_MAX_BYTES - 10; i++)
		buf_add_char(&text, 'a');
	/* Cut in the middle: no part of it that is long enough to be of use. */
	buf_add_str(&text, KNOWN "\nnext\n");
	EXPECT_INT(mask_text(&m, NULL, buf_str(&text), text.len, &out), 0);
	EXPECT(!strstr(buf_str(&out), KNOWN));
	EXPECT(!strstr(buf_str(&out), "a-secret"));
	EXPECT_HAS(buf_str(&out) + out.len - 20, "aa (cut)\nnext\n");
	EXPECT(out.len > LINE_MAX_BYTES / 2);
}

static void configurations(void)
{
	static const struct {
		const char *name, *text, *expected;
	} rows[] = {
		{ "secret keys",
		  "[aws]\nregion = eu-west-1\naccess_key_id = AB\nsecret_access_key=x y\nsession_token : z\n",
		  "[aws]\nregion = eu-west-1\naccess_key_id = ***\nsecret_access_key= ***\nsession_token : ***\n" },
		{ "as comments", "#secret_access_key = abc\n; supervisor_password = x\n",
		  "#secret_access_key = ***\n; supervisor_password = ***\n" },
		{ "with a slip", "secret_acess_key = abc\n", "secret_acess_key = ***\n" },
		{ "on further lines", "secret_access_key = abc\n  def\nregion = x\n",
		  "secret_access_key = ***\n    ***\nregion = x\n" },
		{ "a proxy's password", "proxy = http://u:pass@h:1\n",
		  "proxy = http://u:***@h:1\n" },
	};
	const struct mask m = { .n = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);

		unit_begin("configurations: %s", rows[i].name);
		EXPECT_INT(mask_configuration(&m, rows[i].text, strlen(rows[i].text), &out), 0);
		EXPECT_STR(buf_str(&out), rows[i].expected);
	}
}

static void knows(void)
{
	_cleanup_(mask_done) struct mask m = { .n = 0 };
	struct config *c = NULL;
	bool found = false;

	REQUIRE_INT(config_new(&c), 0);
	free(c->aws_secret_access_key);
	c->aws_secret_access_key = strdup("secret-of-the-file");
	setenv("AWS_SESSION_TOKEN", "secret-of-the-environment", 1);
	EXPECT_INT(mask_add_known(&m, c), 0);
	for (size_t i = 0; i < m.n; i++)
		found |= strcmp(m.list[i], "secret-of-the-environment") == 0;
	EXPECT(found);
	EXPECT_STR(m.n ? m.list[0] : NULL, "secret-of-the-file");
	unsetenv("AWS_SESSION_TOKEN");
	config_free(c);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

static bool has(const struct mask *m, const char *secret)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->list[i], secret) == 0)
			return true;
	return false;
}

/* What may stand in its logs, bare. */
static void knows_the_services(void)
{
	_cleanup_(mask_done) struct mask m = { .n = 0 };
	const char *tmp = getenv("TMPDIR") ?: "/tmp";
	char directory[200], path[300];
	struct config *c = NULL;

	snprintf(directory, sizeof(directory), "%s/test_mask.XXXXXX", tmp);
	REQUIRE(mkdtemp(directory));
	write_file(
		directory, "agent-isa.env",
		"# JWT_SECRET=of-a-comment\nJWT_SECRET=jwt/with\"a quote\n"
		"DATABASE_URL=postgres://u:password-of-a-url@h/d\nAPI_KEY=\"in quotes\"\nPORT=8000000\n");
	write_file(directory, "production.toml",
		   "[llm]\napi_key = \"key of toml\"\nmodel = \"claude-model\"\n");
	write_file(directory, "other.txt", "password=not-looked-at\n");
	REQUIRE_INT(config_new(&c), 0);
	free(c->backup_config);
	c->backup_config = strdup(directory);
	EXPECT_INT(mask_add_service(&m, c), 0);
	EXPECT(has(&m, "jwt/with\"a quote"));
	EXPECT(has(&m, "password-of-a-url"));
	EXPECT(has(&m, "in quotes"));
	EXPECT(has(&m, "key of toml"));
	EXPECT(!has(&m, "claude-model"));
	EXPECT(!has(&m, "not-looked-at"));
	EXPECT(!has(&m, "8000000"));
	config_free(c);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "agent-isa.env", "production.toml",
						     "other.txt" };

		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static void without_memory(void)
{
	static const char text[] = "one " KNOWN "\npassword=" KNOWN "\nthree\n";
	bool whole = false;

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);
		_cleanup_(mask_done) struct mask m = { .n = 0 };
		int err = mask_add(&m, KNOWN);

		err = err ?: mask_text(&m, NULL, text, strlen(text), &out);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT(!m.n || !strstr(buf_str(&out), KNOWN));
		whole = whole || !err;
	}
	EXPECT(whole);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, masks },
		{ "a log's own rules, and more", by_rules },
		{ "lines that are cut", long_lines },
		{ NULL, configurations },
		{ "secrets of the configuration and the environment are known", knows },
		{ "secrets of the service's own files are known", knows_the_services },
		{ "without memory nothing comes through unmasked", without_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
