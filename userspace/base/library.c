/* SPDX-License-Identifier: MIT */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static void *open_first(const char *const names[])
{
	void *library = NULL;

	for (size_t i = 0; names[i] && !library; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	return library;
}

int library_open(const char *const names[], const struct library_symbol *symbols, size_t n,
		 const char *package, void *api, struct buf *why, void **ret)
{
	void *library = open_first(names);

	if (!library) {
		buf_printf(why, "cannot load %s: %s; install %s", names[0], dlerror(), package);
		return -ENOENT;
	}
	for (size_t i = 0; i < n; i++) {
		void *f = dlsym(library, symbols[i].name);

		if (!f) {
			buf_printf(why, "%s is too old: it has no %s()", names[0], symbols[i].name);
			dlclose(library);
			return -ENOENT;
		}
		memcpy((char *)api + symbols[i].offset, &f, sizeof(f));
	}
	*ret = library;
	return 0;
}

void library_close(void *library)
{
	if (library)
		dlclose(library);
}
