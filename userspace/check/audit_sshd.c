/* SPDX-License-Identifier: MIT */
/* Keys and values of sshd_config, and which algorithms are too old. Facts: sshd_config(5); RFC 8758, RFC 9142 and NIST SP 800-131A for
 * what should not be used any more. */
#include "check/audit_sshd.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "check/audit_impl.h"

#define LINE_BYTES 4096

static const struct {
	const char *name, *initial;
	bool of_matches; /* worth telling behind a Match */
} keys[AUDIT_SSHD_KEYS] = {
	[AUDIT_SSHD_ROOT] = { "PermitRootLogin", "prohibit-password", true },
	[AUDIT_SSHD_PASSWORD] = { "PasswordAuthentication", "yes", true },
	[AUDIT_SSHD_KEYBOARD] = { "KbdInteractiveAuthentication", "yes", false },
	[AUDIT_SSHD_PAM] = { "UsePAM", "no", false },
	[AUDIT_SSHD_EMPTY] = { "PermitEmptyPasswords", "no", true },
	[AUDIT_SSHD_X11] = { "X11Forwarding", "no", false },
	[AUDIT_SSHD_TRIES] = { "MaxAuthTries", "6", false },
	[AUDIT_SSHD_CIPHERS] = { "Ciphers", "", false },
	[AUDIT_SSHD_MACS] = { "MACs", "", false },
	[AUDIT_SSHD_KEX] = { "KexAlgorithms", "", false },
};

const char *audit_sshd_key_name(enum audit_sshd_key key)
{
	return keys[key].name;
}

const char *audit_sshd_default(enum audit_sshd_key key)
{
	return keys[key].initial;
}

/* Ends the word at @text; returns where its value begins. One = may stand between them. */
static char *cut_word(char *text)
{
	char *end = text + strcspn(text, " \t=");
	char *value = end + strspn(end, " \t");

	if (*value == '=')
		value += 1 + strspn(value + 1, " \t");
	*end = '\0';
	return value;
}

/* Without quotes, comment and spaces at its end. */
static char *plain_value(char *value)
{
	char *end;

	if (*value == '"') {
		value++;
		value[strcspn(value, "\"")] = '\0';
		return value;
	}
	for (end = value; *end && *end != '\r'; end++)
		if (*end == '#' && end > value && strchr(" \t", end[-1]))
			break;
	while (end > value && strchr(" \t", end[-1]))
		end--;
	*end = '\0';
	return value;
}

static int key_of(const char *word)
{
	if (strcasecmp(word, "ChallengeResponseAuthentication") == 0)
		return AUDIT_SSHD_KEYBOARD;
	for (int i = 0; i < AUDIT_SSHD_KEYS; i++)
		if (strcasecmp(word, keys[i].name) == 0)
			return i;
	return -1;
}

static void set(struct audit_sshd *s, enum audit_sshd_key key, const char *value, const char *match)
{
	const size_t i = s->n_matches;

	if (!match && !*s->value[key]) {
		utf8_make_plain(value, strlen(value), s->value[key], sizeof(s->value[key]));
	} else if (match && keys[key].of_matches && i < AUDIT_SSHD_MATCHES_MAX) {
		s->matches[i].key = key;
		utf8_make_plain(value, strlen(value), s->matches[i].value,
				sizeof(s->matches[i].value));
		utf8_make_plain(match, strlen(match), s->matches[i].who, sizeof(s->matches[i].who));
		s->n_matches++;
	}
}

int audit_sshd_parse(const char *text, size_t len, const char *match, audit_sshd_include_fn include,
		     void *ctx, struct audit_sshd *ret)
{
	const char *const end = text + len;
	const char *outer = match;
	char line[LINE_BYTES], own[128];
	int err = 0;

	while (!err && audit_next_line(&text, end, line, sizeof(line))) {
		char *word = line + strspn(line, " \t"), *value = cut_word(word);
		int key;

		if (!*word || *word == '#')
			continue;
		if (strcasecmp(word, "Include") == 0) {
			value[strcspn(value, "\r#")] = '\0';
			err = include ? include(value, match, ctx) : 0;
			continue;
		}
		value = plain_value(value);
		if (strcasecmp(word, "Match") == 0) {
			snprintf(own, sizeof(own), "%s", value);
			match = strcasecmp(own, "all") == 0 ? outer : own;
			continue;
		}
		key = key_of(word);
		if (key >= 0)
			set(ret, (enum audit_sshd_key)key, value, match);
	}
	return err;
}

static bool is_old(enum audit_sshd_key key, const char *name)
{
	static const char *const ciphers[] = { "-cbc", "arcfour", "rijndael", "none", NULL };
	static const char *const macs[] = { "md5", "-96", "ripemd", "none", NULL };
	static const char *const kex[] = { "group1-sha1", "group14-sha1", "group-exchange-sha1",
					   NULL };
	const char *const *old = key == AUDIT_SSHD_CIPHERS ? ciphers :
				 key == AUDIT_SSHD_MACS    ? macs :
							     kex;

	while (*old && !strstr(name, *old))
		old++;
	return *old != NULL;
}

void audit_sshd_old_names(enum audit_sshd_key key, const char *list, char *text, size_t size)
{
	if (*list == '-')
		return;
	list += *list == '+' || *list == '^';
	while (*list) {
		size_t n = strcspn(list, ","), len = strlen(text);
		char name[80];

		snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name)),
			 list);
		if (is_old(key, name) && len + n + 3 < size)
			snprintf(text + len, size - len, "%s%s", len ? ", " : "", name);
		list += n + (list[n] == ',');
	}
}
