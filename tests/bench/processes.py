# SPDX-License-Identifier: MIT
"""What a collection of the service's processes costs, with few and many other processes on the host, beside
prometheus-process-exporter; and what is spent when nobody asks.

CPU is the kernel's own count for a process, all its threads together (its CPU clock, clock_getcpuclockid(3)). A scrape
costs what a program used over SCRAPES of them, the pauses between included, divided by SCRAPES.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import time

import lab as labs
from lab import Failure, Isamon

CROWD = os.path.join(labs.BUILD, "release", "tests", "bench", "crowd")
EXPORTER = "prometheus-process-exporter"
CROWDS = (10, 1_000, 10_000)
WORKERS = 2
SCRAPES = 10
MINUTE = 4  # scrapes in one, as Prometheus is mostly told to
PASSES_S = 600  # between two passes over all processes, at last
APART_S = 1.1  # the figures of a page may be a second old: each scrape brings a collection
PAGES = 10  # right behind a scrape: without one
IDLE_S = 20
REST_S = 0.5
# After its start the daemon goes through all processes of the host at about 1, 2, 4, 8, 16, 32, 64 and 128 s, at last each
# 10 minutes, and collects behind that. What is measured is measured behind the one at 32 s and the one at 64 s, in seconds
# since the start: when no pass is on its way yet, when it surely is or was, and when all must be done, before the next.
BEHIND_FIRST, BEHIND_SECOND = (30.5, 34.5, 63), (None, 67.5, 126)
TRACING = "26"  # enum bpf_prog_type


def progress(text):
    print("... processes: " + text, file=sys.stderr, flush=True)


def cpu_s(process):
    return time.clock_gettime_ns(~process.pid << 3 | 2) / 1e9


def wakes(process):
    with open("/proc/%d/status" % process.pid) as f:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M).group(1))


def n_processes():
    return sum(name.isdigit() for name in os.listdir("/proc"))


def iterator_runs(process):
    """How often the task iterator ran while there were statistics. It is the one program of its kind that is loaded and
    attached nowhere. None: there is none, the figures are read off /proc."""
    attached, runs = set(), {}
    for name in glob.glob("/proc/%d/fdinfo/*" % process.pid):
        with open(name) as f:
            fields = dict(re.findall(r"^(\w+):\s*(\S+)$", f.read(), re.M))
        if "link_id" in fields:
            attached.add(fields.get("prog_id"))
        elif fields.get("prog_type") == TRACING:
            runs[fields["prog_id"]] = int(fields["run_cnt"])
    found = [n for prog, n in runs.items() if prog not in attached]
    if len(found) > 1:
        raise Failure("%d programs are loaded and not attached" % len(found))
    return found[0] if found else None


def scraped(process, url, n=SCRAPES):
    """CPU of one of n scrapes, in seconds; each begins APART_S after the one before."""
    before, began = cpu_s(process), time.monotonic()
    for i in range(1, n + 1):
        labs.pages.fetch(url, 30)
        time.sleep(max(0, began + i * APART_S - time.monotonic()))
    return (cpu_s(process) - before) / n


class Daemon:
    """isamon on the service: everything that is measured of it with one crowd."""

    def __init__(self, lab, port, members, more=""):
        with Isamon(lab, port, more) as isamon:
            self.began = time.monotonic()
            self.process, self.url = isamon.process, isamon.url + "/metrics"
            self.until(BEHIND_FIRST[0])
            self.members = int(isamon.metrics().sum("isamon_service_processes"))
            if self.members != members:
                raise Failure("isamon sees %d processes, not %d" % (self.members, members))
            self.measure_scrapes()
            if not more:
                self.page_s = self.measure_page()
                self.done_before(BEHIND_FIRST[2])
                self.until(BEHIND_SECOND[1])
                self.rest()
                with lab.hold("stats"):
                    self.measure_idle()
                self.done_before(BEHIND_SECOND[2])
                self.pass_s -= self.idle_s * self.pass_window_s

    def until(self, seconds):
        """Since the start."""
        time.sleep(max(0, self.began + seconds - time.monotonic()))

    def done_before(self, seconds):
        late = time.monotonic() - self.began - seconds
        if late > 0:
            raise Failure("this machine is too slow: %.1f s late" % late)

    def rest(self):
        """Waits until the pass is over: it takes a fifth of a CPU, the daemon at rest a thousandth. Then until the
        collection behind it is old enough for a scrape to bring another."""
        used = REST_S
        while used > REST_S / 100:
            self.done_before(BEHIND_SECOND[2])
            before = cpu_s(self.process)
            time.sleep(REST_S)
            used = cpu_s(self.process) - before
        time.sleep(APART_S)

    def measure_scrapes(self):
        before, began = cpu_s(self.process), time.monotonic()
        self.until(BEHIND_FIRST[1])
        self.rest()
        self.pass_s, self.pass_window_s = cpu_s(self.process) - before, time.monotonic() - began
        self.scrape_s = scraped(self.process, self.url)
        self.done_before(BEHIND_FIRST[2])

    def measure_page(self):
        """A scrape when the figures are still fresh."""
        labs.pages.fetch(self.url, 30)
        before, began = cpu_s(self.process), time.monotonic()
        for _ in range(PAGES):
            labs.pages.fetch(self.url, 30)
        if time.monotonic() - began > 0.8:
            raise Failure("%d pages took %.1f s" % (PAGES, time.monotonic() - began))
        return (cpu_s(self.process) - before) / PAGES

    def measure_idle(self):
        """Nobody asks. The statistics of BPF programs are on: a run of the iterator would be counted, as those of a
        scrape before are."""
        runs = [iterator_runs(self.process)]
        labs.pages.fetch(self.url, 30)
        runs.append(iterator_runs(self.process))
        before, woken = cpu_s(self.process), wakes(self.process)
        time.sleep(IDLE_S)
        self.idle_s = (cpu_s(self.process) - before) / IDLE_S
        self.wakes = (wakes(self.process) - woken) / IDLE_S
        runs.append(iterator_runs(self.process))
        self.runs = None if None in runs else [b - a for a, b in zip(runs, runs[1:])]
        if self.runs and not self.runs[0]:
            raise Failure("the iterator's runs are not counted")


CONFIG = """process_names:
  - name: bench
    cmdline:
    - 'uvicorn .*--port %d '
