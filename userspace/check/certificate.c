/* SPDX-License-Identifier: MIT */
#include "check/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

#define FILE_MAX (1u << 20)
#define SHA256_BYTES 32

static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static int time_of(const ASN1_TIME *t, int64_t *ret_s)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return -EBADMSG;
	*ret_s = timegm(&tm);
	return 0;
}

/* "" where it has none. */
static void common_name(const X509_NAME *name, char ret[CERTIFICATE_NAME_MAX])
{
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *text =
		i < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));

	*ret = '\0';
	if (text)
		snprintf(ret, CERTIFICATE_NAME_MAX, "%.*s", ASN1_STRING_length(text),
			 (const char *)ASN1_STRING_get0_data(text));
}

static void first_other_name(X509 *x, char ret[CERTIFICATE_NAME_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !*ret; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			snprintf(ret, CERTIFICATE_NAME_MAX, "%.*s",
				 ASN1_STRING_length(name->d.dNSName),
				 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
	}
	GENERAL_NAMES_free(names);
}

static void name_of(const X509_NAME *name, char ret[CERTIFICATE_NAME_MAX])
{
	common_name(name, ret);
	if (!*ret)
		X509_NAME_oneline(name, ret, CERTIFICATE_NAME_MAX);
}

static void hash(X509 *x, char ret[CERTIFICATE_SHA256_HEX])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	*ret = '\0';
	if (!X509_digest(x, EVP_sha256(), bytes, &n) || n != SHA256_BYTES)
		return;
	for (unsigned int i = 0; i < n; i++)
		snprintf(ret + 2 * (size_t)i, 3, "%02x", bytes[i]);
}

int certificate_look(X509 *x, struct certificate *ret)
{
	int err = time_of(X509_get0_notBefore(x), &ret->begins_s);

	err = err ?: time_of(X509_get0_notAfter(x), &ret->ends_s);
	if (err)
		return err;
	common_name(X509_get_subject_name(x), ret->subject);
	if (!*ret->subject)
		first_other_name(x, ret->subject);
	if (!*ret->subject)
		name_of(X509_get_subject_name(x), ret->subject);
	name_of(X509_get_issuer_name(x), ret->issuer);
	make_plain(ret->subject);
	make_plain(ret->issuer);
	hash(x, ret->sha256);
	ret->self_signed = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
	return 0;
}

bool certificate_fits(X509 *x, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_check_ip_asc(x, host, 0) == 1;
	return X509_check_host(x, host, 0, 0, NULL) == 1;
}

int certificate_read(const char *path, struct certificate *ret, struct buf *why)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	X509 *x = NULL;
	BIO *bio;
	int err = file_read(path, &text);

	if (err) {
		buf_printf(why, "it cannot be read: %s", strerror(-err));
		return err;
	}
	bio = BIO_new_mem_buf(buf_str(&text), (int)text.len);
	x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	err = x ? certificate_look(x, ret) : -EBADMSG;
	X509_free(x);
	ERR_clear_error();
	if (err)
		buf_add_str(why, "there is no certificate in PEM in it");
	/* A file may have the key, too. */
	if (text.data)
		explicit_bzero(text.data, text.len);
	return err;
}
