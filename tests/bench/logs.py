# SPDX-License-Identifier: MIT
"""Shipping logs: lines a second of one core, memory with a backlog, and what is spent when nothing is written.

CloudWatch Logs is a server here that reads what comes and says 200, so that its speed is not what is measured."""
import os
import re
import socket
import threading
import time

import lab as labs
from lab import Failure

LINE = 150
LINES_MIN = 300_000
RSS_MAX = 16
IDLE_FILES, IDLE_S, IDLE_MAX = 100, 20, 0.1
# What a log says, neither the same over and over nor noise.
WORDS = ("GET POST session user request answered started finished tokens cache database upload 200 404 in ms "
         "agent message worker retry model websocket closed opened").split()
ANSWER = (b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 0a\r\nContent-Type: application/x-amz-json-1.1\r\n"
          b"Content-Length: 2\r\n\r\n{}")


class Sink:
    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.requests, self.bytes = self.socket.getsockname()[1], 0, 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as file:
            while True:
                length = -1
                for line in iter(file.readline, b"\r\n"):
                    if not line:
                        return
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    elif line.lower().startswith(b"expect:"):
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.bytes += len(file.read(max(length, 0)))
                self.requests += 1
                connection.sendall(ANSWER)


def write_log(path, size):
    """Lines of LINE bytes in all, with a time stamp each; from 100 MB on the same ones again, which is written faster."""
    piece = write_lines(path, min(size, LINE * 666_000))
    with open(path, "rb") as file, open(path, "ab") as end:
        text, n = file.read() if size > piece * LINE else b"", piece
        while n * LINE < size:
            end.write(text)
            n += piece
    return n


def write_lines(path, size):
    begin = time.time() - 3600
    with open(path, "w", encoding="ascii") as file:
        block, n = [], 0
        while n * LINE < size:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(begin + n / 10000)) + ",%03d" % (n % 1000)
            words = " ".join(WORDS[(n * k) % len(WORDS)] for k in (1, 7, 11, 13, 17, 19, 23, 29))
            block.append(("%s INFO app.chat: %d %s %x" % (stamp, n, words, n * 2654435761)).ljust(LINE - 1, ".")[:LINE - 1])
            n += 1
            if len(block) == 1000 or n * LINE >= size:
                file.write("\n".join(block) + "\n")
                block.clear()
    return n


def status(process, name):
    with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
        return int(re.search(name + r":\s*(\d+) kB", file.read()).group(1)) / 1024


def cpu_s(process):
    with open("/proc/%d/stat" % process.pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(lab, sink, name, sections):
    path = os.path.join(lab.dir, name + ".conf")
    with open(path, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write("[aws]\nregion = us-east-1\ninstance_id = i-0\naccess_key_id = A\nsecret_access_key = B\n"
                   "endpoint_url = http://127.0.0.1:%d\nimds_endpoint = http://127.0.0.1:1\n" % sink.port)
        file.write("[daemon]\nstate_directory = %s/%s\n[logs]\nenabled = yes\n%s" % (lab.dir, name, sections))
    return lab.start([labs.ISAMON, "ship-logs", "--config", path])


def wait(process, what, done, deadline_s):
    end = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > end or process.poll() is not None:
            raise Failure("waited too long for: " + what)
        time.sleep(0.05)


def backlog(lab, table, sink, size):
    path = os.path.join(lab.dir, "backlog.log")
    n = write_log(path, size)
    process = start(lab, sink, "backlog", '[log "backlog"]\npath = %s\nstart = beginning\ntimestamp = %%Y-%%m-%%d %%H:%%M:%%S,%%f\n' % path)
    begin = time.monotonic()
    wait(process, "the first request", lambda: sink.requests > 0, 20)
    table.add("first request after the start, with %.0f GB waiting" % (size / 1e9), "%.2f s", time.monotonic() - begin)
    wanted = -(-n // 10000)
    # A share of a batch is less than 10,000 lines: the end is where nothing more comes.
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 1.5:
        if sink.requests != last:
            last, since = sink.requests, time.monotonic()
        if process.poll() is not None:
            raise Failure("it has ended: " + lab.log_tail())
        time.sleep(0.02)
    wall, cpu = since - begin, cpu_s(process)
    if sink.requests < wanted:
        raise Failure("only %d requests" % sink.requests)
    table.add("lines of %d bytes a second of one core" % LINE, "%.0f", n / cpu, ">= %d" % LINES_MIN, least=LINES_MIN)
    table.add("MB a second of one core", "%.0f", n * LINE / cpu / 1e6)
    table.add("lines a second of wall clock", "%.0f", n / wall)
    table.add("sent of what was read", "%.1f %%", 100 * sink.bytes / (n * LINE))
    table.add("most memory that was ever resident", "%.1f MiB", status(process, "VmHWM"), "<= %d" % RSS_MAX, most=RSS_MAX)
    lab.stop(process)
    os.unlink(path)


def idle(lab, table, sink):
    directory = os.path.join(lab.dir, "idle")
    os.mkdir(directory)
    for i in range(IDLE_FILES):
        write_log("%s/%d.log" % (directory, i), 15000)
    process = start(lab, sink, "idle", '[log "idle"]\npath = %s/*.log\n' % directory)
    time.sleep(4)
    before = cpu_s(process)
    time.sleep(IDLE_S)
    table.add("CPU of a core, %d files to which nothing is written" % IDLE_FILES, "%.2f %%",
              100 * (cpu_s(process) - before) / IDLE_S, "<= %.1f" % IDLE_MAX, most=IDLE_MAX)
    table.add("memory then", "%.1f MiB", status(process, "VmRSS"))
    lab.stop(process)


def bench_logs(lab, table, long):
    table.heading("Logs to CloudWatch Logs (isamon ship-logs)")
    backlog(lab, table, Sink(), 10_000_000_000 if long else 1_000_000_000)
    idle(lab, table, Sink())
