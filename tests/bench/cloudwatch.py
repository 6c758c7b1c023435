# SPDX-License-Identifier: MIT
"""What CloudWatch costs: a push of the five metrics, memory, the way back from 14 days without it.

The endpoint is a program of a few lines that says 200 to everything over TLS: what is measured is isamon, not the fake that
verifies. CPU is the kernel's own count for the process, all its threads together.
"""
import http.server
import os
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading
import time

import lab as labs
from lab import Failure, Isamon

FILL = os.path.join(labs.BUILD, "release", "tests", "bench", "fill_spool")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
MB = 1e6
PUSHES = 60  # of one second each
TRICKLE = 4  # connections of wrk meanwhile, so that ResponseTime has values
DAYS = 14
PACE = 4  # requests a second, isamon's own limit


def progress(text):
    print("... cloudwatch: " + text, file=sys.stderr, flush=True)


def cpu_s(process):
    return time.clock_gettime_ns(~process.pid << 3 | 2) / 1e9


class Sink(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Takes everything while it is well, and answers 503 while it is not."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, lab):
        self.certificate = os.path.join(lab.dir, "ca.pem")
        own, key = os.path.join(lab.dir, "own.pem"), os.path.join(lab.dir, "key.pem")
        argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", own]
        subprocess.run(argv, check=True, capture_output=True)
        shutil.copy(own, self.certificate)
        if os.path.exists(AUTHORITIES):  # who has the real endpoint has these in memory
            with open(self.certificate, "ab") as f, open(AUTHORITIES, "rb") as authorities:
                f.write(authorities.read())
        self.times, self.bytes, self.well = [], [], True
        super().__init__(("127.0.0.1", 0), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def forget(self):
        self.times, self.bytes = [], []

    def handle_error(self, request, client_address):
        pass  # isamon ends whenever the benchmark ends it


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.rfile.read(size)
        if self.server.well:
            self.server.times.append(time.monotonic())
            self.server.bytes.append(size)
        self.send_response(200 if self.server.well else 503)
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def config(lab, sink, state, more):
    keys = os.path.join(lab.dir, "credentials")
    with open(os.open(keys, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write("[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = not-secret\n")
    return (
        "[daemon]\nstate_directory = %s\n[aws]\nregion = eu-west-1\ninstance_id = i-0123456789abcdef0\n"
        "credentials_file = %s\nca_bundle = %s\nendpoint_url = https://127.0.0.1:%d\n[cloudwatch]\nenabled = yes\n%s"
        % (state, keys, sink.certificate, sink.server_address[1], more)
    )


def state_directory(lab, name):
    path = os.path.join(lab.dir, name)
    os.mkdir(path, 0o700)
    return path


def wait_for(what, condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure("waited too long for " + what)
        time.sleep(0.1)


def trickle(lab, port, isamon, seconds):
    """CPU of isamon for so many seconds with some load."""
    before = cpu_s(isamon.process)
    requests, _ = labs.drive(lab, port, seconds, connections=TRICKLE)
    return cpu_s(isamon.process) - before, requests


def bench_push(lab, table, sink):
    port = labs.start_nginx(lab)
    progress("%d s without" % PUSHES)
    with Isamon(lab, port) as isamon:
        trickle(lab, port, isamon, 3)
        without, without_n = trickle(lab, port, isamon, PUSHES)
    more = "storage_resolution = 1\ninterval = 1\n"
    progress("%d s with a push each second" % PUSHES)
    with Isamon(lab, port, config(lab, sink, state_directory(lab, "push"), more)) as isamon:
        trickle(lab, port, isamon, 3)
        wait_for("a push", lambda: sink.times, 10)
        sink.forget()
        with_, with_n = trickle(lab, port, isamon, PUSHES)
        n, sizes = len(sink.times), list(sink.bytes)
        rss = isamon.rss()
    if n < PUSHES / 2:
        raise Failure("only %d pushes in %d s: %s" % (n, PUSHES, lab.log_tail()))
    table.heading("A push of the five metrics (interval = 1, so one a second; %d of them, over TLS)" % n)
    cost = with_ - without * with_n / without_n
    table.add("CPU a push, the minute that it is of included", "%.2f ms", cost / n * 1e3, "<= 10 ms", most=10)
    table.add("  of a CPU, at one a minute", "%.4f %%", cost / n / 60 * 100)
    table.add("bytes a push, as sent", "%.0f", sizes)
    table.add("requests an interval (so a minute, by default)", "%.2f", n / PUSHES, "<= 1.05", most=1.05)
    table.add("RSS behind them", "%.2f MB", rss / MB, "<= 12 MB", most=12)


def bench_rss(lab, table, sink):
    port = labs.start_nginx(lab)
    with Isamon(lab, port, config(lab, sink, state_directory(lab, "rss"), "")) as isamon:
        labs.drive(lab, port, 3, connections=TRICKLE)
        sink.forget()
        progress("until the first push of a whole minute")
        wait_for("a push", lambda: sink.times, 150)
        table.heading("CloudWatch on, one push a minute")
        table.add("RSS behind the first push", "%.2f MB", isamon.rss() / MB, "<= 12 MB", most=12)


def fill(state):
    progress("%d days of minutes into the spool" % DAYS)
    # Those of the last hour would be too old before they are all sent.
    argv = [FILL, state, str(DAYS * 1440 - 60), "60", "300", "0"]
    done = subprocess.run(argv, capture_output=True)
    if done.returncode:
        raise Failure(done.stderr.decode().strip())
    return done.stdout.decode().strip()


def spool(isamon, name):
    return isamon.metrics().sum("isamon_cloudwatch_" + name)


def bench_drain(lab, table, sink):
    port = labs.start_nginx(lab)
    state = state_directory(lab, "drain")
    filled = fill(state)
    sink.well = False
    sink.forget()
    with Isamon(lab, port, config(lab, sink, state, "")) as isamon:
        wait_for("the spool", lambda: spool(isamon, "spool_minutes") > DAYS * 1400, 60)
        progress("until a push has failed")
        wait_for("a push that fails", lambda: spool(isamon, "failures_total"), 150)
        waiting, minutes = isamon.rss(), spool(isamon, "spool_minutes")
        most, cpu = waiting, cpu_s(isamon.process)
        progress("%d minutes wait; now they go" % minutes)
        sink.well = True
        deadline = time.monotonic() + 900
        while spool(isamon, "spool_minutes") > 1:
            most = max(most, isamon.rss())
            if time.monotonic() > deadline:
                raise Failure("%d minutes wait after 15 minutes" % spool(isamon, "spool_minutes"))
            time.sleep(0.5)
        cpu = cpu_s(isamon.process) - cpu
        dropped = spool(isamon, "minutes_dropped_total") + spool(isamon, "minutes_rejected_total")
    times = list(sink.times)
    n, took = len(times), times[-1] - times[0]
    table.heading("%d days in the spool (%s)" % (DAYS, filled))
    table.add("RSS while they wait", "%.2f MB", waiting / MB, "<= 12 MB", most=12)
    table.add("  most seen while they go", "%.2f MB", most / MB)
    table.add("time to push them", "%.1f s", took)
    table.add("  in so many requests", "%.0f", n)
    table.add("  as sent", "%.1f MB", sum(sink.bytes) / MB)
    table.add("  : what %d requests a second allow" % PACE, "%.2f", took / ((n - 1) / PACE), "<= 1.10", most=1.10)
    table.add("  CPU", "%.1f s", cpu)
    table.add("  dropped or rejected", "%.0f", dropped, "0", most=0)


def bench_cloudwatch(lab, table):
    sink = Sink(lab)
    try:
        bench_push(lab, table, sink)
        bench_rss(lab, table, sink)
        bench_drain(lab, table, sink)
    finally:
        sink.shutdown()
        sink.server_close()
