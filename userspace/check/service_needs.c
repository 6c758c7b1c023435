/* SPDX-License-Identifier: MIT */
/* What the application needs: its own check of that, and the packages of its requirements in its environment. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/app_python.h"
#include "check/service_checks_impl.h"

#define OUTPUT_MAX (256 * 1024)
#define CHECK_MS 10000
#define PACKAGES_MS 5000
#define SHOWN_MAX 300
#define NAMED_MAX 6

/*
 * Writes a line for each requirement that is not met, "missing NAME" or "other NAME VERSION WANTED", "odd LINE" for what cannot be read, and "total N" at last. How versions
 * are compared (PEP 440) and markers read (PEP 508) is what the environment's own packaging, or that within its pip, says; without either
 * only names are looked for, and what is pinned by ==.
 */
static const char script[] =
	"import re, sys\n"
	"from importlib import metadata\n"
	"try:\n"
	"    from packaging.requirements import Requirement\n"
	"except ImportError:\n"
	"    try:\n"
	"        from pip._vendor.packaging.requirements import Requirement\n"
	"    except ImportError:\n"
	"        Requirement = None\n"
	"\n"
	"seen = set()\n"
	"\n"
	"def lines(path):\n"
	"    if path in seen:\n"
	"        return\n"
	"    seen.add(path)\n"
	"    with open(path, encoding='utf-8-sig', errors='replace') as f:\n"
	"        text = f.read(1 << 20).replace('\\\\\\n', ' ')\n"
	"    for line in text.splitlines():\n"
	"        line = re.sub(r'(^|\\s)#.*', '', line).strip()\n"
	"        other = re.match(r'(?:-r|--requirement)[ =]?\\s*(\\S+)', line)\n"
	"        if other and len(seen) < 32:\n"
	"            yield from lines(path.rpartition('/')[0] + '/' + other[1] if other[1][0] != '/' else other[1])\n"
	"        elif line and line[0] not in '-./' and '://' not in line.split('@')[0]:\n"
	"            yield re.split(r'\\s--', line)[0].strip()\n"
	"\n"
	"def have(name):\n"
	"    try:\n"
	"        return metadata.version(name)\n"
	"    except metadata.PackageNotFoundError:\n"
	"        return None\n"
	"\n"
	"n = 0\n"
	"for line in lines(sys.argv[1]):\n"
	"    if Requirement:\n"
	"        try:\n"
	"            r = Requirement(line)\n"
	"        except ValueError:\n"
	"            print('odd', line[:70])\n"
	"            continue\n"
	"        if r.marker and not r.marker.evaluate({'extra': ''}):\n"
	"            continue\n"
	"        name, want, v = r.name, str(r.specifier), have(r.name)\n"
	"        good = v is not None and (not want or r.specifier.contains(v, prereleases=True))\n"
	"    else:\n"
	"        m = re.match(r'([A-Za-z0-9._-]+)\\s*(?:\\[[^]]*\\])?\\s*(?:==\\s*([^\\s;,]+))?', line)\n"
	"        if not m or ';' in line:\n"
	"            print('odd', line[:70])\n"
	"            continue\n"
	"        name, want, v = m[1], m[2] or '', have(m[1])\n"
	"        good = v is not None and (not want or '*' in want or v == want)\n"
	"    n += 1\n"
	"    if not good:\n"
	"        print('missing', name, want) if v is None else print('other', name, v, want)\n"
	"print('total', n)\n";

static int tell(struct findings *out, const char *id, enum finding_result r, const char *text)
{
	return findings_add(out, &(struct finding_text){ .id = id, .result = r }, "%s", text);
}

/* Why Python could not be asked: there is nothing to be said of the application then. */
static int tell_no_python(const struct config *c, const char *id, int err, struct findings *out)
{
	char text[APP_PATH_MAX + 64];
	const bool installed = access(c->app_directory, F_OK) == 0;

	if (err == -ENOENT) {
		const struct finding_text t = {
			.id = id,
			.result = installed ? FINDING_PROBLEM : FINDING_NOTE,
			.meaning = installed ? "the application's environment is not there" : NULL,
			.remedy = "say where it is in [app] of the configuration",
		};

		return findings_add(out, &t, "there is no %s/bin/python", c->app_venv);
	}
	if (err == -ESRCH)
		snprintf(text, sizeof(text), "there is no user %s or group %s", c->app_user,
			 *c->app_group ? c->app_group : "of it");
	else if (err == -ETIMEDOUT)
		snprintf(text, sizeof(text), "it took too long");
	else if (err == -EPERM)
		snprintf(text, sizeof(text),
			 "%.64s is nobody that this process may become: run it from a root shell",
			 c->app_user);
	else
		snprintf(text, sizeof(text), "cannot be run: %s", strerror(-err));
	return tell(out, id, FINDING_UNKNOWN, text);
}

