/* SPDX-License-Identifier: MIT */
/* When a host pushes. Hosts that have almost the same name are to be far from each other: the last step mixes all bits. */
#include "ship/push_time.h"

#include "ship/push.h"

#define COMMIT_MS 2000

unsigned int push_offset_ms(const char *host, unsigned int interval_s)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */

	for (; *host; host++)
		hash = (hash ^ (unsigned char)*host) * 0x100000001b3;
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd; /* MurmurHash3's last step */
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
	hash ^= hash >> 33;
	return (unsigned int)((hash >> 32) * (interval_s * 1000ull) >> 32);
}

uint64_t push_delay_ms(const char *host, unsigned int interval_s, uint64_t now_ms)
{
	uint64_t interval_ms = interval_s * 1000ull;
	uint64_t commit_ms = interval_ms / 10 < COMMIT_MS ? interval_ms / 10 : COMMIT_MS;
	uint64_t at_ms = (push_offset_ms(host, interval_s) + commit_ms) % interval_ms;

	return interval_ms - (now_ms % interval_ms + interval_ms - at_ms) % interval_ms;
}
