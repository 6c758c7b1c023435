/* SPDX-License-Identifier: MIT */
/* Diffs are what patch(1) takes; changes of files are made of the lines that are there. */
#include "check/advice_impl.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/advice_lifecycle.h"
#include "unit.h"

#define TEN "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"

static const struct {
	const char *name, *text;
	struct {
		size_t line;
		bool replaces;
		const char *text;
	} edits[3];
	size_t n;
	const char *want;
	int err;
} diffs[] = {
	{ "nothing", TEN, { { 0, false, NULL } }, 0, "", 0 },
	{ "a line is replaced",
	  TEN,
	  { { 5, true, "five" } },
	  1,
	  "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
	  0 },
	{ "a line comes behind another",
	  TEN,
	  { { 5, false, "x\ny" } },
	  1,
	  "--- f\n+++ f\n@@ -3,6 +3,8 @@\n 3\n 4\n 5\n+x\n+y\n 6\n 7\n 8\n",
	  0 },
	{ "first",
	  "1\n2\n",
	  { { 0, false, "x" } },
	  1,
	  "--- f\n+++ f\n@@ -1,2 +1,3 @@\n+x\n 1\n 2\n",
	  0 },
	{ "an empty file", "", { { 0, false, "x" } }, 1, "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+x\n", 0 },
	{ "the last line has no end",
	  "1\n2",
	  { { 2, false, "x" } },
	  1,
	  "--- f\n+++ f\n@@ -1,2 +1,3 @@\n 1\n-2\n\\ No newline at end of file\n+2\n+x\n",
	  0 },
	{ "two that touch are one",
	  TEN,
	  { { 8, true, "eight" }, { 2, false, "x" } },
	  2,
	  "--- f\n+++ f\n@@ -1,10 +1,11 @@\n 1\n 2\n+x\n 3\n 4\n 5\n 6\n 7\n-8\n+eight\n 9\n 10\n",
	  0 },
	{ "two that do not are two",
	  TEN,
	  { { 1, false, "x" }, { 9, true, "nine" } },
	  2,
	  "--- f\n+++ f\n@@ -1,4 +1,5 @@\n 1\n+x\n 2\n 3\n 4\n@@ -6,5 +7,5 @@\n 6\n 7\n 8\n-9\n+nine\n 10\n",
	  0 },
	{ "replaced, and more behind it",
	  "1\n",
	  { { 1, true, "one" }, { 1, false, "x" } },
	  2,
	  "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-1\n+one\n+x\n",
	  0 },
	{ "no such line", TEN, { { 11, true, "x" } }, 1, NULL, -ERANGE },
	{ "lines that end as DOS has them", "1\r\n2\r\n", { { 1, true, "x" } }, 1, NULL, -EILSEQ },
	{ "Latin-1", "1 # a\xf1o\n2\n", { { 2, true, "x" } }, 1, NULL, -EILSEQ },
	{ "far from that",
	  "1\r\n2\n3\n4\n5\n6\n",
	  { { 6, true, "x" } },
	  1,
	  "--- f\n+++ f\n@@ -3,4 +3,4 @@\n 3\n 4\n 5\n-6\n+x\n",
	  0 },
	{ "UTF-8 and tabs",
	  "\ta\303\261o\n",
	  { { 1, false, "x" } },
	  1,
	  "--- f\n+++ f\n@@ -1,1 +1,2 @@\n \ta\303\261o\n+x\n",
	  0 },
};

static void makes_diffs(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(diffs); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
		struct advice_edits e = { .n = 0 };

		for (size_t j = 0; j < diffs[i].n; j++)
			EXPECT_INT(advice_edit(&e, diffs[i].edits[j].line,
					       diffs[i].edits[j].replaces, "%s",
					       diffs[i].edits[j].text),
				   0);
		if (!EXPECT_INT(advice_diff("f", diffs[i].text, &e, &out), diffs[i].err) ||
		    (!diffs[i].err && !EXPECT_STR(buf_str(&out), diffs[i].want)))
			printf("of: %s\n", diffs[i].name);
	}
}

/* --- files */

static struct advice_host host;
static char top[200];

