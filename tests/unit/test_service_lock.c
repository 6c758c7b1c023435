/* SPDX-License-Identifier: MIT */
/* The service is in one pair of hands: those of who has the lock alone, or of those who share it; who is kept out is told by whom. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/service_lock.h"

static char top[100], state[140], path[180];

static void set_up(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%s/isamon-lock-XXXXXX", dir ? dir : "/tmp");
	REQUIRE(mkdtemp(top));
	snprintf(state, sizeof(state), "%s/state", top);
	snprintf(path, sizeof(path), "%s/" SERVICE_LOCK, state);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(state);
	rmdir(top);
}

typedef int (*lock_fn)(const char *state_directory, struct buf *why, int *ret_fd);

static void who_keeps_out_whom(void)
{
	static const struct {
		const char *what;
		lock_fn first, second;
		int err;
	} cases[] = {
		{ "two alone", service_lock_alone, service_lock_alone, -EBUSY },
		{ "an order in an exchange", service_lock_alone, service_lock_shared, -EBUSY },
		{ "an exchange in an order", service_lock_shared, service_lock_alone, -EBUSY },
		{ "two orders", service_lock_shared, service_lock_shared, 0 },
	};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
		_cleanup_(file_closep) int first = -1, second = -1;

		EXPECT_INT(cases[i].first(state, &why, &first), 0);
		EXPECT_INT(why.len, 0);
		if (cases[i].second(state, &why, &second) != cases[i].err)
			EXPECT_STR(cases[i].what, "refused as it should be");
		EXPECT_INT(second >= 0, cases[i].err == 0);
		EXPECT_INT(why.len > 0, cases[i].err != 0);
		file_closep(&first);
		first = -1;
		/* It goes with who had it. */
		if (second < 0)
			EXPECT_INT(cases[i].second(state, &why, &second), 0);
	}
	tear_down();
}

static void it_is_told(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	_cleanup_(file_closep) int fd = -1;
	char part[80];
	struct stat st;
	int other = -1;

	set_up();
	EXPECT_INT(service_lock_alone(state, &why, &fd), 0);
	EXPECT_INT(stat(path, &st), 0);
	EXPECT_INT(st.st_mode & 07777, 0600);
	EXPECT_INT(service_lock_shared(state, &why, &other), -EBUSY);
	EXPECT_INT(other, -1);
	/* This test is no isamon: its command line is not taken for one. */
	EXPECT_HAS(buf_str(&why),
		   "another update, restore, vacuum or order has the service in hand");
	snprintf(part, sizeof(part), ", in process %d, since 20", (int)getpid());
	EXPECT_HAS(buf_str(&why), part);
	EXPECT_HAS(buf_str(&why), "wait until it has ended");
	tear_down();
}

static void nowhere(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int fd = -1;

	EXPECT_INT(service_lock_alone("/proc/nowhere/state", &why, &fd), -ENOENT);
	EXPECT_INT(fd, -1);
	EXPECT_HAS(buf_str(&why), "/proc/nowhere/state");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "who keeps out whom", who_keeps_out_whom },
		{ "who is kept out is told by whom, and since when", it_is_told },
		{ "a state directory that cannot be", nowhere },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
