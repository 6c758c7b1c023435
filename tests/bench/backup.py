# SPDX-License-Identifier: MIT
"""What a backup and a restore cost, beside tar, restic and borg, with the same tree and in the same round.

What each does is not the same. tar -czf packs by one core and knows nothing of what it has written; isamon packs, copies the database
while it is in use, syncs, and reads all of it back; restic and borg put pieces into a repository of their own, restic encrypted.
So there are figures for the others with their own reading back, too (tar -d, restic check --read-data, borg check --verify-data).

The tree is in the cache for all of them, all have isamon's own priority (nice 10), the disk is quiet when one begins. CPU is the
kernel's count for the program and its children. Memory is the highest that was ever resident (VmHWM) of each of a program's processes, added up.
"""
import os
import shutil
import subprocess
import sys
import threading
import time

import lab as labs
from lab import Failure

RESTS_S = 62  # what was written to within a minute isamon reads twice
RSS_MAX = 64
TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "backup_tree.py")


def progress(text):
    print("... backup: " + text, file=sys.stderr, flush=True)


class Figures:
    """One run of a program, or several added up."""

    def __init__(self, wall_s=0.0, cpu_s=0.0, mib=0.0):
        self.wall_s, self.cpu_s, self.mib = wall_s, cpu_s, mib
        self.written_s = None

    def __add__(self, other):
        return Figures(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s, max(self.mib, other.mib))


