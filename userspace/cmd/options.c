/* SPDX-License-Identifier: MIT */
/* Configuration file, then command line; and what of both can change while the daemon runs. */
#include "cmd/options.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/setup.h"

static int apply(const struct options *o, struct config *c, struct buf *why)
{
	if (o->ports && config_set_ports(c, o->ports) != 0) {
		buf_printf(why, "--port %s: give up to %d different numbers from 1 to 65535",
			   o->ports, CONFIG_PORTS_MAX);
		return -EINVAL;
	}
	if (o->listen && config_set_listen(c, o->listen) != 0) {
		buf_printf(why,
			   "--listen %s: give ADDRESS:PORT, such as 127.0.0.1:9912 or [::1]:9912",
			   o->listen);
		return -EINVAL;
	}
	return config_check(c, "command line", why);
}

int options_load(const struct options *o, struct buf *why, struct config **ret_config,
		 struct route_patterns **ret_patterns)
{
	struct route_patterns *patterns;
	struct config *c;
	int err;

	err = setup_load(o->config_path, why, &c, &patterns);
	if (err)
		return err;
	err = apply(o, c, why);
	if (err) {
		config_free(c);
		route_patterns_free(patterns);
		return err;
	}
	*ret_config = c;
	*ret_patterns = patterns;
	return 0;
}

static void swap_text(char **a, char **b)
{
	char *text = *a;

	*a = *b;
	*b = text;
}

static void warn_fixed(const char *section)
{
	log_warning("%s changed: takes effect when isamon is started again", section);
}

void options_keep_fixed(struct config *old, struct config *new)
{
	if (strcmp(old->listen_address, new->listen_address) != 0 ||
	    old->listen_port != new->listen_port || old->listen_insecure != new->listen_insecure ||
	    old->listen_max_connections != new->listen_max_connections ||
	    old->listen_timeout_s != new->listen_timeout_s)
		warn_fixed("[listen]");
	if (old->max_series != new->max_series || old->ring_kib != new->ring_kib)
		warn_fixed("[http] max_series or ring_size");
	if (strcmp(old->runtime_directory, new->runtime_directory) != 0)
		warn_fixed("[daemon] runtime_directory");
	if (strcmp(old->state_directory, new->state_directory) != 0)
		warn_fixed("[daemon] state_directory");
	swap_text(&old->listen_address, &new->listen_address);
	swap_text(&old->runtime_directory, &new->runtime_directory);
	swap_text(&old->state_directory, &new->state_directory);
	new->listen_port = old->listen_port;
	new->listen_insecure = old->listen_insecure;
	new->listen_max_connections = old->listen_max_connections;
	new->listen_timeout_s = old->listen_timeout_s;
	new->max_series = old->max_series;
	new->ring_kib = old->ring_kib;
}
