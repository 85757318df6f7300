/*
 * Memory for secrets: whole pages between two pages that cannot be accessed. The pages are never
 * swapped out, are in no core dump, are zero in a forked child, and are wiped when freed.
 */
#ifndef SPMCQ_PAGES_H
#define SPMCQ_PAGES_H

#include "aead.h"

/* Sets *pages to new pages, filled with zeros. Returns 0, -ENOMEM, -EPERM if they cannot be locked,
 * or -ENOTSUP if the kernel cannot keep them out of core dumps or forked children. */
INTERNAL int pages_new(void **pages, size_t bytes);

/* Make the pages read-only, if the system can. */
INTERNAL void pages_close(void *pages);

INTERNAL void pages_free(void *pages);

#endif
