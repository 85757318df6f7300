/*
 * The form for spreadsheets and scripts: one line per run, without figures where a run of the row
 * failed, and with the reason; the machine in lines that begin with "#".
 */
#include "report.h"
#include <math.h>

static void write_heading(FILE *out, const struct report *report)
{
	fprintf(out, "# ");
	report_machine(out, report);
	fprintf(out, "\n# %s: %s; ", report->workload->name, report->workload->method);
	if (!report->workload->describe)
		fprintf(out, "pin %s, ", report->pin);
	fprintf(out, "seed %llu\n", (unsigned long long)report->seed);
	fprintf(out, "workload,queue");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (report->workload->uses & 1u << p)
			fprintf(out, ",%s", bench_parameters[p].key);
	fprintf(out, ",round,outcome,seconds,foreign");
	for (const struct bench_metric *m = report->workload->metrics; m->key; m++)
		fprintf(out, ",%s", m->key);
	if (report->workload->parts)
		fprintf(out, ",%s", report->workload->parts_key);
	fprintf(out, ",why\n");
}

/* In quotes, as spreadsheets read it. */
static void write_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
	fputc('"', out);
}

static void write_parameter(FILE *out, const struct report_row *row, enum bench_parameter parameter)
{
	uint64_t value = point_get(&row->point, parameter);

	if (bench_parameters[parameter].kind == BENCH_WORD)
		fprintf(out, ",%s", point_word(value));
	else
		fprintf(out, ",%llu", (unsigned long long)value);
}

/* In one column, quoted. result: NULL for none. */
static void write_parts(FILE *out, const struct bench_workload *workload,
                        const struct bench_result *result)
{
	char text[160];

	fprintf(out, ",\"");
	for (size_t i = 0; result && i < BENCH_PARTS && *result->parts[i].name; i++)
		fprintf(out, "%s%s", i ? "; " : "",
		        report_part(workload, &result->parts[i], text, sizeof(text)));
	fputc('"', out);
}

static void write_run(FILE *out, const struct report *report, const struct report_row *row,
                      size_t round)
{
	const struct bench_result *result = &row->results[round];
	bool has_figures = row->outcome == BENCH_CHECKED;

	fprintf(out, "%s,%s", report->workload->name, row->queue->name);
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (report->workload->uses & 1u << p)
			write_parameter(out, row, p);
	fprintf(out, ",%zu,%s", round + 1,
	        result->outcome == BENCH_CHECKED   ? "checked"
	        : result->outcome == BENCH_STOPPED ? "stopped"
	                                           : "void");
	if (has_figures)
		fprintf(out, ",%.6f,%.3f", result->seconds, result->foreign);
	else
		fprintf(out, ",,");
	for (size_t i = 0; report->workload->metrics[i].key; i++)
		if (has_figures && !isnan(result->metric[i]))
			fprintf(out, ",%.6g", result->metric[i]);
		else
			fputc(',', out);
	if (report->workload->parts)
		write_parts(out, report->workload, has_figures ? result : NULL);
	fputc(',', out);
	if (result->outcome != BENCH_CHECKED)
		write_text(out, result->why);
	else if (!has_figures)
		write_text(out, "another run failed");
	fputc('\n', out);
}

int report_csv(FILE *out, const struct report *report)
{
	write_heading(out, report);
	for (size_t i = 0; i < report->row_count; i++)
		for (size_t round = 0; round < report->rounds; round++)
			if (report->rows[i].results[round].outcome != BENCH_NOT_RUN)
				write_run(out, report, &report->rows[i], round);
	return 0;
}
