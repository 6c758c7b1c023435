/* SPDX-License-Identifier: MIT */
/* Lists of packages, and what is left to do after an update. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd/update_packages_cmd.h"

#define WHY_MAX 4096

void update_print_packages(const struct packages *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct package *one = &p->list[i];

		printf("  %-9s %-40s %s%s%s%s\n", one->security ? "security" : "", one->name,
		       *one->old ? one->old : "", *one->old ? " -> " : "", one->new,
		       *one->old || !p->knows_old ? "" : " (new)");
	}
	if (p->more)
		printf("  and more\n");
	if (*p->release)
		printf("the system is locked to its release, and there is a newer one, %s: dnf upgrade --releasever=%s goes there\n",
		       p->release, p->release);
}

json_t *update_packages_json(const struct packages *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct package *one = &p->list[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "name", one->name,
						      "old", one->old, "new", one->new, "security",
						      one->security));
	}
	return list;
}

void update_look_after(struct update_after *ret)
{
	struct utsname name;

	buf_init(&ret->why, WHY_MAX);
	ret->reboot = uname(&name) == 0 && stale_reboot("", name.release, &ret->why);
	stale_find("/proc", &ret->stale);
}

void update_after_done(struct update_after *a)
{
	buf_done(&a->why);
}

void update_print_after(const struct update_after *a)
{
	if (a->stale.n)
		printf("to be restarted, for they run what was replaced:\n");
	for (size_t i = 0; i < a->stale.n; i++) {
		const struct stale_unit *u = &a->stale.units[i];

		printf("  %-40s %u %s, %s\n", u->name, u->n_processes,
		       u->n_processes == 1 ? "process" : "processes", u->library);
	}
	if (a->stale.more)
		printf("  and more\n");
	if (a->reboot)
		printf("a reboot is due: %s\n", buf_str(&a->why));
	else
		printf("no reboot is due\n");
}

void update_after_json(const struct update_after *a, json_t *j)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->stale.n; i++) {
		const struct stale_unit *u = &a->stale.units[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:s}", "unit", u->name, "processes",
						(int)u->n_processes, "library", u->library));
	}
	json_object_set_new(j, "restart", list);
	json_object_set_new(j, "reboot",
			    json_pack("{s:b, s:s}", "due", a->reboot, "why", buf_str(&a->why)));
}
