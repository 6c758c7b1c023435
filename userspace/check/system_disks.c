/* SPDX-License-Identifier: MIT */
/* How full the file systems are, in bytes and in inodes. Each counts once, however often it is mounted. */
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "check/system_impl.h"

#define MOUNTS_MAX 64
#define LINE_MAX_BYTES 8192

struct seen {
	dev_t list[MOUNTS_MAX];
	size_t n;
};

static bool is_among(const char *word, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

bool system_type_counts(const char *type)
{
	static const char *const not [] = {
		"autofs",     "binfmt_misc", "bpf",        "cgroup",
		"cgroup2",    "configfs",    "debugfs",    "devpts",
		"efivarfs",   "fusectl",     "hugetlbfs",  "iso9660",
		"mqueue",     "nsfs",        "proc",       "pstore",
		"rpc_pipefs", "securityfs",  "squashfs",   "sysfs",
		"tracefs",    "selinuxfs",   "erofs",      "rootfs",
		"devtmpfs",   "udf",         "fuse.lxcfs", "fuse.gvfsd-fuse",
	};

	return !is_among(type, not, ARRAY_SIZE(not ));
}

bool system_type_is_remote(const char *type)
{
	static const char *const remote[] = { "nfs",  "nfs4", "cifs", "smb3",
					      "ceph", "9p",   "afs",  "lustre" };

	return is_among(type, remote, ARRAY_SIZE(remote)) || strncmp(type, "fuse", 4) == 0;
}

static bool is_new(struct seen *seen, dev_t dev)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->list[i] == dev)
			return false;
	if (seen->n < MOUNTS_MAX)
		seen->list[seen->n++] = dev;
	return true;
}

static int tell_inodes(const char *path, const struct statvfs *s, struct findings *out)
{
	unsigned int percent = system_percent(s->f_files - s->f_ffree, s->f_favail);
	struct finding_text t = {
		.id = "system.inodes",
		.subject = path,
		.result = system_judge_full(percent),
		.meaning =
			"no more files can be made there when it is full, whatever room there is",
		.remedy = "find the directory with too many files: du --inodes -x -d 2, from there",
	};

	if (!s->f_files || t.result == FINDING_FINE)
		return 0;
	return findings_add(out, &t, "%u %% of its inodes are in use, %llu are left", percent,
			    (unsigned long long)s->f_favail);
}

static int tell(const char *path, const char *type, const struct statvfs *s, struct findings *out)
{
	uint64_t unit = s->f_frsize ? s->f_frsize : s->f_bsize;
	unsigned int percent = system_percent(s->f_blocks - s->f_bfree, s->f_bavail);
	struct finding_text t = {
		.id = "system.disks",
		.subject = path,
		.result = system_judge_full(percent),
	};
	char left[SYSTEM_SIZE_MAX], whole[SYSTEM_SIZE_MAX];
	int err;

	if (s->f_flag & ST_RDONLY)
		t.result = FINDING_FINE;
	if (t.result != FINDING_FINE) {
		t.meaning = "what writes there fails when it is full";
		t.remedy =
			"find what is large: du -xh -d 2, from there; isamon backup prune; isamon logs rotate";
	}
	err = findings_add(out, &t, "%u %% full, %s of %s left (%s%s)", percent,
			   system_size(s->f_bavail * unit, left),
			   system_size(s->f_blocks * unit, whole), type,
			   s->f_flag & ST_RDONLY ? ", read-only" : "");
	return err ?: tell_inodes(path, s, out);
}

static int look(const struct mntent *m, struct seen *seen, struct findings *out)
{
	struct statvfs s;
	struct stat st;

	if (!system_type_counts(m->mnt_type))
		return 0;
	if (system_type_is_remote(m->mnt_type))
		return findings_add(out,
				    &(struct finding_text){ .id = "system.disks",
							    .subject = m->mnt_dir,
							    .result = FINDING_NOTE },
				    "not looked at: %s may hang while its other side is away",
				    m->mnt_type);
	/* Hidden by another mount, or of another user: nothing that could be told. */
	if (stat(m->mnt_dir, &st) || !is_new(seen, st.st_dev) || statvfs(m->mnt_dir, &s) ||
	    !s.f_blocks)
		return 0;
	return tell(m->mnt_dir, m->mnt_type, &s, out);
}

int system_check_disks(const struct check_input *in, struct findings *out)
{
	struct seen seen = { .n = 0 };
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[LINE_MAX_BYTES];
	struct mntent m;
	int err = mounts ? 0 : -errno;

	(void)in;
	while (!err && getmntent_r(mounts, &m, line, sizeof(line)) && seen.n < MOUNTS_MAX)
		err = look(&m, &seen, out);
	if (mounts)
		endmntent(mounts);
	if (!err && seen.n == MOUNTS_MAX)
		err = findings_add(
			out,
			&(struct finding_text){ .id = "system.disks", .result = FINDING_UNKNOWN },
			"there are more than %d file systems: the others were not looked at",
			MOUNTS_MAX - 1);
	return err;
}
