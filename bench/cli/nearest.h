/*
 * Finds the word of a list that a user may have meant by a word that is not in it.
 */
#ifndef BENCH_NEAREST_H
#define BENCH_NEAREST_H

#include <stddef.h>

/* The candidate with the fewest letters to change, or NULL when none is near. */
const char *nearest(const char *word, const char *const *candidates, size_t n);

#endif
