/* SPDX-License-Identifier: MIT */
/* Certificates for tests, made by OpenSSL's own functions. */
#ifndef ISAMON_TEST_CERTIFICATES_H
#define ISAMON_TEST_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define CERTIFICATES_DAY 86400L

/* Signed by itself; @name: common name, NULL: none; @other: "DNS:x,IP:127.0.0.1", NULL: none. */
static X509 *make_certificate(const char *name, const char *other, long begins_days, long ends_days,
			      EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), begins_days * CERTIFICATES_DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), ends_days * CERTIFICATES_DAY);
	if (name)
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	if (other) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, other);

		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	X509_sign(x, key, EVP_sha256());
	return x;
}

static EVP_PKEY *make_key(void)
{
	return EVP_EC_gen("P-256");
}

#endif
