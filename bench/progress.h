/*
 * One line on stderr that says what is going on, when stderr is a terminal.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stddef.h>

void progress_begin(size_t runs);
void progress_trial(const char *queue); /* a run that does not count */
void progress_run(const char *queue);   /* the next run that counts */
void progress_end(void);                /* leaves an empty line */

#endif
