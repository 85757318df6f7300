/*
 * Words and looks of pictures. Colours are those of Okabe and Ito, which colour-blind readers can
 * tell apart ("Color Universal Design", 2008), without their yellow, which is hard to see on white
 * paper; dashes and marks do the same where there is no colour.
 */
#include <ctype.h>
#include <math.h>

#include "plot_parts.h"

void plot_string(FILE *script, const char *text)
{
	fputc('\'', script);
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			continue; /* above all the end of a line, where the next command begins */
		if (*text == '\'')
			fputc('\'', script);
		fputc(*text, script);
	}
	fputc('\'', script);
}

void plot_label(const struct plot *plot, const char *text, double y, const char *look)
{
	fprintf(plot->script, "set label ");
	plot_string(plot->script, text);
	fprintf(plot->script, " at screen %.4f, screen %.4f left %s\n", 14.0 / PLOT_WIDTH,
	        y < 0 ? -y / plot->height : 1 - y / plot->height, look);
}

void plot_y_label(const struct plot *plot, const char *text)
{
	char with_arrow[220];

	snprintf(with_arrow, sizeof(with_arrow), "↑ %s", text);
	plot_label(plot, with_arrow, 66, "font ',12'");
}

void plot_log_ticks(FILE *script, double least, double most, bool is_duration)
{
	static const double steps[] = {1, 2, 5};
	bool is_wide = most / least > 300;
	const char *before = "";
	char text[40];

	fprintf(script, "set logscale y 10\nset yrange [%.9g:%.9g]\nset ytics (", least, most);
	for (double decade = pow(10, floor(log10(least))); decade <= most; decade *= 10)
		for (size_t i = 0; i < (is_wide ? 1 : 3); i++) {
			double value = decade * steps[i];

			if (is_duration)
				point_print_duration(text, sizeof(text), value);
			else
				snprintf(text, sizeof(text), "%g", value);
			if (value < least || value > most)
				continue;
			fprintf(script, "%s'%s' %.9g", before, text, value);
			before = ", ";
		}
	fprintf(script, ")\n");
}

const char *plot_colour(size_t queue)
{
	static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
	                                      "#E69F00", "#56B4E9", "#000000"};

	return colours[queue % (sizeof(colours) / sizeof(*colours))];
}

void plot_line_style(const struct plot *plot, size_t queue)
{
	static const char *const dashes[] = {"solid", "(8,4)", "(2,3)", "(10,3,2,3)", "(4,3)"};
	static const int marks[] = {7, 4, 9, 6, 11, 8, 13, 10, 5, 12, 3};

	/* Numbers without a common divisor: no two queues of a picture look the same. */
	fprintf(plot->script, "lc rgb '%s' dt %s pt %d ps 0.8 lw %s", plot_colour(queue),
	        dashes[queue % (sizeof(dashes) / sizeof(*dashes))],
	        marks[queue % (sizeof(marks) / sizeof(*marks))], queue == 0 ? "2.5" : "1.5");
}

void plot_legend(const struct plot *plot)
{
	for (size_t queue = 0; queue < plot->queue_count; queue++) {
		fprintf(plot->script, ", keyentry with linespoints ");
		plot_line_style(plot, queue);
		fprintf(plot->script, " title ");
		plot_string(plot->script, plot->queues[queue]->name);
	}
}
