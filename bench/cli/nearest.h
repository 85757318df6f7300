/*
 * What somebody may have meant by a word that is not in a list.
 */
#ifndef BENCH_NEAREST_H
#define BENCH_NEAREST_H

#include <stddef.h>

/* The candidate with the fewest letters to change, or NULL when none is near. */
const char *nearest(const char *word, const char *const *candidates, size_t n);

#endif
