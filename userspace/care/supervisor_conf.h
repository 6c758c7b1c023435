/* SPDX-License-Identifier: MIT */
/* Where Supervisor's socket is, as supervisord's own configuration says: [unix_http_server] file, username, password. */
#ifndef ISAMON_SUPERVISOR_CONF_H
#define ISAMON_SUPERVISOR_CONF_H

struct supervisor_conf {
	char socket[108];   /* "": none */
	char user[129];     /* "": the socket needs none, or it is not known */
	char password[129]; /* wiped by supervisor_conf_wipe() */
};

/*
 * Reads @text, which is that of the file @path. A value that is too long, or has an expansion other than %(here)s, is as if it
 * were not there; so is a password that is only a hash ({SHA}...). Comments, also behind values, begin with ';'.
 */
void supervisor_conf_parse(const char *path, const char *text, struct supervisor_conf *ret);
/* The same with the file @path, if it is root's (or ours) and nobody else may write it. Returns 0, -EPERM or another -errno. */
int supervisor_conf_read(const char *path, struct supervisor_conf *ret);
void supervisor_conf_wipe(struct supervisor_conf *c);

#endif
