/*
 * A table of words. It is filled cell by cell, then each form writes it in its own way.
 */
#ifndef BENCH_CELLS_H
#define BENCH_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CELLS_COLUMNS = 20, CELLS_SIZE = 48 };

struct cells {
	size_t columns, lines;      /* line 0 is the heading */
	bool is_key[CELLS_COLUMNS]; /* tells one line from another, as column 0 does */
	char (*text)[CELLS_COLUMNS][CELLS_SIZE];
};

int cells_create(struct cells *cells, size_t lines); /* 0 or -ENOMEM */
void cells_destroy(struct cells *cells);

/* The next cell of that line. Too long a text is cut, too many cells are left out. */
__attribute__((format(printf, 3, 4))) void cells_add(struct cells *cells, size_t line,
                                                     const char *format, ...);

/* Names and brackets belong to the left, figures to the right. */
bool cells_is_left(const struct cells *cells, size_t column);

/* Aligned with spaces. Columns that do not fit on a terminal follow below, with the key columns
 * repeated. */
void cells_write(FILE *out, const struct cells *cells);

/* Returns how many digits after the point give three significant digits. */
int cells_digits(double value);

#endif
