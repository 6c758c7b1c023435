/* SPDX-License-Identifier: MIT */
/*
 * A thread for each host works on a copy of its own, which it copies back under the lock after each step. Invariant: after the time is over
 * nobody touches the caller's list: a thread that is late finds that its place was taken away.
 */
#include "check/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "check/tls_api.h"

#define MARGIN_NS (50 * NS_PER_MS) /* in which threads that are late end by themselves */
#define STACK_BYTES (512u << 10)

struct job {
	pthread_mutex_t *lock;
	struct reach *place; /* NULL: nobody waits any more */
	struct reach r;      /* the thread's own */
	uint64_t end_ns;
	pthread_t thread;
	bool done;
};

static void show(struct job *j, bool done)
{
	pthread_mutex_lock(j->lock);
	if (j->place)
		*j->place = j->r;
	j->done = done;
	pthread_mutex_unlock(j->lock);
}

static void pass(struct job *j, enum reach_step step, uint64_t *since_ns)
{
	uint64_t now_ns = clock_monotonic_ns();

	j->r.took_us[step] = (now_ns - *since_ns) / 1000;
	*since_ns = now_ns;
	j->r.step = step + 1;
	show(j, false);
}

static int ms_left(const struct job *j)
{
	uint64_t now_ns = clock_monotonic_ns();

	return now_ns >= j->end_ns ? 0 : (int)((j->end_ns - now_ns) / NS_PER_MS) + 1;
}

static int resolve(struct job *j, struct addrinfo **ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	char port[8];
	int err;

	snprintf(port, sizeof(port), "%u", j->r.to.port);
	err = getaddrinfo(j->r.to.host, port, &hints, ret);
	/* Without any address but loopback's, AI_ADDRCONFIG finds nothing at all. */
	if (err == EAI_ADDRFAMILY || err == EAI_NONAME || err == EAI_NODATA)
		err = getaddrinfo(j->r.to.host, port,
				  &(struct addrinfo){ .ai_socktype = SOCK_STREAM }, ret);
	if (err)
		snprintf(j->r.why, sizeof(j->r.why), "%s",
			 err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
	return err;
}

static int connect_one(const struct job *j, const struct addrinfo *a)
{
	int fd =
		socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	err = errno == EINPROGRESS ? 0 : -errno;
	if (!err && poll(&p, 1, ms_left(j)) <= 0)
		err = -ETIMEDOUT;
	if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0)
		err = -err;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static void name_address(struct job *j, const struct addrinfo *a)
{
	if (getnameinfo(a->ai_addr, a->ai_addrlen, j->r.address, sizeof(j->r.address), NULL, 0,
			NI_NUMERICHOST))
		j->r.address[0] = '\0';
}

/* The first address that takes the connection. */
static int connect_any(struct job *j, const struct addrinfo *list)
{
	int fd = -EADDRNOTAVAIL;

	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		name_address(j, a);
		fd = connect_one(j, a);
	}
	if (fd < 0)
		snprintf(j->r.why, sizeof(j->r.why), "%s: %s", j->r.address, strerror(-fd));
	return fd;
}

/* --- TLS */

static void explain_tls(struct job *j, int code)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	if (code == SSL_ERROR_SYSCALL && !reason)
		reason = errno ? strerror(errno) : "the other side broke off";
	snprintf(j->r.why, sizeof(j->r.why), "%s", reason ? reason : "no TLS is spoken there");
}

static int shake_hands(struct job *j, const struct tls_api *api, SSL *ssl, int fd)
{
	for (;;) {
		struct pollfd p = { .fd = fd };
		int result, code;

		ERR_clear_error();
		errno = 0;
		result = api->SSL_connect(ssl);
		if (result == 1)
			return 0;
		code = api->SSL_get_error(ssl, result);
		if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE) {
			explain_tls(j, code);
			return -EPROTO;
		}
		p.events = code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		if (poll(&p, 1, ms_left(j)) <= 0) {
			snprintf(j->r.why, sizeof(j->r.why), "it does not answer");
			return -ETIMEDOUT;
		}
	}
}

static void look_at_peer(struct job *j, const struct tls_api *api, const SSL *ssl)
{
	long verified = api->SSL_get_verify_result(ssl);
	X509 *x = api->SSL_get1_peer_certificate(ssl);

	snprintf(j->r.version, sizeof(j->r.version), "%s", api->SSL_get_version(ssl));
	if (verified != X509_V_OK)
		snprintf(j->r.untrusted, sizeof(j->r.untrusted), "%s",
			 X509_verify_cert_error_string(verified));
	if (!x)
		return;
	j->r.has_certificate = certificate_look(x, &j->r.certificate) == 0;
	j->r.fits = certificate_fits(x, j->r.to.host);
	X509_free(x);
}

