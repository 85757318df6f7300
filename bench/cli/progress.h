/*
 * One line on stderr that says what is going on, when stderr is a terminal.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include "measure/plan.h"

/* What is begun within another counts as part of that: only the outermost number is used. */
void progress_begin(size_t runs);
void progress_guess(double seconds);    /* what a run takes, as far as one knows before the first */
void progress_part(const char *name);   /* a line for itself, on any stderr: what comes now */
void progress_trial(const char *queue); /* a run that does not count */
void progress_run(const char *queue);   /* the next run that counts */
void progress_end(void);                /* leaves an empty line */

/* The same for those who measure. */
extern const struct plan_watcher progress_watcher;

#endif
