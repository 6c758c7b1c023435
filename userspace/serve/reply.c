/* SPDX-License-Identifier: MIT */
/* Status line, header, framing. A full memory loses bytes of the answer, which its framing shows. */
#include "serve/reply.h"

#include <event2/buffer.h>
#include <time.h>

/* RFC 9110 5.6.7; strftime() would ask the locale. */
static void add_date(struct evbuffer *out)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm t;

	if (!gmtime_r(&now, &t))
		return;
	evbuffer_add_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[t.tm_wday],
			    t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
			    t.tm_sec);
}

void reply_head(struct evbuffer *out, const struct reply *r, const struct answer *a)
{
	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\n", a->status, answer_reason(a->status));
	add_date(out);
	evbuffer_add_printf(out, "Server: isamon\r\nContent-Type: %s\r\n%s", a->content_type,
			    a->fields);
	if (r->framing == REPLY_LENGTH || (r->framing == REPLY_NONE && !a->is_page))
		evbuffer_add_printf(out, "Content-Length: %zu\r\n", a->body.len);
	else if (r->framing == REPLY_CHUNKED)
		evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n");
	if (!r->keep_alive)
		evbuffer_add_printf(out, "Connection: close\r\n");
	else if (r->http_1_0)
		evbuffer_add_printf(out, "Connection: keep-alive\r\n");
	evbuffer_add_printf(out, "\r\n");
}

void reply_piece(struct evbuffer *out, const struct reply *r, const struct buf *piece, bool last)
{
	bool chunked = r->framing == REPLY_CHUNKED;

	if (chunked && piece->len)
		evbuffer_add_printf(out, "%zx\r\n", piece->len);
	evbuffer_add(out, buf_str(piece), piece->len);
	if (chunked && piece->len)
		evbuffer_add_printf(out, "\r\n");
	if (chunked && last)
		evbuffer_add_printf(out, "0\r\n\r\n");
}
