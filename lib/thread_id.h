/*
 * The id of the calling thread is the address of its control block, which a register holds: see
 * "Identity" in lib/DESIGN.md. (The kernel's thread number would not do: after a fork, a thread of
 * the child may get the number that the child's first thread had before the fork.) After a thread
 * has ended, a new thread can have its address; then it inherits what the ended thread owned, such
 * as its cell.
 */
#ifndef SPMCQ_THREAD_ID_H
#define SPMCQ_THREAD_ID_H

#include "internal.h"

#include <pthread.h>
#include <stdint.h>

/* gcc claims to have the builtin for every processor, but can compile it only for these. */
#if defined(__has_builtin) && (defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || \
                               defined(__arm__) || defined(__riscv) || defined(__s390__))
#if __has_builtin(__builtin_thread_pointer) && !defined(SPMCQ_MODEL)
#define HAVE_THREAD_POINTER
#endif
#endif

/* No thread has this id. */
#define NO_THREAD UINT64_MAX

static inline uint64_t thread_id(void)
{
#ifdef HAVE_THREAD_POINTER
	return (uint64_t)(uintptr_t)__builtin_thread_pointer();
#else
	return (uint64_t)(uintptr_t)pthread_self();
#endif
}

#endif
