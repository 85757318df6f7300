/*
 * The page is written from top to bottom; its style sheet is at the top of the file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "plot.h"
#include "report_cells.h"

static const char style[] =
        "body{font:15px/1.45 sans-serif;color:#111;background:#fff;margin:2em auto;"
        "padding:0 1em;max-width:70em}"
        "h1{font-size:1.7em}h2{font-size:1.3em;margin-top:2.2em;border-top:1px solid #bbb;"
        "padding-top:.8em}"
        "figure{margin:1em 0}figure svg{display:block;width:100%;height:auto}"
        "div{overflow-x:auto}"
        "table{border-collapse:collapse;font-size:12.5px;font-variant-numeric:tabular-nums}"
        "th,td{padding:.15em .5em;text-align:right;white-space:nowrap;"
        "border-bottom:1px solid #ddd}"
        "th{border-bottom:1px solid #111;white-space:normal;vertical-align:bottom}"
        "th.left,td.left{text-align:left}"
        "table.facts td{white-space:normal;text-align:left}"
        "code{font-size:13px;background:#f3f3f3;padding:.1em .3em}"
        "ul.notes{font-size:13px;color:#444;padding-left:1.2em}"
        "a{color:#0072b2}"
        "@media print{body{max-width:none;margin:0;font-size:11px}"
        "figure,tr{break-inside:avoid}h2{break-after:avoid}table{font-size:8px}"
        "th,td{padding:.1em .4em}}";

void html_text(FILE *page, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", page);
			break;
		case '<':
			fputs("&lt;", page);
			break;
		case '>':
			fputs("&gt;", page);
			break;
		case '"':
			fputs("&quot;", page);
			break;
		default:
			fputc(*text, page);
		}
	}
}

static void element(FILE *page, const char *name, const char *text)
{
	fprintf(page, "<%s>", name);
	html_text(page, text);
	fprintf(page, "</%s>\n", name);
}

void html_begin(FILE *page, const char *title)
{
	fprintf(page,
	        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	        "<meta name=\"viewport\" content=\"width=device-width\">\n<style>%s</style>\n",
	        style);
	element(page, "title", title);
	fprintf(page, "</head>\n<body>\n");
	element(page, "h1", title);
}

void html_end(FILE *page)
{
	fprintf(page, "</body>\n</html>\n");
}

static void fact(FILE *page, const char *name, const char *value)
{
	fprintf(page, "<tr><td>%s</td><td>", name);
	html_text(page, value);
	fprintf(page, "</td></tr>\n");
}

void html_machine(FILE *page, const struct report *report)
{
	const struct machine *machine = report->machine;
	char text[64];

	fprintf(page, "<table class=\"facts\">\n");
	fact(page, "CPU", machine->cpu);
	snprintf(text, sizeof(text), "%zu, memory %.1f GiB", machine->cores,
	         (double)machine->memory / (1 << 30));
	fact(page, "Cores", text);
	fact(page, "Virtual machine", machine->hypervisor);
	fact(page, "Frequency governor", machine->governor);
	fact(page, "Kernel", machine->kernel);
	fact(page, "Compiler, flags", machine->compiler);
	fact(page, "Library, commit", machine->library);
	fact(page, "Pinning of threads", report->pin);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)report->seed);
	fact(page, "Seed", text);
	fprintf(page, "</table>\n");
}

void html_method(FILE *page)
{
	static const char *const said[] = {
	        "Each run is a process of its own. At each point the queues take turns, A B C A B "
	        "C, in an order shuffled anew each round by the seed, so that a change of the "
	        "machine meets all alike. How many items fill a run is found by trials, which do "
	        "not count.",
	        "Figures are medians over the runs. Beside the first stand its lowest and highest "
	        "run; intervals hold the true median with 95% confidence, by bootstrap.",
	        "The ratio to the baseline is taken pair by pair, each run with the baseline's of "
	        "the same round, and has an interval of its own.",
	        "Every run is checked: each item exactly once, and in order where the queue "
	        "promises it. A run that fails is void; one that takes ten times as long as the "
	        "baseline is stopped, and its queue takes no more turns.",
	        "A run during which others used more than a tenth of the machine is marked *, "
	        "not left out.",
	};

	fprintf(page, "<ul>\n");
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		element(page, "li", said[i]);
	fprintf(page, "</ul>\n");
}

/* Cuts out of the line the text from one string to the other: the names that gnuplot gives to parts
 * of a picture, which a browser would show. */
static void cut(char *line, const char *from, const char *to)
{
	char *begin = strstr(line, from), *end = begin ? strstr(begin, to) : NULL;

	if (end)
		memmove(begin, end + strlen(to), strlen(end + strlen(to)) + 1);
}

/* Copies the picture from its <svg on. */
static void copy_picture(FILE *page, FILE *picture)
{
	char *line = NULL;
	size_t size = 0;
	bool has_begun = false;

	rewind(picture);
	while (getline(&line, &size, picture) > 0) {
		has_begun |= strncmp(line, "<svg", 4) == 0;
		cut(line, "<title>", "</title>");
		cut(line, "<desc>", "</desc>");
		if (has_begun)
			fputs(line, page);
	}
	free(line);
}

static int write_picture(FILE *page, const struct report *report)
{
	FILE *picture = tmpfile();
	int error = picture ? plot_write(picture, report, PLOT_SVG) : -errno;

	if (!error) {
		fprintf(page, "<figure role=\"img\" aria-label=\"%s\">\n", report->workload->name);
		copy_picture(page, picture);
		fprintf(page, "</figure>\n");
	}
	if (picture)
		fclose(picture);
	return error;
}

static void write_cells(FILE *page, const struct cells *cells)
{
	fprintf(page, "<div><table>\n");
	for (size_t line = 0; line < cells->lines; line++) {
		const char *name = line ? "td" : "th";

		fprintf(page, "<tr>");
		for (size_t column = 0; column < cells->columns; column++) {
			fprintf(page, "<%s%s>", name,
			        cells_is_left(cells, column) ? " class=\"left\"" : "");
			html_text(page, cells->text[line][column]);
			fprintf(page, "</%s>", name);
		}
		fprintf(page, "</tr>\n");
	}
	fprintf(page, "</table></div>\n");
}

static void write_note(FILE *page, const char *text)
{
	element(page, "li", text);
}

int html_report(FILE *page, const struct report *report, const char *question, const char *command,
                const char *file)
{
	struct cells cells;
	char rounds[200];
	int error = report_cells(&cells, report);

	if (error)
		return error;
	fprintf(page, "<p><strong>");
	html_text(page, question);
	fprintf(page, "</strong> Method: ");
	html_text(page, report->workload->method);
	fprintf(page, ". ");
	if (report->workload->remarks)
		html_text(page, report->workload->remarks);
	fprintf(page, "</p>\n<p><code>");
	html_text(page, command);
	fprintf(page, "</code>, all figures in <a href=\"%s\">%s</a></p>\n", file, file);
	error = write_picture(page, report);
	write_cells(page, &cells);
	fprintf(page, "<ul class=\"notes\">\n");
	write_note(page, report_rounds(report, rounds, sizeof(rounds)));
	report_notes(report, write_note, page);
	fprintf(page, "</ul>\n");
	cells_destroy(&cells);
	return error;
}
