/*
 * Makes, checks and maps the two parts: memfds, which have no name in a file system, sealed against
 * resizing. Part one is also sealed against new writable mappings. Only its producer can write it,
 * through the mapping that it made before it added that seal.
 */
#ifndef SPMCQ_SHARED_MEMORY_H
#define SPMCQ_SHARED_MEMORY_H

#include "handle.h"

enum { SHAPE_VERSION = 1 };
#define BYTE_ORDER_MARK UINT32_C(0x01020304)

/* Fill in the fields that do not depend on options. */
INTERNAL void shape_begin(struct shape *shape, uint64_t capacity, uint64_t item_size);

/* Make part one with the size in h->layout, write the shape into it, and map it. Returns 0, -ENOMEM
 * if the machine could not hold both parts, or -errno. */
INTERNAL int memory_make_one(struct handle *h, const struct shape *shape);
INTERNAL int memory_make_two(struct handle *h);

/* Map a part that another process made, after checking its seals and size, and the shape in part
 * one. *shape becomes a checked copy of the shape. Returns 0, -EPROTO, -ENOTSUP or -errno. */
INTERNAL int memory_map_one(struct handle *h, struct shape *shape);
INTERNAL int memory_map_two(struct handle *h);

INTERNAL void memory_unmap_one(struct handle *h);
INTERNAL void memory_unmap(struct handle *h);

/* Returns a new page that is 1 in this process and 0 in a forked child, or NULL. */
INTERNAL const uint32_t *attached_page(void);
INTERNAL void attached_free(const uint32_t *page);

#endif
