/*
 * What the forms that people read share: which columns there are follows from the workload's
 * metrics.
 */
#include <errno.h>

#include "report_cells.h"

static bool is_shown(const struct report *report, enum bench_parameter parameter)
{
	unsigned bit = 1u << parameter;

	if (!(report->workload->uses & bit))
		return false;
	return bench_parameters[parameter].is_shown || (report->varying & bit);
}

/* A report of one run has no lowest and highest value. */
static bool has_spreads(const struct report *report)
{
	return report->rounds > 1;
}

static void fill_heading(struct cells *cells, const struct report *report)
{
	cells_add(cells, 0, "queue");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (is_shown(report, p)) {
			cells->is_key[cells->columns] = report->varying & 1u << p;
			cells_add(cells, 0, "%s", bench_parameters[p].name);
		}
	for (const struct bench_metric *m = report->workload->metrics; m->key; m++) {
		if (!m->title)
			continue;
		cells_add(cells, 0, "%s", m->title);
		if (m != report->workload->metrics)
			continue;
		if (has_spreads(report))
			cells_add(cells, 0, "(low..high)");
		cells_add(cells, 0, "x %s", bench_mutex.name);
		if (has_spreads(report))
			cells_add(cells, 0, "(95%%)");
	}
	cells_add(cells, 0, "checked");
}

static void fill_parameter(struct cells *cells, size_t line, const struct report_row *row,
                           enum bench_parameter parameter)
{
	unsigned long long value = point_get(&row->point, parameter);

	if (bench_parameters[parameter].kind == BENCH_WORD)
		cells_add(cells, line, "%s", point_word(value));
	else if (bench_parameters[parameter].kind == BENCH_DURATION)
		cells_add(cells, line, "%g us", (double)value / 1e3);
	else if (parameter == BENCH_BULK_SIZE && value > 1 && !(row->queue->can & BENCH_BULK))
		cells_add(cells, line, "%llu (by 1)", value);
	else
		cells_add(cells, line, "%llu", value);
}

/* Writes the median, and "~" behind it if it is negative. */
static void fill_median(struct cells *cells, size_t line, const struct stats_spread *spread,
                        double scale)
{
	double median = spread->median / scale;

	if (spread->n)
		cells_add(cells, line, "%.*f%s", cells_digits(median), median,
		          median < 0 ? " ~" : "");
	else
		cells_add(cells, line, "-");
}

static void fill_range(struct cells *cells, size_t line, const struct stats_spread *spread,
                       double from, double to, double scale)
{
	int digits = cells_digits(spread->median / scale);

	if (spread->n)
		cells_add(cells, line, "(%.*f..%.*f)", digits, from / scale, digits, to / scale);
	else
		cells_add(cells, line, "-");
}

static void fill_row(struct cells *cells, size_t line, const struct report *report,
                     const struct report_row *row)
{
	const struct bench_metric *metrics = report->workload->metrics;

	cells_add(cells, line, "%s", row->queue->name);
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (is_shown(report, p))
			fill_parameter(cells, line, row, p);
	for (size_t i = 0; metrics[i].key; i++) {
		const struct stats_spread *spread = &row->metric[i];

		if (!metrics[i].title)
			continue;
		fill_median(cells, line, spread, metrics[i].scale);
		if (i > 0)
			continue;
		if (has_spreads(report))
			fill_range(cells, line, spread, spread->low, spread->high,
			           metrics[i].scale);
		fill_median(cells, line, &row->ratio, 1);
		if (has_spreads(report))
			fill_range(cells, line, &row->ratio, row->ratio.from, row->ratio.to, 1);
	}
	cells_add(cells, line, "%s%s", report_outcome(row->outcome), row->disturbed ? " *" : "");
}

int report_cells(struct cells *cells, const struct report *report)
{
	if (cells_create(cells, report->row_count + 1) != 0)
		return -ENOMEM;
	fill_heading(cells, report);
	for (size_t i = 0; i < report->row_count; i++)
		fill_row(cells, i + 1, report, &report->rows[i]);
	return 0;
}

