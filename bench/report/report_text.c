/*
 * The forms that people read. For a terminal: aligned columns, with the machine above the table and
 * notes below it. For documents: a table as GitHub, GitLab and pandoc read it.
 */
#include <string.h>

#include "report_cells.h"

static void write_note(FILE *out, const char *text)
{
	fprintf(out, "%s\n", text);
}

int report_table(FILE *out, const struct report *report)
{
	struct cells cells;
	char rounds[200];
	int error = report_cells(&cells, report);

	if (error)
		return error;
	fprintf(out, "%s: %s\n", report->workload->name, report->workload->method);
	report_machine(out, report);
	fprintf(out, "\n%s\n\n", report_rounds(report, rounds, sizeof(rounds)));
	cells_write(out, &cells);
	fputc('\n', out);
	report_notes(report, write_note, out);
	cells_destroy(&cells);
	return 0;
}

/* What would otherwise end a cell, or be taken for markup. */
static void write_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*<>|", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void write_line(FILE *out, const struct cells *cells, size_t line)
{
	for (size_t column = 0; column < cells->columns; column++) {
		fprintf(out, "| ");
		write_text(out, cells->text[line][column]);
		fputc(' ', out);
	}
	fprintf(out, "|\n");
}

static void write_cells(FILE *out, const struct cells *cells)
{
	write_line(out, cells, 0);
	for (size_t column = 0; column < cells->columns; column++)
		fprintf(out, cells_is_left(cells, column) ? "|:---" : "|---:");
	fprintf(out, "|\n");
	for (size_t line = 1; line < cells->lines; line++)
		write_line(out, cells, line);
}

static void write_item(FILE *out, const char *text)
{
	fprintf(out, "- ");
	write_text(out, text);
	fputc('\n', out);
}

int report_markdown(FILE *out, const struct report *report)
{
	struct cells cells;
	char rounds[200];
	int error = report_cells(&cells, report);

	if (error)
		return error;
	fprintf(out, "**%s**: %s.\n\n", report->workload->name, report->workload->method);
	write_cells(out, &cells);
	fputc('\n', out);
	write_item(out, report_rounds(report, rounds, sizeof(rounds)));
	fprintf(out, "- ");
	report_machine(out, report);
	fputc('\n', out);
	report_notes(report, write_item, out);
	cells_destroy(&cells);
	return 0;
}
