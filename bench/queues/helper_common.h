/*
 * The helper for queues between processes. The queue that begins with it lies in common memory
 * (measure/common.h), where completion and the rest are then seen by all. For C and C++.
 */
#ifndef BENCH_HELPER_COMMON_H
#define BENCH_HELPER_COMMON_H

#include "helper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In place of helper_init() and helper_destroy(): size bytes of common memory that begin with a
 * helper; NULL: no memory. */
void *helper_common_create(size_t size, const struct bench_shape *shape);
void helper_common_destroy(void *queue);

/* The `most` of a queue that is bounded by bytes. Returns SIZE_MAX: the bound is not checked. */
size_t helper_bounded_by_bytes(size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
