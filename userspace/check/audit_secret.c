/* SPDX-License-Identifier: MIT */
/* Names and forms of secrets. */
#include "check/audit_secret.h"

#include <ctype.h>
#include <string.h>

#include "base/util.h"

#define KEY_ID_LETTERS 16 /* behind AKIA or ASIA */
#define SECRET_MIN 8

static bool ends_with(const char *name, const char *end)
{
	const size_t n = strlen(name), len = strlen(end);

	return n >= len && strcmp(name + n - len, end) == 0;
}

/* Examples of environment files are in the public, as their repositories are; a real secret in one is found by its form. */
bool audit_secret_name_is_vague(const char *name)
{
	static const char *const ends[] = { ".pem",          ".env.example", ".env.sample",
					    ".env.template", ".env.dist",    ".example.env",
					    ".sample.env" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(name, ends[i]))
			return true;
	return false;
}

const char *audit_secret_by_name(const char *name, const char *directory)
{
	static const char *const keys[] = { "id_rsa", "id_ed25519", "id_ecdsa", "id_dsa" };

	if (strcmp(name, "credentials") == 0 && strcmp(directory, ".aws") == 0)
		return "AWS credentials";
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(name, keys[i]) == 0)
			return "an SSH key";
	if (ends_with(name, ".key") || ends_with(name, ".pem"))
		return "a private key";
	if (strstr(name, "-config-") && ends_with(name, ".tar.gz"))
		return "a backup of the configuration";
	if (ends_with(name, ".env") || strncmp(name, ".env.", 5) == 0)
		return "an environment file";
	return NULL;
}

bool audit_secret_may_hold(const char *name)
{
	static const char *const ends[] = { ".conf",       ".cfg",  ".ini", ".toml", ".yaml",
					    ".yml",        ".json", ".sh",  ".txt",  ".py",
					    ".properties", ".bak",  ".old", ".orig", ".service",
					    ".tfvars",     "~" };

	if (!strchr(name, '.'))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(name, ends[i]))
			return true;
	return *name == '.';
}

static bool is_key_id(const char *at, size_t n)
{
	size_t i = 4;

	if (n < 4 + KEY_ID_LETTERS)
		return false;
	while (i < 4 + KEY_ID_LETTERS &&
	       (isdigit((unsigned char)at[i]) || isupper((unsigned char)at[i])))
		i++;
	return i == 4 + KEY_ID_LETTERS &&
	       (n == i || !(isalnum((unsigned char)at[i]) || at[i] == '_'));
}

/* Behind "JWT_SECRET": a value, and not a place from which it comes. */
static bool is_value(const char *at, size_t n)
{
	size_t len = 0;

	/* "JWT_SECRET": "..." */
	if (n && (*at == '"' || *at == '\'')) {
		at++;
		n--;
	}
	while (n && strchr(" \t", *at) && *at) {
		at++;
		n--;
	}
	if (!n || (*at != '=' && *at != ':'))
		return false;
	at++;
	n--;
	while (n && *at && strchr(" \t\"'", *at)) {
		at++;
		n--;
	}
	if (!n || strchr("$<{%(", *at))
		return false;
	while (len < n && isgraph((unsigned char)at[len]) && !strchr("\"'()[];,", at[len]))
		len++;
	return len >= SECRET_MIN && (len == n || (at[len] != '(' && at[len] != '['));
}

/* Behind "-----BEGIN ": "RSA PRIVATE KEY-----". */
static bool is_private_key(const char *at, size_t n)
{
	static const char *const forms[] = { "PRIVATE KEY",         "RSA PRIVATE KEY",
					     "EC PRIVATE KEY",      "DSA PRIVATE KEY",
					     "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const size_t len = strlen(forms[i]);

		if (n > len && memcmp(at, forms[i], len) == 0 && at[len] == '-')
			return true;
	}
	return false;
}

const char *audit_secret_by_text(const char *text, size_t n)
{
	static const char begin[] = "-----BEGIN ", jwt[] = "JWT_SECRET";
	const char *const end = text + n, *at;

	for (at = text; (at = memmem(at, (size_t)(end - at), begin, sizeof(begin) - 1)); at++)
		if (is_private_key(at + sizeof(begin) - 1,
				   (size_t)(end - at) - (sizeof(begin) - 1)))
			return "a private key";
	for (at = text; (at = memmem(at, (size_t)(end - at), jwt, sizeof(jwt) - 1)); at++)
		if (is_value(at + sizeof(jwt) - 1, (size_t)(end - at) - (sizeof(jwt) - 1)))
			return "JWT_SECRET";
	for (at = text; at < end && (at = memchr(at, 'A', (size_t)(end - at))); at++)
		if ((size_t)(end - at) >= 4 && (!memcmp(at, "AKIA", 4) || !memcmp(at, "ASIA", 4)) &&
		    (at == text || !isalnum((unsigned char)at[-1])) &&
		    is_key_id(at, (size_t)(end - at)))
			return "an AWS access key";
	return NULL;
}
