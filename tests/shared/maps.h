/*
 * The memory of this process that a queue shares with others.
 */
#ifndef MAPS_H
#define MAPS_H

#include <stdbool.h>
#include <stddef.h>

struct map {
	unsigned char *begin;
	size_t size;
	bool is_writable;
	unsigned long file; /* the inode number of the memfd */
};

enum { MAPS = 64 };

/* All mappings of memfds. Returns how many there are; at most MAPS. */
size_t shared_maps(struct map maps[MAPS]);
/* Descriptors of memfds that are open in this process; at most MAPS. */
size_t shared_files(int files[MAPS]);

#endif
