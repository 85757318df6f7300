/*
 * spmcq-bench report DIR: measures the standard set, and writes report.html and a JSON file for
 * each part into the folder. Exit status 0; 1 when a run was void or something could not be
 * written.
 */
#include <errno.h>
#include <popt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "command.h"
#include "measure/measure.h"
#include "measure/usage.h"
#include "progress.h"
#include "report/gnuplot.h"
#include "report/html.h"
#include "report_set.h"

static int write_json(const struct set *set, const struct part *part, const struct report *report)
{
	char name[REPORT_LINE];

	snprintf(name, sizeof(name), "%s/%s.json", set->folder, part->standard->name);
	FILE *file = fopen(name, "w");
	if (!file)
		return -errno;
	int error = report_json(file, report);
	return fclose(file) != 0 ? -errno : error;
}

static int write_part(struct set *set, const struct part *part, const struct report *report,
                      FILE *page)
{
	char file[REPORT_LINE];
	int error = write_json(set, part, report);

	if (error)
		return error;
	for (size_t i = 0; i < report->row_count; i++)
		set->is_void |= report->rows[i].outcome == BENCH_VOID;
	snprintf(file, sizeof(file), "%s.json", part->standard->name);
	fprintf(page, "<h2 id=\"%s\">%s</h2>\n", part->standard->name, part->standard->title);
	return html_report(page, report, part->standard->question, part->command, file);
}

static int measure_part(struct set *set, const struct part *part, FILE *page)
{
	struct measurement measurement;
	int error;

	progress_part(part->standard->title);
	error = measure(&measurement, &part->options.plan);
	if (error)
		return error;
	struct report report = measure_report(&measurement, &part->options.plan, &set->machine);
	error = write_part(set, part, &report, page);
	measurement_free(&measurement);
	return error;
}

static void write_head(const struct set *set, FILE *page)
{
	const struct options *options = &set->parts[0].options;
	struct report report = {.machine = &set->machine,
	                        .pin = options->plan.pin.text,
	                        .seed = options->plan.seed};
	time_t now = time(NULL);
	char date[64];

	strftime(date, sizeof(date), "%Y-%m-%d %H:%M %Z", localtime(&now));
	html_begin(page, "spmcq and what one would use instead");
	fprintf(page, "<p>Measured %s.</p>\n", date);
	html_machine(page, &report);
	fprintf(page, "<p>");
	for (size_t i = 0; i < set->n; i++)
		fprintf(page, "<a href=\"#%s\">%s</a> ·\n", set->parts[i].standard->name,
		        set->parts[i].standard->title);
	fprintf(page, "<a href=\"#method\">Method</a></p>\n");
}

static void write_tail(const struct set *set, FILE *page, double seconds)
{
	fprintf(page, "<h2 id=\"method\">Method</h2>\n");
	html_method(page);
	fprintf(page,
	        "<p>A run takes %s here, and a second when its command is given by hand. All took "
	        "%.0f s.</p>\n",
	        set->seconds ? "the --seconds given" : "0.15 to 0.6 s", seconds);
	html_end(page);
}

static int measure_set(struct set *set, FILE *page)
{
	size_t runs = 0;
	double seconds = 0, begin = usage_clock();
	int error = 0;

	for (size_t i = 0; i < set->n; i++) {
		runs += part_runs(&set->parts[i]);
		seconds += part_seconds(&set->parts[i]);
	}
	machine_describe(&set->machine);
	write_head(set, page);
	progress_begin(runs);
	progress_guess(seconds / (double)runs);
	for (size_t i = 0; i < set->n && !error; i++)
		error = measure_part(set, &set->parts[i], page);
	progress_end();
	write_tail(set, page, usage_clock() - begin);
	return error;
}

static int write_report(struct set *set)
{
	char name[REPORT_LINE];
	int error = gnuplot_check();

	if (error)
		return report_complain("pictures", gnuplot_strerror(error));
	if (mkdir(set->folder, 0777) != 0 && errno != EEXIST)
		return report_complain(set->folder, strerror(errno));
	snprintf(name, sizeof(name), "%s/report.html", set->folder);
	FILE *page = fopen(name, "w");
	if (!page)
		return report_complain(name, strerror(errno));
	set_say_left_out(set);
	error = measure_set(set, page);
	if (fclose(page) != 0 && !error)
		error = -errno;
	if (error) {
		report_complain(name, gnuplot_strerror(error));
		return 1;
	}
	printf("%s\n", name);
	return set->is_void;
}

static const char *any_seed(void)
{
	static char text[24];
	uint32_t random = 1;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 1;
	snprintf(text, sizeof(text), "%lu", (unsigned long)random);
	return text;
}

static const char help_text[] =
        "Usage: spmcq-bench report FOLDER [OPTION...]\n"
        "Measures the standard set in less than four minutes; writes FOLDER/report.html, which\n"
        "needs no other file, and a JSON file for each part, for plot and compare.\n"
        "  --pin         threads to CPUs: none, spread, same or a list (none)\n"
        "  --runs        of each queue, in turns (5)\n"
        "  --seconds     a run takes (0.15 to 0.6)\n"
        "  --seed        of all that is random (any; the report names it)\n";

static int print_help(void)
{
	printf("%s  --parts       only these, of", help_text);
	for (const struct standard_part *part = standard_parts; part->name; part++)
		printf("%s %s", part == standard_parts ? "" : ",", part->name);
	printf("\n");
	return 0;
}

int report_main(int argc, const char **argv)
{
	static struct set set; /* too large for a stack */
	int help = 0;
	const struct poptOption options[] = {
	        {"parts", 0, POPT_ARG_STRING, &set.names, 0, NULL, NULL},
	        {"pin", 0, POPT_ARG_STRING, &set.pin, 0, NULL, NULL},
	        {"runs", 0, POPT_ARG_STRING, &set.runs, 0, NULL, NULL},
	        {"seconds", 0, POPT_ARG_STRING, &set.seconds, 0, NULL, NULL},
	        {"seed", 0, POPT_ARG_STRING, &set.seed, 0, NULL, NULL},
	        {"help", 'h', POPT_ARG_NONE, &help, 0, NULL, NULL},
	        POPT_TABLEEND,
	};
	poptContext context = poptGetContext(NULL, argc, argv, options, 0);
	int error = poptGetNextOpt(context), status;

	(void)poptGetArg(context); /* the command itself */
	set.folder = poptGetArg(context);
	const char *more = poptGetArg(context);
	if (!set.seed)
		set.seed = strdup(any_seed());
	if (error < -1)
		status = report_complain(poptBadOption(context, 0), poptStrerror(error));
	else if (help)
		status = print_help();
	else if (!set.folder || more)
		status = report_complain("usage", "spmcq-bench report FOLDER");
	else
		status = set_prepare(&set) != 0 ? 2 : write_report(&set);
	poptFreeContext(context);
	return status;
}