static void write_file(const char *path, const char *text)
{
	char whole[600];
	FILE *f;

	for (const char *at = path + 1; (at = strchr(at, '/')); at++) {
		snprintf(whole, sizeof(whole), "%s%.*s", top, (int)(at - path), path);
		mkdir(whole, 0700);
	}
	snprintf(whole, sizeof(whole), "%s%s", top, path);
	f = fopen(whole, "w");
	if (!EXPECT(f != NULL))
		return;
	fputs(text, f);
	fclose(f);
}

static void set_up(void)
{
	memset(&host, 0, sizeof(host));
	snprintf(top, sizeof(top), "%s/test_advice.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	EXPECT(mkdtemp(top) != NULL);
	snprintf(host.root, sizeof(host.root), "%s", top);
}

static void tear_down(const char *path)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "%s%s", top, path);
	unlink(whole);
	for (char *slash; (slash = strrchr(whole, '/')) && strlen(whole) > strlen(top);) {
		*slash = '\0';
		rmdir(whole);
	}
}

static const struct {
	const char *name, *text, *section, *key, *want;
	int err;
} keys[] = {
	{ "one that is there", "[a]\nx = 1\n[b]\nx = 2\n", "b", "x",
	  "--- /f\n+++ /f\n@@ -1,4 +1,4 @@\n [a]\n x = 1\n [b]\n-x = 2\n+x = 9\n", 0 },
	{ "one that is not", "[a]\nx = 1\n[b]\ny = 2\n", "b", "x",
	  "--- /f\n+++ /f\n@@ -1,4 +1,5 @@\n [a]\n x = 1\n [b]\n+x = 9\n y = 2\n", 0 },
	{ "no such section", "[a]\n", "b", "x", NULL, -ENOENT },
	{ "the value that is there", "[b]\n x = 1\nx =  9 \n", "b", "x", NULL, -EALREADY },
	{ "a name that only begins so", "[b]\nxy = 2\n", "b", "x",
	  "--- /f\n+++ /f\n@@ -1,2 +1,3 @@\n [b]\n+x = 9\n xy = 2\n", 0 },
};

static void sets_keys(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(65536);

		set_up();
		write_file("/f", keys[i].text);
		if (!EXPECT_INT(advice_set_key(&host, "/f", keys[i].section, keys[i].key, " = ",
					       "9", &out),
				keys[i].err) ||
		    (keys[i].want && !EXPECT_STR(buf_str(&out), keys[i].want)))
			printf("of: %s\n", keys[i].name);
		tear_down("/f");
	}
}

#define HEAD "[program:app]\n"

