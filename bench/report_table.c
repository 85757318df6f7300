/*
 * The form for a terminal: aligned columns, the machine above, what one must know below.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { COLUMNS = 20, CELL = 48 };

struct table {
	size_t columns, lines; /* line 0 is the heading */
	char (*cells)[COLUMNS][CELL];
};

__attribute__((format(printf, 3, 4))) static void add(struct table *table, size_t line,
                                                      const char *format, ...)
{
	va_list arguments;

	for (size_t column = 0; column < COLUMNS; column++) {
		if (*table->cells[line][column])
			continue;
		va_start(arguments, format);
		vsnprintf(table->cells[line][column], CELL, format, arguments);
		va_end(arguments);
		if (column >= table->columns)
			table->columns = column + 1;
		return;
	}
}

static bool is_shown(const struct report *report, enum bench_parameter parameter)
{
	unsigned bit = 1u << parameter;

	if (!(report->workload->uses & bit))
		return false;
	return bench_parameters[parameter].is_shown || (report->varying & bit);
}

static void fill_heading(struct table *table, const struct report *report)
{
	add(table, 0, "queue");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (is_shown(report, p))
			add(table, 0, "%s", bench_parameters[p].name);
	for (const struct bench_metric *m = report->workload->metrics; m->key; m++) {
		if (!m->title)
			continue;
		add(table, 0, "%s", m->title);
		if (m != report->workload->metrics)
			continue;
		add(table, 0, "(low..high)");
		add(table, 0, "x %s", bench_mutex.name);
		add(table, 0, "(95%%)");
	}
	add(table, 0, "checked");
}

static void fill_parameter(struct table *table, size_t line, const struct report_row *row,
                           enum bench_parameter parameter)
{
	unsigned long long value = point_get(&row->point, parameter);

	if (bench_parameters[parameter].is_duration)
		add(table, line, "%g us", (double)value / 1e3);
	else if (parameter == BENCH_BULK_SIZE && value > 1 && !(row->queue->can & BENCH_BULK))
		add(table, line, "%llu (by 1)", value);
	else
		add(table, line, "%llu", value);
}

/* Three digits that mean something, whatever the size. */
static int digits_for(double value)
{
	return value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
}

/* The median, and from what to what it may be. */
static void fill_median(struct table *table, size_t line, const struct stats_spread *spread,
                        double scale)
{
	double median = spread->median / scale;

	if (spread->n)
		add(table, line, "%.*f", digits_for(median), median);
	else
		add(table, line, "-");
}

static void fill_range(struct table *table, size_t line, const struct stats_spread *spread,
                       double from, double to, double scale)
{
	int digits = digits_for(spread->median / scale);

	if (spread->n)
		add(table, line, "(%.*f..%.*f)", digits, from / scale, digits, to / scale);
	else
		add(table, line, "-");
}

static void fill_row(struct table *table, size_t line, const struct report *report,
                     const struct report_row *row)
{
	const struct bench_metric *metrics = report->workload->metrics;

	add(table, line, "%s", row->queue->name);
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (is_shown(report, p))
			fill_parameter(table, line, row, p);
	for (size_t i = 0; metrics[i].key; i++) {
		const struct stats_spread *spread = &row->metric[i];

		if (!metrics[i].title)
			continue;
		fill_median(table, line, spread, metrics[i].scale);
		if (i > 0)
			continue;
		fill_range(table, line, spread, spread->low, spread->high, metrics[i].scale);
		fill_median(table, line, &row->ratio, 1);
		fill_range(table, line, &row->ratio, row->ratio.from, row->ratio.to, 1);
	}
	add(table, line, "%s%s", report_outcome(row->outcome), row->disturbed ? " *" : "");
}

static size_t width_of(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t line = 0; line < table->lines; line++)
		if (strlen(table->cells[line][column]) > width)
			width = strlen(table->cells[line][column]);
	return width;
}

/* Names and brackets to the left, figures to the right. */
static void write_cells(FILE *out, const struct table *table)
{
	for (size_t line = 0; line < table->lines; line++) {
		for (size_t column = 0; column < table->columns; column++) {
			const char *cell = table->cells[line][column];
			bool is_last = column + 1 == table->columns;
			bool is_left = column == 0 || *table->cells[0][column] == '(' || is_last;
			int width = is_last ? 0 : (int)width_of(table, column);

			fprintf(out, "%s%*s", column ? "  " : "", is_left ? -width : width, cell);
		}
		fputc('\n', out);
	}
}

static void write_heading(FILE *out, const struct report *report)
{
	fprintf(out, "%s: %s\n", report->workload->name, report->workload->method);
	report_machine(out, report);
	fprintf(out, "\n%zu run%s each in turns, median; pin %s, seed %llu\n\n", report->rounds,
	        report->rounds == 1 ? "" : "s", report->pin, (unsigned long long)report->seed);
}

static bool is_first_of_queue(const struct report *report, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (report->rows[i].queue == report->rows[row].queue)
			return false;
	return true;
}

static void write_notes(FILE *out, const struct report *report)
{
	size_t disturbed = 0;

	fputc('\n', out);
	for (size_t i = 0; i < report->row_count; i++) {
		const struct report_row *row = &report->rows[i];
		char text[160];

		disturbed += row->disturbed;
		if (row->outcome != BENCH_CHECKED)
			fprintf(out, "%s: %s\n", row->queue->name, row->why);
		if (!is_first_of_queue(report, i))
			continue;
		report_lacks(row->queue, text, sizeof(text));
		if (*text || row->queue->note)
			fprintf(out, "%s %s%s%s\n", row->queue->name, text,
			        *text && row->queue->note ? "; " : "",
			        row->queue->note ? row->queue->note : "");
	}
	if (disturbed)
		fprintf(out, "* %zu run%s disturbed: others used more than %.0f%% of the machine\n",
		        disturbed, disturbed == 1 ? " was" : "s were", REPORT_DISTURBED * 100);
}

int report_table(FILE *out, const struct report *report)
{
	struct table table = {.lines = report->row_count + 1};

	table.cells = calloc(table.lines, sizeof(*table.cells));
	if (!table.cells)
		return -ENOMEM;
	fill_heading(&table, report);
	for (size_t i = 0; i < report->row_count; i++)
		fill_row(&table, i + 1, report, &report->rows[i]);
	write_heading(out, report);
	write_cells(out, &table);
	write_notes(out, report);
	free(table.cells);
	return 0;
}
