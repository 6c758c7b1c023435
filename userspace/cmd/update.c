/* SPDX-License-Identifier: MIT */
/* isamon update: the table of its subcommands, and what they have in common. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"
#include "cmd/update_cmd.h"

#define LOG_BYTES_MAX (8 << 20)

static const struct tool_command commands[] = {
	{ "app", update_app_command, "the service's code and Python environment, or back again" },
	{ "system", update_system_command, "all packages of the system that have a newer version" },
	{ "security", update_security_command, "those of them that close holes" },
	{ "check", update_check_command, "what would be updated; changes nothing" },
};

int cmd_update(int argc, char **argv)
{
	return tool_dispatch("isamon update", commands, ARRAY_SIZE(commands), argc, argv);
}

void update_options_of(const struct config *c, struct update_options *ret)
{
	const char *requirements = c->app_requirements;
	size_t n = strlen(c->app_directory);

	/* What is in the tree is what the new commit has of it. */
	if (strncmp(requirements, c->app_directory, n) == 0 && requirements[n] == '/')
		requirements += n + 1;
	*ret = (struct update_options){
		.state_directory = c->state_directory,
		.directory = c->app_directory,
		.venv = strcmp(requirements, CONFIG_APP_NONE) == 0 ? "" : c->app_venv,
		.requirements = strcmp(requirements, CONFIG_APP_NONE) == 0 ? "" : requirements,
		.remote = c->update_remote,
		.ref = c->update_ref,
		.pip_options = (const char *const *)c->update_pip_options,
		.n_pip_options = c->n_update_pip_options,
		.keep = (unsigned int)c->update_keep,
		.git_timeout_s = (unsigned int)c->update_git_timeout_s,
		.install_timeout_s = (unsigned int)c->update_install_timeout_s,
		.log_fd = -1,
		.echo_fd = -1,
	};
}

int update_open_log(const struct config *c)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), old = BUF_INIT(PATH_MAX);
	struct stat st;

	buf_printf(&path, "%s/update.log", c->state_directory);
	buf_printf(&old, "%s.1", buf_str(&path));
	if (path.err || old.err || file_make_directory(c->state_directory, 0750))
		return -1;
	if (lstat(buf_str(&path), &st) == 0 && st.st_size > LOG_BYTES_MAX)
		rename(buf_str(&path), buf_str(&old));
	return open(buf_str(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}
