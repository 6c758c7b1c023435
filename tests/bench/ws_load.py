# SPDX-License-Identifier: MIT
"""WebSocket messages at full speed, for the cost of what the kernel does with them.

    ws_load.py serve PORT
    ws_load.py drive PORT SECONDS ANSWERS [junk]     prints how many messages there were, both ways together

A client's message of 64 bytes is answered by ANSWERS messages, each in a segment of its own: one is a ping-pong, many
is an answer that is streamed. junk: after the handshake both sides send, once, what is no frame; whatever
follows is the same bytes.
"""
import os
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fixtures"))
from ws_raw import Socket, accept_of, frame  # noqa: E402 pylint: disable=wrong-import-position

QUESTION = b"?" * 64
ANSWER = frame(b"!" * 24, mask=False)
JUNK = b"\r\n\r\n no frame"


def exactly(sock, n):
    """Thrown away; False at the end."""
    while n:
        got = len(sock.recv(min(n, 65536)))
        if not got:
            return False
        n -= got
    return True


def serve_one(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536)
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    answers, junk = fields["X-Load"].split()
    answer = "HTTP/1.1 101 Go on\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n"
    sock.sendall((answer % accept_of(fields["Sec-WebSocket-Key"])).encode())
    if junk == "1":
        exactly(sock, len(JUNK))
        sock.sendall(JUNK)
    size, send, times = len(frame(QUESTION)), sock.send, range(int(answers))
    while exactly(sock, size):
        for _ in times:
            send(ANSWER)


def serve(port):
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve_one, args=(sock,), daemon=True).start()


def drive(port, seconds, answers, junk):
    s = Socket(port, "/ws/load", fields=["X-Load: %d %d" % (answers, junk)])
    if junk:
        s.send(JUNK)
        s.exactly(len(JUNK))
    question, size, turns = frame(QUESTION), len(ANSWER) * answers, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s.sock.sendall(question)
        exactly(s.sock, size)
        turns += 1
    s.close()
    print(turns * (1 + answers))


def main():
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        drive(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5:] == ["junk"])


if __name__ == "__main__":
    main()
