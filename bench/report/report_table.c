/*
 * The form for a terminal: aligned columns, the machine above, what one must know below.
 */
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
