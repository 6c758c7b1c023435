/* SPDX-License-Identifier: MIT */
/* Limits that the service came near: open files, the queue of connections that wait to be accepted. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/advice_impl.h"

/* Of a process's open files: so many free are few, and so is less than a fifth. */
#define FREE_FEW 128
#define FREE_SHARE 0.2
#define FILES_NEW 65536u
#define BACKLOG_NEW 8192u
#define DROPS_LEAST 10
#define SYSCTL "net.core.somaxconn"
#define SYSCTL_FILE "/etc/sysctl.d/90-backlog.conf"

static int change_files(const struct advice_case *c, unsigned int n, struct buf *out)
{
	static const char *const confs[] = { "/etc/supervisor/supervisord.conf",
					     "/etc/supervisord.conf" };
	char value[16];
	int err = -ENOENT;

	snprintf(value, sizeof(value), "%u", n);
	if (c->host->manager == ADVICE_SYSTEMD)
		err = advice_set_unit_key(c->host, "LimitNOFILE", value, out);
	for (size_t i = 0; c->host->manager == ADVICE_SUPERVISOR && err == -ENOENT &&
			   i < sizeof(confs) / sizeof(confs[0]);
	     i++)
		err = advice_set_key(c->host, confs[i], "supervisord", "minfds", " = ", value, out);
	if (!err || err == -ENOMEM)
		return err;
	if (err == -EALREADY)
		return buf_printf(out, "# %u is in the file already: it counts from the restart\n",
				  n);
	return buf_printf(
		out, "# LimitNOFILE=%u in the unit (systemd), or minfds = %u in [supervisord]\n", n,
		n);
}

int advice_limits_files(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	/* Minutes of a lower limit than the present one, because it was raised, say nothing any more. */
	const double limit = advice_last(c->minutes, advice_limit_fds_least),
		     free_fds = advice_least_with(c->minutes, advice_free_fds,
						  advice_limit_fds_most, limit),
		     used = advice_most(c->minutes, advice_fds_a_process);
	unsigned int n = FILES_NEW;
	int err;

	if (isnan(free_fds) || (free_fds >= FREE_FEW && free_fds >= FREE_SHARE * (free_fds + used)))
		return 0;
	while (n < 4 * (free_fds + used) && n < 1u << 20)
		n *= 2;
	buf_printf(
		&d.evidence,
		"a process of the service was within %.0f open files of its limit; they have up to %.0f open "
		"each, on average\n",
		free_fds, used);
	err = change_files(c, n, &d.change);
	if (err)
		return err;
	buf_add_str(
		&d.change,
		c->host->manager == ADVICE_SUPERVISOR ?
			"# then: systemctl restart supervisor (it hands its own limit on; all its "
			"programs are restarted)\n" :
			"# then: systemctl daemon-reload, and isamon service restart\n");
	buf_printf(
		&d.effect,
		"up to %u files and connections a process; without it accept(2) fails, and requests wait or "
		"are refused. A number that grows without more connections is a leak: then the limit only "
		"puts it off",
		n);
	buf_add_str(&d.undo, "the diff backwards (patch -R), and the same restart");
	return advice_draft_add(ret, &d, "limits.files", "More open files for the service", false);
}

/* What the kernel lets a queue be; 0: not known. */
static double kernel_most(const struct advice_host *h)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4096);

	return advice_host_read(h, "/proc/sys/net/core/somaxconn", &text) ?
		       0 :
		       strtod(buf_str(&text), NULL);
}

int advice_limits_backlog(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double drops = advice_sum(c->minutes, advice_listen_drops),
		     most = kernel_most(c->host);
	int err;

	if (drops < DROPS_LEAST)
		return 0;
	buf_printf(&d.evidence, "the kernel turned away %.0f connections to the service in ",
		   drops);
	advice_percent(&d.evidence, advice_share(c->minutes, advice_listen_drops, 1));
	buf_add_str(&d.evidence,
		    " of the minutes: the queue of those that nobody had accepted was full\n");
	err = advice_change_backlog(c, BACKLOG_NEW, &d.change);
	if (err == -EALREADY && most >= BACKLOG_NEW)
		return 0; /* it was followed; more is no help */
	if (err == -ENOMEM)
		return err;
	if (err && err != -EALREADY)
		buf_printf(&d.change, "# a longer queue where the server listens: --backlog %u\n",
			   BACKLOG_NEW);
	if (most < BACKLOG_NEW)
		buf_printf(&d.change,
			   "--- /dev/null\n+++ " SYSCTL_FILE "\n@@ -0,0 +1,1 @@\n+" SYSCTL
			   " = %u\n# then: sysctl --system\n",
			   BACKLOG_NEW);
	buf_add_str(&d.change, "# then: ");
	advice_restart(c, &d.change);
	buf_add_char(&d.change, '\n');
	buf_add_str(
		&d.effect,
		"a burst waits instead of being refused (a client tries again after a second, then "
		"three). If requests wait long as well, more workers are the better answer");
	buf_add_str(&d.undo, "the diffs backwards (patch -R), and ");
	advice_restart(c, &d.undo);
	if (most > 0 && most < BACKLOG_NEW)
		buf_printf(&d.undo, "; sysctl -w " SYSCTL "=%.0f", most);
	return advice_draft_add(ret, &d, "limits.backlog", "A longer queue of connections", false);
}