const char *report_rounds(const struct report *report, char *text, size_t size)
{
	bool is_here = !report->workload->describe;

	snprintf(text, size, "%zu run%s each in turns, median; %s%s%sseed %llu", report->rounds,
	         report->rounds == 1 ? "" : "s", is_here ? "pin " : "", is_here ? report->pin : "",
	         is_here ? ", " : "", (unsigned long long)report->seed);
	return text;
}

static bool is_first_of_queue(const struct report *report, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (report->rows[i].queue == report->rows[row].queue)
			return false;
	return true;
}

/* Returns whether a value is negative: it is a difference of two measurements, and smaller than
 * their errors. */
static bool has_negative(const struct report *report)
{
	const struct bench_metric *metrics = report->workload->metrics;

	for (size_t i = 0; i < report->row_count; i++)
		for (size_t m = 0; metrics[m].key; m++)
			if (metrics[m].title && report->rows[i].metric[m].median < 0)
				return true;
	return false;
}

static void note_row(const struct report_row *row, bool is_first,
                     void (*note)(FILE *out, const char *text), FILE *out)
{
	char text[512], lacks[160];

	if (row->outcome != BENCH_CHECKED) {
		snprintf(text, sizeof(text), "%s: %s", row->queue->name, row->why);
		note(out, text);
	}
	if (!is_first)
		return;
	report_lacks(row->queue, lacks, sizeof(lacks));
	snprintf(text, sizeof(text), "%s %s%s%s", row->queue->name, lacks,
	         *lacks && row->queue->note ? "; " : "", row->queue->note ? row->queue->note : "");
	if (*lacks || row->queue->note)
		note(out, text);
}

/* How many parts are shown; JSON has all. */
enum { NOTED_PARTS = 4 };

/* Returns the sum of the parts from `first` on. */
static double sum_of(const struct bench_part *parts, size_t first)
{
	double sum = 0;

	for (size_t i = first; i < BENCH_PARTS && *parts[i].name; i++)
		for (size_t share = 0; share < BENCH_SHARES; share++)
			sum += parts[i].share[share];
	return sum;
}

/* "spmcq, consumers 16: lines moved per item: ring.head 6.96 (get 6.61, put 0.35); ..." */
static void note_parts(const struct report *report, const struct report_row *row,
                       void (*note)(FILE *out, const char *text), FILE *out)
{
	const struct bench_workload *workload = report->workload;
	char text[1024], value[160];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", row->queue->name);

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++) {
		if (!report_is_swept(report, p))
			continue;
		point_print(value, sizeof(value), p, point_get(&row->point, p));
		used += (size_t)snprintf(text + used, sizeof(text) - used, ", %s %s",
		                         bench_parameters[p].name, value);
	}
	used += (size_t)snprintf(text + used, sizeof(text) - used, ": %s:", workload->parts);
	for (size_t i = 0; i < NOTED_PARTS && *row->parts[i].name && used < sizeof(text); i++) {
		report_part(workload, &row->parts[i], value, sizeof(value));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s", i ? ";" : "",
		                         value);
	}
	if (sum_of(row->parts, NOTED_PARTS) >= 0.005 && used < sizeof(text))
		snprintf(text + used, sizeof(text) - used, "; other %.2f",
		         sum_of(row->parts, NOTED_PARTS));
	note(out, text);
}

void report_notes(const struct report *report, void (*note)(FILE *out, const char *text), FILE *out)
{
	size_t disturbed = 0;
	char text[160];

	for (size_t i = 0; i < report->row_count; i++) {
		note_row(&report->rows[i], is_first_of_queue(report, i), note, out);
		disturbed += report->rows[i].disturbed;
	}
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].parts)
			note_parts(report, &report->rows[i], note, out);
	if (has_negative(report))
		note(out, "~ below 0: smaller than the error of the measurement");
	snprintf(text, sizeof(text),
	         "* %zu run%s disturbed: others used more than %.0f%% of the machine", disturbed,
	         disturbed == 1 ? " was" : "s were", REPORT_DISTURBED * 100);
	if (disturbed)
		note(out, text);
}