"""


class Exporter:
    """The same of process-exporter, with the same processes to watch."""

    def __init__(self, lab, port, members, name, *options):
        self.name = name
        listen = labs.free_port()
        config = os.path.join(lab.dir, "exporter.yaml")
        with open(config, "w") as f:
            f.write(CONFIG % port)
        argv = [EXPORTER, "-config.path", config, "-web.listen-address", "127.0.0.1:%d" % listen]
        process = lab.start(argv + list(options))
        try:
            labs.wait_port(lab, process, listen)
            url = "http://127.0.0.1:%d/metrics" % listen
            self.warm_up(lab, url, members)
            self.scrape_s = scraped(process, url)
            before = cpu_s(process)
            time.sleep(IDLE_S / 4)
            self.idle_s = (cpu_s(process) - before) / (IDLE_S / 4)
        finally:
            lab.stop(process)

    @staticmethod
    def warm_up(lab, url, members):
        """At least two scrapes. On a busy host one was seen that had no processes at all."""
        for i in range(10):
            page = labs.pages.fetch(url, 60)
            seen = int(page.sum("namedprocess_namegroup_num_procs", groupname="bench"))
            if i and seen == members:
                return
            time.sleep(0.5)
        raise Failure("%s sees %d processes, not %d: %s" % (EXPORTER, seen, members, lab.log_tail()))


def tree(pid):
    """A process and all that descend from it."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        children = [int(child) for child in f.read().split()]
    return 1 + sum(tree(child) for child in children)


