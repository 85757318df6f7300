/*
 * Runs gnuplot.
 */
#ifndef BENCH_GNUPLOT_H
#define BENCH_GNUPLOT_H

#include <stdio.h>

/* Has it carry out the script, from its beginning, and write the picture where that file stands.
 * 0; -ENOENT: not installed; -ECHILD: it failed, and has said why on stderr; or -errno. */
int gnuplot_run(FILE *script, FILE *picture);

/* 0, or as above. */
int gnuplot_check(void);

/* What such an error means, in one line. */
const char *gnuplot_strerror(int error);

#endif
