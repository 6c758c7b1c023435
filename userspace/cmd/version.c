/* SPDX-License-Identifier: MIT */
/* isamon version: what this program is, and on which libraries it runs. */
#include <bpf/libbpf.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cmd/cmd.h"

#ifndef ISAMON_VERSION
#define ISAMON_VERSION "unknown"
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const char usage[] =
	"usage: isamon version [--json]\n"
	"Versions of isamon, of the compiler that made it, and of the libraries it runs on.\n";

/* libbpf begins its version with a v. */
static const char *bpf_library(void)
{
	const char *v = libbpf_version_string();

	return *v == 'v' ? v + 1 : v;
}

int cmd_version(int argc, char **argv)
{
	const char *const rows[][2] = {
		{ "isamon", ISAMON_VERSION },
		{ "compiler", COMPILER },
		{ "libbpf", bpf_library() },
		{ "libevent", event_get_version() },
	};

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return CMD_OK;
	}
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json") != 0)) {
		fputs(usage, stderr);
		return CMD_USAGE;
	}
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(rows); i++)
		printf("%s\"%s\": \"%s\"", i ? ", " : "{", i ? rows[i][0] : "version", rows[i][1]);
	if (argc == 2) {
		puts("}");
		return CMD_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		printf("%s %s\n", rows[i][0], rows[i][1]);
	return CMD_OK;
}
