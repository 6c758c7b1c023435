/* SPDX-License-Identifier: MIT */
/* What apt-get, dnf and python -m venv say: whatever it is, names and versions are words, and counts are those of the list. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "care/packages.h"
#include "care/update_environment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_word(const char *s, int may_be_empty)
{
	require(*s || may_be_empty);
	for (; *s; s++)
		require((unsigned char)*s > ' ' && *s != 0x7f);
}

static void check(const struct packages *p)
{
	size_t n = 0;

	require(p->n <= PACKAGES_MAX && p->n <= p->size);
	for (size_t i = 0; i < p->n; i++) {
		require_word(p->list[i].name, 0);
		require_word(p->list[i].old, 1);
		require_word(p->list[i].new, 0);
		n += p->list[i].security;
	}
	require(n == p->n_security);
	require(strspn(p->release, "0123456789.") == strlen(p->release));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packages p = { .n = 0 };
	struct packages_room room;
	struct update_pyvenv cfg;
	char *text;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	require(text != NULL);
	if (data[0] % 4 == 0)
		require(packages_add_apt(&p, text) == 0);
	else if (data[0] % 4 == 1)
		require(packages_add_dnf(&p, text, false) == 0 &&
			packages_add_dnf(&p, text, true) == 0);
	else if (data[0] % 4 == 2)
		packages_room_apt(text, &room), packages_room_dnf(text, &room);
	else
		require(update_pyvenv_parse(text, &cfg) != 0 || *cfg.home == '/');
	check(&p);
	packages_done(&p);
	free(text);
	return 0;
}