static bool is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static int begin_tls(struct job *j, const struct tls_api *api, SSL_CTX *ctx, int fd, SSL **ret)
{
	SSL *ssl;

	if (j->r.ca_bundle ? api->SSL_CTX_load_verify_file(ctx, j->r.ca_bundle) != 1 :
			     api->SSL_CTX_set_default_verify_paths(ctx) != 1) {
		snprintf(j->r.why, sizeof(j->r.why), "no certificates of authorities can be read");
		return -ENOENT;
	}
	ssl = api->SSL_new(ctx);
	if (!ssl || api->SSL_set_fd(ssl, fd) != 1) {
		api->SSL_free(ssl);
		return -ENOMEM;
	}
	if (!is_address(j->r.to.host)) {
		_cleanup_(buf_done) struct buf name = BUF_INIT(HOST_PORT_HOST_MAX);

		buf_add_str(&name, j->r.to.host);
		if (name.data)
			api->SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
				      name.data);
	}
	*ret = ssl;
	return 0;
}

static int try_tls(struct job *j, int fd)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(sizeof(j->r.why));
	_cleanup_(tls_api_close) struct tls_api api;
	SSL_CTX *ctx = NULL;
	SSL *ssl = NULL;
	int err = tls_api_open(&api, &why);

	if (err) {
		snprintf(j->r.why, sizeof(j->r.why), "%s", buf_str(&why));
		return err;
	}
	ctx = api.SSL_CTX_new(api.TLS_client_method());
	err = ctx ? begin_tls(j, &api, ctx, fd, &ssl) : -ENOMEM;
	if (!err)
		err = shake_hands(j, &api, ssl, fd);
	if (!err)
		look_at_peer(j, &api, ssl);
	api.SSL_free(ssl);
	api.SSL_CTX_free(ctx);
	return err;
}

/* --- */

static void *work(void *ctx)
{
	struct job *j = ctx;
	uint64_t since_ns = clock_monotonic_ns();
	struct addrinfo *list = NULL;
	int fd = -1;

	if (resolve(j, &list) == 0) {
		pass(j, REACH_NAME, &since_ns);
		fd = connect_any(j, list);
	}
	if (fd >= 0) {
		pass(j, REACH_CONNECT, &since_ns);
		if (!j->r.tls)
			j->r.step = REACH_DONE;
		else if (try_tls(j, fd) == 0)
			pass(j, REACH_TLS, &since_ns);
		close(fd);
	}
	if (list)
		freeaddrinfo(list);
	show(j, true);
	return NULL;
}

static int start(struct job *j)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&j->thread, &attr, work, j);
	pthread_attr_destroy(&attr);
	return -err;
}

/* Returns whether all threads have ended; those that have not keep their jobs. */
static bool wait_for(struct job *jobs, size_t n, uint64_t end_ns)
{
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		const struct timespec until = { .tv_sec = (time_t)(end_ns / NS_PER_SEC),
						.tv_nsec = (long)(end_ns % NS_PER_SEC) };

		if (pthread_clockjoin_np(jobs[i].thread, NULL, CLOCK_MONOTONIC, &until) == 0)
			continue;
		pthread_mutex_lock(jobs[i].lock);
		if (!jobs[i].done) {
			jobs[i].place->late = true;
			snprintf(jobs[i].place->why, sizeof(jobs[i].place->why),
				 "no answer in time");
		}
		jobs[i].place = NULL;
		pthread_mutex_unlock(jobs[i].lock);
		pthread_detach(jobs[i].thread);
		all = false;
	}
	return all;
}

int reach_all(struct reach *list, size_t n, unsigned int timeout_ms)
{
	const uint64_t end_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct job *jobs = calloc(n ?: 1, sizeof(*jobs));
	size_t started = 0;
	int err = jobs ? 0 : -ENOMEM;

	signal(SIGPIPE, SIG_IGN);
	if (n > REACH_MAX)
		err = -E2BIG;
	for (; started < n && !err; started++) {
		jobs[started] = (struct job){
			.lock = &lock,
			.place = &list[started],
			.r = list[started],
			.end_ns = end_ns - MARGIN_NS,
		};
		err = start(&jobs[started]);
		if (err)
			break;
	}
	if (wait_for(jobs, started, end_ns))
		free(jobs);
	return err;
}
