/* SPDX-License-Identifier: MIT */
/*
 * Drawing. From the top: title, numbers, trouble or else WebSockets and streams, head of the table, all
 * routes together, the routes, the processes if there is room, and the line of keys at the bottom. What
 * does not fit is cut; of columns the less important ones are left out, so that the route has room. All text from outside passes top_format_text(). Signals are the caller's: SIGWINCH
 * comes as top_screen_resize().
 */
#include "cmd/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/top_format.h"
#include "cmd/top_process_cell.h"
#include "cmd/top_terminal.h"

#define LINE_TITLE 0
#define LINE_NUMBERS 1
#define LINE_TROUBLE 2
#define LINE_HEAD 3
#define LINE_ALL 4
#define LINE_ROUTES 5
#define LINES_BELOW 1
/* The table of processes: its share of the lines for routes, and how few of them leave it out. */
#define PANE_SHARE 3
#define PANE_ROOM_MIN 6

#define SERVICE_COLUMNS 24
#define SLOW_NS 1000000000ull
#define ESCAPE_MS 25

enum colour { COLOUR_BAD = 1, COLOUR_SLOW };

struct top_screen {
	SCREEN *terminal;
	bool utf8;
	bool colours;
	unsigned int columns; /* of routes: as top_columns_shown() has them */
	int pane;             /* lines of the table of processes, its head included */
	int line; /* being drawn: what is too long for it is cut, not continued on the next */
};

int top_screen_open(struct top_screen **ret)
{
	struct top_screen *s;

	if (!top_terminal_has_lines())
		return -ENOTTY;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->terminal = newterm(NULL, stdout, stdin);
	if (!s->terminal) {
		free(s);
		return -ENOTTY;
	}
	s->utf8 = top_format_utf8();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	s->colours = has_colors() && start_color() == OK && use_default_colors() == OK;
	if (s->colours) {
		init_pair(COLOUR_BAD, COLOR_RED, -1);
		init_pair(COLOUR_SLOW, COLOR_YELLOW, -1);
	}
	*ret = s;
	return 0;
}

void top_screen_close(struct top_screen *s)
{
	if (!s)
		return;
	endwin();
	delscreen(s->terminal);
	free(s);
}

void top_screen_resize(struct top_screen *s)
{
	struct winsize size;

	(void)s;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
}

size_t top_screen_page(const struct top_screen *s)
{
	int n = getmaxy(stdscr) - LINE_ROUTES - LINES_BELOW - s->pane;

	return n > 0 ? (size_t)n : 0;
}

static void begin_line(struct top_screen *s, int line)
{
	s->line = line;
	move(line, 0);
}

/* Columns that are left in the line. */
static int room(const struct top_screen *s)
{
	return getcury(stdscr) == s->line ? getmaxx(stdscr) - getcurx(stdscr) : 0;
}

/* @text is ASCII. */
static void put(const struct top_screen *s, attr_t attributes, const char *text)
{
	int n = room(s);

	if (n <= 0)
		return;
	attron(attributes);
	addnstr(text, n);
	attroff(attributes);
}

/* @text is anything. */
static void put_text(const struct top_screen *s, const char *text, int columns)
{
	_cleanup_(buf_done) struct buf shown = BUF_INIT(4096);
	int n = room(s);

	if (columns < n)
		n = columns;
	if (n <= 0)
		return;
	top_format_text(text, (size_t)n, s->utf8, &shown);
	addstr(buf_str(&shown));
}

/* Right-aligned in @width columns. */
static void put_cell(const struct top_screen *s, attr_t attributes, int width, const char *cell)
{
	char text[TOP_CELL_MAX + 16];

	snprintf(text, sizeof(text), "%*s", width, cell);
	put(s, attributes, text);
}

/* What is left of a table's head. */
static void end_head(const struct top_screen *s)
{
	while (room(s) > 0)
		put(s, A_NORMAL, " ");
	attroff(A_REVERSE);
}

static attr_t attributes_of(const struct top_screen *s, enum colour colour)
{
	if (!colour)
		return A_NORMAL;
	return s->colours ? (attr_t)COLOR_PAIR(colour) : A_BOLD;
}

static void draw_title(struct top_screen *s, const struct top_scene *scene)
{
	char clock[16] = "", text[96];
	time_t now = time(NULL);
	struct tm t;

	if (localtime_r(&now, &t))
		strftime(clock, sizeof(clock), "%H:%M:%S", &t);
	begin_line(s, LINE_TITLE);
	put(s, A_BOLD, "isamon top");
	if (scene->view) {
		put(s, A_NORMAL, "   ");
		put_text(s, scene->view->sample->service, SERVICE_COLUMNS);
		if (scene->view->sample->service_up)
			put(s, A_NORMAL, " up");
		else
			put(s, attributes_of(s, COLOUR_BAD), " down");
	}
	snprintf(text, sizeof(text), "   %s, each %g s   %s   ", scene->source, scene->interval_s,
		 clock);
	put(s, A_NORMAL, text);
	if (scene->paused)
		put(s, A_REVERSE, "paused");
}

