/*
 * A sweep: a line for each queue over the parameter that varies, with the interval of each median.
 */
#include <math.h>
#include <stdlib.h>

#include "plot_parts.h"

enum { VALUES = 64 };

/* A scale is logarithmic from this ratio of the largest to the smallest on. */
static const double spread_x = 8, spread_y = 20;

enum scale { SCALE_LINEAR, SCALE_LOG, SCALE_EVEN };

struct ticks {
	size_t n;
	uint64_t value[VALUES]; /* ascending */
	enum scale scale;
};

static int ascending(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool is_known(const struct ticks *ticks, uint64_t value)
{
	for (size_t i = 0; i < ticks->n; i++)
		if (ticks->value[i] == value)
			return true;
	return false;
}

/* With a value of 0 the axis is not logarithmic: the values stand at equal distances. */
static struct ticks ticks_of(const struct plot *plot)
{
	struct ticks ticks = {0};

	for (size_t i = 0; i < plot->report->row_count && ticks.n < VALUES; i++) {
		uint64_t value = point_get(&plot->report->rows[i].point, plot->across);

		if (!is_known(&ticks, value))
			ticks.value[ticks.n++] = value;
	}
	qsort(ticks.value, ticks.n, sizeof(*ticks.value), ascending);
	double first = (double)ticks.value[ticks.value[0] == 0 && ticks.n > 1];
	if ((double)ticks.value[ticks.n - 1] >= spread_x * first)
		ticks.scale = ticks.value[0] ? SCALE_LOG : SCALE_EVEN;
	return ticks;
}

static double position(const struct ticks *ticks, uint64_t value)
{
	for (size_t i = 0; ticks->scale == SCALE_EVEN && i < ticks->n; i++)
		if (ticks->value[i] == value)
			return (double)i;
	return (double)value;
}

static void write_x_axis(const struct plot *plot, const struct ticks *ticks)
{
	FILE *script = plot->script;
	double first = position(ticks, ticks->value[0]);
	double last = position(ticks, ticks->value[ticks->n - 1]);
	double space = ticks->scale == SCALE_LOG ? pow(last / first, 0.06) : (last - first) * 0.06;
	char text[40];

	fprintf(script, "set xlabel '%s%s' offset 0, 0.4\n", bench_parameters[plot->across].name,
	        ticks->scale == SCALE_LOG ? " (logarithmic)" : "");
	if (ticks->scale == SCALE_LOG)
		fprintf(script, "set logscale x 2\nset xrange [%.9g:%.9g]\n", first / space,
		        last * space);
	else
		fprintf(script, "set xrange [%.9g:%.9g]\n", first - space, last + space);
	fprintf(script, "set xtics (");
	for (size_t i = 0; i < ticks->n; i++) {
		point_print(text, sizeof(text), plot->across, ticks->value[i]);
		fprintf(script, "%s'%s' %.9g", i ? ", " : "", text,
		        position(ticks, ticks->value[i]));
	}
	fprintf(script, ")\n");
}

static void write_y_axis(const struct plot *plot)
{
	double least = INFINITY, most = 0, scale = plot->report->workload->metrics[0].scale;
	char text[200];

	for (size_t i = 0; i < plot->report->row_count; i++) {
		const struct stats_spread *spread = &plot->report->rows[i].metric[0];

		if (!spread->n)
			continue;
		least = fmin(least, spread->from / scale);
		most = fmax(most, spread->to / scale);
	}
	bool is_log = least > 0 && isfinite(least) && most > spread_y * least;
	snprintf(text, sizeof(text), "%s%s; %s is better", plot->report->workload->axis,
	         is_log ? ", logarithmic" : "",
	         plot->report->workload->metrics[0].better == BENCH_LESS ? "less" : "more");
	plot_y_label(plot, text);
	if (is_log)
		plot_log_ticks(plot->script, least / 1.3, most * 1.3, false);
	else
		fprintf(plot->script, "set yrange [0:%.9g]\n", most > 0 ? most * 1.08 : 1);
}

static size_t write_data(const struct plot *plot, const struct ticks *ticks, size_t panel,
                         size_t queue)
{
	double scale = plot->report->workload->metrics[0].scale;
	size_t n = 0;

	fprintf(plot->script, "$data%zu << end\n", queue);
	for (size_t v = 0; v < ticks->n; v++)
		for (size_t i = 0; i < plot->report->row_count; i++) {
			const struct report_row *row = &plot->report->rows[i];
			const struct stats_spread *spread = &row->metric[0];

			if (row->queue != plot->queues[queue] || !spread->n ||
			    point_get(&row->point, plot->across) != ticks->value[v] ||
			    !plot_is_in_panel(plot, row, panel))
				continue;
			fprintf(plot->script, "%.9g %.9g %.9g %.9g\n",
			        position(ticks, ticks->value[v]), spread->median / scale,
			        spread->from / scale, spread->to / scale);
			n++;
		}
	fprintf(plot->script, "end\n");
	return n;
}

static void draw_panel(const struct plot *plot, const struct ticks *ticks, size_t panel)
{
	size_t points[PLOT_QUEUES];

	for (size_t queue = 0; queue < plot->queue_count; queue++)
		points[queue] = write_data(plot, ticks, panel, queue);
	plot_panel(plot, panel);
	fprintf(plot->script, "plot NaN notitle");
	for (size_t queue = 0; queue < plot->queue_count; queue++) {
		if (points[queue] == 0)
			continue;
		fprintf(plot->script,
		        ", $data%zu using 1:2:3:4 with yerrorbars pt 0 lw 1 lc rgb '%s'"
		        " notitle, $data%zu using 1:2 with linespoints ",
		        queue, plot_colour(queue), queue);
		plot_line_style(plot, queue);
		fprintf(plot->script, " notitle");
	}
	if (panel == 0)
		plot_legend(plot);
	fprintf(plot->script, "\n");
}

void plot_lines(const struct plot *plot)
{
	struct ticks ticks = ticks_of(plot);

	write_x_axis(plot, &ticks);
	write_y_axis(plot);
	fprintf(plot->script, "set border 3\nset tics nomirror out\nset grid lt 1 dt solid lw 0.5 "
	                      "lc rgb '#CCCCCC'\n");
	for (size_t panel = 0; panel < plot->panel_count; panel++)
		draw_panel(plot, &ticks, panel);
}
