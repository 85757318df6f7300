/*
 * The command that compares two saved reports.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

int compare_main(int argc, const char **argv);

#endif