static void draw_count(const struct top_screen *s, uint64_t n, const char *name, bool is_bad)
{
	char text[64];

	snprintf(text, sizeof(text), "   %llu %s", (unsigned long long)n, name);
	put(s, attributes_of(s, is_bad && n ? COLOUR_BAD : 0), text);
}

static void draw_numbers(struct top_screen *s, const struct top_view *v)
{
	char cell[TOP_CELL_MAX], text[64];

	begin_line(s, LINE_NUMBERS);
	top_format_rate(v->total.requests_s, cell);
	snprintf(text, sizeof(text), "%s requests/s   ", cell);
	put(s, A_NORMAL, text);
	top_format_rate(v->total.errors_s, cell);
	snprintf(text, sizeof(text), "%s errors/s", cell);
	put(s, attributes_of(s, v->total.errors_s > 0 ? COLOUR_BAD : 0), text);
	draw_count(s, v->sample->in_flight, "in flight", false);
	draw_count(s, v->sample->connections, "connections", false);
	draw_count(s, v->lost, "lost", true);
}

static void draw_chat(struct top_screen *s, const struct top_view *v)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(512);

	if (!v->chat.any)
		return;
	top_format_chat(v, &text);
	put(s, A_NORMAL, buf_str(&text));
}

static void draw_trouble(struct top_screen *s, const struct top_scene *scene)
{
	begin_line(s, LINE_TROUBLE);
	if (scene->trouble)
		put(s, attributes_of(s, COLOUR_BAD), scene->trouble);
	else if (!scene->view)
		put(s, A_NORMAL, "measuring");
	else if (scene->view->restarted)
		put(s, A_NORMAL, "the daemon was restarted");
	else
		draw_chat(s, scene->view);
}

static void draw_head(struct top_screen *s, enum top_sort sort)
{
	const char *mark = s->utf8 ? "\xe2\x96\xbc" : "v";
	unsigned int c;

	begin_line(s, LINE_HEAD);
	attron(A_REVERSE);
	for (c = 0; c < TOP_COLUMNS; c++) {
		bool sorted = c == top_sort_column(sort);
		int name = (int)strlen(top_column_name(c)) + (sorted ? 1 : 0);

		if (!(s->columns & 1u << c))
			continue;
		put_cell(s, A_NORMAL, top_column_width(c) - name, "");
		if (sorted && room(s) > 0)
			addstr(mark); /* one column, however many bytes */
		put(s, sorted ? A_BOLD : A_NORMAL, top_column_name(c));
	}
	put(s, A_NORMAL, "  ROUTE");
	end_head(s);
}

static enum colour cell_colour(const struct top_row *r, enum top_column c)
{
	if (c == TOP_ERRORS && r->errors_s > 0)
		return COLOUR_BAD;
	if (c == TOP_P99 && r->p99_ns >= SLOW_NS)
		return COLOUR_SLOW;
	return 0;
}

static void draw_row(struct top_screen *s, int line, const struct top_row *r, const char *name)
{
	char cell[TOP_CELL_MAX];
	unsigned int c;

	begin_line(s, line);
	for (c = 0; c < TOP_COLUMNS; c++) {
		if (!(s->columns & 1u << c))
			continue;
		top_format_cell(r, c, cell);
		put_cell(s, attributes_of(s, cell_colour(r, c)), top_column_width(c), cell);
	}
	put(s, A_NORMAL, "  ");
	put_text(s, name, getmaxx(stdscr));
}

static void draw_routes(struct top_screen *s, struct top_scene *scene)
{
	const struct top_view *v = scene->view;
	size_t page = top_screen_page(s), i;
	size_t last = v->n_rows > page ? v->n_rows - page : 0;

	if (scene->offset > last)
		scene->offset = last;
	if (getmaxy(stdscr) > LINE_ALL + LINES_BELOW)
		draw_row(s, LINE_ALL, &v->total, "(all)");
	for (i = 0; i < page && scene->offset + i < v->n_rows; i++)
		draw_row(s, LINE_ROUTES + (int)i, &v->rows[scene->offset + i],
			 v->rows[scene->offset + i].route);
}

