/*
 * Runs a program under valgrind's callgrind and reads off what its functions cost.
 */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* All calls of one function together, with all that it calls. */
struct callgrind_cost {
	const char *function;
	uint64_t calls;
	uint64_t instructions;
};

/* Runs argv, which ends with NULL. 0, with the costs' calls and instructions filled in (0 calls: no
 * such function); -ENOENT: valgrind is not installed; -ECHILD: it or the program failed; or
 * -errno. */
int callgrind_run(const char *const *argv, struct callgrind_cost *costs, size_t n);

/* Reads callgrind's output, with no names or positions compressed. */
void callgrind_read(FILE *in, struct callgrind_cost *costs, size_t n);

#endif
