/* SPDX-License-Identifier: MIT */
/* The way of a request to its server: names, TLS, proxies. */
#include "unit/transport_fixture.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define MS 1000000ull

/* A name server that is slow, and one that does not know: libcurl resolves with this. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	void *f = dlsym(RTLD_NEXT, "getaddrinfo");

	if (node && strstr(node, "slow.invalid"))
		sleep(3);
	if (node && strstr(node, ".invalid"))
		return EAI_NONAME;
	memcpy(&real, &f, sizeof(f));
	return real(node, service, hints, ret);
}

static void unknown_name(void)
{
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	r = request("POST", "body");
	r.url = "http://nowhere.invalid/";
	ask(&r);
	expect_failure(-EHOSTUNREACH, true, "cannot resolve nowhere.invalid");
	tear_down();
}

/* The loop goes on, and neither time-out nor cancelling waits for the name server. */
static void slow_name(void)
{
	struct transport_request r, other;
	struct transport_call *call;
	uint64_t since;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	r = other = request("POST", "body");
	r.url = "http://slow.invalid/";
	r.timeout_ms = 400;
	since = clock_monotonic_ns();
	start(&r, NULL);
	ask(&other);
	EXPECT_INT(got.status, 200);
	loop_until(base, &got.n, 2);
	expect_failure(-ETIMEDOUT, true, "cannot resolve slow.invalid");
	start(&r, &call);
	loop_for(base, 100);
	transport_cancel(call);
	start(&r, &call);
	loop_for(base, 100);
	tear_down();
	EXPECT(clock_monotonic_ns() - since < 2000 * MS);
	sleep(3); /* its threads end */
}

static void tls_with_nobody(void)
{
	struct transport_request r;
	char secure[64];

	SET_UP({ "HTTP/1.1 400 Bad Request\r\n\r\n", SERVER_CLOSE, 0 });
	snprintf(secure, sizeof(secure), "https://127.0.0.1:%u/", server.port);
	r = request("POST", "body");
	r.url = secure;
	r.timeout_ms = 500;
	ask(&r);
	EXPECT(got.err < 0);
	EXPECT(got.unsent);
	tear_down();
}

static void no_bundle(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };
	const struct transport_options o = { .ca_bundle = "/nowhere/ca.pem" };
	struct transport_request r;

	set_up_with(&o, steps, 1);
	r = request("POST", "body");
	r.url = "https://127.0.0.1:1/";
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
	r.url = url;
	ask(&r);
	expect_failure(-ENOENT, true, "/nowhere/ca.pem");
	tear_down();
}

/* --- TLS, with OpenSSL's server */

static struct {
	pid_t pid;
	char directory[64], certificate[80], key[80];
	unsigned int port;
} tls;

/* Runs a program to its end; returns whether it went well. */
static bool run(char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_RDWR), STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool make_certificate(void)
{
	char *const argv[] = { "openssl",
			       "req",
			       "-x509",
			       "-newkey",
			       "ec",
			       "-pkeyopt",
			       "ec_paramgen_curve:prime256v1",
			       "-nodes",
			       "-days",
			       "2",
			       "-subj",
			       "/CN=test",
			       "-addext",
			       "subjectAltName=IP:127.0.0.1",
			       "-keyout",
			       tls.key,
			       "-out",
			       tls.certificate,
			       NULL };
	const char *tmp = getenv("TMPDIR");

	snprintf(tls.directory, sizeof(tls.directory), "%.40s/tls.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(tls.directory))
		return false;
	snprintf(tls.certificate, sizeof(tls.certificate), "%s/cert", tls.directory);
	snprintf(tls.key, sizeof(tls.key), "%s/key", tls.directory);
	return run(argv);
}

/* It prints "ACCEPT 127.0.0.1:PORT" when it listens. */
static bool start_tls(void)
{
	char *const argv[] = { "openssl", "s_server",      "-accept", "127.0.0.1:0", "-www",
			       "-cert",   tls.certificate, "-key",    tls.key,       NULL };
	char line[256];
	FILE *out;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return false;
	tls.pid = fork();
	if (tls.pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_RDWR), STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	while (!tls.port && fgets(line, sizeof(line), out))
		if (sscanf(line, "ACCEPT 127.0.0.1:%u", &tls.port) == 1)
			break;
	fclose(out);
	return tls.port;
}

static void stop_tls(void)
{
	if (tls.pid > 0) {
		kill(tls.pid, SIGTERM);
		waitpid(tls.pid, NULL, 0);
	}
	unlink(tls.certificate);
	unlink(tls.key);
	rmdir(tls.directory);
}

static void ask_tls(const char *bundle, const char *host)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };
	const struct transport_options o = { .ca_bundle = bundle };
	struct transport_request r;

	set_up_with(&o, steps, 1);
	snprintf(url, sizeof(url), "https://%s:%u/", host, tls.port);
	r = request("GET", "");
	r.answer_max = 100000;
	ask(&r);
	tear_down();
}

