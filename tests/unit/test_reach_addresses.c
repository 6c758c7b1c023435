/* SPDX-License-Identifier: MIT */
/* A host with several addresses is reached by the one that answers. */
#include "unit.h"

#include <netinet/in.h>

#include "check/reach.c"

#define FILLERS 8

static int listen_at(struct sockaddr_in *at, int backlog)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (const struct sockaddr *)at, sizeof(*at)) || listen(fd, backlog) ||
	    getsockname(fd, (struct sockaddr *)at, &size))
		return -1;
	return fd;
}

/* Its queue is full: a further connection is not answered. */
static void fill(const struct sockaddr_in *at, int fds[FILLERS])
{
	for (int i = 0; i < FILLERS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fds[i], (const struct sockaddr *)at, sizeof(*at));
		poll(NULL, 0, 10);
	}
}

static void passes_over_the_silent(void)
{
	struct sockaddr_in silent, open_one;
	struct addrinfo second = { .ai_family = AF_INET,
				   .ai_socktype = SOCK_STREAM,
				   .ai_addr = (struct sockaddr *)&open_one,
				   .ai_addrlen = sizeof(open_one) };
	struct addrinfo first = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM,
				  .ai_addr = (struct sockaddr *)&silent,
				  .ai_addrlen = sizeof(silent),
				  .ai_next = &second };
	struct job j = { .end_ns = clock_monotonic_ns() + 4000 * NS_PER_MS };
	int full = listen_at(&silent, 0), open_fd = listen_at(&open_one, 16), fds[FILLERS], fd;

	REQUIRE(full >= 0 && open_fd >= 0);
	fill(&silent, fds);
	fd = connect_any(&j, &first);
	EXPECT(fd >= 0);
	EXPECT(clock_monotonic_ns() < j.end_ns); /* there is time left for what follows */
	EXPECT_STR(j.r.why, "");
	EXPECT(clock_monotonic_ns() > j.end_ns - 3500 * NS_PER_MS); /* the first was tried */
	for (int i = 0; i < FILLERS; i++)
		close(fds[i]);
	file_closep(&fd);
	close(full);
	close(open_fd);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an address that does not answer is passed over", passes_over_the_silent },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
