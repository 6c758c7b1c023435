/* SPDX-License-Identifier: MIT */
/* Any bytes as an answer of Supervisor, and as what systemctl shows: bounded, plain, ended texts. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "care/supervisor_conf.h"
#include "care/supervisor_xml.h"
#include "care/systemd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_plain(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	require(n < size && utf8_is_plain(s, n));
}

static void xml(const char *text, size_t size)
{
	struct buf why = BUF_INIT(1000);
	struct supervisor_answer a;
	int err = supervisor_xml_parse(text, size, &why, &a);

	require(err == 0 || err == -EPROTO || err == -E2BIG || err == -ENOMEM);
	require(a.n <= SUPERVISOR_PROCESSES_MAX && a.text.len <= SUPERVISOR_TEXT_MAX);
	require_plain(a.fault_text, sizeof(a.fault_text));
	for (size_t i = 0; i < a.n; i++) {
		require_plain(a.processes[i].name, sizeof(a.processes[i].name));
		require_plain(a.processes[i].group, sizeof(a.processes[i].group));
		require_plain(a.processes[i].spawn_error, sizeof(a.processes[i].spawn_error));
	}
	supervisor_answer_done(&a);
	buf_done(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct supervisor_conf conf;
	struct service_process p;
	struct systemd_unit u;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	xml(text, size);
	systemd_parse_show(text, &u);
	systemd_state_of(&u, 1, 1, &p);
	require_plain(p.word, sizeof(p.word));
	supervisor_conf_parse("/etc/x.conf", text, &conf);
	require(memchr(conf.socket, '\0', sizeof(conf.socket)) != NULL);
	free(text);
	return 0;
}
