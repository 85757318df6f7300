/*
 * Functions that create.c, join.c and succeed.c use.
 */
#ifndef SPMCQ_SHARED_CREATE_H
#define SPMCQ_SHARED_CREATE_H

#include "handle.h"

/* Returns an empty handle, or NULL. */
INTERNAL struct handle *handle_new(void);
INTERNAL void handle_free(struct handle *h);

/* Make all that only the producer's process has, except the two parts. Returns 0 or -errno. */
INTERNAL int producer_prepare(struct handle *h, const struct spmcq_shared_options *options);

/* Write the record of a place's new process, after clearing the seats of the place. */
INTERNAL void record_write(struct handle *h, uint32_t number, pid_t process);

#endif
