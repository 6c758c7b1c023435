/* SPDX-License-Identifier: MIT */
/* What apt-get and dnf print, read: real outputs, and what looks like them. */
#include "unit.h"

#include "base/buf.h"
#include "care/packages.h"

static struct packages p;

static void expect(size_t i, const char *name, const char *old, const char *new, bool security)
{
	REQUIRE(i < p.n);
	EXPECT_STR(p.list[i].name, name);
	EXPECT_STR(p.list[i].old, old);
	EXPECT_STR(p.list[i].new, new);
	EXPECT_INT(p.list[i].security, security);
}

static void apt(void)
{
	static const char text[] =
		"NOTE: This is only a simulation!\n"
		"Reading package lists...\n"
		"The following packages will be upgraded:\n"
		"  bash libgcrypt20 libgcrypt20-dev liblzma-dev\n"
		"4 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n"
		"Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])\n"
		"Conf bash (5.2.15-2+b13 Debian:12.15/oldstable [amd64])\n"
		"Inst libgcrypt20-dev [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []\n"
		"Inst libgcrypt20:i386 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [i386])\n"
		"Inst linux-image-6.8.0-63-generic (6.8.0-63.66 Ubuntu:24.04/noble-security [amd64])\n"
		"Inst libc6 [2.35-0ubuntu3.6] (2.35-0ubuntu3.7 Ubuntu:22.04/jammy-updates [amd64]) [libc6-dev:amd64 ]\n"
		"Inst foo [1] (2 UbuntuESM:22.04/jammy-infra-security, Ubuntu:22.04/jammy [amd64])\n"
		"Inst local-tool [1.0] (1.1 [all])\n"
		"Inst my-security-tool [1.0] (1.1 Debian:12/stable [all])\n"
		"Remv old-package [0.9]\n";

	EXPECT_INT(packages_add_apt(&p, text), 0);
	EXPECT_UINT(p.n, 8);
	EXPECT_UINT(p.n_security, 4);
	EXPECT_UINT(p.n_removed, 1);
	EXPECT(p.knows_old);
	expect(0, "bash", "5.2.15-2+b8", "5.2.15-2+b13", false);
	expect(1, "libgcrypt20-dev", "1.10.1-3", "1.10.1-3+deb12u1", true);
	expect(2, "libgcrypt20:i386", "1.10.1-3", "1.10.1-3+deb12u1", true);
	expect(3, "linux-image-6.8.0-63-generic", "", "6.8.0-63.66", true);
	expect(4, "libc6", "2.35-0ubuntu3.6", "2.35-0ubuntu3.7", false);
	expect(5, "foo", "1", "2", true);
	expect(6, "local-tool", "1.0", "1.1", false);
	expect(7, "my-security-tool", "1.0", "1.1", false);
	packages_done(&p);
}

static void apt_broken(void)
{
	static const char *const texts[] = {
		"",
		"Inst",
		"Inst ",
		"Inst \n",
		"Inst a",
		"Inst a [",
		"Inst a [1",
		"Inst a [1 (2 x)",
		"Inst a [1] ",
		"Inst a [1] (",
		"Inst a [1] ()",
		" Inst a [1] (2 x)",
		"Conf a (2 x)",
		"Inst a\033[0m [1] 2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_INT(packages_add_apt(&p, texts[i]), 0);
		EXPECT_UINT(p.n, 0);
	}
	EXPECT_INT(packages_add_apt(&p, "Inst a [1] (2"), 0);
	expect(0, "a", "1", "2", false);
	packages_done(&p);
}

static const char dnf_all[] =
	"Last metadata expiration check: 0:00:02 ago on Wed 15 Feb 2023 06:14:12 PM UTC.\n"
	"\n"
	"kernel.x86_64                 6.1.119-129.201.amzn2023            amazonlinux\n"
	"openssl-libs.x86_64           1:3.0.8-1.amzn2023.0.18             amazonlinux\n"
	"python3-setuptools-wheel-with-a-long-name.noarch\n"
	"                              59.6.0-2.amzn2023.0.5               amazonlinux\n"
	"Obsoleting Packages\n"
	"kernel-tools.x86_64           6.1.119-129.201.amzn2023            amazonlinux\n"
	"    kernel-tools.x86_64       6.1.112-122.189.amzn2023            @amazonlinux\n";

