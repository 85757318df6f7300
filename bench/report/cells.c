/*
 * Lines of fixed cells: nothing to free but the whole.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"

int cells_create(struct cells *cells, size_t lines)
{
	*cells = (struct cells){.lines = lines, .text = calloc(lines, sizeof(*cells->text))};
	return cells->text ? 0 : -ENOMEM;
}

void cells_destroy(struct cells *cells)
{
	free(cells->text);
}

void cells_add(struct cells *cells, size_t line, const char *format, ...)
{
	va_list arguments;

	for (size_t column = 0; column < CELLS_COLUMNS; column++) {
		if (*cells->text[line][column])
			continue;
		va_start(arguments, format);
		vsnprintf(cells->text[line][column], CELLS_SIZE, format, arguments);
		va_end(arguments);
		if (column >= cells->columns)
			cells->columns = column + 1;
		return;
	}
}

bool cells_is_left(const struct cells *cells, size_t column)
{
	return column == 0 || column + 1 == cells->columns || *cells->text[0][column] == '(';
}

static size_t width_of(const struct cells *cells, size_t column)
{
	size_t width = 0;

	for (size_t line = 0; line < cells->lines; line++)
		if (strlen(cells->text[line][column]) > width)
			width = strlen(cells->text[line][column]);
	return width;
}

void cells_write(FILE *out, const struct cells *cells)
{
	for (size_t line = 0; line < cells->lines; line++) {
		for (size_t column = 0; column < cells->columns; column++) {
			bool is_last = column + 1 == cells->columns;
			int width = is_last ? 0 : (int)width_of(cells, column);

			fprintf(out, "%s%*s", column ? "  " : "",
			        cells_is_left(cells, column) ? -width : width,
			        cells->text[line][column]);
		}
		fputc('\n', out);
	}
}

int cells_digits(double value)
{
	value = fabs(value);
	return value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
}