static const struct {
	const char *name;
	enum advice_manager manager;
	const char *text, *command, *want;
} workers[] = {
	{ "a number that is there", ADVICE_SUPERVISOR,
	  HEAD "command=/v/uvicorn app:app --workers 2 --port 8000\n", "uvicorn",
	  "-command=/v/uvicorn app:app --workers 2 --port 8000\n"
	  "+command=/v/uvicorn app:app --workers 6 --port 8000\n" },
	{ "with an equals sign", ADVICE_SUPERVISOR, HEAD "command=gunicorn --workers=2 app\n",
	  "gunicorn", "+command=gunicorn --workers=6 app\n" },
	{ "the short one", ADVICE_SUPERVISOR, HEAD "command=gunicorn -w 2 app\n", "gunicorn",
	  "+command=gunicorn -w 6 app\n" },
	{ "none yet", ADVICE_SUPERVISOR, HEAD "command=uvicorn app\nuser=x\n", "uvicorn",
	  "+command=uvicorn app --workers 6\n" },
	{ "in a second line", ADVICE_SUPERVISOR,
	  HEAD "command=uvicorn app\n  --workers 3\nuser=x\n", "uvicorn", "+  --workers 6\n" },
	{ "of another program", ADVICE_SUPERVISOR,
	  "[program:other]\ncommand=uvicorn --workers 1\n" HEAD "command=uvicorn app\n", "uvicorn",
	  "+command=uvicorn app --workers 6\n" },
	{ "a unit", ADVICE_SYSTEMD,
	  "[Service]\nExecStart=/v/uvicorn app \\\n  --workers 2\nUser=x\n", "uvicorn",
	  "+  --workers 6\n" },
	{ "a unit without", ADVICE_SYSTEMD, "[Service]\nExecStart=/v/uvicorn app \\\n  --port 1\n",
	  "uvicorn", "+  --port 1 --workers 6\n" },
	{ "before a comment", ADVICE_SUPERVISOR, HEAD "command=uvicorn app ; of ours\n",
	  "uvicorn app", "+command=uvicorn app --workers 6 ; of ours\n" },
	{ "what makes it count", ADVICE_SUPERVISOR, HEAD "command=uvicorn app\n", "uvicorn app",
	  "+command=uvicorn app --workers 6\n# then: supervisorctl update app\n" },
	{ "words of a shell", ADVICE_SUPERVISOR, HEAD "command=/bin/sh -c \"exec uvicorn app\"\n",
	  "/bin/sh -c \"exec uvicorn app\"", "# 6 workers, where" },
	{ "a path that only has its name", ADVICE_SUPERVISOR,
	  HEAD "command=/opt/uvicorn-app/bin/python main.py\n",
	  "/opt/uvicorn-app/bin/python main.py", "# 6 workers, where" },
	{ "that number already", ADVICE_SUPERVISOR, HEAD "command=uvicorn app --workers 6\n",
	  "uvicorn app --workers 6", "# 6 workers are in /f already" },
	{ "a unit with options before", ADVICE_SYSTEMD, "[Service]\nExecStart=-/v/uvicorn app\n",
	  "/v/uvicorn app",
	  "+ExecStart=-/v/uvicorn app --workers 6\n# then: systemctl daemon-reload" },
	{ "a server that is not known", ADVICE_SUPERVISOR, HEAD "command=python app.py\n", "python",
	  "6 workers, where the application's server is started (/f)\n" },
	{ "no file", ADVICE_NOBODY, "", "",
	  "6 workers, where the application's server is started "
	  "(its file was not found)\n" },
};

static void changes_workers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
		const struct advice_case c = { .host = &host };

		set_up();
		write_file("/f", workers[i].text);
		host.manager = workers[i].manager;
		snprintf(host.run.name, sizeof(host.run.name), "app");
		snprintf(host.run.file, sizeof(host.run.file), "/f");
		snprintf(host.run.command, sizeof(host.run.command), "%s", workers[i].command);
		if (!EXPECT_INT(advice_change_workers(&c, 6, &out), 0) ||
		    !EXPECT_HAS(buf_str(&out), workers[i].want))
			printf("of: %s\n", workers[i].name);
		tear_down("/f");
	}
}

/* --- drop-ins and links */

#define UNIT "/etc/systemd/system/app.service"
#define DROP_IN "/etc/systemd/system/app.service.d/"

static void use_unit(const char *file)
{
	host.manager = ADVICE_SYSTEMD;
	snprintf(host.run.name, sizeof(host.run.name), "app");
	snprintf(host.run.file, sizeof(host.run.file), "%s", file);
	snprintf(host.run.command, sizeof(host.run.command), "/v/uvicorn app");
}

static void changes_what_counts_of_a_unit(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
	const struct advice_case c = { .host = &host };

	set_up();
	write_file(UNIT, "[Service]\nExecStart=/v/uvicorn app\nLimitNOFILE=512\n");
	write_file(DROP_IN "10-a.conf", "[Service]\nLimitNOFILE=1024\n");
	write_file(DROP_IN "20-b.conf",
		   "[Service]\nExecStart=\nExecStart=/v/uvicorn app --workers 2\n");
	use_unit(UNIT);
	EXPECT_INT(advice_set_unit_key(&host, "LimitNOFILE", "65536", &out), 0);
	EXPECT_STR(buf_str(&out),
		   "--- " DROP_IN "10-a.conf\n+++ " DROP_IN "10-a.conf\n"
		   "@@ -1,2 +1,2 @@\n [Service]\n-LimitNOFILE=1024\n+LimitNOFILE=65536\n");
	buf_reset(&out);
	EXPECT_INT(advice_change_workers(&c, 6, &out), 0);
	EXPECT_HAS(buf_str(&out), "+++ " DROP_IN "20-b.conf\n");
	EXPECT_HAS(buf_str(&out), "+ExecStart=/v/uvicorn app --workers 6\n");
	/* A drop-in that starts something else. */
	write_file(DROP_IN "20-b.conf", "[Service]\nExecStart=\nExecStart=/v/other app\n");
	buf_reset(&out);
	EXPECT_INT(advice_change_workers(&c, 6, &out), 0);
	EXPECT_HAS(buf_str(&out), "# 6 workers, where");
	tear_down(DROP_IN "10-a.conf");
	tear_down(DROP_IN "20-b.conf");
	tear_down(UNIT);
}

