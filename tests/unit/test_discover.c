/* SPDX-License-Identifier: MIT */
/* What the files of a host say of the service: found, guessed, or left open, and from where. */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "check/discover.h"
#include "cmd/init_text.h"

#define FILES_MAX 8

static char root[] = "/tmp/isamon-discover.XXXXXX";
static unsigned int n_hosts;

struct host_file {
	const char *path, *text;
};

/* A host of its own for each case, below root. */
static void make_host(char host[64], const struct host_file *files)
{
	snprintf(host, 64, "%s/%u", root, n_hosts++);
	for (size_t i = 0; i < FILES_MAX && files[i].path; i++) {
		char path[300];
		int fd;

		snprintf(path, sizeof(path), "%s%s", host, files[i].path);
		*strrchr(path, '/') = 0;
		EXPECT_INT(file_make_directory(path, 0755), 0);
		snprintf(path, sizeof(path), "%s%s", host, files[i].path);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		EXPECT_INT(write(fd, files[i].text, strlen(files[i].text)),
			   (ssize_t)strlen(files[i].text));
		close(fd);
	}
}

static struct discovery *looked(const struct discover_options *o, int expected, struct buf *why)
{
	struct discovery *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	buf_init(&d->notes, 16384);
	EXPECT_INT(discover(o, why, d), expected);
	return d;
}

static void done(struct discovery *d)
{
	buf_done(&d->notes);
	free(d);
}

/* "service.name=shop" is found, "?service.name=shop" guessed. */
static void expect_list(const struct discovery *d, const char *const *expected)
{
	size_t n = 0;

	for (; expected[n]; n++) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(4096);

		if (n >= d->n) {
			EXPECT_STR("nothing more", expected[n]);
			return;
		}
		buf_printf(&line, "%s%s%s%s.%s=%s", d->list[n].guessed ? "?" : "",
			   d->list[n].section, *d->list[n].label ? ":" : "", d->list[n].label,
			   d->list[n].key, d->list[n].value);
		EXPECT_STR(buf_str(&line), expected[n]);
	}
	EXPECT_UINT(d->n, n);
}

#define SUPERVISORD \
	"[supervisord]\nlogfile=/var/log/sv.log ; where\n[include]\nfiles = conf.d/*.conf /etc/more/*.ini\n"
#define PROGRAM \
	"[program:agent-isa]\ncommand=/opt/agent-isa/venv/bin/python /opt/agent-isa/app/OpenManusWeb/app.py\n" \
	"user=agent-isa\nstdout_logfile=/var/log/agent-isa/out.log\nstderr_logfile=NONE\n"
#define UNIT(exec) \
	"[Unit]\nDescription=x\n[Service]\nExecStart=" exec \
	"\nUser=shop\nEnvironmentFile=-/etc/shop/env\n"

