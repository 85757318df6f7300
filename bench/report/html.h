/*
 * Reports as one page that needs no other file: tables, and pictures drawn into it.
 */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

#include "report.h"

/* What begins and ends the page. */
void html_begin(FILE *page, const char *title);
void html_end(FILE *page);

/* Without what would be markup. */
void html_text(FILE *page, const char *text);

/* The machine, the pinning and the seed. */
void html_machine(FILE *page, const struct report *report);

/* How it was measured. */
void html_method(FILE *page);

/* What was asked, by which command, the picture, the table, the notes. 0; an error of
 * gnuplot_run(): then there is no picture; or -ENOMEM. */
int html_report(FILE *page, const struct report *report, const char *question, const char *command,
                const char *file);

#endif
