/*
 * The two parts as memory: memfds without a name, sealed against resizing. Part one is also sealed
 * against new writable mappings: only its producer, which mapped it before that, can write there.
 */
#ifndef SPMCQ_SHARED_MEMORY_H
#define SPMCQ_SHARED_MEMORY_H

#include "handle.h"

enum { SHAPE_VERSION = 1 };
#define BYTE_ORDER_MARK UINT32_C(0x01020304)

/* Fill in what does not depend on options. */
INTERNAL void shape_begin(struct shape *shape, uint64_t capacity, uint64_t item_size);

/* Make part one, of the size that the layout says, with this shape, and map it. Returns 0 or
 * -errno. */
INTERNAL int memory_make_one(struct handle *h, const struct shape *shape);
INTERNAL int memory_make_two(struct handle *h);

/* Map a part that came from another process, after checking seals, size and shape. *shape becomes a
 * copy of the shape. Returns 0, -EPROTO, -ENOTSUP or -errno. */
INTERNAL int memory_map_one(struct handle *h, struct shape *shape);
INTERNAL int memory_map_two(struct handle *h);

INTERNAL void memory_unmap_one(struct handle *h);
INTERNAL void memory_unmap(struct handle *h);

/* A page that is 1 here and 0 in a child of fork. Returns NULL if there is none. */
INTERNAL const uint32_t *attached_page(void);
INTERNAL void attached_free(const uint32_t *page);

#endif
