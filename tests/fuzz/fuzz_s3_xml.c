/* SPDX-License-Identifier: MIT */
/* Any bytes as an answer of S3: texts that end, spans that lie within, keys without a NUL; the first byte says how much room there is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void look(const char *text, size_t size, struct s3_xml in, size_t room)
{
	static const char *const names[] = { "Key", "Size", "ETag", "PartNumber", "UploadId" };
	char *to = malloc(room);
	uint64_t n;

	require(in.at >= text && in.at + in.len <= text + size && to);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		s3_xml_u64(in, names[i], &n);
		if (!s3_xml_text(in, names[i], to, room))
			continue;
		require(strlen(to) < room);
		if (s3_xml_decode_key(to))
			require(strlen(to) < room);
	}
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const roots[] = { "ListBucketResult", "ListPartsResult", "R" };
	const size_t room = size ? (size_t)data[0] + 1 : 1;
	struct s3_xml root, x;
	char *text;

	if (size)
		data++, size--;
	text = malloc(size ? size : 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	look(text, size, (struct s3_xml){ text, size }, room);
	for (size_t i = 0; i < 3; i++) {
		if (!s3_xml_root(text, size, roots[i], &root))
			continue;
		look(text, size, root, room);
		while (s3_xml_next(&root, i ? "Part" : "Contents", &x))
			look(text, size, x, room);
	}
	free(text);
	return 0;
}
