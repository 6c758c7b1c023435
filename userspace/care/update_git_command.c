/* SPDX-License-Identifier: MIT */
/* One run of git. Invariant: no hook, no editor, no prompt, no other program than git's own transports and filters. */
#include <errno.h>
#include <string.h>

#include "care/update_git_impl.h"

#define LINE_MAX_BYTES 4096

#define NO_QUESTIONS \
	"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "GIT_OPTIONAL_LOCKS=0", \
		"SSH_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=force"
#define N_VARIABLES 5

int git_ask(const struct update_git *g, const char *variable, const char *const *args,
	    struct buf *out)
{
	const char *environment[N_VARIABLES + 3] = { NO_QUESTIONS };
	const char *argv[UPDATE_ARGS_MAX] = { "git",
					      "-c",
					      "core.hooksPath=/dev/null",
					      "-c",
					      "core.fsmonitor=false",
					      "-c",
					      "gc.auto=0",
					      "-c",
					      "maintenance.auto=false",
					      "-c",
					      "advice.detachedHead=false",
					      "--no-pager" };
	struct update_run run = g->run;
	size_t n = 12, n_variables = N_VARIABLES;

	if (!g->own_ssh)
		environment[n_variables++] = "GIT_SSH_COMMAND=ssh -o BatchMode=yes";
	environment[n_variables] = variable;
	while (*args && n + 1 < UPDATE_ARGS_MAX)
		argv[n++] = *args++;
	run.user = &g->user;
	run.directory = g->directory;
	run.environment = environment;
	return update_run(&run, argv, out);
}

int git_failed(const struct update_git *g, const char *what, int result, const struct buf *out,
	       struct buf *why)
{
	int err = update_run_failed(what, result, out, why);

	if (result > 0)
		update_run_advise_owner(&g->user, g->directory, out, why);
	return err;
}

int git_run(const struct update_git *g, const char *what, const char *const *args, struct buf *out,
	    struct buf *why)
{
	int result = git_ask(g, NULL, args, out);

	return result ? git_failed(g, what, result, out, why) : 0;
}

int git_quietly(const struct update_git *g, const char *what, const char *const *args,
		struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(GIT_OUT_MAX);

	return git_run(g, what, args, &out, why);
}

int git_line(const struct update_git *g, const char *const *args, char *ret, size_t size)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(LINE_MAX_BYTES);
	int result = git_ask(g, NULL, args, &out);
	size_t n = strcspn(buf_str(&out), "\n");

	if (result)
		return result < 0 ? result : -ENOENT;
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(ret, buf_str(&out), n);
	ret[n] = '\0';
	return 0;
}
