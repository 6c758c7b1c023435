/* SPDX-License-Identifier: MIT */
/*
 * What happens on a connection, and what must be known of it afterwards: the table that the state
 * machine is held to, in user space and in the kernel, whatever way the bytes are cut.
 */
#ifndef ISAMON_HTTP_CASES_H
#define ISAMON_HTTP_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include "http_abi.h"

enum http_turn_kind {
	TURN_NONE = 0,
	CLIENT, /* bytes that arrive */
	SERVER, /* bytes that leave */
	CLIENT_FIN,
	SERVER_FIN,
	CLIENT_RST,
	SERVER_RST,
	CLOSED,   /* the socket reaches TCP_CLOSE */
	SILENT,   /* the last retransmission timed out */
	LOSE,     /* as CLIENT, but the hook never sees these bytes */
	LOSE_OUT, /* as SERVER, likewise */
};

struct http_turn {
	enum http_turn_kind kind;
	const char *bytes;
	size_t n; /* 0: up to the first NUL */
};

/* Bytes with NUL in them, for a turn. */
#define RAW(text) text, sizeof(text) - 1

#define HTTP_CASE_TURNS 12
#define HTTP_CASE_RECORDS 6

struct http_case {
	const char *name;
	bool unsynced;   /* existed before isamon did */
	bool unwatched;  /* and is not told of its close */
	bool whole_only; /* what is expected depends on where segments start */
	struct http_turn turns[HTTP_CASE_TURNS];
	struct {
		__u8 method;
		const char *path;
		__u16 status;
		__u8 end;
		__u8 phase;
		__u64 request_bytes, response_bytes;
		__u16 flags;
		__u8 kind;
		__u32 messages_in, messages_out;
	} records[HTTP_CASE_RECORDS];
	unsigned int started; /* 0: as many as there are records */
	unsigned int non_http, discarded, desyncs;
	unsigned int ws_opened, ws_desyncs;
};

#define GET HTTP_METHOD_GET
#define HEAD HTTP_METHOD_HEAD
#define POST HTTP_METHOD_POST
#define OTHER HTTP_METHOD_OTHER
#define COMPLETE HTTP_END_COMPLETE, HTTP_PHASE_INSIDE
#define UPGRADE HTTP_END_UPGRADE, HTTP_PHASE_INSIDE
#define BY_CLIENT HTTP_END_ABORT_CLIENT, HTTP_PHASE_BEFORE
#define BY_CLIENT_INSIDE HTTP_END_ABORT_CLIENT, HTTP_PHASE_INSIDE
#define BY_SERVER HTTP_END_ABORT_SERVER, HTTP_PHASE_BEFORE
#define BY_SERVER_INSIDE HTTP_END_ABORT_SERVER, HTTP_PHASE_INSIDE
#define CHUNKS HTTP_FLAG_CHUNKED
#define PIPED HTTP_FLAG_PIPELINED