static void tls_is_verified(void)
{
	memset(&tls, 0, sizeof(tls));
	if (!make_certificate() || !start_tls()) {
		unit_skip("there is no openssl that serves TLS");
		stop_tls();
		return;
	}
	ask_tls(tls.certificate, "127.0.0.1");
	EXPECT_INT(got.err, 0);
	EXPECT_INT(got.status, 200);
	ask_tls(NULL, "127.0.0.1");
	expect_failure(-EKEYREJECTED, true, "the certificate of 127.0.0.1 is not trusted");
	ask_tls(tls.certificate, "localhost");
	expect_failure(-EKEYREJECTED, true, "the certificate of localhost is not trusted");
	stop_tls();
}

/* --- ways */

static void no_proxy(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };
	const struct transport_options o = { .proxy = "http://127.0.0.1:1" };
	struct transport_request r;

	set_up_with(&o, steps, 1);
	r = request("POST", "body");
	ask(&r);
	EXPECT_INT(got.err, -ECONNREFUSED);
	EXPECT(got.unsent);
	EXPECT_HAS(got.why, "port 1 ");
	tear_down();
}

static void proxy_that_refuses(void)
{
	static const struct server_step steps[] = {
		{ "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
		  SERVER_KEEP, 0 }
	};
	struct transport_options o = { 0 };
	struct transport_request r;
	char through[64];

	set_up_with(&o, steps, 1);
	snprintf(through, sizeof(through), "http://127.0.0.1:%u", server.port);
	transport_free(take(transport));
	o.proxy = through;
	EXPECT_INT(transport_new(base, &o, NULL, &transport), 0);
	r = request("POST", "body");
	r.url = "https://monitoring.invalid/";
	ask(&r);
	expect_failure(
		-ECONNREFUSED, true,
		"the proxy answers 407 instead of connecting to monitoring.invalid port 443");
	tear_down();
}

static void proxy(void)
{
	static const struct server_step steps[] = { { OK_ANSWER, SERVER_KEEP, 0 } };
	struct transport_options o = { 0 };
	struct transport_request r;
	char through[64];

	set_up_with(&o, steps, 1);
	snprintf(through, sizeof(through), "http://127.0.0.1:%u", server.port);
	transport_free(take(transport));
	o.proxy = through;
	EXPECT_INT(transport_new(base, &o, NULL, &transport), 0);
	r = request("POST", "body");
	r.url = "http://monitoring.invalid/x";
	ask(&r);
	EXPECT_INT(got.status, 200);
	EXPECT(!strncmp(buf_str(&server.requests[0].head), "POST http://monitoring.invalid/x ",
			33));
	r.direct = true;
	ask(&r);
	expect_failure(-EHOSTUNREACH, true, "cannot resolve monitoring.invalid");
	EXPECT_UINT(server.n_requests, 1);
	tear_down();
}

static void proxy_of_environment(void)
{
	struct transport_request r;
	char through[64];

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	snprintf(through, sizeof(through), "http://127.0.0.1:%u", server.port);
	setenv("http_proxy", through, 1);
	setenv("no_proxy", "other.invalid", 1);
	r = request("POST", "body");
	r.url = "http://monitoring.invalid/x";
	ask(&r);
	EXPECT_INT(got.status, 200);
	r.url = "http://other.invalid/x";
	ask(&r);
	expect_failure(-EHOSTUNREACH, true, "other.invalid");
	r.url = "http://monitoring.invalid/x";
	r.direct = true;
	ask(&r);
	expect_failure(-EHOSTUNREACH, true, "monitoring.invalid");
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a name that nobody knows", unknown_name },
		{ "a slow name server keeps nobody", slow_name },
		{ "TLS with a server that has none", tls_with_nobody },
		{ "CA certificates that are not there", no_bundle },
		{ "certificates are verified", tls_is_verified },
		{ "a proxy, and around it", proxy },
		{ "a proxy that is not there", no_proxy },
		{ "a proxy that refuses", proxy_that_refuses },
		{ "the environment's proxy", proxy_of_environment },
	};

	forget_environment();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
