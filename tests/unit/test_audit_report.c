/* SPDX-License-Identifier: MIT */
/* The audit's report: what is new, known, gone or accepted; how it is shown; and that it is kept whole. */
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nomem.h"

#define malloc nomem_malloc
#define calloc nomem_calloc
#define realloc nomem_realloc
#define strdup nomem_strdup
#include "check/audit_compare.c"
#include "check/audit_tally.c"
#include "check/finding.c"
#undef malloc
#undef calloc
#undef realloc
#undef strdup

#include "cmd/audit_cmd.h"

static char accepted_port[] = "ports.* tcp/9*", accepted_file[] = "files.secret\t/a b*";
static const struct config config = { .audit_accepted = { accepted_port, accepted_file },
				      .n_audit_accepted = 2 };

static int say(struct findings *f, const char *id, const char *subject, enum finding_result r)
{
	return findings_add(f,
			    &(struct finding_text){ .id = id,
						    .subject = subject,
						    .result = r,
						    .meaning = "It means something.",
						    .remedy = "mend --it" },
			    "seen %s", subject);
}

static void nothing_to_compare_with(void)
{
	_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };

	say(&r.found, "ports.open", "tcp/1", FINDING_WARNING);
	say(&r.found, "ports.open", "tcp/91", FINDING_PROBLEM);
	say(&r.found, "files.secret", "/a bc", FINDING_PROBLEM);
	say(&r.found, "users.shell", "x", FINDING_NOTE);
	say(&r.found, "ssh.setting", "", FINDING_FINE);
	say(&r.found, "imds.v1", "", FINDING_UNKNOWN);
	REQUIRE_INT(audit_compare(&r, NULL, &config, 1000), 0);
	EXPECT_INT(r.last_s, 0);
	EXPECT_UINT(r.n_new, 4);
	EXPECT_UINT(r.n_accepted, 2);
	EXPECT_UINT(r.n_bad, 1);
	EXPECT_UINT(r.n[FINDING_PROBLEM], 0);
	EXPECT_UINT(r.n[FINDING_WARNING], 1);
	EXPECT_UINT(r.n[FINDING_NOTE], 1);
	EXPECT_UINT(r.n[FINDING_UNKNOWN], 1);
	EXPECT(r.marks[1].accepted && r.marks[2].accepted && !r.marks[3].accepted);
	EXPECT_UINT(json_array_size(r.gone), 0);
}

/* A state of one run, by which the next one is compared. */
static json_t *first_state(void)
{
	_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };

	say(&r.found, "ports.open", "tcp/1", FINDING_WARNING);
	say(&r.found, "users.shell", "gone", FINDING_NOTE);
	say(&r.found, "imds.v1", "", FINDING_PROBLEM);
	audit_compare(&r, NULL, &config, 1000);
	return audit_state_make(&r, NULL, 1000);
}

static void tells_new_known_and_gone(void)
{
	_cleanup_(json_freep) json_t *last = first_state(), *next = NULL;
	_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };

	say(&r.found, "ports.open", "tcp/2", FINDING_WARNING);
	say(&r.found, "ports.open", "tcp/1", FINDING_PROBLEM);
	say(&r.found, "imds.v1", "", FINDING_UNKNOWN);
	REQUIRE_INT(audit_compare(&r, last, &config, 2000), 0);
	EXPECT_INT(r.last_s, 1000);
	EXPECT(r.marks[0].is_new && r.marks[0].since_s == 2000);
	EXPECT(!r.marks[1].is_new && r.marks[1].since_s == 1000);
	EXPECT_UINT(r.n_new, 1);
	EXPECT_UINT(r.n_bad_new, 1);
	/* What could not be looked at has not gone. */
	REQUIRE_UINT(json_array_size(r.gone), 1);
	EXPECT_STR(json_member_text(json_array_get(r.gone, 0), "subject", ""), "gone");
	next = audit_state_make(&r, last, 2000);
	REQUIRE_UINT(json_array_size(json_object_get(next, "findings")), 3);
	EXPECT_STR(json_member_text(json_array_get(json_object_get(next, "findings"), 2), "id", ""),
		   "imds.v1");
}

