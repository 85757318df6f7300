/*
 * Looking for secrets in the memory of this process, and in files. The secret is kept masked, so
 * that the search does not find its own copy.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NEEDLE = 16 };

struct needle {
	unsigned char masked[NEEDLE];
};

struct needle needle_of(const unsigned char *bytes);

/* How often it is in those bytes. */
size_t needle_in(const struct needle *needle, const unsigned char *bytes, size_t size);

/* How often it is in all readable memory of this process: within the given range, and outside. */
struct found {
	size_t inside, outside;
};
struct found needle_in_memory(const struct needle *needle, uintptr_t from, uintptr_t to);

/* How often it is in a file, or -1 if that cannot be read. */
long needle_in_file(const struct needle *needle, const char *path);

#endif
