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

/* Lists all mappings of memfds in this process. Returns how many there are; at most MAPS. */
size_t shared_maps(struct map maps[MAPS]);
/* Lists the open descriptors of memfds in this process. Returns how many there are; at most
 * MAPS. */
size_t shared_files(int files[MAPS]);

#endif