static void finds(void)
{
	static const struct {
		const char *name, *service;
		struct host_file files[FILES_MAX];
		const char *expected[16];
		const char *note; /* NULL: none */
	} rows[] = {
		{ "nothing where nothing is", NULL, { { "/etc/hosts", "" } }, { NULL }, NULL },
		{ "a program of Supervisor",
		  NULL,
		  { { "/etc/supervisor/supervisord.conf", SUPERVISORD },
		    { "/etc/supervisor/conf.d/a.conf", PROGRAM },
		    { "/opt/agent-isa/venv/pyvenv.cfg", "" },
		    { "/opt/agent-isa/app/.git/HEAD", "" },
		    { "/etc/agent-isa/agent-isa.env", "" } },
		  { "log:supervisor.path=/var/log/sv.log", "service.name=agent-isa",
		    "app.venv=/opt/agent-isa/venv", "?app.directory=/opt/agent-isa/app",
		    "app.user=agent-isa", "log:supervisor-output.path=/var/log/agent-isa/out.log",
		    "?backup.config=/etc/agent-isa" },
		  NULL },
		{ "a unit of systemd that has another name, the only one of its kind",
		  NULL,
		  { { "/etc/systemd/system/shop.service",
		      UNIT("/usr/bin/uvicorn shop:app --port 8080") },
		    { "/etc/systemd/system/other.service", UNIT("/usr/sbin/other -p 99") } },
		  { "?service.name=shop", "service.unit=shop.service",
		    "log:journal.unit=shop.service", "service.ports=8080", "app.user=shop",
		    "?backup.config=/etc/shop", "?backup.name=shop" },
		  NULL },
		{ "the one that was named, in a further file",
		  "two",
		  { { "/etc/supervisord.conf", SUPERVISORD },
		    { "/etc/more/x.ini",
		      "[program:one]\ncommand=python a\n[program:two]\ncommand=gunicorn -b 127.0.0.1:81 x\n" } },
		  { "log:supervisor.path=/var/log/sv.log", "service.name=two", "service.ports=81",
		    "?backup.name=two" },
		  NULL },
		{ "commands of several lines",
		  NULL,
		  { { "/etc/supervisord.conf",
		      "[program:agent-isa]\ncommand=uvicorn a\n  --port 81\n  --workers 2\nuser=x\n" },
		    { "/etc/systemd/system/agent-isa.service",
		      "[Service]\nExecStart=/v/uvicorn a \\\n  --workers 2 \\\n  --port 82\nUser=y\n" } },
		  { "service.name=agent-isa", "service.ports=81", "app.user=x",
		    "service.unit=agent-isa.service", "log:journal.unit=agent-isa.service" },
		  "both Supervisor (/etc/supervisord.conf) and systemd (/etc/systemd/system/agent-isa.service) know the service: [service] manager decides\n" },
		{ "no one where several could be it",
		  NULL,
		  { { "/etc/supervisord.conf",
		      "[program:one]\ncommand=python a\n[program:two]\ncommand=gunicorn b\n" } },
		  { NULL },
		  "several programs of Supervisor could be the service: one, two; say which with --name\n" },
		{ "the name, and not the guess beside it",
		  NULL,
		  { { "/etc/supervisord.conf", "[program:one]\ncommand=python a --port 99\n" },
		    { "/etc/systemd/system/agent-isa.service",
		      UNIT("/usr/bin/thing --port=8000") } },
		  { "service.name=agent-isa", "service.unit=agent-isa.service",
		    "log:journal.unit=agent-isa.service", "service.ports=8000", "app.user=shop",
		    "?backup.config=/etc/shop" },
		  NULL },
		{ "a command that goes on on further lines",
		  NULL,
		  { { "/etc/systemd/system/agent-isa.service",
		      UNIT("/opt/a/venv/bin/gunicorn -w 4 \\\n# why\n  -k x --access-logfile=a \\\n\t--bind 0.0.0.0:8010 app:app") },
		    { "/opt/a/venv/pyvenv.cfg", "" } },
		  { "service.name=agent-isa", "service.unit=agent-isa.service",
		    "log:journal.unit=agent-isa.service", "app.venv=/opt/a/venv",
		    "service.ports=8010", "app.user=shop", "?backup.config=/etc/shop" },
		  NULL },
		{ "one of Supervisor that does",
		  NULL,
		  { { "/etc/supervisord.conf",
		      "[program:agent-isa]\ncommand=/opt/a/venv/bin/uvicorn x\n  --port 8011\n" },
		    { "/opt/a/venv/pyvenv.cfg", "" } },
		  { "service.name=agent-isa", "app.venv=/opt/a/venv", "service.ports=8011" },
		  NULL },
		{ "a Unix socket, which cannot be watched",
		  NULL,
		  { { "/etc/systemd/system/agent-isa.service",
		      UNIT("/usr/bin/gunicorn --bind unix:/run/x.sock app:app") } },
		  { "service.name=agent-isa", "service.unit=agent-isa.service",
		    "log:journal.unit=agent-isa.service", "app.user=shop",
		    "?backup.config=/etc/shop" },
		  "listens on a Unix socket (unix:/run/x.sock), and isamon sees TCP only" },
		{ "the application's own file",
		  NULL,
		  { { "/opt/agent-isa/app/config/development.toml", "[server]\nport = 1\n" },
		    { "/opt/agent-isa/app/config/production.toml",
		      "[server]\nport = 8000\n[database]\ntype = \"sqlite\"\npath = \"/opt/agent-isa/data/production.db\"\n"
		      "[logging]\nfile = \"logs/x.log\"\n"
		      "[backup]\nenabled = true\nschedule = \"0 2 * * *\"\nretention_days = 30\n"
		      "s3_bucket = \"agent-isa-backups\"\ns3_prefix = \"daily\"\n" } },
		  { "service.ports=8000", "database.path=/opt/agent-isa/data/production.db",
		    "job:backup.schedule=0 2 * * *", "backup.keep_days=30",
		    "backup.s3_bucket=agent-isa-backups", "backup.s3_prefix=daily",
		    "?backup.data=/opt/agent-isa/data" },
		  "relative to what is not known: set [log] path\n" },
		{ "no directory of the system as the service's",
		  NULL,
		  { { "/etc/agent-isa/production.toml",
		      "[database]\npath = \"/var/lib/a.db\"\n" } },
		  { "database.path=/var/lib/a.db" },
		  "/var/lib/a.db: lies in a directory of the system" },
		{ "backups that are switched off, and CloudWatch that the application does itself",
		  NULL,
		  { { "/etc/agent-isa/production.toml",
		      "[backup]\nenabled = false\n[aws.cloudwatch]\nenabled = true\nlog_group = \"g\"\n" } },
		  { "job:backup.enabled=no", "logs.group=g" },
		  "with both, everything arrives twice\n" },
		{ "what comes before an error",
		  NULL,
		  { { "/etc/agent-isa/production.toml", "[server]\nport = 80\nx\n" } },
		  { "service.ports=80" },
		  "production.toml:3: this is not TOML; nothing behind it was read\n" },
		{ "no value that would be two lines",
		  NULL,
		  { { "/etc/agent-isa/production.toml", "[aws]\nregion = \"a\\nb\"\n" } },
		  { NULL },
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		char host[64];
		const struct discover_options o = { .root = host, .name = rows[i].service };
		struct discovery *d;

		unit_begin("finds %s", rows[i].name);
		make_host(host, rows[i].files);
		d = looked(&o, 0, &why);
		expect_list(d, rows[i].expected);
		if (rows[i].note)
			EXPECT_HAS(buf_str(&d->notes), rows[i].note);
		else
			EXPECT_STR(buf_str(&d->notes), "");
		done(d);
	}
}

static void explains(void)
{
	static const struct {
		const char *name, *service, *toml;
		int err;
		const char *why;
	} rows[] = {
		{ "a service that is not there", "shop", NULL, -ENOENT,
		  "neither Supervisor nor systemd has a service \"shop\" here" },
		{ "a file that is not there", NULL, "/no.toml", -ENOENT, "/no.toml: No such file" },
		{ "a file that is something else", NULL, "/etc/bad.toml", -EINVAL,
		  "/etc/bad.toml:2: this is not TOML" },
	};
	static const struct host_file files[FILES_MAX] = { { "/etc/bad.toml", "a = 1\nb : 2\n" } };
	char host[64];

	make_host(host, files);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		const struct discover_options o = { .root = host,
						    .name = rows[i].service,
						    .toml = rows[i].toml };
		struct discovery *d;

		unit_begin("explains %s", rows[i].name);
		d = looked(&o, rows[i].err, &why);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		done(d);
	}
}

