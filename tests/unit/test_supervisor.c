/* SPDX-License-Identifier: MIT */
/* What Supervisor answers, and what its configuration says. */
#include "unit.h"

#include "nomem.h"

#include "base/buf.c"
#include "care/supervisor_xml.c"

#include "care/supervisor.h"
#include "care/supervisor_conf.h"

#define HEAD "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"
#define TAIL "</param>\n</params>\n</methodResponse>\n"
#define MEMBER(name, type, value) \
	"<member>\n<name>" name "</name>\n<value><" type ">" value "</" type ">" \
	"</value>\n</member>\n"
#define PROCESS(name, state) \
	"<value><struct>\n" MEMBER("name", "string", name) MEMBER("group", "string", "a") \
		MEMBER("start", "int", "1795695994") MEMBER("state", "int", state) \
			MEMBER("statename", "string", "X") \
				MEMBER("spawnerr", "string", "no &lt;luck&gt;") \
					MEMBER("exitstatus", "int", "-1") \
						MEMBER("pid", "int", "836") "</struct></value>\n"
#define LIST(items) HEAD "<value><array><data>\n" items "</data></array></value>\n" TAIL
#define FAULT(code, text) \
	"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n" MEMBER("faultCode", \
										     "int", code) \
		MEMBER("faultString", "string", \
		       text) "</struct></value>\n</fault>\n</methodResponse>\n"

static int parse_text(const char *text, size_t len, struct supervisor_answer *a,
		      char why[static 200])
{
	_cleanup_(buf_done) struct buf text_why = BUF_INIT(199);
	int err = supervisor_xml_parse(text, len, &text_why, a);

	snprintf(why, 200, "%s", buf_str(&text_why));
	return err;
}

static void list(void)
{
	static const char text[] =
		LIST(PROCESS("a_00", "20") PROCESS("a\x01_01\xe2\x80\xae", "1000"));
	struct supervisor_answer a;
	char why[200];

	REQUIRE_INT(parse_text(text, sizeof(text) - 1, &a, why), 0);
	EXPECT_INT(a.fault, 0);
	REQUIRE_UINT(a.n, 2);
	EXPECT_STR(a.processes[0].name, "a_00");
	EXPECT_STR(a.processes[0].group, "a");
	EXPECT_STR(a.processes[0].spawn_error, "no <luck>");
	EXPECT_INT(a.processes[0].state, SUPERVISOR_RUNNING);
	EXPECT_INT(a.processes[0].start, 1795695994);
	EXPECT_INT(a.processes[0].pid, 836);
	EXPECT_INT(a.processes[0].exit_status, -1);
	EXPECT_STR(a.processes[1].name, "a?_01?");
	EXPECT_INT(a.processes[1].state, SUPERVISOR_UNKNOWN);
	supervisor_answer_done(&a);
}

static void rows(void)
{
	static const struct {
		const char *name, *text;
		int err;
		int64_t fault;
		size_t n;
		const char *string;
	} table[] = {
		{ "an empty list", LIST(""), 0, 0, 0, "" },
		{ "yes", HEAD "<value><boolean>1</boolean></value>" TAIL, 0, 0, 0, "" },
		{ "the end of a log",
		  LIST("<value><string>a\x1b[1mb\nc&amp;</string></value><value><int>9</int></value>"
		       "<value><string>no</string></value>"),
		  0, 0, 0, "a?[1mb\nc&" },
		{ "a fault", FAULT("10", "BAD_NAME: x"), 0, 10, 0, "" },
		{ "a fault without a number", FAULT("x", "y"), 0, SUPERVISOR_FAULT_FAILED, 0, "" },
		{ "a struct in a struct",
		  LIST("<value><struct>" MEMBER("name", "string", "n") "<member><name>x</name><value><struct>" MEMBER(
			  "name", "string", "other") "</struct></value></member></struct></value>"),
		  0, 0, 1, "" },
		{ "a process without a name", LIST("<value><struct></struct></value>"), 0, 0, 0,
		  "" },
		{ "no XML", "hello", -EPROTO, 0, 0, "" },
		{ "nothing", "", -EPROTO, 0, 0, "" },
		{ "cut off", HEAD "<value>", -EPROTO, 0, 0, "" },
		{ "a page", "<html><body>no</body></html>", -EPROTO, 0, 0, "" },
		{ "an entity that grows",
		  "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><methodResponse>&a;</methodResponse>",
		  -EPROTO, 0, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct supervisor_answer a;
		char why[200];

		unit_begin("%s", table[i].name);
		EXPECT_INT(parse_text(table[i].text, strlen(table[i].text), &a, why), table[i].err);
		EXPECT_INT(a.fault, table[i].fault);
		EXPECT_UINT(a.n, table[i].n);
		EXPECT_STR(buf_str(&a.text), table[i].string);
		EXPECT((*why != '\0') == (table[i].err != 0));
		supervisor_answer_done(&a);
	}
}

static void too_much(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1 << 20);
	struct supervisor_answer a;
	char why[200];

	buf_add_str(&text, HEAD "<value><array><data>");
	for (int i = 0; i <= SUPERVISOR_PROCESSES_MAX; i++)
		buf_add_str(&text,
			    "<value><struct>" MEMBER("name", "string", "x") "</struct></value>");
	buf_add_str(&text, "</data></array></value>" TAIL);
	EXPECT_INT(parse_text(buf_str(&text), text.len, &a, why), -E2BIG);
	EXPECT_UINT(a.n, SUPERVISOR_PROCESSES_MAX);
	supervisor_answer_done(&a);

	buf_reset(&text);
	buf_add_str(&text, "<methodResponse>");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&text, "<value>");
	EXPECT_INT(parse_text(buf_str(&text), text.len, &a, why), -EPROTO);
	EXPECT_HAS(why, "too many elements within each other");
	supervisor_answer_done(&a);

	buf_reset(&text);
	buf_add_str(&text, HEAD "<value><string>");
	for (int i = 0; i < 50000; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "</string></value>" TAIL);
	EXPECT_INT(parse_text(buf_str(&text), text.len, &a, why), 0);
	EXPECT_UINT(a.text.len, SUPERVISOR_TEXT_MAX);
	supervisor_answer_done(&a);
}

