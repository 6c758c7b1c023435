/* SPDX-License-Identifier: MIT */
/* Pending security updates, out of what `apt-get -s` and `dnf updateinfo list` print. Any text is taken. */
#ifndef ISAMON_AUDIT_PACKAGES_H
#define ISAMON_AUDIT_PACKAGES_H

#include <stddef.h>

struct audit_packages {
	size_t n;
	char names[400]; /* of the first ones: "openssl, bash" */
};

/* apt: lines "Inst NAME [OLD] (NEW ORIGIN:RELEASE/SUITE, ... [ARCH])", of which an origin or suite is one for security. */
void audit_packages_of_apt(const char *text, size_t len, struct audit_packages *ret);
/* dnf: lines "ADVISORY SEVERITY/Sec. PACKAGE", a package once. */
void audit_packages_of_dnf(const char *text, size_t len, struct audit_packages *ret);

#endif
