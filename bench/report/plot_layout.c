/*
 * What is drawn where: which rows share a panel, which a line, and where the panels stand.
 */
#include <string.h>

#include "plot_parts.h"

/* Pixels. */
enum { PANEL = 320, ONLY_PANEL = 400 };

static size_t values_of(const struct report *report, enum bench_parameter parameter)
{
	size_t n = 0;

	for (size_t i = 0; i < report->row_count; i++) {
		bool is_new = true;

		for (size_t j = 0; j < i && is_new; j++)
			is_new = point_get(&report->rows[i].point, parameter) !=
			         point_get(&report->rows[j].point, parameter);
		n += is_new;
	}
	return n;
}

static bool is_same_panel(const struct plot *plot, const struct report_row *a,
                          const struct report_row *b)
{
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (plot->swept & 1u << p && p != plot->across &&
		    point_get(&a->point, p) != point_get(&b->point, p))
			return false;
	return true;
}

bool plot_is_in_panel(const struct plot *plot, const struct report_row *row, size_t panel)
{
	return is_same_panel(plot, plot->panels[panel], row);
}

static void find_queues(struct plot *plot)
{
	for (size_t i = 0; i < plot->report->row_count; i++) {
		const struct bench_queue *queue = plot->report->rows[i].queue;
		bool is_known = false;

		for (size_t j = 0; j < plot->queue_count; j++)
			is_known |= plot->queues[j] == queue;
		if (!is_known && plot->queue_count < PLOT_QUEUES)
			plot->queues[plot->queue_count++] = queue;
	}
}

static void find_panels(struct plot *plot)
{
	for (size_t i = 0; i < plot->report->row_count; i++) {
		const struct report_row *row = &plot->report->rows[i];
		bool is_known = false;

		for (size_t j = 0; j < plot->panel_count; j++)
			is_known |= plot_is_in_panel(plot, row, j);
		if (is_known)
			continue;
		if (plot->panel_count < PLOT_PANELS)
			plot->panels[plot->panel_count++] = row;
		else
			plot->lacks_panels = true;
	}
}

static void find_sweep(struct plot *plot, bool has_lines)
{
	size_t most = 1;

	plot->across = BENCH_PARAMETERS;
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++) {
		if (!report_is_swept(plot->report, p))
			continue;
		plot->swept |= 1u << p;
		/* The x axis is a parameter with numbers, not one with words. */
		if (bench_parameters[p].kind == BENCH_WORD)
			continue;
		if (has_lines && values_of(plot->report, p) > most) {
			most = values_of(plot->report, p);
			plot->across = p;
		}
	}
}

double plot_panels_height(const struct plot *plot)
{
	return plot->panel_count == 1 ? ONLY_PANEL : PANEL * (double)((plot->panel_count + 1) / 2);
}

const char *plot_values(char *text, size_t size, const struct report_row *row, unsigned parameters)
{
	char value[40];
	size_t used = 0;

	*text = '\0';
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++) {
		if (!(parameters & 1u << p) || used >= size)
			continue;
		point_print(value, sizeof(value), p, point_get(&row->point, p));
		used += (size_t)snprintf(text + used, size - used, "%s%s %s", used ? ", " : "",
		                         bench_parameters[p].name, value);
	}
	return text;
}

void plot_panel(const struct plot *plot, size_t panel)
{
	size_t columns = plot->panel_count > 1 ? 2 : 1;
	double rows = (double)((plot->panel_count + columns - 1) / columns);
	double width = (1 - plot->legend) / (double)columns;
	double height = (1 - plot->top - plot->bottom) / rows;
	double left = width * (double)(panel % columns);
	double top = 1 - plot->top - height * (double)(panel / columns);
	char text[300];

	fprintf(plot->script,
	        "set lmargin at screen %.4f\nset rmargin at screen %.4f\n"
	        "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
	        left + 84.0 / PLOT_WIDTH, left + width - 14.0 / PLOT_WIDTH, top - 26 / plot->height,
	        top - height + 60 / plot->height);
	if (panel > 0)
		fprintf(plot->script, "unset label\nunset key\n");
	if (*plot_values(text, sizeof(text), plot->panels[panel],
	                 plot->swept & ~(1u << plot->across))) {
		fprintf(plot->script, "set title ");
		plot_string(plot->script, text);
		fprintf(plot->script, " offset 0, -0.5\n");
	}
}

void plot_arrange(struct plot *plot, bool has_lines)
{
	find_queues(plot);
	find_sweep(plot, has_lines);
	find_panels(plot);
}
