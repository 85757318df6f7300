/*
 * The command that measures the standard set and writes a page about it.
 */
#ifndef BENCH_COMMAND_REPORT_H
#define BENCH_COMMAND_REPORT_H

int report_main(int argc, const char **argv);

#endif
