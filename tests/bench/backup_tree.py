#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes a tree to back up: backup_tree.py DIR BYTES. The same one each time.

Three tenths are small files, most of 3 to 20 kB, a fifth of them such as cannot be compressed (pictures); four tenths are four
large ones, one of them of that kind; three tenths are a SQLite database of messages. What is text is made of words that are as
frequent as words are: gzip makes 45 % of it.
"""
import itertools
import os
import random
import sqlite3
import string
import sys

SENTENCES = 200_000
FILES_A_DIRECTORY = 200
PIECE = 4 << 20


class Text:
    def __init__(self):
        self.random = random.Random(6)
        names = ["".join(self.random.choices(string.ascii_lowercase, k=self.random.randint(2, 11))) for _ in range(8000)]
        weights = list(itertools.accumulate(1 / (i + 3) for i in range(len(names))))
        words = self.random.choices(names, cum_weights=weights, k=12 * SENTENCES)
        self.sentences = [
            "%s %d.\n" % (" ".join(words[i : i + 12]), self.random.getrandbits(24)) for i in range(0, len(words), 12)
        ]

    def text(self, sentences):
        return "".join(self.random.choices(self.sentences, k=sentences))

    def bytes(self, size):
        return self.text(size // 60 + 1).encode()[:size]

    def noise(self, size):
        return self.random.randbytes(size)


def make_small(t, top, size):
    for directory in itertools.count():
        path = "%s/uploads/%04d" % (top, directory)
        os.makedirs(path)
        for i in range(FILES_A_DIRECTORY):
            n = min(int(t.random.lognormvariate(8.9, 1.0)), 400_000)
            with open("%s/%03d" % (path, i), "wb") as file:
                file.write(t.bytes(n) if t.random.random() < 0.8 else t.noise(n))
            size -= n
            if size <= 0:
                return


def make_large(t, path, size, make):
    with open(path, "wb") as file:
        while size > 0:
            size -= file.write(make(min(size, PIECE)))


def make_database(t, path, size):
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, conversation INTEGER, at REAL, role TEXT, body TEXT)")
    db.execute("CREATE INDEX by_conversation ON message (conversation, at)")
    for n in itertools.count(step=2000):
        rows = [((n + i) // 20, 1.7e9 + n + i, "user", t.text(t.random.randint(1, 16))) for i in range(2000)]
        db.executemany("INSERT INTO message (conversation, at, role, body) VALUES (?, ?, ?, ?)", rows)
        db.commit()
        if db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0] >= size:
            break
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def make(top, size):
    t = Text()
    os.makedirs(top + "/storage")
    make_small(t, top, size * 3 // 10)
    for i in range(4):
        make_large(t, "%s/storage/%d" % (top, i), size // 10, t.noise if i == 3 else t.bytes)
    make_database(t, top + "/production.db", size * 3 // 10)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
