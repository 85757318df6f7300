/*
 * Files that are written at the end of a run, and must be known to be good before it begins: a bad
 * name shall not cost anybody minutes, and what ends early shall not leave an empty file.
 */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

/* Returns 0 if that file can be written, else a negative errno. Nothing is changed. */
int output_check(const char *name);

#endif
