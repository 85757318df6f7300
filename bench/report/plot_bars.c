/*
 * One point: a bar for each queue, best first, with the interval of its median and its figures.
 * The bars are horizontal, so that names can be read.
 */
#include <stdlib.h>

#include "cells.h"
#include "plot_parts.h"

enum { BAR_PIXELS = 30 };

/* Of Okabe and Ito's colours; hatched and hollow where colours do not show. */
static const struct {
	const char *title, *style;
} looks[] = {
        {"this library", "fs solid 1.0 border lc rgb '#000000' lc rgb '#0072B2'"},
        {"baseline", "fs pattern 4 border lc rgb '#000000' lc rgb '#D55E00'"},
        {"others", "fs solid 1.0 border lc rgb '#000000' lc rgb '#CCCCCC'"},
        {"no queue, but a bound on queues", "fs empty border lc rgb '#000000' lc rgb '#000000'"},
};

enum { LOOKS = sizeof(looks) / sizeof(*looks) };

static size_t look_of(const struct bench_queue *queue)
{
	if (queue == bench_queues[0])
		return 0;
	if (queue == &bench_mutex)
		return 1;
	return queue->can & BENCH_YARDSTICK ? 3 : 2;
}

double plot_bars_height(const struct plot *plot)
{
	return BAR_PIXELS * (double)plot->report->row_count + 76;
}

static int by_median(const void *left, const void *right)
{
	const struct stats_spread *a = &(*(const struct report_row *const *)left)->metric[0];
	const struct stats_spread *b = &(*(const struct report_row *const *)right)->metric[0];

	if (!a->n || !b->n)
		return (a->n ? 0 : 1) - (b->n ? 0 : 1); /* those without figures last */
	return (a->median > b->median) - (a->median < b->median);
}

/* Best first. */
static const struct report_row **sorted(const struct report *report)
{
	const struct report_row **rows = calloc(report->row_count, sizeof(*rows));
	size_t figures = 0;

	for (size_t i = 0; rows && i < report->row_count; i++) {
		rows[i] = &report->rows[i];
		figures += rows[i]->metric[0].n > 0;
	}
	if (!rows)
		return NULL;
	qsort(rows, report->row_count, sizeof(*rows), by_median);
	for (size_t i = 0; report->workload->metrics[0].better == BENCH_MORE && i < figures / 2;
	     i++) {
		const struct report_row *row = rows[i];

		rows[i] = rows[figures - 1 - i];
		rows[figures - 1 - i] = row;
	}
	return rows;
}

static void write_data(const struct plot *plot, const struct report_row *const *rows)
{
	double scale = plot->report->workload->metrics[0].scale;

	for (size_t look = 0; look < LOOKS; look++) {
		fprintf(plot->script, "$bars%zu << end\n", look);
		for (size_t i = 0; i < plot->report->row_count; i++) {
			const struct stats_spread *spread = &rows[i]->metric[0];

			if (spread->n && look_of(rows[i]->queue) == look)
				fprintf(plot->script, "%zu %.9g %.9g %.9g\n", i,
				        spread->median / scale, spread->from / scale,
				        spread->to / scale);
		}
		fprintf(plot->script, "end\n");
	}
}

static void write_name(const struct plot *plot, const struct report_row *row)
{
	char name[80], values[40];
	bool by_one = row->point.bulk > 1 && !(row->queue->can & BENCH_BULK);

	plot_values(values, sizeof(values), row, plot->swept);
	snprintf(name, sizeof(name), "%s%s%s%s", row->queue->name, by_one ? " (one by one)" : "",
	         *values ? ", " : "", values);
	plot_string(plot->script, name);
}

/* What the bar says, with the interval, and the ratio to the baseline. */
static void write_figures(const struct plot *plot, const struct report_row *row, size_t i)
{
	double scale = plot->report->workload->metrics[0].scale;
	const struct stats_spread *spread = &row->metric[0];
	int digits = cells_digits(spread->median / scale);
	char text[200], range[60] = "", ratio[40] = "", outcome[40] = "";

	if (row->ratio.n && row->queue != &bench_mutex)
		snprintf(ratio, sizeof(ratio), "  %.*f × %s", cells_digits(row->ratio.median),
		         row->ratio.median, bench_mutex.name);
	if (row->outcome != BENCH_CHECKED)
		snprintf(outcome, sizeof(outcome), "  %s", report_outcome(row->outcome));
	if (plot->report->rounds > 1)
		snprintf(range, sizeof(range), "  (%.*f–%.*f)", digits, spread->from / scale,
		         digits, spread->to / scale);
	if (spread->n)
		snprintf(text, sizeof(text), "%.*f%s%s%s%s", digits, spread->median / scale, range,
		         ratio, row->disturbed ? "  *" : "", outcome);
	else
		snprintf(text, sizeof(text), "%s", outcome);
	fprintf(plot->script, "set label ");
	plot_string(plot->script, text);
	fprintf(plot->script, " at first %.9g, first %zu left offset 0.7, 0 font ',11'\n",
	        spread->to / scale, i);
}

/* Room for the figures right of the longest bar; a scale even when there are no bars. */
static double range_of(const struct report *report)
{
	double most = 0;

	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].metric[0].to > most)
			most = report->rows[i].metric[0].to;
	return most > 0 ? most / report->workload->metrics[0].scale * 1.45 : 1;
}

static void write_axes(const struct plot *plot, const struct report_row *const *rows)
{
	const struct report *report = plot->report;
	char label[200];

	snprintf(label, sizeof(label), "%s; %s is better", report->workload->axis,
	         report->workload->metrics[0].better == BENCH_LESS ? "less" : "more");
	fprintf(plot->script, "set xlabel ");
	plot_string(plot->script, label);
	fprintf(plot->script,
	        "\nset xrange [0:%.9g]\nset yrange [%zu - 0.4:-0.6]\n"
	        "set border 3\nset tics nomirror out\nset grid xtics lt 1 dt solid lw 0.5 lc rgb "
	        "'#CCCCCC'\n"
	        "set key at screen 0.008, screen %.4f left top horizontal maxrows 1 Left reverse"
	        " samplen 1.5\nset ytics (",
	        range_of(report), report->row_count, 1 - 54 / plot->height);
	for (size_t i = 0; i < report->row_count; i++) {
		fprintf(plot->script, i ? ", " : "");
		write_name(plot, rows[i]);
		fprintf(plot->script, " %zu", i);
	}
	fprintf(plot->script, ")\n");
}

static bool is_there(const struct plot *plot, size_t look)
{
	for (size_t i = 0; i < plot->report->row_count; i++)
		if (plot->report->rows[i].metric[0].n &&
		    look_of(plot->report->rows[i].queue) == look)
			return true;
	return false;
}

void plot_bars(const struct plot *plot)
{
	FILE *script = plot->script;
	const struct report_row **rows = sorted(plot->report);

	if (!rows)
		return;
	write_data(plot, rows);
	write_axes(plot, rows);
	for (size_t i = 0; i < plot->report->row_count; i++)
		write_figures(plot, rows[i], i);
	fprintf(script, "plot NaN notitle");
	for (size_t look = 0; look < LOOKS; look++)
		if (is_there(plot, look))
			fprintf(script,
			        ", $bars%zu using 2:1:(0):2:($1-0.36):($1+0.36) with boxxyerror %s"
			        " title '%s', $bars%zu using 2:1:3:4 with xerrorbars pt 0 lw 1.5"
			        " lc rgb '#000000' notitle",
			        look, looks[look].style, looks[look].title, look);
	fprintf(script, "\n");
	free(rows);
}
