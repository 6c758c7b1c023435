/* SPDX-License-Identifier: MIT */
/* Who runs what was replaced, in a /proc of files; kernels, in a root of files. */
#include "unit.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "care/stale.h"

static char top[96];

static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	for (char *c = path + strlen(top) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(path, 0755);
		*c = '/';
	}
	f = fopen(path, "we");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

static void begin(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%.60s/stale.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(top));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static void end(void)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define GONE \
	"7f1000000000-7f1000010000 r-xp 00000000 fe:01 1234     /usr/lib/libssl.so.3 (deleted)\n"

static void units(void)
{
	static struct stale s;

	begin();
	put("1/maps", "55d0-55d1 r-xp 00000000 fe:01 12   /usr/lib/systemd/systemd\n");
	put("10/maps", "7f0-7f1 r--p 00000000 fe:01 1   /usr/lib/libx.so (deleted)\n" GONE);
	put("10/cgroup", "0::/system.slice/nginx.service\n");
	put("11/maps", GONE);
	put("11/cgroup", "0::/system.slice/nginx.service/worker\n");
	put("12/maps", GONE);
	put("12/cgroup", "2:cpu:/a.service\n1:name=systemd:/user.slice/session-4.scope\n");
	put("13/maps", GONE);
	put("13/cgroup", "0::/\n");
	put("13/comm", "python3\n");
	/* Not code, or never a file of a package. */
	put("14/maps", "7f0-7f1 r--p 00000000 fe:01 1   /usr/lib/libx.so (deleted)\n"
		       "7f0-7f1 rwxs 00000000 00:01 1   /memfd:jit (deleted)\n"
		       "7f0-7f1 r-xp 00000000 00:01 1   /tmp/x.so (deleted)\n"
		       "7f0-7f1 r-xp 00000000 00:01 1   (deleted)\n"
		       "r-xp / (deleted)\n"
		       "7f0-7f1 r-xp 00000000 fe:01 1   /usr/lib/liby.so");
	put("self/maps", GONE);
	EXPECT_INT(stale_find(top, &s), 0);
	EXPECT_UINT(s.n, 3);
	EXPECT_STR(s.units[0].name, "(python3)");
	EXPECT_STR(s.units[1].name, "nginx.service");
	EXPECT_UINT(s.units[1].n_processes, 2);
	EXPECT_STR(s.units[1].library, "/usr/lib/libssl.so.3");
	EXPECT_STR(s.units[2].name, "session-4.scope");
	EXPECT(!s.more);
	EXPECT_INT(stale_find("/no/such/proc", &s), -ENOENT);
	end();
}

static void reboot(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	static const struct {
		const char *running, *newer;
	} rows[] = {
		{ "6.1.0-18-amd64", "6.1.0-30-amd64" },
		{ "6.1.0-30-amd64", NULL },
		{ "6.1.0-9-cloud-amd64", NULL },
		{ "6.1.112-122.189.amzn2023.x86_64", "6.1.119-129.201.amzn2023.x86_64" },
		{ "5.15.0-custom", NULL }, /* its modules are not here: a container */
	};

	begin();
	put("lib/modules/6.1.0-18-amd64/modules.order", "");
	put("lib/modules/6.1.0-30-amd64/modules.order", "");
	put("lib/modules/6.1.0-9-cloud-amd64/modules.order", "");
	put("lib/modules/6.1.112-122.189.amzn2023.x86_64/modules.order", "");
	put("lib/modules/6.1.0-40-amd64/build", ""); /* what a removed one left */
	put("lib/modules/6.1.119-129.201.amzn2023.x86_64/modules.order", "");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&why);
		EXPECT_INT(stale_reboot(top, rows[i].running, &why), rows[i].newer != NULL);
		if (rows[i].newer)
			EXPECT_HAS(buf_str(&why), rows[i].newer);
	}
	put("run/reboot-required", "*** System restart required ***\n");
	buf_reset(&why);
	EXPECT(stale_reboot(top, "6.1.0-30-amd64", &why));
	EXPECT_STR(buf_str(&why), "packages ask for it");
	put("run/reboot-required.pkgs", "linux-base\nlibc6\033\n");
	buf_reset(&why);
	EXPECT(stale_reboot(top, "6.1.0-30-amd64", &why));
	EXPECT_STR(buf_str(&why), "packages ask for it: linux-base libc6");
	end();
	EXPECT(!stale_reboot(top, "6.1.0-18-amd64", &why));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "units that run what was replaced", units },
		{ "a reboot is due", reboot },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
