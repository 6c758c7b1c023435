/* SPDX-License-Identifier: MIT */
/* Configuration and routes together, because only here both floors may be known. */
#include "cmd/setup.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "logs/records.h"

#define NS_PER_MS 1000000ull

/* A default file that may not be read is an error; one that is not there is none. */
static int load(const char *path, struct buf *problems, struct config **ret_config)
{
	int err;

	if (path)
		return config_load(path, problems, ret_config);
	if (access(CONFIG_DEFAULT_PATH, F_OK) == 0 || errno != ENOENT)
		return config_load(CONFIG_DEFAULT_PATH, problems, ret_config);
	err = config_new(ret_config);
	if (err)
		buf_printf(problems, "no configuration: %s\n", strerror(-err));
	return err;
}

static void explain_route(const char *path, const struct config *c, size_t i, const char *why,
			  struct buf *problems)
{
	buf_add_str(problems, path);
	if (c->route_lines[i])
		buf_printf(problems, ":%u", c->route_lines[i]);
	buf_printf(problems, ": [http] route = %s: %s\n", c->routes[i], why);
}

/* Each that is wrong is told, not only the first. */
static void explain_routes(const char *path, const struct config *c, struct buf *problems)
{
	for (size_t i = 0; i < c->n_routes; i++) {
		struct route_patterns *patterns = NULL;
		const char *why;
		size_t bad;

		if (route_patterns_new(&c->routes[i], 1, &patterns, &bad, &why) == -EINVAL)
			explain_route(path, c, i, why, problems);
		route_patterns_free(patterns);
	}
}

/* Each log that is wrong is told. */
static int check_logs(const char *path, const struct config *c, struct buf *problems)
{
	int err = 0;

	for (size_t i = 0; i < c->n_logs && err != -ENOMEM; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
		const struct config_log *l = c->logs[i];
		struct record_rules *rules = NULL;
		int failed = record_rules_new(l, &why, &rules);

		record_rules_free(rules);
		if (!failed)
			continue;
		err = failed;
		buf_add_str(problems, path);
		if (l->line)
			buf_printf(problems, ":%u", l->line);
		buf_printf(problems, ": [log \"%s\"] %s\n", l->name,
			   failed == -EINVAL ? buf_str(&why) : strerror(-failed));
	}
	return err;
}

int setup_load(const char *path, struct buf *problems, struct config **ret_config,
	       struct route_patterns **ret_patterns)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct route_patterns *patterns = NULL;
	const char *why = NULL;
	size_t bad = 0;
	int err = load(path, problems, &c), err_logs;

	if (err)
		return err;
	if (!path)
		path = CONFIG_DEFAULT_PATH;
	err_logs = check_logs(path, c, problems);
	err = route_patterns_new(c->routes, c->n_routes, &patterns, &bad, &why);
	if (err == -EINVAL)
		explain_routes(path, c, problems);
	else if (err)
		buf_printf(problems, "%s: the routes: %s\n", path, strerror(-err));
	if (err || err_logs) {
		route_patterns_free(patterns);
		return err ?: err_logs;
	}
	*ret_config = take(c);
	*ret_patterns = patterns;
	return 0;
}

void setup_streams(const struct config *c, struct http_metrics *m)
{
	const struct http_stream_options o = {
		.threshold_ns = c->stream_threshold_ms * NS_PER_MS,
		.in_duration = c->streams_in_duration,
	};

	http_metrics_set_streams(m, &o);
}
