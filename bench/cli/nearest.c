/*
 * Levenshtein distance, row by row.
 */
#include <string.h>

#include "nearest.h"

enum { LONGEST = 40 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST + 1];
	size_t columns = strlen(b);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t above = row[j];
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = least(replaced, least(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[columns];
}

const char *nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t length = strlen(word);
	/* A near word has at most three wrong letters, and at most half of them are wrong. */
	size_t best = length / 2 < 3 ? length / 2 + 1 : 4;
	const char *found = NULL;

	for (size_t i = 0; i < n && length <= LONGEST; i++) {
		if (strlen(candidates[i]) > LONGEST)
			continue;
		size_t wrong = distance(word, candidates[i]);
		if (wrong < best) {
			best = wrong;
			found = candidates[i];
		}
	}
	return found;
}
