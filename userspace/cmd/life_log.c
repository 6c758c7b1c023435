/* SPDX-License-Identifier: MIT */
/* Two budgets of lines, and the lines. */
#include "cmd/life_log.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "metrics/life_metrics.h"

#define MINUTE_NS (60 * NS_PER_SEC)

/* "exit status 1", "signal 9 (Killed)" */
static const char *say_status(const struct life_record *r, struct buf *out)
{
	const int status = (int)r->status;

	if (!WIFSIGNALED(status))
		buf_printf(out, "exit status %d", WEXITSTATUS(status));
	else
		buf_printf(out, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (r->flags & LIFE_FLAG_OOM)
		buf_add_str(out, ", because memory ran out");
	return buf_str(out);
}

static bool is_severe(const struct life_record *r)
{
	const int status = (int)r->status;

	if (r->flags & LIFE_FLAG_OOM)
		return true;
	return WIFSIGNALED(status) && WTERMSIG(status) != SIGPIPE &&
	       !life_status_expected(r->status);
}

/* Returns how many had no line in the minute that is over. */
static unsigned int end_minute(struct life_log_budget *b, unsigned int max, uint64_t now_ns)
{
	unsigned int more = b->n > max ? b->n - max : 0;

	if (!b->since_ns || now_ns < b->since_ns + MINUTE_NS)
		return 0;
	*b = (struct life_log_budget){ 0 };
	return more;
}

void life_log_look(struct life_log *l, const char *service, uint64_t now_ns)
{
	const unsigned int severe = end_minute(&l->severe, LIFE_LOG_SEVERE, now_ns);
	const unsigned int plain = end_minute(&l->plain, LIFE_LOG_PLAIN, now_ns);

	if (severe)
		log_warning("%u more processes of %s were killed or crashed", severe, service);
	if (plain)
		log_info("%u more processes of %s ended with an error or by a signal", plain,
			 service);
}

/* Whether one more line may be written. */
static bool may_say(struct life_log_budget *b, unsigned int max, uint64_t now_ns)
{
	if (!b->since_ns)
		b->since_ns = now_ns;
	return b->n++ < max;
}

static void say_main(const char *service, const struct life_record *r, const char *name,
		     const char *how)
{
	if (life_status_expected(r->status))
		log_info("the main process of %s ended: %u (%s), %s", service, r->pid, name, how);
	else
		log_warning("the main process of %s ended unexpectedly: %u (%s), %s", service,
			    r->pid, name, how);
}

void life_log_exit(struct life_log *l, const char *service, const struct life_record *r)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(256);
	const char *how = say_status(r, &text);
	char name[sizeof(r->comm) + 1];

	utf8_make_plain(r->comm, sizeof(r->comm), name, sizeof(name));
	life_log_look(l, service, r->at_ns);
	if (r->flags & LIFE_FLAG_MAIN)
		say_main(service, r, name, how);
	else if (!r->status)
		log_debug("process %u (%s) of %s ended", r->pid, name, service);
	else if (!is_severe(r) && may_say(&l->plain, LIFE_LOG_PLAIN, r->at_ns))
		log_info("a process of %s ended: %u (%s), %s", service, r->pid, name, how);
	else if (is_severe(r) && may_say(&l->severe, LIFE_LOG_SEVERE, r->at_ns))
		log_warning("a process of %s %s: %u (%s), %s", service,
			    r->flags & LIFE_FLAG_OOM ? "was killed" : "ended", r->pid, name, how);
}
