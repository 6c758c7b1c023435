# SPDX-License-Identifier: MIT
"""What single features add to the cost of the BPF programs: the queue, and messages of WebSockets.

Each figure is the difference of two loads of the same round, statistics of BPF programs on. An empty program in
the place of one of isamon's has what is the kernel's own, and the statistics', taken off.
"""
import os
import subprocess
import sys

import lab as labs
from lab import Cost, Failure, Isamon

WS_LOAD = os.path.join(labs.HERE, "ws_load.py")


def progress(text):
    print("... " + text, file=sys.stderr, flush=True)


def rounds(n, states):
    """As in `run`: every other round backwards."""
    for i in range(n):
        for name, how in states if i % 2 == 0 else reversed(states):
            progress("%s: round %d of %d" % (name, i + 1, n))
            yield name, how


# --- the queue: a program where the service reads, and what the others have to do with it


def bench_queue(lab, table, n_rounds, seconds):
    port = labs.start_nginx(lab)
    costs = {}

    def measure(name, process):
        costs.setdefault(name, []).append(labs.measure_cost(lab, process, port, max(1, seconds // 2)))

    def isamon(name):
        with Isamon(lab, port) as daemon:
            if not daemon.metrics().sum("isamon_probe_up", probe="queue"):
                raise Failure("the queue is not measured here")
            measure(name, daemon.process)

    def unqueued(name):
        with lab.hold("unqueued", str(port)) as process:
            measure(name, process)

    def empty(name):
        with lab.hold("empty-read") as process:
            measure(name, process)

    labs.drive(lab, port, 1)
    for name, how in rounds(n_rounds, (("unqueued", unqueued), ("queue", isamon), ("empty", empty))):
        how(name)
    pairs = list(zip(costs["queue"], costs["unqueued"], costs["empty"]))
    table.heading("Added by the queue, a request (nginx, kept alive, statistics on)")
    table.add(
        "queue time and worker, above an empty program", "%.0f ns",
        [q.all_ns() - u.all_ns() - e.ns("read") for q, u, e in pairs], "<= 150 ns", most=150,
    )
    table.add("  where sockets are read, above the empty one", "%.0f ns", [q.ns("read") - e.ns("read") for q, _, e in pairs])
    table.add("  in the other programs", "%.0f ns", [q.ns() - u.ns() for q, u, _ in pairs])
    table.add("  reads of the service and of its client", "%.2f", [q.runs("read") for q, _, _ in pairs])
    table.add("the empty program there", "%.0f ns", [e.ns("read") for _, _, e in pairs])


# --- WebSockets


def drive_messages(lab, port, seconds, answers, junk):
    argv = ["/usr/bin/python3", WS_LOAD, "drive", str(port), str(seconds), str(answers)]
    process = lab.start(argv + (["junk"] if junk else []), cpu=labs.CLIENT_CPU, stdout=subprocess.PIPE)
    try:
        text = process.stdout.read().decode()
        if process.wait():
            raise Failure("ws_load.py: " + lab.log_tail())
        return int(text)
    finally:
        lab.stop(process)


def bench_websocket(lab, table, n_rounds, seconds):
    port = labs.free_port()
    server = lab.start(["/usr/bin/python3", WS_LOAD, "serve", str(port)], cpu=labs.SERVER_CPU)
    labs.wait_port(lab, server, port)
    costs, rates = {}, {}

    def measure(name, process, answers, junk=False):
        with lab.hold("stats"):
            before = labs.programs(process)
            n = drive_messages(lab, port, max(1, seconds // 2), answers, junk)
            costs.setdefault((name, answers), []).append(Cost(before, labs.programs(process), n))

    def empty(name):
        with lab.hold("empty") as process:
            for answers in (1, 50):
                measure(name, process, answers)

    def isamon(name, junk=False):
        with Isamon(lab, port) as daemon:
            for answers in (1, 50):
                before = daemon.metrics()
                measure(name, daemon.process, answers, junk)
                check(before, daemon, costs[(name, answers)][-1].requests, junk)

    def check(before, daemon, sent, junk):
        """What was counted is what was sent: the cost of something that does not work is no figure."""
        now = daemon.metrics()
        counted = now.sum("isamon_websocket_messages_total") - before.sum("isamon_websocket_messages_total")
        lost = now.sum("isamon_websocket_desyncs_total") - before.sum("isamon_websocket_desyncs_total")
        if (counted, lost) != ((0, 1) if junk else (sent, 0)):
            raise Failure("%d messages, isamon counted %d, lost %d" % (sent, counted, lost))

    def bare(name):
        for answers in (1, 50):
            n = drive_messages(lab, port, max(1, seconds // 2), answers, False)
            rates.setdefault((name, answers), []).append(n / max(1, seconds // 2))

    states = (
        ("alone", bare),
        ("empty", empty),
        ("messages", isamon),
        ("left alone", lambda name: isamon(name, True)),
    )
    for name, how in rounds(n_rounds, states):
        how(name)
    for answers, what in ((1, "one message each way, in turn"), (50, "answers of 50 messages")):
        seen, left, nothing = (costs[(n, answers)] for n in ("messages", "left alone", "empty"))
        table.heading("Added by WebSocket messages: %s (statistics on)" % what)
        table.add(
            "a message, above the same bytes in a tunnel that is left alone", "%.0f ns",
            [m.ns() - l.ns() for m, l in zip(seen, left)], "<= 150 ns", most=150,
        )
        table.add("a message, above the empty pair", "%.0f ns", [m.ns() - e.ns() for m, e in zip(seen, nothing)])
        table.add("  the tunnel, above the empty pair", "%.0f ns", [l.ns() - e.ns() for l, e in zip(left, nothing)])
        table.add("  runs of the pair a message", "%.2f", [m.runs("ingress", "egress") for m in seen])
        table.add("  messages of this load without isamon", "%.0f /s", rates[("alone", answers)])
