/* SPDX-License-Identifier: MIT */
/* gzip_member.c, by libdeflate or, where a test says so, as on a system without it. */
#ifndef ISAMON_DEFLATE_FIXTURE_H
#define ISAMON_DEFLATE_FIXTURE_H

#include "unit.h"

#include "care/deflate_api.h"

static bool deflate_without;

static bool deflate_open_or_not(struct deflate_api *api)
{
	*api = (struct deflate_api){ 0 };
	return !deflate_without && deflate_api_open(api);
}

#define deflate_api_open deflate_open_or_not
#include "../../userspace/care/gzip_member.c"

#endif
