# SPDX-License-Identifier: MIT
"""What the benchmark works with: processes that end with it, loads, isamon, readings, the table."""
import contextlib
import ctypes
import glob
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(REPO, "tests", "fixtures"))
import page as pages  # noqa: E402 pylint: disable=wrong-import-position

BUILD = os.path.join(REPO, os.environ.get("BUILD", "build"))
ISAMON = os.environ.get("ISAMON", os.path.join(BUILD, "isamon"))
HOLD = os.path.join(BUILD, "release", "tests", "bench", "hold")
SERVER_CPU, CLIENT_CPU = (0, 1) if os.cpu_count() > 1 else (None, None)
MB = 1e6
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
HOOKS = {"0": "ingress", "1": "egress", "3": "sock_ops"}  # enum bpf_attach_type
READ = "tcp_rcv_space_adjust"  # the tracepoint of the queue


class Failure(Exception):
    """Something could not be measured."""


class Lab:
    """A directory, and processes that are ended when it is left."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="isamon-bench.")
        self.running = []
        self.foreign = 0  # programs of others, seen where isamon's are

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.running:
            self.stop(self.running[-1])
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, argv, cpu=None, env=None, **more):
        """In a process group of its own; ends with us, whatever ends us."""

        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        name = os.path.join(self.dir, "log")
        with open(name, "ab") as log:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                argv,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=prepare,
                stdin=more.pop("stdin", subprocess.DEVNULL),
                stdout=more.pop("stdout", log),
                stderr=log,
            )
        self.running.append(process)
        return process

    def stop(self, process, signum=signal.SIGTERM):
        if process.stdin:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
        if process in self.running:
            self.running.remove(process)

    def log_tail(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as log:
            return "".join(log.readlines()[-5:]).strip()

    @contextlib.contextmanager
    def hold(self, *what):
        """Empty programs, isamon's without the queue, or the kernel's statistics, for a while."""
        process = self.start([HOLD, *what], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            said = process.stdout.readline().split()
            if len(said) != 2 or said[0] != b"ready":
                raise Failure("hold %s: %s" % (what[0], self.log_tail()))
            self.foreign = max(self.foreign, int(said[1]))
            yield process
        finally:
            self.stop(process)


def free_port():
    """Below the range from which the kernel takes ports for clients."""
    for port in range(15000 + os.getpid() % 4000, 32000):
        with socket.socket() as s:
            with contextlib.suppress(OSError):
                s.bind(("127.0.0.1", port))
                if port not in free_port.given:
                    free_port.given.add(port)
                    return port
    raise Failure("no free port")


free_port.given = set()


def wait_port(lab, process, port, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise Failure("%s does not listen: %s" % (process.args[0], lab.log_tail()))


NGINX = """daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {dir}/nginx.{port}.pid;
error_log stderr error;
events {{ worker_connections 12000; }}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	keepalive_requests 1000000000;
	keepalive_timeout 600s;
	server {{
		listen 127.0.0.1:{port} backlog=4096;
		location / {{ return 200 "hello\\n"; }}
	}}
}}
"""


def start_nginx(lab):
    """Answers 200 to everything, one worker. Returns its port."""
    port = free_port()
    config = os.path.join(lab.dir, "nginx.%d.conf" % port)
    with open(config, "w") as f:
        f.write(NGINX.format(dir=lab.dir, port=port))
    process = lab.start(["nginx", "-p", lab.dir, "-c", config], cpu=SERVER_CPU)
    wait_port(lab, process, port)
    return port


def start_uvicorn(lab, middleware, *options):
    port = free_port()
    process = lab.start(
        ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", HERE, "app:app", "--port", str(port)]
        + ["--host", "127.0.0.1", "--no-access-log", "--log-level", "warning", *options],
        cpu=SERVER_CPU,
        env={"BENCH_MIDDLEWARE": middleware, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    wait_port(lab, process, port)
    return port


def drive(lab, port, seconds, path="/", connections=32, headers=()):
    """At full speed, kept alive. Returns (requests, requests a second)."""
    argv = ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds]
    argv += [a for h in headers for a in ("-H", h)]
    wrk = lab.start(
        argv + ["http://127.0.0.1:%d%s" % (port, path)], cpu=CLIENT_CPU, stdout=subprocess.PIPE
    )
    try:
        text = wrk.stdout.read().decode()
        status = wrk.wait()
    finally:
        lab.stop(wrk)
    n = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec: *([\d.]+)", text)
    if status or not n or not rate or "Non-2xx" in text or "Socket errors" in text:
        raise Failure("wrk: " + " / ".join(text.split("\n")[-6:]))
    return int(n.group(1)), float(rate.group(1))


class Isamon:
    """A daemon with a configuration of its own; startup_s: from its start until it said READY=1."""

    n_started = 0

    def __init__(self, lab, service_port, http=""):
        self.lab = lab
        Isamon.n_started += 1
        self.port = free_port()
        base = os.path.join(lab.dir, "isamon.%d" % Isamon.n_started)
        with open(base + ".conf", "w") as f:
            f.write("[service]\nname = bench\nports = %d\n" % service_port)
            f.write("[listen]\nport = %d\n[daemon]\nruntime_directory = %s\n" % (self.port, base))
            f.write("state_directory = %s.state\n[job \"backup\"]\nenabled = no\n[daemon]\n" % base)
            f.write("log_level = warning\n[http]\n" + http)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(base + ".notify")
            notify.settimeout(20)
            began = time.monotonic()
            self.process = lab.start(
                [ISAMON, "run", "--config", base + ".conf"], env={"NOTIFY_SOCKET": base + ".notify"}
            )
            try:
                while b"READY=1" not in notify.recv(4096).split(b"\n"):
                    pass
            except OSError as e:
                raise Failure("isamon is not ready (%s): %s" % (e, lab.log_tail())) from e
            self.startup_s = time.monotonic() - began
        self.url = "http://127.0.0.1:%d" % self.port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lab.stop(self.process)

    def metrics(self):
        return pages.fetch(self.url + "/metrics", 30)

    def rss(self):
        """Bytes of resident memory."""
        with open("/proc/%d/status" % self.process.pid) as f:
            return int(re.search(r"VmRSS:\s*(\d+) kB", f.read()).group(1)) * 1024


def programs(process):
    """{hook: (ns, runs)} of the BPF programs that a process has attached where requests pass.

    From fdinfo: links name the hook and the program, programs have their statistics."""
    hooks, stats = {}, {}
    for name in glob.glob("/proc/%d/fdinfo/*" % process.pid):
        with open(name) as f:
            fields = dict(re.findall(r"^(\w+):\s*(\S+)$", f.read(), re.M))
        if "link_id" in fields:
            hook = "read" if fields.get("tp_name") == READ else HOOKS.get(fields.get("attach_type"))
            if hook:
                hooks[fields["prog_id"]] = hook
        elif "run_cnt" in fields:
            stats[fields["prog_id"]] = (int(fields["run_time_ns"]), int(fields["run_cnt"]))
    if not hooks:
        raise Failure("no BPF links in /proc/%d/fdinfo" % process.pid)
    return {hook: stats[i] for i, hook in hooks.items()}


class Cost:
    """What programs took between two readings: ns and runs, by hook, for so many requests."""

    def __init__(self, before, after, requests):
        self.requests = requests
        self.hooks = {
            hook: (after[hook][0] - before[hook][0], after[hook][1] - before[hook][1])
            for hook in after
        }

    def ns(self, *hooks):
        """A request; without hooks, of all but that of the queue, which has figures of its own."""
        hooks = hooks or [h for h in self.hooks if h != "read"]
        return sum(self.hooks[h][0] for h in hooks) / self.requests

    def all_ns(self):
        """A request, all of them."""
        return self.ns(*self.hooks)

    def runs(self, *hooks):
        """A request."""
        return sum(self.hooks[h][1] for h in hooks or self.hooks) / self.requests

    def ns_a_run(self):
        return self.ns() / self.runs(*[h for h in self.hooks if h != "read"])


def measure_cost(lab, process, port, seconds, **load):
    with lab.hold("stats"):
        before = programs(process)
        requests, _ = drive(lab, port, seconds, **load)
        return Cost(before, programs(process), requests)


class Table:
    """Rows of what, figure, range over the rounds, aim, verdict."""

    def __init__(self):
        self.rows = []
        self.missing = 0

    def heading(self, text):
        self.rows.append((text,))

    def add(self, what, form, values, aim=None, most=None, least=None):
        """The median of one value or one a round; `aim` is printed, `most` or `least` decides."""
        values = values if isinstance(values, list) else [values]
        middle = statistics.median(values)
        spread = ""
        if len(values) > 1:
            spread = "%s .. %s" % (form % min(values), form % max(values))
        verdict = ""
        if most is not None:
            verdict = "ok" if middle <= most else "over"
        elif least is not None:
            verdict = "ok" if middle >= least else "under"
        self.rows.append(("  " + what, form % middle, spread, aim or "", verdict))

    def note(self, text):
        self.rows.append(("  " + text,))

    def not_measured(self, what, why):
        self.missing += 1
        self.rows.append(("  %s: NOT MEASURED: %s" % (what, why),))

    def print(self):
        head = ("what", "figure", "lowest .. highest round", "aim", "")
        full = [head] + [r for r in self.rows if len(r) > 1]
        width = [max(len(r[i]) for r in full) for i in range(len(head))]
        for row in [head] + self.rows:
            if len(row) == 1:
                print(("" if row[0].startswith(" ") else "\n") + row[0])
                continue
            cells = [row[0].ljust(width[0]), row[1].rjust(width[1])]
            cells += [row[i].ljust(width[i]) for i in (2, 3, 4)]
            print("  ".join(cells).rstrip())
        verdicts = [r[4] for r in self.rows if len(r) > 1 and r[4]]
        print("\n%d aims, %d of them met" % (len(verdicts), verdicts.count("ok")))


# --- what several sections need


def progress(text):
    print("... " + text, file=sys.stderr, flush=True)


def wait_for(what, condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure("waited too long for " + what)
        time.sleep(0.05)


def add_rss(table, what, isamon):
    table.add(what, "%.2f MB", isamon.rss() / MB, "<= 8 MB", most=8)
