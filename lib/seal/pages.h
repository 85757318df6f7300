/*
 * Memory for secrets: whole pages, between two that cannot be touched, that are never swapped out,
 * are in no core dump, are empty in a forked child, and are wiped when freed.
 */
#ifndef SPMCQ_PAGES_H
#define SPMCQ_PAGES_H

#include "aead.h"

/* Sets pages, filled with zeros. Returns 0, -ENOMEM, -EPERM if they cannot be locked, or -ENOTSUP
 * if the kernel does not know how to keep them out of dumps or children. */
INTERNAL int pages_new(void **pages, size_t bytes);

/* From now on they are only read. */
INTERNAL void pages_close(void *pages);

INTERNAL void pages_free(void *pages);

#endif
