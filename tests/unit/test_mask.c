/* SPDX-License-Identifier: MIT */
/* No secret comes through a mask: known ones, those of known forms, keys, those that a log's rules name; the rest comes through as it was. */
#include "unit.h"

#include "nomem.h"

#include "check/mask.c"

#include "base/buf.c"
#include "config/log.h"

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
	EXPECT_INT(mask_add(&m, "short"), 0);
	EXPECT_INT(mask_add(&m, NULL), 0);
	EXPECT_UINT(m.n, 2);
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
		{ "without memory nothing comes through unmasked", without_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
