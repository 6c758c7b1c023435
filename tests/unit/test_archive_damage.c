/* SPDX-License-Identifier: MIT */
/* Archives that are damaged anywhere, or are not what their manifest says. */
#include "archive_read_fixture.h"

static size_t load(const char *name, unsigned char *bytes, size_t size)
{
	int fd = fixture_open(name, O_RDONLY);
	ssize_t n = read(fd, bytes, size);

	close(fd);
	return n > 0 ? (size_t)n : 0;
}

static void save(const char *name, const unsigned char *bytes, size_t n)
{
	int fd = fixture_open(name, O_WRONLY | O_CREAT | O_TRUNC);

	EXPECT_INT(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void sees_every_damage(void)
{
	static unsigned char whole[200000];
	unsigned int accepted = 0;
	size_t n, step;

	fixture_begin();
	EXPECT_INT(shell("cd in; mkdir d; head -c 30000 /dev/urandom > d/f; echo x > g"), 0);
	write_ours(NULL);
	n = load("a.tgz", whole, sizeof(whole));
	step = n / 150;
	REQUIRE(n > 30000 && n < sizeof(whole));
	for (size_t at = 0; at < n; at += at < 40 || at + 40 > n ? 1 : step) {
		save("cut.tgz", whole, at);
		if (!EXPECT_INT(try("cut.tgz", false, NULL), -EBADMSG))
			break;
		EXPECT_HAS(buf_str(&why), ": ");
		/* a time, two hints, and the lengths, without which it is read as others are: nothing depends on them */
		if ((at >= 4 && at < 10) || (at >= 12 && at < 24))
			continue;
		whole[at] ^= (unsigned char)(1u << at % 8);
		save("flip.tgz", whole, n);
		/* deflate has a few bits that mean nothing, before a block of stored bytes and at its end */
		accepted += try("flip.tgz", false, NULL) == 0;
		whole[at] ^= (unsigned char)(1u << at % 8);
	}
	EXPECT(accepted <= 3);
	memcpy(whole + n, "more", 4);
	save("more.tgz", whole, n + 4);
	EXPECT_INT(try("more.tgz", false, NULL), -EBADMSG);
	EXPECT_HAS(buf_str(&why), "there is something behind its end");
	memset(whole + n, 0, 1000);
	save("zeros.tgz", whole, n + 1000);
	EXPECT_INT(try("zeros.tgz", false, NULL), 0);
	EXPECT_INT(shell("printf secret | gzip -c >> a.tgz"), 0);
	EXPECT_INT(try("a.tgz", false, NULL), -EBADMSG);
	EXPECT_HAS(buf_str(&why), "there is something behind the end");
	fixture_end();
}

static void believes_the_manifest(void)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
		{ "gzip -dc a.tgz | sed 's/hello-content/hellO-content/' | gzip > b.tgz",
		  "f: has other bytes than the manifest says" },
		{ "gzip -dc a.tgz | sed 's/\"path\":\"f\"/\"path\":\"g\"/' | gzip > b.tgz",
		  "g: is in the manifest, but not there" },
		{ "gzip -dc a.tgz | sed 's/\"target\":\"to\"/\"target\":\"ot\"/' | gzip > b.tgz",
		  "l: points elsewhere" },
		{ "gzip -dc a.tgz | sed 's/\"mode\":\"0640\"/\"mode\":\"0641\"/' | gzip > b.tgz",
		  "f: has another owner or mode" },
		{ "gzip -dc a.tgz | sed '/\"kind\":\"file\"/s/\"mtime_s\":1/\"mtime_s\":2/' | gzip > b.tgz",
		  "f: has another time" },
		{ "gzip -dc a.tgz | sed 's/\"kind\":\"symlink\"/\"kind\":\"symlinx\"/' | gzip > b.tgz",
		  ".isamon-manifest.json: damaged" },
		{ "gzip -dc a.tgz | sed 's/\"members\":3/\"members\":4/' | gzip > b.tgz",
		  ".isamon-manifest.json: damaged" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("said of a manifest: %s", rows[i].why);
		fixture_begin();
		EXPECT_INT(shell("cd in; echo hello-content > f; chmod 640 f; ln -s to l"), 0);
		write_ours(NULL);
		EXPECT_INT(shell(rows[i].script), 0);
		EXPECT_INT(try("b.tgz", false, NULL), -EBADMSG);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		fixture_end();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "cut or changed anywhere, it is refused", sees_every_damage },
		{ NULL, believes_the_manifest },
	};

	return archive_main(argc, argv, cases, ARRAY_SIZE(cases));
}
