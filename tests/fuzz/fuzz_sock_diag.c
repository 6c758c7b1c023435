/* SPDX-License-Identifier: MIT */
/* Any bytes as a datagram of the kernel: refused, or sockets of the ports that were asked for. */
#include <assert.h>
#include <errno.h>

#include "probe/sock_diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = { 8000, 2024 };
	struct listen_sockets s = { 0 };
	int result = sock_diag_parse(data, size, 7, ports, 2, &s);

	assert(result == 0 || result == 1 || (result < 0 && result >= -4095));
	assert(s.n <= s.size && s.n <= size);
	for (size_t i = 0; i < s.n; i++)
		assert(s.items[i].port == 8000 || s.items[i].port == 2024);
	listen_sockets_done(&s);
	return 0;
}
