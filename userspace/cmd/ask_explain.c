/* SPDX-License-Identifier: MIT */
/* Why a daemon did not answer. */
#include "cmd/ask_explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void ask_explain(const char *command, const char *path, int err, int timeout_ms)
{
	if (err == -EACCES)
		fprintf(stderr, "%s: only root may ask the daemon at %s; try it with sudo\n",
			command, path);
	else if (err == -ENOENT || err == -ECONNREFUSED)
		fprintf(stderr,
			"%s: no daemon answers at %s; start it (systemctl start isamon, or "
			"isamon run), or name its configuration with --config\n",
			command, path);
	else if (err == -ETIMEDOUT)
		fprintf(stderr,
			"%s: the daemon at %s is there, but did not answer within %d s: it "
			"is stopped or hangs, or the host is overloaded\n",
			command, path, timeout_ms / 1000);
	else if (err == -EBUSY)
		fprintf(stderr,
			"%s: the daemon at %s answers nobody new: [listen] max_connections "
			"others are connected to it; try again later\n",
			command, path);
	else if (err == -ECONNRESET || err == -EPIPE)
		fprintf(stderr,
			"%s: the daemon at %s broke off without an answer; perhaps it was "
			"just stopped: try again\n",
			command, path);
	else
		fprintf(stderr,
			"%s: the daemon at %s does not answer as it should: %s; it may be "
			"of another version: restart it\n",
			command, path, strerror(-err));
}
