/*
 * The frame of every picture: above it says what was measured, below the machine; the panels are
 * between. It writes a script for gnuplot, which draws it.
 */
#include <errno.h>
#include <string.h>

#include "gnuplot.h"
#include "plot.h"
#include "plot_parts.h"
#include "report_cells.h"

enum shape { BARS, LINES, DISTRIBUTIONS };

/* Pixels. */
enum { HEAD = 84, FOOT = 66, LEGEND = 150 };

int plot_format_of(const char *file, enum plot_format *format)
{
	const char *end = strrchr(file, '.');

	if (end && strcmp(end, ".svg") == 0)
		*format = PLOT_SVG;
	else if (end && strcmp(end, ".png") == 0)
		*format = PLOT_PNG;
	else
		return -EINVAL;
	return 0;
}

/* What all rows have in common. */
static void write_head(const struct plot *plot)
{
	const struct report *report = plot->report;
	char text[300];
	unsigned common = 0;

	snprintf(text, sizeof(text), "%s: %s", report->workload->name, report->workload->what);
	plot_label(plot, text, 20, "font ',16'");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (bench_parameters[p].is_shown || report->varying & 1u << p)
			common |= 1u << p;
	common &= report->workload->uses & ~plot->swept;
	plot_values(text, sizeof(text), &report->rows[0], common);
	plot_label(plot, text, 42, "font ',12'");
}

/* What a reader has to know of the figures. */
static const char *conditions(const struct plot *plot, enum shape shape, char *text, size_t size)
{
	const struct report *report = plot->report;
	size_t disturbed = 0, failed = 0;
	char rounds[200];

	for (size_t i = 0; i < report->row_count; i++) {
		disturbed += report->rows[i].disturbed;
		failed += report->rows[i].outcome != BENCH_CHECKED;
	}
	snprintf(text, size, "%s%s%s%s%s", report_rounds(report, rounds, sizeof(rounds)),
	         shape == DISTRIBUTIONS ? "; at each share the median of the runs"
	         : report->rounds > 1   ? "; intervals: 95%, by bootstrap"
	                                : "",
	         disturbed ? "; * others used the machine during some runs" : "",
	         failed && shape != BARS ? "; some runs failed or did not finish" : "",
	         plot->lacks_panels ? "; not all points are shown" : "");
	return text;
}

static void write_foot(const struct plot *plot, enum shape shape)
{
	static const char look[] = "font ',10' tc rgb '#444444'";
	const struct machine *machine = plot->report->machine;
	char text[500];

	plot_label(plot, conditions(plot, shape, text, sizeof(text)), -44, look);
	if (*report_described(plot->report, text, sizeof(text))) {
		plot_label(plot, text, -28, look);
		snprintf(text, sizeof(text), "%s, %s; run on %s", machine->library,
		         machine->compiler, machine->cpu);
		plot_label(plot, text, -12, look);
		return;
	}
	snprintf(text, sizeof(text), "%s, %zu core%s, hypervisor %s, governor %s, %s", machine->cpu,
	         machine->cores, machine->cores == 1 ? "" : "s", machine->hypervisor,
	         machine->governor, machine->kernel);
	plot_label(plot, text, -28, look);
	snprintf(text, sizeof(text), "%s, %s", machine->library, machine->compiler);
	plot_label(plot, text, -12, look);
}

static void write_terminal(const struct plot *plot, enum plot_format format)
{
	FILE *script = plot->script;

	fprintf(script, "set encoding utf8\n");
	if (format == PLOT_SVG)
		fprintf(script,
		        "set terminal svg size %d,%.0f dynamic noenhanced font 'sans-serif,12'"
		        " background '#FFFFFF' name 'plot_%s_%x'\n",
		        PLOT_WIDTH, plot->height, plot->report->workload->name, plot->swept);
	else /* twice the size, for print */
		fprintf(script,
		        "set terminal pngcairo size %d,%.0f noenhanced font 'sans-serif,12'"
		        " fontscale 1.6 linewidth 2 pointscale 2 background '#FFFFFF'\n",
		        2 * PLOT_WIDTH, 2 * plot->height);
}

static enum shape shape_of(const struct plot *plot)
{
	size_t with = 0;

	for (size_t i = 0; i < plot->report->row_count; i++)
		with += plot->report->rows[i].distribution.n > 0;
	if (with && plot->report->workload->durations)
		return DISTRIBUTIONS;
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (bench_parameters[p].kind != BENCH_WORD && report_is_swept(plot->report, p))
			return LINES;
	return BARS;
}

static void write_script(struct plot *plot, enum plot_format format)
{
	enum shape shape = shape_of(plot);

	plot_arrange(plot, shape == LINES);
	plot->height =
	        HEAD + FOOT + (shape == BARS ? plot_bars_height(plot) : plot_panels_height(plot));
	plot->top = HEAD / plot->height;
	plot->bottom = FOOT / plot->height;
	plot->legend = (double)LEGEND / PLOT_WIDTH;
	write_terminal(plot, format);
	write_head(plot);
	write_foot(plot, shape);
	if (shape == BARS) {
		fprintf(plot->script, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
		        1 - (HEAD + 20) / plot->height, (FOOT + 54) / plot->height);
		plot_bars(plot);
		return;
	}
	fprintf(plot->script,
	        "set key at screen %.4f, screen %.4f left top vertical Left reverse samplen 3\n"
	        "set multiplot\n",
	        1 - plot->legend, 1 - plot->top - 14 / plot->height);
	if (shape == LINES)
		plot_lines(plot);
	else
		plot_distributions(plot);
	fprintf(plot->script, "unset multiplot\n");
}

int plot_write(FILE *picture, const struct report *report, enum plot_format format)
{
	struct plot plot = {.script = tmpfile(), .report = report};

	if (!plot.script)
		return -errno;
	write_script(&plot, format);
	int error = gnuplot_run(plot.script, picture);
	fclose(plot.script);
	return error;
}
