/*
 * Counts the runs and guesses the time left from those done.
 */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "measure/usage.h"
#include "progress.h"

static struct {
	bool is_on;
	size_t depth; /* of progress_begin() */
	size_t runs, begun;
	double since;
	double guess; /* seconds a run; 0: unknown */
} progress;

void progress_begin(size_t runs)
{
	if (progress.depth++ > 0)
		return;
	progress.is_on = isatty(STDERR_FILENO);
	progress.runs = runs;
	progress.begun = 0;
	progress.since = usage_clock();
	progress.guess = 0;
}

void progress_guess(double seconds)
{
	progress.guess = seconds;
}

/* The guess counts as much as ten measured runs. Returns 0 if nothing is known. */
static double seconds_left(size_t done)
{
	double guesses = progress.guess > 0 ? 10 : 0, runs = (double)done + guesses;
	double seconds = usage_clock() - progress.since + guesses * progress.guess;

	return runs > 0 ? seconds / runs * (double)(progress.runs - done) : 0;
}

void progress_part(const char *name)
{
	fprintf(stderr, "%s%s; about %.0f s left\n", progress.is_on ? "\r\033[K" : "", name,
	        seconds_left(progress.begun));
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
	double left = seconds_left(done);

	if (!progress.is_on)
		return;
	fprintf(stderr, "\rrun %zu of %zu: %s", progress.begun, progress.runs, queue);
	if (left > 0)
		fprintf(stderr, "; about %.0f s left", left);
	fprintf(stderr, "\033[K");
}

void progress_end(void)
{
	if (--progress.depth == 0 && progress.is_on)
		fprintf(stderr, "\r\033[K");
}

const struct plan_watcher progress_watcher = {
        .begin = progress_begin, .trial = progress_trial, .run = progress_run, .end = progress_end};