/* Lines that the table of processes takes. */
static int pane_of(const struct top_scene *scene)
{
	int all = getmaxy(stdscr) - LINE_ROUTES - LINES_BELOW;
	int n = scene->view ? (int)scene->view->n_processes : 0;

	if (!n || all < PANE_ROOM_MIN)
		return 0;
	n += scene->view->sample->rest.processes ? 1 : 0;
	return 1 + (n < all / PANE_SHARE ? n : all / PANE_SHARE);
}

static void draw_process(struct top_screen *s, int line, const struct top_process_row *r)
{
	char cell[TOP_CELL_MAX];

	begin_line(s, line);
	for (unsigned int c = 0; c < TOP_PROCESS_COLUMNS; c++) {
		top_process_format_cell(r, c, cell);
		put_cell(s, A_NORMAL, top_process_column_width(c), cell);
	}
}

/* The last line is for all that have none, if there are such. */
static void draw_process_lines(struct top_screen *s, const struct top_view *v, int first, int n)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(256);
	bool all = v->n_processes == (size_t)n && !v->sample->rest.processes;
	int shown = all ? n : n - 1;

	for (int i = 0; i < shown; i++)
		draw_process(s, first + i, &v->processes[i]);
	top_process_say_rest(v, (size_t)shown, &text);
	if (!text.len)
		return;
	begin_line(s, first + shown);
	put(s, A_NORMAL, "  ");
	put(s, A_NORMAL, buf_str(&text));
}

static void draw_processes(struct top_screen *s, const struct top_view *v)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(256);
	int head = getmaxy(stdscr) - LINES_BELOW - s->pane;

	if (!s->pane)
		return;
	begin_line(s, head);
	attron(A_REVERSE);
	for (unsigned int c = 0; c < TOP_PROCESS_COLUMNS; c++)
		put_cell(s, A_NORMAL, top_process_column_width(c), top_process_column_name(c));
	buf_add_str(&text, "  ");
	top_process_say_count(v, &text);
	put(s, A_NORMAL, buf_str(&text));
	end_head(s);
	draw_process_lines(s, v, head + 1, s->pane - 1);
}

static void draw_keys(struct top_screen *s, const struct top_scene *scene)
{
	size_t n = scene->view ? scene->view->n_rows : 0, page = top_screen_page(s);
	size_t end = scene->offset + page < n ? scene->offset + page : n;
	char text[128];

	begin_line(s, getmaxy(stdscr) - 1);
	if (scene->help)
		snprintf(text, sizeof(text), "%s",
			 "q quit  r req  e err  u queue  p p50  9 p99  m max  "
			 "arrows scroll  space pause");
	else if (n > page)
		snprintf(text, sizeof(text), "q quit  ? keys   routes %zu-%zu of %zu",
			 scene->offset + 1, end, n);
	else
		snprintf(text, sizeof(text), "q quit  ? keys");
	put(s, A_DIM, text);
}

void top_screen_draw(struct top_screen *s, struct top_scene *scene)
{
	erase();
	s->pane = pane_of(scene);
	s->columns = top_columns_shown(getmaxx(stdscr), top_sort_column(scene->sort));
	if (getmaxy(stdscr) > LINE_HEAD + LINES_BELOW)
		draw_head(s, scene->sort);
	if (scene->view) {
		draw_routes(s, scene);
		draw_processes(s, scene->view);
	}
	draw_title(s, scene);
	if (scene->view)
		draw_numbers(s, scene->view);
	draw_trouble(s, scene);
	if (getmaxy(stdscr) > LINE_TROUBLE + LINES_BELOW)
		draw_keys(s, scene);
	refresh();
}

enum top_key top_screen_key(struct top_screen *s)
{
	static const struct {
		int code;
		enum top_key key;
	} keys[] = {
		{ ERR, TOP_KEY_NONE },
		{ 'q', TOP_KEY_QUIT },
		{ 'Q', TOP_KEY_QUIT },
		{ 'r', TOP_KEY_SORT_REQUESTS },
		{ 'e', TOP_KEY_SORT_ERRORS },
		{ 'u', TOP_KEY_SORT_QUEUE },
		{ 'p', TOP_KEY_SORT_P50 },
		{ '9', TOP_KEY_SORT_P99 },
		{ 'm', TOP_KEY_SORT_MAX },
		{ KEY_UP, TOP_KEY_UP },
		{ 'k', TOP_KEY_UP },
		{ KEY_DOWN, TOP_KEY_DOWN },
		{ 'j', TOP_KEY_DOWN },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP },
		{ KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },
		{ KEY_END, TOP_KEY_END },
		{ ' ', TOP_KEY_PAUSE },
		{ '?', TOP_KEY_HELP },
		{ 'h', TOP_KEY_HELP },
	};
	int code = getch();
	size_t i;

	(void)s;
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return TOP_KEY_OTHER;
}
