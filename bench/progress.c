/*
 * Counts the runs and guesses the time left from those done.
 */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "progress.h"
#include "usage.h"

static struct {
	bool is_on;
	size_t runs, begun;
	double since;
} progress;

void progress_begin(size_t runs)
{
	progress.is_on = isatty(STDERR_FILENO);
	progress.runs = runs;
	progress.begun = 0;
	progress.since = usage_clock();
}

void progress_trial(const char *queue)
{
	if (progress.is_on)
		fprintf(stderr, "\r%zu of %zu runs done; %s: how many items?\033[K", progress.begun,
		        progress.runs, queue);
}

void progress_run(const char *queue)
{
	size_t done = progress.begun++;
	double each = done ? (usage_clock() - progress.since) / (double)done : 0;

	if (!progress.is_on)
		return;
	fprintf(stderr, "\rrun %zu of %zu: %s", progress.begun, progress.runs, queue);
	if (done)
		fprintf(stderr, "; about %.0f s left", each * (double)(progress.runs - done));
	fprintf(stderr, "\033[K");
}

void progress_end(void)
{
	if (progress.is_on)
		fprintf(stderr, "\r\033[K");
}