static void leaves_files_of_packages_alone(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
	const struct advice_case c = { .host = &host };
	static const char unit[] = "/usr/lib/systemd/system/app.service";

	set_up();
	write_file(unit, "[Service]\nExecStart=/v/uvicorn app\n");
	use_unit(unit);
	EXPECT_INT(advice_set_unit_key(&host, "LimitNOFILE", "65536", &out), 0);
	EXPECT_STR(buf_str(&out), "--- /dev/null\n+++ " DROP_IN "90-advice.conf\n@@ -0,0 +1,2 @@\n"
				  "+[Service]\n+LimitNOFILE=65536\n");
	buf_reset(&out);
	EXPECT_INT(advice_change_workers(&c, 6, &out), 0);
	EXPECT_HAS(buf_str(&out), "# 6 workers, where");
	tear_down(unit);
}

/* patch(1): "is not a regular file -- refusing to patch". */
static void names_what_a_link_leads_to(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
	char link[600];

	set_up();
	write_file("/available", "[b]\n");
	snprintf(link, sizeof(link), "%s/enabled", top);
	EXPECT_INT(symlink("available", link), 0);
	EXPECT_INT(advice_set_key(&host, "/enabled", "b", "x", " = ", "9", &out), 0);
	EXPECT_STR(buf_str(&out),
		   "--- /available\n+++ /available\n@@ -1,1 +1,2 @@\n [b]\n+x = 9\n");
	unlink(link);
	tear_down("/available");
}

static void quotes_for_a_shell(void)
{
	static const struct {
		const char *word, *want;
	} rows[] = { { "/var/a-b.db", "/var/a-b.db" },
		     { "", "''" },
		     { "/a b", "'/a b'" },
		     { "it's;", "'it'\\''s;'" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(100);

		advice_quoted(&out, rows[i].word);
		EXPECT_STR(buf_str(&out), rows[i].want);
	}
}

/* --- lifecycles */

#define OTHERS \
	"<Rule><ID>logs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>" \
	"<Expiration><Days>3</Days></Expiration></Rule>"
#define OWN OWN_AS("", "<Filter>", "</Filter>")
#define OWN_AS(n, from, to) \
	"<Rule><ID>isamon-backups" n "</ID>" from "<Prefix>daily/</Prefix>" to \
	"<Status>Enabled</Status><Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass>" \
	"</Transition><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>" \
	"</AbortIncompleteMultipartUpload></Rule>"
#define RULE(filter, status, action) RULE2("x", filter, status, action)
#define RULE2(id, filter, status, action) \
	"<Rule><ID>" id "</ID>" filter "<Status>" status "</Status>" action "</Rule>"
#define MOVES "<Transition><Days>40</Days><StorageClass>GLACIER</StorageClass></Transition>"

static const struct {
	const char *name, *rules;
	bool ok;
	size_t n;
	bool covers, aborts;
} lifecycles[] = {
	{ "none", "", true, 0, false, false },
	{ "others'", OTHERS, true, 1, false, false },
	{ "our own", OTHERS "\n" OWN, true, 2, true, true },
	{ "all of the bucket", RULE("<Filter/>", "Enabled", MOVES), true, 1, true, false },
	{ "an old prefix", RULE("<Prefix>dai</Prefix>", "Enabled", MOVES), true, 1, true, false },
	{ "off", RULE("<Prefix>dai</Prefix>", "Disabled", MOVES), true, 1, false, false },
	{ "with tags",
	  RULE("<Filter><And><Prefix>daily/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>",
	       "Enabled", MOVES),
	  true, 1, false, false },
	{ "a deeper prefix", RULE("<Filter><Prefix>daily/x/</Prefix></Filter>", "Enabled", MOVES),
	  true, 1, false, false },
	{ "markers only",
	  RULE("<Filter/>", "Enabled",
	       "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"),
	  true, 1, false, false },
	{ "no rules", "<html>", false, 0, false, false },
	{ "cut", "<Rule><ID>", false, 0, false, false },
};

static void reads_lifecycles(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lifecycles); i++) {
		struct advice_lifecycle l;
		const char *rules = lifecycles[i].rules;
		const bool ok = advice_lifecycle_read(rules, strlen(rules), "daily/", &l);

		if (!EXPECT_INT(ok, lifecycles[i].ok))
			printf("of: %s\n", lifecycles[i].name);
		if (ok && (!EXPECT_UINT(l.n, lifecycles[i].n) ||
			   !EXPECT_INT(l.covers, lifecycles[i].covers) ||
			   !EXPECT_INT(l.aborts_uploads, lifecycles[i].aborts)))
			printf("of: %s\n", lifecycles[i].name);
	}
}