static void dnf(void)
{
	EXPECT_INT(packages_add_dnf(&p, dnf_all, false), 0);
	EXPECT_INT(packages_add_dnf(&p,
				    "\nopenssl-libs.x86_64  1:3.0.8-1.amzn2023.0.18  amazonlinux\n",
				    true),
		   0);
	EXPECT_UINT(p.n, 3);
	EXPECT_UINT(p.n_security, 1);
	EXPECT_STR(p.release, "");
	expect(0, "kernel.x86_64", "", "6.1.119-129.201.amzn2023", false);
	expect(1, "openssl-libs.x86_64", "", "1:3.0.8-1.amzn2023.0.18", true);
	expect(2, "python3-setuptools-wheel-with-a-long-name.noarch", "", "59.6.0-2.amzn2023.0.5",
	       false);
	packages_done(&p);
}

static void newer_release(void)
{
	static const char text[] =
		"WARNING:\n"
		"  A newer release of \"Amazon Linux\" is available.\n"
		"\n"
		"  Available Versions:\n"
		"\n"
		"  Version 2023.0.20230315:\n"
		"    Run the following command to upgrade to 2023.0.20230315:\n"
		"\n"
		"      dnf upgrade --releasever=2023.0.20230315\n"
		"\n"
		"    Release notes:\n"
		"     https://docs.aws.amazon.com/linux/al2023/release-notes/relnotes-2023.0.20230315.html\n"
		"  Version 2023.6.20241031:\n"
		"      dnf upgrade --releasever=2023.6.20241031\n";

	EXPECT_INT(packages_add_dnf(&p, text, false), 0);
	EXPECT_UINT(p.n, 0);
	EXPECT_STR(p.release, "2023.6.20241031");
	packages_done(&p);
	EXPECT_INT(packages_add_dnf(&p, "--releasever=$(x)", false), 0);
	EXPECT_STR(p.release, "");
	packages_done(&p);
}

static void as_many_as_fit(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4u << 20);

	for (int i = 0; i < PACKAGES_MAX + 5; i++)
		buf_printf(&text, "Inst p%d [1] (2 Debian-Security:12/s [all])\n", i);
	EXPECT_INT(packages_add_apt(&p, buf_str(&text)), 0);
	EXPECT_UINT(p.n, PACKAGES_MAX);
	EXPECT_UINT(p.n_security, PACKAGES_MAX);
	EXPECT(p.more);
	packages_done(&p);
}

static void room(void)
{
	static const struct {
		const char *text;
		bool dnf, known;
		uint64_t fetch;
		int64_t disk;
	} rows[] = {
		{ "Need to get 8258 kB/20.3 MB of archives.\n"
		  "After this operation, 13.3 kB disk space will be freed.\n",
		  false, true, 8258000, -13300 },
		{ "Need to get 0 B/20 B of archives.\nAfter this operation, 1,234 kB of additional disk space will be used.\n",
		  false, true, 0, 1234000 },
		{ "Need to get 1.5 GB of archives.\n", false, true, 1500000000, 0 },
		{ "After this operation, 0 B of additional disk space will be used.\n", false, true,
		  0, 0 },
		{ "0 upgraded, 0 newly installed.\n", false, false, 0, 0 },
		{ "Need to get  of archives.\n", false, false, 0, 0 },
		{ "Need to get 9999999999999999999 TB of archives.\n", false, false, 0, 0 },
		{ "Total download size: 63 M\nOperation aborted.\n", true, true, 63 << 20, 0 },
		{ "Total download size: 1.5 k\nInstalled size: 80 M\n", true, true, 1536,
		  80 << 20 },
		{ "Nothing to do.\n", true, false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct packages_room r;

		(rows[i].dnf ? packages_room_dnf : packages_room_apt)(rows[i].text, &r);
		EXPECT_INT(r.known, rows[i].known);
		EXPECT_UINT(r.fetch_bytes, rows[i].fetch);
		EXPECT_INT(r.disk_bytes, rows[i].disk);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "apt: what would be installed", apt },
		{ "apt: lines that are none", apt_broken },
		{ "dnf: lists, of all and of what closes holes", dnf },
		{ "dnf: a newer release", newer_release },
		{ "no more than there is room for", as_many_as_fit },
		{ "how much is fetched and used", room },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
