/*
 * Lines of fixed cells: they are freed only as a whole.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cells.h"

int cells_create(struct cells *cells, size_t lines)
{
	*cells = (struct cells){
	        .lines = lines, .is_key = {true}, .text = calloc(lines, sizeof(*cells->text))};
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

/* The keys, and of the other columns those from first to before end. */
static bool is_in_part(const struct cells *cells, size_t column, size_t first, size_t end)
{
	return cells->is_key[column] || (column >= first && column < end);
}

static size_t part_width(const struct cells *cells, size_t first, size_t end)
{
	size_t width = 0;

	for (size_t column = 0; column < cells->columns; column++)
		if (is_in_part(cells, column, first, end))
			width += width_of(cells, column) + (column ? 2 : 0);
	return width;
}

/* Returns where the part of the table that begins at column `first` ends. It has at least one
 * column that is not a key. */
static size_t end_of_part(const struct cells *cells, size_t first, size_t width)
{
	size_t end = first, others = 0;

	for (; end < cells->columns; end++) {
		if (width && others > 0 && part_width(cells, first, end + 1) > width)
			break;
		others += !cells->is_key[end];
	}
	return end;
}

static void write_part(FILE *out, const struct cells *cells, size_t first, size_t end)
{
	for (size_t line = 0; line < cells->lines; line++) {
		for (size_t column = 0; column < cells->columns; column++) {
			bool is_last = column + 1 == cells->columns;
			int width = is_last ? 0 : (int)width_of(cells, column);

			if (!is_in_part(cells, column, first, end))
				continue;
			fprintf(out, "%s%*s", column ? "  " : "",
			        cells_is_left(cells, column) ? -width : width,
			        cells->text[line][column]);
		}
		fputc('\n', out);
	}
}

/* 0: no terminal, or one that does not say. */
static size_t width_of_terminal(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void cells_write(FILE *out, const struct cells *cells)
{
	size_t width = width_of_terminal(out);

	for (size_t first = 0; first < cells->columns;) {
		size_t end = end_of_part(cells, first, width);

		if (first > 0)
			fputc('\n', out);
		write_part(out, cells, first, end);
		first = end;
	}
}

int cells_digits(double value)
{
	value = fabs(value);
	return value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
}
