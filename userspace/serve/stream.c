/* SPDX-License-Identifier: MIT */
/* Reads a page and passes it through gzip. Holds one piece of text at a time. */
#include "serve/stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/gzip.h"

/* A collector stops between two samples, so a piece passes its size by little. */
#define STREAM_TEXT_MAX (64 * STREAM_PIECE_BYTES)

struct stream {
	struct page_reader reader;
	struct gzip *gzip; /* NULL: as it is */
	uint64_t spent_ns;
};

int stream_open(const struct page *page, enum expo_format format, bool gzip, struct stream **ret)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (gzip && gzip_new(&s->gzip)) {
		free(s);
		return -ENOMEM;
	}
	page_read_start(&s->reader, page, format);
	*ret = s;
	return 0;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	gzip_free(s->gzip);
	free(s);
}

static int read_piece(struct stream *s, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(STREAM_TEXT_MAX);
	int err;

	if (!s->gzip)
		return page_read(&s->reader, out, out->len + STREAM_PIECE_BYTES);
	err = page_read(&s->reader, &text, STREAM_PIECE_BYTES);
	if (err)
		return err;
	return gzip_add(s->gzip, buf_str(&text), text.len, s->reader.done, out);
}

int stream_read(struct stream *s, struct buf *out, bool *ret_last)
{
	uint64_t start_ns = clock_monotonic_ns();
	int err = read_piece(s, out);

	s->spent_ns += clock_monotonic_ns() - start_ns;
	if (err)
		return err;
	*ret_last = s->reader.done;
	return 0;
}

double stream_seconds(const struct stream *s)
{
	return (double)s->spent_ns / (double)NS_PER_SEC;
}
