/* SPDX-License-Identifier: MIT */
/* Certificates that OpenSSL made are read, and judged by their days, their names, and who signed them. */
#include "unit.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "certificates.h"
#include "check/certificate.h"
#include "check/network_impl.h"

static EVP_PKEY *key;

static void looks(void)
{
	X509 *x = make_certificate("agent.test", "DNS:agent.test,DNS:*.other.test,IP:127.0.0.1", -1,
				   90, key);
	struct certificate c;

	REQUIRE_INT(certificate_look(x, &c), 0);
	EXPECT_STR(c.subject, "agent.test");
	EXPECT_STR(c.issuer, "agent.test");
	EXPECT(c.self_signed);
	EXPECT_NEAR((double)(c.ends_s - time(NULL)), 90 * 86400.0, 10);
	EXPECT_NEAR((double)(c.begins_s - time(NULL)), -86400.0, 10);
	EXPECT_UINT(strlen(c.sha256), 64);
	EXPECT(certificate_fits(x, "agent.test"));
	EXPECT(certificate_fits(x, "AGENT.test"));
	EXPECT(certificate_fits(x, "a.other.test"));
	EXPECT(certificate_fits(x, "127.0.0.1"));
	EXPECT(!certificate_fits(x, "other.test"));
	EXPECT(!certificate_fits(x, "127.0.0.2"));
	EXPECT(!certificate_fits(x, "agent.test.evil"));
	X509_free(x);
}

static void names(void)
{
	X509 *other = make_certificate(NULL, "DNS:only.test", -1, 1, key);
	X509 *bad = make_certificate("a\x1b[31m", NULL, -1, 1, key);
	X509 *none = make_certificate(NULL, NULL, -1, 1, key);
	struct certificate c;

	EXPECT_INT(certificate_look(other, &c), 0);
	EXPECT_STR(c.subject, "only.test");
	EXPECT_INT(certificate_look(bad, &c), 0);
	EXPECT_STR(c.subject, "a?[31m");
	EXPECT_INT(certificate_look(none, &c), 0);
	EXPECT_STR(c.subject, "");
	X509_free(other);
	X509_free(bad);
	X509_free(none);
}

static void reads_files(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(256);
	X509 *x = make_certificate("file.test", NULL, -1, 1, key);
	char path[256];
	struct certificate c;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/isamon-test.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	fd = mkstemp(path);
	REQUIRE(fd >= 0);
	f = fdopen(fd, "w");
	EXPECT_INT(certificate_read(path, &c, &why), -EBADMSG);
	EXPECT_STR(buf_str(&why), "there is no certificate in PEM in it");
	/* The key before it, as some files have it. */
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_X509(f, x);
	fclose(f);
	EXPECT_INT(certificate_read(path, &c, &why), 0);
	EXPECT_STR(c.subject, "file.test");
	unlink(path);
	EXPECT_INT(certificate_read(path, &c, &why), -ENOENT);
	X509_free(x);
}

static void judges(void)
{
	static const struct {
		const char *name;
		long begins, ends;
		const char *asked_for, *untrusted;
		enum finding_result result;
		const char *evidence;
	} rows[] = {
		{ "90 days", -1, 90, NULL, "", FINDING_FINE,
		  "90 days are left (agent.test, of agent.test)" },
		{ "21 days", -1, 21, NULL, "", FINDING_FINE, "21 days are left" },
		{ "20 days", -1, 20, NULL, "", FINDING_WARNING, "20 days are left" },
		{ "7 days", -1, 7, NULL, "", FINDING_WARNING, "7 days are left" },
		{ "3 days", -1, 3, NULL, "", FINDING_PROBLEM, "3 days are left" },
		{ "expired", -90, -30, NULL, "", FINDING_PROBLEM,
		  "it expired 30 days ago (agent.test)" },
		{ "not yet", 2, 90, NULL, "", FINDING_PROBLEM, "it is not valid yet (agent.test)" },
		{ "asked for", -1, 90, "agent.test", "", FINDING_FINE, "90 days are left" },
		{ "wrong host", -1, 90, "wrong.test", "", FINDING_PROBLEM,
		  "it is for agent.test, not for wrong.test" },
		{ "not trusted", -1, 90, "agent.test", "self-signed certificate", FINDING_WARNING,
		  "made by itself" },
		{ "expired, and so not trusted", -90, -30, "agent.test", "certificate has expired",
		  FINDING_PROBLEM, "it expired 30 days ago" },
	};
	const int64_t now_s = time(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings found = { .n = 0 };
		X509 *x = make_certificate("agent.test", "DNS:agent.test", rows[i].begins,
					   rows[i].ends, key);
		struct reach r = { .tls = true };
		struct certificate c;

		unit_begin("judges: %s", rows[i].name);
		EXPECT_INT(certificate_look(x, &c), 0);
		if (rows[i].asked_for) {
			snprintf(r.to.host, sizeof(r.to.host), "%s", rows[i].asked_for);
			snprintf(r.untrusted, sizeof(r.untrusted), "%s", rows[i].untrusted);
			r.fits = certificate_fits(x, rows[i].asked_for);
		}
		/* A moment later a day would be missing. */
		network_judge_certificate("s", &c, rows[i].asked_for ? &r : NULL, now_s, &found);
		if (EXPECT_UINT(found.n, 1)) {
			EXPECT_STR(found.list[0].id, "network.certificate");
			EXPECT_INT((int)found.list[0].result, (int)rows[i].result);
			EXPECT_HAS(found.list[0].evidence, rows[i].evidence);
		}
		X509_free(x);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "dates, names, hosts", looks },
		{ "whose it is", names },
		{ "files", reads_files },
		{ NULL, judges },
	};
	int status;

	key = make_key();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	EVP_PKEY_free(key);
	return status;
}
