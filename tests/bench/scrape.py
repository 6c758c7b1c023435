# SPDX-License-Identifier: MIT
"""The page with many series: how long a scrape takes, and how long somebody else waits meanwhile."""
import socket
import subprocess
import time

import lab as labs
from lab import MB, Failure, Isamon, add_rss, progress, wait_for


def route_name(i):
    """A path that is its own route: letters beyond f, so that nothing in it looks like an identifier."""
    letters = "ghijklmnopqrstuvwxyz"
    name = ""
    for _ in range(4):
        name += letters[i % 20]
        i //= 20
    return "/api/%s-list" % name


def request_routes(port, n):
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        for i in range(n):
            s.sendall(b"GET %s HTTP/1.1\r\nHost: bench\r\n\r\n" % route_name(i).encode())
            if not s.recv(4096).startswith(b"HTTP/1.1 200"):
                raise Failure("route %d was not answered" % i)


def longest_wait(isamon, until):
    """Asks for a page of no work, over and over, until until(); the longest that an answer took, in seconds."""
    worst = 0
    with socket.create_connection(("127.0.0.1", isamon.port), 10) as s:
        while True:
            began = time.perf_counter()
            s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: bench\r\n\r\n")
            if b" 200 " not in s.recv(4096):
                raise Failure("isamon is not healthy")
            worst = max(worst, time.perf_counter() - began)
            if until():
                return worst
            time.sleep(0.0005)


def scrape(lab, isamon, watch, gzip):
    """curl's time and bytes; the longest wait of somebody else meanwhile, if @watch."""
    argv = ["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{time_total} %{size_download}"]
    argv += ["-H", "Accept-Encoding: gzip"] if gzip else []
    curl = lab.start(argv + [isamon.url + "/metrics"], stdout=subprocess.PIPE)
    try:
        worst = longest_wait(isamon, lambda: curl.poll() is not None) if watch else 0
        text = curl.stdout.read().decode()
        if curl.wait():
            raise Failure("curl: status %d" % curl.returncode)
    finally:
        lab.stop(curl)
    seconds, size = text.split()
    return float(seconds), int(size), worst


def scrapes(lab, table, isamon, gzip, rounds):
    scrape(lab, isamon, False, gzip)
    plain = [scrape(lab, isamon, False, gzip) for _ in range(rounds)]
    watched = [scrape(lab, isamon, True, gzip) for _ in range(rounds)]
    table.add(
        "%s, %.2f MB" % ("gzip" if gzip else "plain", plain[0][1] / MB),
        "%.1f ms",
        [p[0] * 1e3 for p in plain],
    )
    table.add("  another client waits at most", "%.1f ms", [w[2] * 1e3 for w in watched])


def bench_scrape(lab, table, rounds):
    port = labs.start_nginx(lab)
    for n in (1_000, 10_000):
        with Isamon(lab, port, "max_series = %d\n" % n) as isamon:
            progress("scrape: %d series" % n)
            request_routes(port, n)
            wait_for(
                "%d series" % n, lambda want=n: isamon.metrics().sum("isamon_http_series") >= want
            )
            table.heading("A scrape with %d series in each of the four families" % n)
            for gzip in (False, True):
                scrapes(lab, table, isamon, gzip, rounds)
            if n == 1_000:
                add_rss(table, "RSS behind it (1000 is the default limit)", isamon)
            else:
                table.add("RSS behind it", "%.2f MB", isamon.rss() / MB)
