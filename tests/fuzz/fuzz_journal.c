/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a line of `journalctl -o json`: an entry with a cursor that fits and a message without newlines at its end, or
 * nothing; the same twice.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "logs/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check(const struct journal_entry *e, const struct buf *message, int err)
{
	require(err == 0 || err == -ENODATA);
	require(*e->cursor && memchr(e->cursor, '\0', sizeof(e->cursor)));
	require(e->time_ms >= 0 && e->priority >= -1 && e->priority <= 7);
	if (err)
		return;
	require(e->len && e->len == message->len && e->message == message->data);
	require(e->message[e->len - 1] != '\n' && e->message[e->len] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte chooses how much room there is; a message may be too long. */
	_cleanup_(buf_done) struct buf message = BUF_INIT(1 + (size ? data[0] : 0)),
				       again = BUF_INIT(JOURNAL_LINE_MAX);
	struct journal_entry e, same;
	char *line;
	int err, err_again;

	if (size < 1)
		return 0;
	line = malloc(size - 1 +
		      (size == 1)); /* exactly as long, so that the sanitizer sees a byte beyond */
	if (!line)
		return 0;
	memcpy(line, data + 1, size - 1);
	err = journal_parse(line, size - 1, &message, &e);
	err_again = journal_parse(line, size - 1, &again, &same);
	if (err != -EPROTO) {
		check(&e, &message, err);
		require(err == err_again && e.time_ms == same.time_ms && e.len == same.len);
		require(err || memcmp(e.message, same.message, e.len) == 0);
		require(e.priority == same.priority && strcmp(e.cursor, same.cursor) == 0);
	}
	if (err_again != -EPROTO)
		check(&same, &again, err_again);
	free(line);
	return 0;
}