static void a_strange_state_is_none(void)
{
	static const char *const texts[] = {
		"{}", "[]", "{\"version\": 2, \"time\": 1, \"findings\": []}",
		"{\"version\": 1, \"time\": 1}",
		"{\"version\": 1, \"time\": 1, \"findings\": [1, {\"id\": 2}]}"
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(json_freep) json_t *last = json_loads(texts[i], 0, NULL);
		_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };

		unit_begin("state: %s", texts[i]);
		say(&r.found, "ports.open", "tcp/2", FINDING_WARNING);
		EXPECT_INT(audit_compare(&r, last, &config, 5), i < 4 ? -EPROTO : 0);
		EXPECT(r.marks[0].is_new);
	}
}

static void no_memory(void)
{
	_cleanup_(json_freep) json_t *last = first_state();

	for (unsigned int n = 1; nomem_again(n); n++) {
		struct audit_report r = { .gone = NULL };
		int err = say(&r.found, "ports.open", "tcp/2", FINDING_WARNING);

		if (!err)
			err = audit_compare(&r, last, &config, 2000);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		audit_report_done(&r);
	}
}

static size_t columns_of(const char *text, size_t n)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += ((unsigned char)text[i] & 0xc0) != 0x80;
	return c;
}

static void lines_fit(void)
{
	_cleanup_(json_freep) json_t *last = first_state();
	_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(100000);
	const struct audit_look look = { .all = true };

	for (int i = 0; i < 30; i++)
		findings_add(
			&r.found,
			&(struct finding_text){
				.id = "ports.open",
				.subject = "tcp/1 and some words more",
				.result = (enum finding_result)(i % 5),
				.remedy = "a remedy that is so long that it does not fit "
					  "into one line of a terminal by any means" },
			"%.*s ñandú words of all sizes, and more of them, and more", i * 5,
			"aaa bb cccc d eeeee ffffff gg h iiiiiii jj kkk llll mmmm nnnn oooo pppp qqqq rrrr "
			"ssss tttt uuuu vvvv wwww xxxx yyyy zzzz \x1b[2J");
	REQUIRE_INT(audit_compare(&r, last, &config, 2000), 0);
	REQUIRE_INT(audit_format(&r, &look, &out), 0);
	for (const char *at = buf_str(&out); *at; at += strcspn(at, "\n") + 1)
		EXPECT(columns_of(at, strcspn(at, "\n")) <= 80);
	EXPECT_HAS(buf_str(&out), "HIGH\n  ports.open tcp/1 and some words more [new]\n");
	EXPECT_HAS(buf_str(&out), "GONE SINCE THE LAST RUN\n");
	EXPECT(!strchr(buf_str(&out), '\x1b'));
}

