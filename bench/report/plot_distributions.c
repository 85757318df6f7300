/*
 * The distribution of durations, one panel a point: which share of them takes no longer. Both axes
 * are logarithmic, that of the share towards 1, so that the tail can be seen.
 */
#include <math.h>

#include "plot_parts.h"

/* 1 - 10^-decades. */
static const char *const shares[] = {"0",        "90 %%",     "99 %%",     "99.9 %%",
                                     "99.99 %%", "99.999 %%", "99.9999 %%"};

/* Beyond 1 - 1/n a single run knows no more than its largest. */
static double decades_of(const struct report_row *row)
{
	size_t runs = row->metric[0].n ? row->metric[0].n : 1;

	return fmin(log10((double)row->distribution.n / (double)runs), DISTRIBUTION_DECADES);
}

static void write_data(const struct plot *plot, const struct report_row *row, size_t queue)
{
	double decades = decades_of(row);

	fprintf(plot->script, "$data%zu << end\n", queue);
	for (size_t i = 0; i + 1 < DISTRIBUTION_POINTS; i++) {
		double x = (double)i / DISTRIBUTION_PER_DECADE;

		if (x > decades)
			break;
		fprintf(plot->script, "%.4f %llu\n", x,
		        (unsigned long long)row->distribution.ns[i]);
	}
	fprintf(plot->script, "end\n");
}

static const struct report_row *row_of(const struct plot *plot, size_t panel, size_t queue)
{
	for (size_t i = 0; i < plot->report->row_count; i++) {
		const struct report_row *row = &plot->report->rows[i];

		if (row->queue == plot->queues[queue] && row->distribution.n > 0 &&
		    plot_is_in_panel(plot, row, panel))
			return row;
	}
	return NULL;
}

static void write_axes(const struct plot *plot)
{
	FILE *script = plot->script;
	double decades = 1, least = 1e12, most = 1;
	char text[100];

	for (size_t i = 0; i < plot->report->row_count; i++) {
		const struct report_row *row = &plot->report->rows[i];

		if (row->distribution.n == 0)
			continue;
		decades = fmax(decades, decades_of(row));
		least = fmin(least, fmax((double)row->distribution.ns[0], 1));
		most = fmax(most, (double)row->distribution.ns[DISTRIBUTION_POINTS - 1]);
	}
	snprintf(text, sizeof(text), "%s, logarithmic; less is better",
	         plot->report->workload->durations);
	plot_y_label(plot, text);
	plot_log_ticks(script, least / 1.5, most < least ? 10 * least : most * 1.5, true);
	fprintf(script,
	        "set xlabel 'share that takes no longer (logarithmic towards 100 %%)' offset 0, "
	        "0.4\n"
	        "set xrange [0:%.4f]\nset xtics ('50 %%%%' 0.30103",
	        decades * 1.02);
	/* Small panels have no room for a 0 beside the 50 %. */
	for (size_t i = decades > 3 && plot->panel_count > 1; i < sizeof(shares) / sizeof(*shares);
	     i++)
		fprintf(script, ", '%s' %zu", shares[i], i);
	fprintf(script, ")\nset border 3\nset tics nomirror out\nset grid lt 1 dt solid lw 0.5 lc "
	                "rgb '#CCCCCC'\n");
}

static void draw_panel(const struct plot *plot, size_t panel)
{
	for (size_t queue = 0; queue < plot->queue_count; queue++)
		if (row_of(plot, panel, queue))
			write_data(plot, row_of(plot, panel, queue), queue);
	plot_panel(plot, panel);
	fprintf(plot->script, "plot NaN notitle");
	for (size_t queue = 0; queue < plot->queue_count; queue++) {
		if (!row_of(plot, panel, queue))
			continue;
		/* Marks are to tell lines apart: some, and not all in the same place. */
		fprintf(plot->script, ", $data%zu using 1:2 with linespoints pi %zu ", queue,
		        31 + 2 * queue);
		plot_line_style(plot, queue);
		fprintf(plot->script, " notitle");
	}
	if (panel == 0)
		plot_legend(plot);
	fprintf(plot->script, "\n");
}

void plot_distributions(const struct plot *plot)
{
	write_axes(plot);
	for (size_t panel = 0; panel < plot->panel_count; panel++)
		draw_panel(plot, panel);
}