#define P10 "0123456789"
#define P120 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10
#define GET_A "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_B "GET /b HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_0 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* What a row does not say is 0. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
/* clang-format off */
/* What a row does not say is 0. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define WS HTTP_KIND_WEBSOCKET
#define WS_ASK "GET /ws/1 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#define WS_YES "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
#define WS_HELLO "\x81\x85\1\2\3\4hello"
#define WS_BYE "\x88\x80\1\2\3\4"
#define WS_13 "\x81\x05helloworld!"
#define WS_130 WS_13 WS_13 WS_13 WS_13 WS_13 WS_13 WS_13 WS_13 WS_13 WS_13

static const struct http_case http_cases[] = {
	{ .name = "content-length",
	  .turns = { { CLIENT, GET_A }, { SERVER, OK_5 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "content-length of zero",
	  .turns = { { CLIENT, GET_A }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "header names in any case, values with blanks",
	  .turns = { { CLIENT, "POST /a HTTP/1.1\r\ncONTENT-lENGTH: \t3 \t\r\n\r\nabc" },
		     { SERVER, "HTTP/1.1 200 OK\r\ncontent-LENGTH:5\r\n\r\nhello" } },
	  .records = { { POST, "/a", 200, COMPLETE, 3, 5, 0 } } },
	{ .name = "header names that only begin like ours",
	  .turns = { { CLIENT, "GET /a HTTP/1.1\r\nContent-Lengthy: 9\r\nTransfer-Encodings: chunked\r\n"
			       "Content-Type: t/p\r\nT: 1\r\nC:\r\nConnection: close\r\n\r\n" },
		     { SERVER, "HTTP/1.1 200 OK\r\nX-Content-Length: 99\r\nContent-Lengt: 7\r\n"
			       "Content-Length: 2\r\nContent-Location: /content-length: 5\r\n\r\nok" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 2, 0 } } },
	{ .name = "line ends without carriage return",
	  .turns = { { CLIENT, "GET /a HTTP/1.1\nHost: x\n\n" },
		     { SERVER, "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "two requests, one after the other",
	  .turns = { { CLIENT, GET_A }, { SERVER, OK_5 }, { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "empty lines before a request",
	  .turns = { { CLIENT, "\r\n\r\n" GET_A }, { SERVER, OK_5 }, { CLIENT, "\n\r\n" GET_B },
		     { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "HEAD has no body, whatever its headers say",
	  .turns = { { CLIENT, "HEAD /a HTTP/1.1\r\n\r\n" },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" },
		     { CLIENT, GET_B }, { SERVER, OK_5 } },
	  .records = { { HEAD, "/a", 200, COMPLETE, 0, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "204 has no body",
	  .turns = { { CLIENT, "DELETE /a HTTP/1.1\r\n\r\n" }, { SERVER, "HTTP/1.1 204 No Content\r\n\r\n" },
		     { CLIENT, GET_B }, { SERVER, OK_5 } },
	  .records = { { HTTP_METHOD_DELETE, "/a", 204, COMPLETE, 0, 0, 0 },
		       { GET, "/b", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "304 has no body, whatever its headers say",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n" },
		     { CLIENT, GET_B }, { SERVER, OK_5 } },
	  .records = { { GET, "/a", 304, COMPLETE, 0, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "chunked response",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "5\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n" },
		     { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 31, CHUNKS }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "chunks with extensions and trailers",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "5;name=value\r\nhello\r\n003 ; a=\"b;c\"\r\nabc\r\n000;x\r\n"
			       "Content-Length: 9\r\nDigest: sha\r\n\r\n" },
		     { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 8, CHUNKS }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "chunked request",
	  .turns = { { CLIENT, "POST /up HTTP/1.1\r\ntransfer-encoding:chunked\r\n\r\n"
			       "4\r\nabcd\r\nb;q\r\n0123456789a\r\n0\r\nT: r\r\n\r\n" },
		     { SERVER, OK_0 }, { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { POST, "/up", 200, COMPLETE, 15, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "chunked is the last of several codings",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked \r\n\r\n"
			       "1\r\nz\r\n0\r\n\r\n" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 1, CHUNKS } } },
	{ .name = "chunked is not the last coding: until close",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc" },
		     { SERVER_FIN, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 3, 0 } } },
	{ .name = "transfer-encoding over content-length",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "5\r\nhello\r\n0\r\n\r\n" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, CHUNKS } } },
	{ .name = "until close",
	  .turns = { { CLIENT, "GET /a HTTP/1.0\r\n\r\n" }, { SERVER, "HTTP/1.0 200 OK\r\n\r\nsome body" },
		     { SERVER_FIN, 0 }, { CLIENT_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 9, 0 } } },
	{ .name = "until close, empty",
	  .turns = { { CLIENT, "GET /a HTTP/1.0\r\n\r\n" }, { SERVER, "HTTP/1.0 200 OK\r\n\r\n" },
		     { SERVER_FIN, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "100-continue is passed over",
	  .turns = { { CLIENT, "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n" },
		     { SERVER, "HTTP/1.1 100 Continue\r\n\r\n" }, { CLIENT, "data" },
		     { SERVER, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok" } },
	  .records = { { HTTP_METHOD_PUT, "/a", 201, COMPLETE, 4, 2, 0 } } },
	{ .name = "several interim responses and the final one",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
			       "Link: </s.css>\r\nContent-Length: 7\r\n\r\n" OK_5 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "101 ends the request; what follows is not HTTP",
	  .turns = { { CLIENT, "GET /ws/1 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" },
		     { SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello" },
		     { CLIENT, "\x81\x85\x01\x02\x03\x04GET /" }, { SERVER, "HTTP/1.1 200 OK" },
		     { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 } }, .ws_opened = 1, .ws_desyncs = 1 },
	{ .name = "websocket: a turn",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES }, { CLIENT, WS_HELLO },
		     { SERVER, "\x81\x02ok" }, { SERVER, "\x81\x04more" }, { CLIENT, RAW(WS_BYE) },
		     { SERVER, RAW("\x88\0") }, { SERVER_FIN, 0 }, { CLIENT_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 },
		       { GET, "/ws/1", 101, COMPLETE, 5, 2, 0, HTTP_KIND_TURN, 1, 1 },
		       { GET, "/ws/1", 101, BY_CLIENT_INSIDE, 5, 6, HTTP_FLAG_CLEAN, WS, 1, 2 } },
	  .ws_opened = 1 },
	{ .name = "websocket: fragments with control frames between",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES "\x81\x01x" },
		     { CLIENT, RAW("\x01\x82\1\2\3\4ab\x89\x80\0\0\0\0" "\0\x81\1\2\3\4c\x8a\x83\1\2\3\4zzz"
				   "\x80\x81\1\2\3\4d") },
		     { SERVER, RAW("\x8a\0\x02\3abc\x89\2hi\0\0\x80\2de") }, { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 },
		       { GET, "/ws/1", 101, COMPLETE, 4, 5, 0, HTTP_KIND_TURN, 1, 1 },
		       { GET, "/ws/1", 101, BY_SERVER_INSIDE, 4, 6, 0, WS, 1, 2 } },
	  .ws_opened = 1 },
	{ .name = "websocket: lengths of 16 and 64 bits, and none",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES },
		     { CLIENT, RAW("\x82\xfe\0\x82\1\2\3\4" WS_130) }, { SERVER, RAW("\x82\x7e\0\x82" WS_130) },
		     { CLIENT, RAW("\x82\xff\0\0\0\0\0\0\0\5\1\2\3\4hello\x82\x80\1\2\3\4") },
		     { SERVER, RAW("\x82\x7f\0\0\0\0\0\0\0\3abc\x82\0") }, { CLIENT_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 },
		       { GET, "/ws/1", 101, COMPLETE, 130, 130, 0, HTTP_KIND_TURN, 1, 1 },
		       { GET, "/ws/1", 101, COMPLETE, 5, 3, 0, HTTP_KIND_TURN, 2, 1 },
		       { GET, "/ws/1", 101, BY_CLIENT_INSIDE, 135, 133, 0, WS, 3, 3 } },
	  .ws_opened = 1 },
	{ .name = "websocket: asked again while the answer leaves",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES }, { CLIENT, WS_HELLO WS_HELLO }, { SERVER, "\x01\2an" },
		     { CLIENT, WS_HELLO }, { SERVER, "\x80\4swer" }, { SERVER, "\x82\2no\x82\2ne" },
		     { SERVER, RAW("\x88\2\3\xe8") }, { CLIENT, RAW(WS_BYE) }, { CLIENT_RST, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 },
		       { GET, "/ws/1", 101, COMPLETE, 10, 6, 0, HTTP_KIND_TURN, 2, 1 },
		       { GET, "/ws/1", 101, COMPLETE, 5, 2, 0, HTTP_KIND_TURN, 1, 1 },
		       { GET, "/ws/1", 101, BY_SERVER_INSIDE, 15, 10, HTTP_FLAG_CLEAN, WS, 3, 3 } },
	  .ws_opened = 1 },
	{ .name = "websocket: nobody is told of the close",
	  .unwatched = true,
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES }, { CLIENT, WS_HELLO }, { SERVER, "\x81\2ok" },
		     { CLIENT_FIN, 0 }, { SERVER_FIN, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 },
		       { GET, "/ws/1", 101, COMPLETE, 5, 2, 0, HTTP_KIND_TURN, 1, 1 },
		       { GET, "/ws/1", 101, BY_CLIENT_INSIDE, 5, 2, 0, WS, 1, 1 } },
	  .ws_opened = 1 },
	{ .name = "websocket: a client's frame without a mask",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES }, { CLIENT, "\x81\x05hello" }, { SERVER, "\x81\2ok" },
		     { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 } }, .ws_opened = 1, .ws_desyncs = 1 },
	{ .name = "websocket: a continuation of nothing",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES }, { SERVER, "\x80\2ok" }, { CLIENT, WS_HELLO }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 } }, .ws_opened = 1, .ws_desyncs = 1 },
	{ .name = "websocket: a control frame that is too long",
	  .turns = { { CLIENT, WS_ASK }, { SERVER, WS_YES }, { SERVER, RAW("\x89\x7e\0\x82" WS_130) }, { CLOSED, 0 } },
	  .records = { { GET, "/ws/1", 101, UPGRADE, 0, 0, 0 } }, .ws_opened = 1, .ws_desyncs = 1 },
	{ .name = "101 to something that is no WebSocket",
	  .turns = { { CLIENT, "GET /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\n" },
		     { SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" },
		     { CLIENT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }, { SERVER, RAW("\0\0\0\4\0\0\0\0\0") }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 101, UPGRADE, 0, 0, 0 } }, .ws_opened = 1, .ws_desyncs = 1 },
	{ .name = "an event stream",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
						  "Transfer-Encoding: chunked\r\n\r\n" },
		     { SERVER, "7\r\ndata: 1\r\n" }, { SERVER, "7\r\ndata: 2\r\n0\r\n\r\n" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 14, CHUNKS | HTTP_FLAG_EVENTS } } },
	{ .name = "an event stream, written in other ways",
	  .turns = { { CLIENT, GET_A GET_B },
		     { SERVER, "HTTP/1.1 200 OK\r\ncontent-TYPE:Text/Event-Stream\r\nContent-Length: 2\r\n\r\nok" },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: \t text/event-stream\r\n\r\nok" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 2, HTTP_FLAG_EVENTS },
		       { GET, "/b", 200, COMPLETE, 0, 2, PIPED | HTTP_FLAG_EVENTS } } },
	{ .name = "types that only begin like an event stream's",
	  .turns = { { CLIENT, GET_A GET_B }, { SERVER, "HTTP/1.1 200 OK\r\nContent-Type: text/eve\r\nContent-Length: 0\r\n\r\n" },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Types: text/event-stream\r\nContent-Type: t\r\n"
			       "Content-Length: 0\r\n\r\n" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, PIPED } } },
	{ .name = "CONNECT and 2xx make a tunnel",
	  .turns = { { CLIENT, "CONNECT h:443 HTTP/1.1\r\n\r\n" },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" }, { CLIENT, "\x16\x03\x01" } },
	  .records = { { HTTP_METHOD_CONNECT, "h:443", 200, UPGRADE, 0, 0, 0 } } },
	{ .name = "CONNECT refused is an ordinary response",
	  .turns = { { CLIENT, "CONNECT h:443 HTTP/1.1\r\n\r\n" },
		     { SERVER, "HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nno" }, { CLIENT, GET_A },
		     { SERVER, OK_0 } },
	  .records = { { HTTP_METHOD_CONNECT, "h:443", 405, COMPLETE, 0, 2, 0 },
		       { GET, "/a", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "query and fragment never leave the kernel",
	  .turns = { { CLIENT, "GET /a?token=secret HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "GET /b#frag HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "GET ?x HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 },
		       { GET, "", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "a path of 127, 128 and 129 bytes",
	  .turns = { { CLIENT, "GET /" P120 "012345 HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "GET /" P120 "0123456 HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "GET /" P120 "01234567?q=1 HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 } },
	  .records = { { GET, "/" P120 "012345", 200, COMPLETE, 0, 0, 0 },
		       { GET, "/" P120 "0123456", 200, COMPLETE, 0, 0, 0 },
		       { GET, "/" P120 "0123456", 200, COMPLETE, 0, 0, HTTP_FLAG_PATH_CUT } } },
	{ .name = "bytes of any value in a path",
	  .turns = { { CLIENT, "GET /\xc3\xa9\xff\x80%20\"\\ HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 } },
	  .records = { { GET, "/\xc3\xa9\xff\x80%20\"\\", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "control bytes do not end a path",
	  .turns = { { CLIENT, "GET /a\x01\tb\x1f HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 } },
	  .records = { { GET, "/a\x01\tb\x1f", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "methods known and unknown",
	  .turns = { { CLIENT, "PATCH /a HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "OPTIONS * HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "PROPFIND /c HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "M-SEARCH /d HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 },
		     { CLIENT, "GETX /e HTTP/1.1\r\n\r\n" }, { SERVER, OK_0 } },
	  .records = { { HTTP_METHOD_PATCH, "/a", 200, COMPLETE, 0, 0, 0 },
		       { HTTP_METHOD_OPTIONS, "*", 200, COMPLETE, 0, 0, 0 },
		       { OTHER, "/c", 200, COMPLETE, 0, 0, 0 }, { OTHER, "/d", 200, COMPLETE, 0, 0, 0 },
		       { OTHER, "/e", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "pipelined, each with its own status",
	  .turns = { { CLIENT, GET_A "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" GET_A },
		     { SERVER, OK_5 "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"
				    "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { POST, "/b", 404, COMPLETE, 3, 2, PIPED },
		       { GET, "/a", 500, COMPLETE, 0, 1, CHUNKS | PIPED } } },
	{ .name = "pipelined HEAD before GET",
	  .turns = { { CLIENT, "HEAD /a HTTP/1.1\r\n\r\n" GET_B },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" OK_5 } },
	  .records = { { HEAD, "/a", 200, COMPLETE, 0, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 5, PIPED } } },
	{ .name = "a response between the halves of the next request",
	  .turns = { { CLIENT, GET_A "POST /b HTTP/1.1\r\nContent-Le" }, { SERVER, OK_5 },
		     { CLIENT, "ngth: 4\r\n\r\nab" }, { SERVER, "HTTP/1.1 100 Continue\r\n\r\n" },
		     { CLIENT, "cd" }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { POST, "/b", 200, COMPLETE, 4, 0, PIPED } } },
	{ .name = "a response before the request is complete",
	  .turns = { { CLIENT, "POST /up HTTP/1.1\r\nContent-Length: 10\r\n\r\nabcd" },
		     { SERVER, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n" },
		     { CLIENT, "efghij" }, { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { POST, "/up", 413, COMPLETE, 4, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "a response to half a head",
	  .turns = { { CLIENT, "GET /" }, { SERVER, "HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n" },
		     { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "", 408, COMPLETE, 0, 0, HTTP_FLAG_NO_PATH } } },
	{ .name = "half-close: the client may still be listening",
	  .turns = { { CLIENT, GET_A }, { CLIENT_FIN, 0 }, { SERVER, OK_5 }, { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "the client closes before the response",
	  .turns = { { CLIENT, GET_A }, { CLIENT_FIN, 0 }, { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 0, BY_CLIENT, 0, 0, 0 } } },
	{ .name = "the client closes inside the response",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
		     { CLIENT_FIN, 0 }, { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_CLIENT_INSIDE, 0, 3, 0 } } },
	{ .name = "the client resets before the response",
	  .turns = { { CLIENT, GET_A }, { CLIENT_RST, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 0, BY_CLIENT, 0, 0, 0 } } },
	{ .name = "the client resets inside an unframed response",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.0 200 OK\r\n\r\nabc" }, { CLIENT_RST, 0 },
		     { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_CLIENT_INSIDE, 0, 3, 0 } } },
	{ .name = "the client resets, and nobody is told of the close",
	  .unsynced = true, .unwatched = true, .whole_only = true,
	  .turns = { { CLIENT, GET_A }, { CLIENT_RST, 0 } },
	  .records = { { GET, "/a", 0, BY_CLIENT, 0, 0, 0 } } },
	{ .name = "the client falls silent",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
		     { SILENT, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_CLIENT_INSIDE, 0, 3, 0 } } },
	{ .name = "the server closes before the response",
	  .turns = { { CLIENT, GET_A }, { SERVER_FIN, 0 }, { CLIENT_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 0, BY_SERVER, 0, 0, 0 } } },
	{ .name = "the server closes inside the head",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.1 200 OK\r\nContent-" }, { SERVER_FIN, 0 },
		     { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_SERVER_INSIDE, 0, 0, 0 } } },
	{ .name = "the server closes inside a body shorter than promised",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
		     { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_SERVER_INSIDE, 0, 3, 0 } } },
	{ .name = "the server closes before the last chunk",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" },
		     { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_SERVER_INSIDE, 0, 5, CHUNKS } } },
	{ .name = "the server resets inside an unframed response",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.0 200 OK\r\n\r\nabc" }, { SERVER_RST, 0 },
		     { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, BY_SERVER_INSIDE, 0, 3, 0 } } },
	{ .name = "the server closes with unread data: the state changes before the RST leaves",
	  .turns = { { CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc" }, { CLOSED, 0 },
		     { SERVER_RST, 0 } },
	  .records = { { POST, "/a", 0, BY_SERVER, 3, 0, 0 } } },
	{ .name = "a request that arrives when the server has closed",
	  .turns = { { CLIENT, GET_A }, { SERVER, OK_5 }, { SERVER_FIN, 0 }, { CLIENT, GET_B },
		     { CLIENT_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { GET, "/b", 0, BY_SERVER, 0, 0, 0 } } },
	{ .name = "pipelined requests that nobody answers",
	  .turns = { { CLIENT, GET_A GET_B "PUT /c HTTP/1.1\r\nContent-Length: 8\r\n\r\nabc" },
		     { SERVER, OK_5 }, { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { GET, "/b", 0, BY_SERVER, 0, 0, PIPED },
		       { HTTP_METHOD_PUT, "/c", 0, BY_SERVER, 3, 0, PIPED } } },
	{ .name = "closing an idle connection is nothing",
	  .turns = { { CLIENT, GET_A }, { SERVER, OK_5 }, { CLIENT_FIN, 0 }, { SERVER_FIN, 0 }, { CLOSED, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "something else than HTTP: the client speaks",
	  .turns = { { CLIENT, "\x16\x03\x01\x02GET / HTTP/1.1\r\n\r\n" }, { SERVER, "HTTP/1.1 400 Bad\r\n\r\n" },
		     { CLIENT, GET_A }, { SERVER, OK_5 } },
	  .non_http = 1 },
	{ .name = "something else than HTTP: the server speaks first",
	  .turns = { { SERVER, "SSH-2.0-x\r\n" }, { CLIENT, GET_A } },
	  .non_http = 1 },
	{ .name = "something else than HTTP: the answer shows it",
	  .turns = { { CLIENT, "GET x\r\n" }, { SERVER, "VALUE x 0 2\r\nok\r\nEND\r\n" }, { CLIENT, "GET y\r\n" } },
	  .started = 1, .non_http = 1, .discarded = 1 },
	{ .name = "something else than HTTP: a word that is no method",
	  .turns = { { CLIENT, "HELLO\r\n" }, { SERVER, "250 ok\r\n" } },
	  .started = 1, .non_http = 1, .discarded = 1 },
	{ .name = "a length that is none: until close",
	  .turns = { { CLIENT, GET_A }, { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello" },
		     { SERVER_FIN, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "the same length twice",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello" },
		     { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "two lengths: until close",
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello" },
		     { SERVER_FIN, 0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "a connection in the middle of a request",
	  .unsynced = true, .whole_only = true,
	  .turns = { { CLIENT, "rest of a body\r\nGET /no HTTP/1.1\r\n\r\n" }, { SERVER, OK_5 },
		     { CLIENT, GET_B }, { SERVER, OK_5 }, { CLIENT, GET_A }, { SERVER, OK_0 } },
	  .records = { { GET, "/b", 200, COMPLETE, 0, 5, 0 }, { GET, "/a", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "a connection in the middle of a response",
	  .unsynced = true, .whole_only = true,
	  .turns = { { SERVER, "rest of a body" }, { SERVER, "and more" }, { CLIENT, GET_B }, { SERVER, OK_5 } },
	  .records = { { GET, "/b", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "a client's own connection from a port of the service",
	  .unsynced = true, .whole_only = true,
	  .turns = { { SERVER, GET_A }, { CLIENT, OK_5 }, { SERVER, GET_B }, { CLIENT, OK_5 } } },
	{ .name = "bytes inside a body that never pass the hook",
	  .whole_only = true,
	  .turns = { { CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc" }, { LOSE, "def" },
		     { CLIENT, "ghi" }, { SERVER, OK_0 }, { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { POST, "/a", 200, COMPLETE, 9, 0, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "the end of a head that never passes the hook",
	  .whole_only = true, .desyncs = 1,
	  .turns = { { CLIENT, "GET /a HTTP/1.1\r\nHo" }, { LOSE, "st: x\r\n" }, { CLIENT, "A: b\r\n\r\n" },
		     { SERVER, OK_5 }, { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "a request that never passes the hook is counted by its response",
	  .whole_only = true,
	  .turns = { { CLIENT, GET_A }, { SERVER, OK_5 }, { LOSE, "POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\n" },
		     { CLIENT, "abc" }, { SERVER, "HTTP/1.1 418 Tea\r\nContent-Length: 1\r\n\r\nt" },
		     { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, 0 },
		       { OTHER, "", 418, COMPLETE, 0, 1, HTTP_FLAG_NO_PATH | HTTP_FLAG_APPROX_START },
		       { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
	{ .name = "a response whose head never passes the hook",
	  .whole_only = true, .desyncs = 1,
	  .turns = { { CLIENT, GET_A }, { LOSE_OUT, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" },
		     { SERVER, "abcd" }, { SERVER, "efgh" }, { CLIENT, GET_B }, { SERVER, OK_5 } },
	  .records = { { GET, "/a", 0, HTTP_END_COMPLETE, HTTP_PHASE_BEFORE, 0, 0, 0 },
		       { GET, "/b", 200, COMPLETE, 0, 5, 0 } } },
	{ .name = "a chunk size past all bounds",
	  .whole_only = true, .desyncs = 1,
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nx\r\n" } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 0, CHUNKS } } },
	{ .name = "chunked framing that makes no sense ends the request",
	  .whole_only = true, .desyncs = 1,
	  .turns = { { CLIENT, GET_A },
		     { SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n" },
		     { CLIENT, GET_B }, { SERVER, OK_0 } },
	  .records = { { GET, "/a", 200, COMPLETE, 0, 5, CHUNKS }, { GET, "/b", 200, COMPLETE, 0, 0, 0 } } },
};
/* clang-format on */
#pragma GCC diagnostic pop

#endif
