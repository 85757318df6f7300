/*
 * Files that are written at the end of a run. A bad name is refused before the run begins, and a
 * run that ends early leaves no empty file.
 */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

/* Returns 0 if that file can be written, else a negative errno. Nothing is changed. */
int output_check(const char *name);

#endif