/* The application's user writes its file, and root reads the logs that it names. */
static void takes_no_file_of_roots(void)
{
	static const struct host_file files[FILES_MAX] = {
		{ "/etc/agent-isa/production.toml", "[logging]\nfile = \"/etc/shadow\"\n" },
		{ "/etc/shadow", "root:x\n" },
	};
	static const char *const taken[] = { "log:application.path=/etc/shadow", NULL };
	static const char *const none[] = { NULL };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	char host[64], shadow[100];
	const struct discover_options o = { .root = host };
	struct discovery *d;

	if (geteuid() != 0) {
		unit_skip("needs root");
		return;
	}
	make_host(host, files);
	d = looked(&o, 0, &why);
	expect_list(d, taken);
	done(d);
	snprintf(shadow, sizeof(shadow), "%s/etc/shadow", host);
	EXPECT_INT(chmod(shadow, 0640), 0);
	d = looked(&o, 0, &why);
	expect_list(d, none);
	EXPECT_HAS(buf_str(&d->notes),
		   "logging.file = \"/etc/shadow\": only root may read that file");
	done(d);
}

static void writes(void)
{
	static const struct host_file files[FILES_MAX] = {
		{ "/etc/supervisord.conf", "[supervisord]\nlogfile=/var/log/sv.log\n" PROGRAM },
	};
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), text = BUF_INIT(512 * 1024);
	char host[64];
	const struct discover_options o = { .root = host };
	struct discovery *d;

	make_host(host, files);
	d = looked(&o, 0, &why);
	EXPECT_INT(init_text(d, &text), 0);
	EXPECT_HAS(buf_str(&text),
		   "\n# Found: /etc/supervisord.conf: a program of Supervisor\nname = agent-isa\n");
	EXPECT_HAS(buf_str(&text),
		   "\n[log \"supervisor\"]\n# Found: /etc/supervisord.conf: logfile\n"
		   "path = /var/log/sv.log\n");
	/* With one log that is elsewhere, the others have to stand there, too. */
	EXPECT_HAS(buf_str(&text), "\n[log \"nginx-error\"]\n");
	done(d);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, finds },
		{ NULL, explains },
		{ "a log that only root may read is not taken", takes_no_file_of_roots },
		{ "what was found stands in the configuration, with its source", writes },
	};
	int status;

	if (!mkdtemp(root))
		abort();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