static void without_memory(void)
{
	static const char text[] = LIST(PROCESS("a_00", "20") PROCESS("a_01", "20"));
	struct supervisor_answer a;
	char why[200];

	for (unsigned int n = 1; nomem_again(n); n++) {
		int err = parse_text(text, sizeof(text) - 1, &a, why);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		supervisor_answer_done(&a);
	}
}

static void call(void)
{
	static const struct supervisor_argument args[] = {
		{ .text = "a&b:<c>" },
		{ .number = -7 },
		{ .boolean = true, .number = 1 },
	};
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

	EXPECT_INT(supervisor_xml_call("m", args, ARRAY_SIZE(args), &out), 0);
	EXPECT_STR(buf_str(&out),
		   "<?xml version=\"1.0\"?><methodCall><methodName>m</methodName><params>"
		   "<param><value><string>a&amp;b:&lt;c&gt;</string></value></param>"
		   "<param><value><int>-7</int></value></param>"
		   "<param><value><boolean>1</boolean></value></param></params></methodCall>");
}

static void conf(void)
{
	static const struct {
		const char *name, *text, *socket, *user, *password;
	} table[] = {
		{ "Debian's", "[unix_http_server]\nfile=/run/x.sock   ; (the path)\nchmod=0700\n",
		  "/run/x.sock", "", "" },
		{ "with a password",
		  "[unix_http_server]\nfile = /s\nusername = u\npassword = p:w\n", "/s", "u",
		  "p:w" },
		{ "a hash is no password", "[unix_http_server]\npassword = {SHA}82ab\n", "", "",
		  "" },
		{ "here", "[unix_http_server]\nfile = %(here)s/s\n", "/etc/sv/s", "", "" },
		{ "an expansion we do not know", "[unix_http_server]\nfile = %(ENV_X)s/s\n", "", "",
		  "" },
		{ "another section", "[inet_http_server]\nfile = /s\nusername = u\n", "", "", "" },
		{ "too long",
		  "[unix_http_server]\nfile = /0123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789\n",
		  "", "", "" },
		{ "nothing", "", "", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct supervisor_conf c;

		unit_begin("configuration: %s", table[i].name);
		supervisor_conf_parse("/etc/sv/sv.conf", table[i].text, &c);
		EXPECT_STR(c.socket, table[i].socket);
		EXPECT_STR(c.user, table[i].user);
		EXPECT_STR(c.password, table[i].password);
		supervisor_conf_wipe(&c);
		EXPECT_STR(c.password, "");
	}
}

static void hup(void)
{
	EXPECT(supervisor_catches_hup("Name:\tx\nSigCgt:\t0000000000014003\nCapInh:\t0\n"));
	EXPECT(supervisor_catches_hup("Name:\tx\nSigCgt:\t000000000000000b\n"));
	EXPECT(!supervisor_catches_hup("Name:\tx\nSigIgn:\t1\nSigCgt:\t0000000000014002\n"));
	EXPECT(!supervisor_catches_hup("Name:\tSigCgt:\t1\n"));
	EXPECT(!supervisor_catches_hup(""));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "processes", list },
		{ NULL, rows },
		{ "an answer has its limits", too_much },
		{ "without memory", without_memory },
		{ "a call", call },
		{ NULL, conf },
		{ "whether SIGHUP is caught", hup },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