/* The last line, without spaces at its end. */
static const char *last_line(struct buf *text)
{
	char *line;

	while (text->len && strchr("\n\r\t ", text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	if (!text->len)
		return "";
	line = strrchr(text->data, '\n');
	return line ? line + 1 : text->data;
}

/* Whether what is run is run by the service's user. */
static bool is_user(const struct config *c)
{
	const struct passwd *p = geteuid() ? getpwnam(c->app_user) : NULL;

	return geteuid() == 0 || (p && p->pw_uid == geteuid());
}

int service_look_dependencies(const struct check_input *in, struct findings *out)
{
	static const char id[] = "service.dependencies";
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);
	const struct config *c = in->config;
	const struct finding_text t = {
		.id = id,
		.result = FINDING_PROBLEM,
		.meaning = "the application's own check says that something is missing",
		.remedy = "run it as its user to see all it says; then install what is missing",
	};
	char path[APP_PATH_MAX];
	const char *arguments[] = { path, NULL };
	int status;

	app_path(c, c->app_check, path);
	if (strcmp(c->app_check, CONFIG_APP_NONE) == 0)
		return tell(out, id, FINDING_FINE, "the application has no check of its own");
	if (access(path, F_OK))
		return findings_add(out,
				    &(struct finding_text){
					    .id = id,
					    .result = FINDING_NOTE,
					    .remedy =
						    "say where it is, or none, as check in [app]" },
				    "there is no %s", path);
	status = app_python(c, arguments, CHECK_MS, &text);
	if (status < 0)
		return tell_no_python(c, id, status, out);
	/* Another user may lack what the service's has. */
	if (status && !is_user(c))
		return findings_add(out,
				    &(struct finding_text){ .id = id,
							    .result = FINDING_UNKNOWN,
							    .remedy = "run this as root" },
				    "only root can run it as %s", c->app_user);
	if (status)
		return findings_add(out, &t, "status %d: %.*s", status, SHOWN_MAX,
				    last_line(&text));
	return findings_add(out, &(struct finding_text){ .id = id }, "%.*s", SHOWN_MAX,
			    text.len ? last_line(&text) : "its check ends with status 0");
}

/* "missing NAME WANTED", "other NAME VERSION WANTED". Returns how many there are of both; those that find room are in @named. *ret_odd: how many lines
 * could not be read, the first of which is in @odd. */
static unsigned int read_packages(const char *text, struct buf *named, unsigned int *ret_total,
				  char odd[80], unsigned int *ret_odd)
{
	unsigned int n = 0;

	*odd = '\0';
	*ret_odd = 0;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char name[80] = "", version[80] = "", want[80] = "";

		if (sscanf(at, "total %u", ret_total) == 1)
			break;
		if (strncmp(at, "odd ", 4) == 0 && (*ret_odd)++ == 0)
			sscanf(at + 4, "%79[^\n]", odd);
		if (sscanf(at, "missing %79s%*[ ]%79[^\n]", name, want) >= 1) {
			if (n++ < NAMED_MAX)
				buf_printf(named, "%s%s%s is missing", n > 1 ? ", " : "", name,
					   want);
		} else if (sscanf(at, "other %79s %79s %79[^\n]", name, version, want) == 3) {
			if (n++ < NAMED_MAX)
				buf_printf(named, "%s%s is %s, not %s", n > 1 ? ", " : "", name,
					   version, want);
		}
	}
	if (n > NAMED_MAX)
		buf_printf(named, " and %u more", n - NAMED_MAX);
	return n;
}

int service_look_packages(const struct check_input *in, struct findings *out)
{
	static const char id[] = "service.packages";
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX), named = BUF_INIT(1000);
	const struct config *c = in->config;
	const struct finding_text t = {
		.id = id,
		.result = FINDING_PROBLEM,
		.meaning = "packages that the application requires are not in its environment",
		.remedy = "install them there, as its user: bin/pip install -r requirements.txt",
	};
	char path[APP_PATH_MAX];
	const char *arguments[] = { "-I", "-c", script, path, NULL };
	unsigned int n, total = 0, n_odd;
	char odd[80];
	int status;

	app_path(c, c->app_requirements, path);
	if (strcmp(c->app_requirements, CONFIG_APP_NONE) == 0)
		return tell(out, id, FINDING_FINE, "the application has no requirements file");
	if (access(path, F_OK))
		return findings_add(out, &(struct finding_text){ .id = id, .result = FINDING_NOTE },
				    "there is no %s", path);
	status = app_python(c, arguments, PACKAGES_MS, &text);
	if (status < 0)
		return tell_no_python(c, id, status, out);
	if (status)
		return findings_add(out,
				    &(struct finding_text){ .id = id, .result = FINDING_UNKNOWN },
				    "cannot be read: %.*s", SHOWN_MAX, last_line(&text));
	n = read_packages(buf_str(&text), &named, &total, odd, &n_odd);
	if (n)
		return findings_add(out, &t, "%s", buf_str(&named));
	if (n_odd)
		return findings_add(out, &(struct finding_text){ .id = id, .result = FINDING_NOTE },
				    "%u are there; %u line%s of %s could not be read: %s", total,
				    n_odd, n_odd == 1 ? "" : "s", path, odd);
	return findings_add(out, &(struct finding_text){ .id = id }, "all %u are there", total);
}