static void merges_lifecycles(void)
{
	static const struct {
		const char *rules, *want;
	} rows[] = {
		{ "", OWN },
		{ OTHERS, OTHERS OWN },
		{ RULE("<Filter/>", "Enabled", MOVES) OTHERS,
		  RULE("<Filter/>", "Enabled", MOVES) OTHERS OWN },
		/* Of its own, too, nothing is changed: somebody may have done that. */
		{ RULE2("isamon-backups", "<Filter/>", "Disabled", MOVES) OTHERS,
		  RULE2("isamon-backups", "<Filter/>", "Disabled", MOVES)
			  OTHERS OWN_AS("-2", "<Filter>", "</Filter>") },
		{ OWN OWN_AS("-2", "<Filter>", "</Filter>"),
		  OWN OWN_AS("-2", "<Filter>", "</Filter>") OWN_AS("-3", "<Filter>", "</Filter>") },
		/* S3 takes no filter beside a rule of its first version. */
		{ RULE("<Prefix>logs/</Prefix>", "Enabled", MOVES),
		  RULE("<Prefix>logs/</Prefix>", "Enabled", MOVES) OWN_AS("", "", "") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(65536);

		EXPECT_INT(advice_lifecycle_merge(rows[i].rules, strlen(rows[i].rules), "daily/",
						  true, &out),
			   0);
		EXPECT_STR(buf_str(&out), rows[i].want);
	}
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
	EXPECT_INT(advice_lifecycle_merge("<x>", 3, "daily/", true, &out), -EPROTO);
	buf_reset(&out);
	EXPECT_INT(advice_lifecycle_merge("", 0, "a&<b>/", false, &out), 0);
	EXPECT_HAS(buf_str(&out), "<Prefix>a&amp;&lt;b&gt;/</Prefix>");
	EXPECT(!strstr(buf_str(&out), "Transition"));
}

static void shows_lifecycles(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536);

	EXPECT_INT(advice_lifecycle_format(OTHERS, strlen(OTHERS), &out), 0);
	EXPECT_STR(buf_str(&out), "<Rule>\n"
				  "  <ID>logs</ID>\n"
				  "  <Filter>\n"
				  "    <Prefix>logs/</Prefix>\n"
				  "  </Filter>\n"
				  "  <Status>Enabled</Status>\n"
				  "  <Expiration>\n"
				  "    <Days>3</Days>\n"
				  "  </Expiration>\n"
				  "</Rule>\n");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "diffs are unified", makes_diffs },
		{ "a key is set in its section", sets_keys },
		{ "workers are changed where they are", changes_workers },
		{ "of a unit that is changed which counts", changes_what_counts_of_a_unit },
		{ "files of packages are left alone", leaves_files_of_packages_alone },
		{ "a link is followed", names_what_a_link_leads_to },
		{ "words are quoted for a shell", quotes_for_a_shell },
		{ "lifecycles are read", reads_lifecycles },
		{ "others' rules are left alone", merges_lifecycles },
		{ "lifecycles are shown", shows_lifecycles },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
