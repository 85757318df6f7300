/*
 * What the kinds of pictures share: the script being written, what is drawn side by side, and the
 * style of each queue.
 */
#ifndef BENCH_PLOT_PARTS_H
#define BENCH_PLOT_PARTS_H

#include "report.h"

enum { PLOT_QUEUES = 32, PLOT_PANELS = 24, PLOT_WIDTH = 960 };

struct plot {
	FILE *script;
	const struct report *report;

	/* One line, or colour, a queue: in the order of the report. */
	const struct bench_queue *queues[PLOT_QUEUES];
	size_t queue_count;

	unsigned swept;              /* 1 << parameter for each with several values */
	enum bench_parameter across; /* what the x axis of lines shows; BENCH_PARAMETERS: none */

	/* Rows that differ only in the queue and across stand in one panel, named by its first. */
	const struct report_row *panels[PLOT_PANELS];
	size_t panel_count;
	bool lacks_panels; /* there are more than fit */

	double height;              /* of the picture, pixels */
	double top, bottom, legend; /* of it: above and below the panels, right of them */
};

/* The kinds. Each says how high it is before the frame is drawn, then draws. */
double plot_bars_height(const struct plot *plot);
void plot_bars(const struct plot *plot);
double plot_panels_height(const struct plot *plot);
void plot_lines(const struct plot *plot);
void plot_distributions(const struct plot *plot);

/* Fills in queues, sweep and panels. */
void plot_arrange(struct plot *plot, bool has_lines);

bool plot_is_in_panel(const struct plot *plot, const struct report_row *row, size_t panel);

/* "capacity 16, bulk 1": of this row, these parameters. */
const char *plot_values(char *text, size_t size, const struct report_row *row, unsigned parameters);

/* A gnuplot string: quoted, and without anything that could end it. */
void plot_string(FILE *script, const char *text);

/* y: pixels from the top, or, negative, from the bottom. look: font and colour. */
void plot_label(const struct plot *plot, const char *text, double y, const char *look);

/* Writes the label of the y axis at the top of the picture, as there is no room beside the axis. */
void plot_y_label(const struct plot *plot, const char *text);

/* Marks on a logarithmic y axis: decades, and where those are few 2 and 5, too. */
void plot_log_ticks(FILE *script, double least, double most, bool is_duration);

/* Where the panel goes, and what it is called if there are several. */
void plot_panel(const struct plot *plot, size_t panel);

const char *plot_colour(size_t queue);

/* What a line looks like: colour, dashes and marks, "with" left out. */
void plot_line_style(const struct plot *plot, size_t queue);

/* After the last curve of the first panel: the names of all. */
void plot_legend(const struct plot *plot);

#endif