def high_water(pid, seen):
    """The highest resident memory of each process of the tree below pid, as far as it has been seen."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    seen[pid] = int(line.split()[1])
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread), encoding="ascii") as file:
                for child in file.read().split():
                    high_water(int(child), seen)
    except (OSError, ValueError):
        pass


def run(lab, argv, env=None, cwd=None):
    """At nice 10, with a quiet disk."""
    os.sync()
    seen, over = {}, threading.Event()
    with open(os.path.join(lab.dir, "log"), "ab") as log:
        begin = time.monotonic()
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["nice", "-n", "10"] + argv, cwd=cwd, env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        lab.running.append(process)

        def watch():
            while not over.wait(0.02):
                high_water(process.pid, seen)

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watcher.join()
    lab.running.remove(process)
    if process.returncode:
        raise Failure("%s: status %d: %s" % (" ".join(argv[:3]), process.returncode, lab.log_tail()))
    return Figures(wall, used.ru_utime + used.ru_stime, sum(seen.values()) / 1024)


def count(top):
    """Regular files and bytes below; everything is read, and so in the cache."""
    files = size = 0
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.islink(path) or name.startswith(".isamon-manifest") or name.endswith(("-wal", "-shm")):
                continue
            with open(path, "rb") as file:
                while data := file.read(1 << 20):
                    size += len(data)
            files += 1
    return files, size


class Tool:
    """One way to make a backup in self.to, and to restore it into a directory."""

    name, check_name = "", ""

    def __init__(self, bench):
        self.lab, self.tree = bench.lab, bench.tree
        self.to = os.path.join(bench.lab.dir, type(self).__name__)

    def run(self, argv, env=None, cwd=None):
        return run(self.lab, argv, env, cwd)

    def prepare(self):
        shutil.rmtree(self.to, ignore_errors=True)
        os.mkdir(self.to, 0o700)

    def bytes(self):
        paths = (os.path.join(d, n) for d, _, names in os.walk(self.to) for n in names)
        return sum(os.path.getsize(p) for p in paths)


class Tar(Tool):
    name, check_name = "tar -czf", "tar -dzf"

    def backup(self):
        return self.run(["tar", "-czf", self.to + "/x.tgz", "-C", self.tree, "."])

    def check(self):
        return self.run(["tar", "-dzf", self.to + "/x.tgz", "-C", self.tree])

    def restore(self, to):
        os.mkdir(to)
        return self.run(["tar", "-xzf", self.to + "/x.tgz", "-C", to])


class Isamon(Tool):
    name = "isamon backup create"

    def prepare(self):
        super().prepare()
        self.conf = self.to + ".conf"
        with open(self.conf, "w", encoding="ascii") as file:
            file.write("[daemon]\nstate_directory = %s/state\nruntime_directory = %s/run\n[backup]\n" % (self.to, self.to))
            file.write("directory = %s/backups\ndata = %s\nconfig = none\n" % (self.to, self.tree))

    def archive(self):
        (name,) = [n for n in os.listdir(self.to + "/backups") if n.endswith(".tar.gz")]
        return os.path.join(self.to, "backups", name)

    def backup(self):
        begin = time.time()
        figures = self.run([labs.ISAMON, "backup", "create", "--data", "--config-file", self.conf])
        figures.written_s = os.stat(self.archive()).st_mtime - begin  # behind that it is synced and read back
        return figures

    def bytes(self):
        return os.path.getsize(self.archive())

    def restore(self, to):
        return self.run([labs.ISAMON, "restore", self.archive(), "--data", "--target", to, "--no-service", "--yes",
                         "--config-file", self.conf])


class Restic(Tool):
    name, check_name = "restic backup (zstd, encrypted)", "restic check --read-data"

    def restic(self, *argv, cwd=None):
        env = {"RESTIC_PASSWORD": "x", "RESTIC_REPOSITORY": self.to + "/repository", "RESTIC_CACHE_DIR": self.to + "/cache"}
        return self.run(["restic", "-q", *argv], env, cwd)

    def prepare(self):
        super().prepare()
        self.restic("init")

    def backup(self):
        return self.restic("backup", ".", cwd=self.tree)

    def check(self):
        return self.restic("check", "--read-data")

    def restore(self, to):
        return self.restic("restore", "latest", "--target", to)


class Borg(Tool):
    name, check_name = "borg create (zlib,6)", "borg check --verify-data"

    def borg(self, *argv, cwd=None):
        env = {"BORG_BASE_DIR": self.to + "/base", "BORG_REPO": self.to + "/repository",
               "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}
        return self.run(["borg", *argv], env, cwd)

    def prepare(self):
        super().prepare()
        self.borg("init", "-e", "none")

    def backup(self):
        return self.borg("create", "--compression", "zlib,6", "::x", ".", cwd=self.tree)

    def check(self):
        return self.borg("check", "--verify-data")

    def restore(self, to):
        os.mkdir(to)
        return self.borg("extract", "::x", cwd=to)


class Bench:
    def __init__(self, lab):
        self.lab, self.tree = lab, os.path.join(lab.dir, "tree")
        self.made, self.checked, self.restored, self.size = {}, {}, {}, {}
        self.files = self.bytes = 0

    def make_tree(self, size):
        progress("a tree of %.1f GB" % (size / 1e9))
        subprocess.run([sys.executable, TREE, self.tree, str(size)], check=True)
        end = time.monotonic() + RESTS_S
        self.files, self.bytes = count(self.tree)
        progress("which rests for a minute")
        time.sleep(max(0, end - time.monotonic()))

    def round(self, tool):
        key = type(tool)
        tool.prepare()
        count(self.tree)
        self.made.setdefault(key, []).append(tool.backup())
        self.size.setdefault(key, []).append(tool.bytes())
        if tool.check_name:
            self.checked.setdefault(key, []).append(self.made[key][-1] + tool.check())
        to = os.path.join(self.lab.dir, "restored")
        self.restored.setdefault(key, []).append(tool.restore(to))
        if count(to) != (self.files, self.bytes):
            raise Failure("%s restores %s, of %s" % (tool.name, count(to), (self.files, self.bytes)))
        for path in (to, tool.to):
            shutil.rmtree(path)


def times(mine, others):
    return [a.wall_s / b.wall_s for a, b in zip(mine, others)]


def add_tool(table, name, figures, size=None):
    table.add(name, "%.2f s", [f.wall_s for f in figures])
    table.add("  CPU", "%.2f s", [f.cpu_s for f in figures])
    table.add("  memory", "%.1f MiB", [f.mib for f in figures])
    if size:
        table.add("  size", "%.1f MB", [n / 1e6 for n in size])


def report_backup(table, b, tools):
    cores = len(os.sched_getaffinity(0))
    mine = b.made[Isamon]
    table.heading("A backup of %.0f MB in %d files, a database of three tenths of it among them" % (b.bytes / 1e6, b.files))
    for tool in tools:
        add_tool(table, tool.name, b.made[type(tool)], b.size[type(tool)])
    aim = 1 / cores
    table.add("isamon, with all that is read back : tar -czf", "%.2f", times(mine, b.made[Tar]), "<= %.2f" % aim, most=aim)
    table.add("isamon until the archive is written : tar -czf", "%.2f",
              [m.written_s / t.wall_s for m, t in zip(mine, b.made[Tar])])
    table.add("isamon's CPU : that of tar -czf", "%.2f", [m.cpu_s / t.cpu_s for m, t in zip(mine, b.made[Tar])])
    table.add("isamon's memory", "%.1f MiB", [m.mib for m in mine], "<= %d" % RSS_MAX, most=RSS_MAX)
    for tool in tools:
        if isinstance(tool, Isamon):
            continue
        if type(tool) is not Tar:
            table.add("isamon : %s" % tool.name, "%.2f", times(mine, b.made[type(tool)]))
        table.add("isamon : that and %s" % tool.check_name, "%.2f", times(mine, b.checked[type(tool)]))


def report_restore(table, b, tools):
    mine = b.restored[Isamon]
    table.heading("Restored (isamon: verified, unpacked, databases checked, synced, exchanged)")
    for tool in tools:
        add_tool(table, tool.name.split()[0], b.restored[type(tool)])
    for tool in tools:
        if not isinstance(tool, Isamon):
            table.add("isamon : %s" % tool.name.split()[0], "%.2f", times(mine, b.restored[type(tool)]))
    table.add("isamon's memory", "%.1f MiB", [m.mib for m in mine], "<= %d" % RSS_MAX, most=RSS_MAX)


def bench_backup(lab, table, rounds, long):
    missing = [name for name in ("tar", "restic", "borg") if not shutil.which(name)]
    if missing:
        raise Failure("not installed: " + ", ".join(missing))
    b = Bench(lab)
    b.make_tree(1_000_000_000 if long else 200_000_000)
    tools = [Tar(b), Isamon(b), Restic(b), Borg(b)]
    for i in range(rounds):
        for tool in tools if i % 2 == 0 else reversed(tools):
            progress("round %d of %d: %s" % (i + 1, rounds, tool.name))
            b.round(tool)
    report_backup(table, b, tools)
    report_restore(table, b, tools)
    if not long:
        progress("BENCH_LONG=1 takes a whole GB")
