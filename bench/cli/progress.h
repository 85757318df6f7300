/*
 * One line on stderr that says what is being measured, if stderr is a terminal.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include "measure/plan.h"

/* If progress_begin() is called before the last one has ended, only the first number of runs is
 * shown. */
void progress_begin(size_t runs);
void progress_guess(double seconds);    /* seconds of a run; used until some were measured */
void progress_part(const char *name);   /* a line for itself, on any stderr: what comes now */
void progress_trial(const char *queue); /* a run that does not count */
void progress_run(const char *queue);   /* the next run that counts */
void progress_end(void);                /* leaves an empty line */

/* The same, for the functions that measure. */
extern const struct plan_watcher progress_watcher;

#endif