static void only_what_is_new(void)
{
	_cleanup_(json_freep) json_t *last = first_state(), *j = NULL;
	_cleanup_(audit_report_done) struct audit_report r = { .gone = NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(100000);
	const struct audit_look look = { .only_new = true };

	say(&r.found, "ports.open", "tcp/1", FINDING_WARNING);
	say(&r.found, "ports.open", "tcp/2", FINDING_PROBLEM);
	say(&r.found, "ports.open", "tcp/92", FINDING_PROBLEM);
	say(&r.found, "ssh.setting", "", FINDING_FINE);
	REQUIRE_INT(audit_compare(&r, last, &config, 2000), 0);
	REQUIRE_INT(audit_format(&r, &look, &out), 0);
	EXPECT(!strstr(buf_str(&out), "tcp/1\n") && !strstr(buf_str(&out), "tcp/92"));
	EXPECT_HAS(buf_str(&out), "HIGH\n  ports.open tcp/2 [new]\n");
	EXPECT_HAS(buf_str(&out), "NOT FINE: 1 high, 1 medium, 0 low, 1 accepted; since ");
	j = audit_report_json(&r, &look, 2000);
	REQUIRE_UINT(json_array_size(json_object_get(j, "findings")), 1);
	EXPECT(json_is_false(json_object_get(j, "fine")));
	EXPECT_STR(json_member_text(json_array_get(json_object_get(j, "findings"), 0), "grade", ""),
		   "high");
}

static void is_kept_whole(void)
{
	_cleanup_(json_freep) json_t *state = first_state(), *read = NULL;
	char directory[] = "/tmp/test_audit.XXXXXX", path[64];
	struct stat st;

	REQUIRE(mkdtemp(directory));
	EXPECT_INT(audit_state_read(directory, &read), 0);
	EXPECT(!read);
	EXPECT_INT(audit_state_write(directory, state), 0);
	EXPECT_INT(audit_state_write(directory, state), 0);
	snprintf(path, sizeof(path), "%s/%s", directory, AUDIT_STATE_NAME);
	REQUIRE_INT(stat(path, &st), 0);
	EXPECT_UINT(st.st_mode & 07777, 0600);
	EXPECT_INT(audit_state_read(directory, &read), 0);
	EXPECT(json_equal(read, state));
	EXPECT_INT(truncate(path, 10), 0);
	json_decref(take(read));
	EXPECT_INT(audit_state_read(directory, &read), -EPROTO);
	unlink(path);
	EXPECT_INT(rmdir(directory), 0); /* nothing else is left in it */
	EXPECT_INT(audit_state_write("/proc/nowhere", state), -ENOENT);
}

/* --- sums of logins */

static int login(struct audit_tally *t, enum audit_login_kind kind, const char *from,
		 unsigned int port, const char *user, const char *method)
{
	struct audit_login l = { .kind = kind, .times = 1, .port = port, .time_s = 100 + port };

	snprintf(l.from, sizeof(l.from), "%s", from);
	snprintf(l.user, sizeof(l.user), "%s", user);
	snprintf(l.method, sizeof(l.method), "%s", method);
	return audit_tally_add(t, &l);
}

static void a_connection_counts_once(void)
{
	struct audit_tally t;

	REQUIRE_INT(audit_tally_init(&t), 0);
	login(&t, AUDIT_LOGIN_GAVE_UP, "1.1.1.1", 1, "x", ""); /* Invalid user */
	login(&t, AUDIT_LOGIN_FAILED, "1.1.1.1", 1, "x", "password");
	login(&t, AUDIT_LOGIN_FAILED, "1.1.1.1", 1, "x", "password");
	login(&t, AUDIT_LOGIN_GAVE_UP, "1.1.1.1", 1, "x", "");
	EXPECT_UINT(t.failed, 2);
	login(&t, AUDIT_LOGIN_GAVE_UP, "1.1.1.1", 2, "x", "");
	login(&t, AUDIT_LOGIN_GAVE_UP, "1.1.1.1", 2, "x", "");
	login(&t, AUDIT_LOGIN_FAILED, "2.2.2.2", 2, "x", "none");
	login(&t, AUDIT_LOGIN_FAILED, "", 0, "x", "");
	login(&t, AUDIT_LOGIN_FAILED, "", 0, "x", "");
	EXPECT_UINT(t.failed, 6);
	EXPECT_UINT(t.n, 3);
	EXPECT_UINT(t.list[0]->failed, 3);
	audit_tally_done(&t);
}

static void a_guess_is_seen(void)
{
	struct audit_tally t;

	REQUIRE_INT(audit_tally_init(&t), 0);
	for (unsigned int i = 0; i < AUDIT_TRIES_TO_GUESS; i++) {
		login(&t, AUDIT_LOGIN_FAILED, "1.1.1.1", i + 1, "bob", "password");
		login(&t, AUDIT_LOGIN_FAILED, "2.2.2.2", i + 1, "bob", "password");
	}
	login(&t, AUDIT_LOGIN_ACCEPTED, "1.1.1.1", 9, "bob", "password");
	login(&t, AUDIT_LOGIN_ACCEPTED, "2.2.2.2", 9, "root", "publickey");
	REQUIRE_UINT(t.n, 2);
	EXPECT_STR(t.list[0]->guessed, "bob");
	EXPECT_UINT(t.list[0]->tries, AUDIT_TRIES_TO_GUESS);
	EXPECT_STR(t.list[1]->guessed, "");
	EXPECT_UINT(t.list[1]->root, 1);
	EXPECT_STR(t.list[1]->root_method, "publickey");
	audit_tally_done(&t);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "without a last run all is new", nothing_to_compare_with },
		{ "tells what is new, known and gone", tells_new_known_and_gone },
		{ NULL, a_strange_state_is_none },
		{ "no memory", no_memory },
		{ "lines fit 80 columns", lines_fit },
		{ "--new shows what is new alone", only_what_is_new },
		{ "the state is kept whole", is_kept_whole },
		{ "a connection counts once", a_connection_counts_once },
		{ "a guessed password is seen", a_guess_is_seen },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
