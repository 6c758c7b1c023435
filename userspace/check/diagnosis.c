/* SPDX-License-Identifier: MIT */
/* The order of causes is one table: what stands higher explains what stands below it. What is not in it comes last, as it was found. */
#include "check/diagnosis.h"

#include <stdbool.h>
#include <string.h>

#include "base/util.h"

static const struct {
	const char *id;  /* of a finding; "AREA.": any of that area */
	const char *fix; /* only those with that repair; NULL: all */
} causes[] = {
	{ "service.unfinished", NULL },         /* it was stopped for it */
	{ "service.listening", "" },            /* another program has its port */
	{ "service.manager", "service-start" }, /* somebody stopped it */
	{ "service.manager", "" },              /* nobody is there to start it */
	{ "system.disks", NULL },
	{ "permissions.", NULL },
	{ "service.packages", NULL },
	{ "service.dependencies", NULL },
	{ "service.manager", NULL },
	{ "service.listening", NULL },
	{ "service.files", NULL },
	{ "service.loop", NULL },
	{ "service.health", NULL },
	{ "proxy.config", NULL },
	{ "proxy.nginx", NULL },
	{ "proxy.upstream", NULL },
	{ "proxy.reload", NULL },
	{ "proxy.connect", NULL },
	{ "proxy.front", NULL },
	{ "proxy.certificate", NULL },
	{ "network.dns", NULL },
	{ "network.connect", NULL },
	{ "network.tls", NULL },
	{ "network.certificate", NULL },
	{ "aws.clock", NULL },
	{ "aws.region", NULL },
	{ "aws.credentials", NULL },
	{ "aws.identity", NULL },
	{ "aws.", NULL },
	{ "isamon.restore", NULL },
	{ "isamon.daemon", NULL },
};

static bool is_of(const struct finding *f, size_t i)
{
	const size_t n = strlen(causes[i].id);
	const bool whole_area = causes[i].id[n - 1] == '.';

	if (whole_area ? strncmp(f->id, causes[i].id, n) != 0 : strcmp(f->id, causes[i].id) != 0)
		return false;
	return !causes[i].fix || strcmp(f->fix, causes[i].fix) == 0;
}

static size_t rank(const struct finding *f)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(causes) && !is_of(f, i))
		i++;
	return i;
}

static const struct finding *first_of(const struct findings *f, enum finding_result result,
				      diagnosis_fn wanted, void *ctx)
{
	const struct finding *best = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].result == result && (!best || rank(&f->list[i]) < rank(best)) &&
		    (!wanted || wanted(&f->list[i], ctx)))
			best = &f->list[i];
	return best;
}

const struct finding *diagnosis_cause(const struct findings *f)
{
	return diagnosis_next(f, NULL, NULL) ?: first_of(f, FINDING_UNKNOWN, NULL, NULL);
}

const struct finding *diagnosis_next(const struct findings *f, diagnosis_fn wanted, void *ctx)
{
	return first_of(f, FINDING_PROBLEM, wanted, ctx) ?:
							   first_of(f, FINDING_WARNING, wanted, ctx);
}

int diagnosis_say(const struct finding *cause, struct buf *out)
{
	if (*cause->meaning)
		buf_printf(out, "%s (", cause->meaning);
	buf_printf(out, "%s%s%s%s", cause->subject, *cause->subject ? ": " : "", cause->evidence,
		   *cause->meaning ? ")" : "");
	if (*cause->remedy)
		buf_printf(out, ": %s", cause->remedy);
	return out->err;
}