def start_crowd(lab, n):
    crowd = lab.start([CROWD, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if crowd.stdout.readline() != b"ready\n":
        raise Failure(lab.log_tail())
    return crowd


def report_isamon(table, d):
    pause_s = d.idle_s * APART_S
    table.add("isamon, a scrape with its collection", "%.2f ms", d.scrape_s * 1e3)
    table.add("  of it the page by itself (figures still fresh)", "%.2f ms", d.page_s * 1e3)
    table.add("  of it the %.1f s until the next (see below)" % APART_S, "%.2f ms", pause_s * 1e3)
    table.add("  of it the collection (what is left)", "%.2f ms", (d.scrape_s - d.page_s - pause_s) * 1e3)
    if d.runs:
        table.add("  runs of the BPF iterator for it", "%.0f", d.runs[0])
    else:
        table.note("  this kernel refuses BPF iterators: it was collected off /proc")


def report_idle(table, d):
    what = "isamon between, in %d s without a scrape" % IDLE_S
    if d.runs:
        table.add(what + ": runs of the iterator", "%.0f", d.runs[1], "0", most=0)
    table.add("  CPU a second: who listens, and draining", "%.2f ms", d.idle_s * 1e3)
    table.add("  wakes a second", "%.1f", d.wakes)
    table.add("isamon, a pass over all processes (each %d minutes)" % (PASSES_S / 60), "%.1f ms", d.pass_s * 1e3)


def report_minute(table, d, exporters):
    """Everything together, where what is scraped seldom has more of what happens without a scrape."""

    def minute_s(x, passes_s):
        return MINUTE * (x.scrape_s - x.idle_s * APART_S) + 60 * x.idle_s + passes_s

    own_s = minute_s(d, d.pass_s * 60 / PASSES_S)
    table.add("a minute with %d scrapes, all of the above in: isamon" % MINUTE, "%.1f ms", own_s * 1e3)
    for e in exporters:
        table.add("  %s" % e.name, "%.1f ms", minute_s(e, 0) * 1e3)
        table.add("  : isamon", "%.1f", minute_s(e, 0) / own_s)


def report_exporter(table, e, d):
    table.add("%s, a scrape" % e.name, "%.2f ms", e.scrape_s * 1e3)
    table.add("  : that of isamon", "%.1f", e.scrape_s / d.scrape_s, ">= 10", least=10)
    table.add("  CPU a second without a scrape", "%.2f ms", e.idle_s * 1e3)


EXPORTERS = (
    ("process-exporter as it comes",),
    ("process-exporter, no smaps, no threads", "-gather-smaps=false", "-threads=false"),
)


def measure_exporters(lab, port, members):
    measured = []
    for how in EXPORTERS:
        progress(how[0])
        measured.append(Exporter(lab, port, members, *how))
    return measured


def measure(lab, table, port, members, n):
    progress("isamon with %d others: a minute and a half" % n)
    crowd = start_crowd(lab, n)
    try:
        there = n_processes()
        d = Daemon(lab, port, members)
        exporters = measure_exporters(lab, port, members) if shutil.which(EXPORTER) else []
    finally:
        lab.stop(crowd)
    table.heading("A collection of %d processes of a service, %d other ones idle (%d on the host)" % (members, n, there))
    report_isamon(table, d)
    for e in exporters:
        report_exporter(table, e, d)
    if not exporters:
        table.not_measured(EXPORTER, "it is not installed; as a package it could not be had")
    report_idle(table, d)
    report_minute(table, d, exporters)


def bench_processes(lab, table):
    port = labs.start_uvicorn(lab, "", "--workers", str(WORKERS))
    time.sleep(2)  # until the workers are as they stay
    members = tree(lab.running[-1].pid)
    for n in CROWDS:
        measure(lab, table, port, members, n)
    progress("isamon, with PSS in each collection")
    d = Daemon(lab, port, members, "[processes]\npss_interval = 1\n")
    table.heading("The same with memory shared out in each collection (pss_interval = 1; it is 60)")
    table.add("isamon, a scrape with its collection", "%.2f ms", d.scrape_s * 1e3)
