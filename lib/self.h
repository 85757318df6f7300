/*
 * Who the calling thread is: the address of its control block, which a register holds. No two
 * living threads of a process share it, in a forked child and in a new pid namespace, too. (A
 * number of the kernel's does not do: a thread of the child may get the one that the child's first
 * thread had before the fork.) An address returns after its thread has ended, which is no harm: the
 * next thread there inherits what the dead one owned, its cell among it, so that any number of
 * threads can come and go.
 */
#ifndef SPMCQ_SELF_H
#define SPMCQ_SELF_H

#include "internal.h"

#include <pthread.h>
#include <stdint.h>

/* gcc says that it has it for every processor, and then has it for these. */
#if defined(__has_builtin) && (defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || \
                               defined(__arm__) || defined(__riscv) || defined(__s390__))
#if __has_builtin(__builtin_thread_pointer) && !defined(SPMCQ_MODEL)
#define HAVE_THREAD_POINTER
#endif
#endif

/* No thread's id. */
#define NOBODY UINT64_MAX

/* Not NOBODY. */
static inline uint64_t self_id(void)
{
#ifdef HAVE_THREAD_POINTER
	return (uint64_t)(uintptr_t)__builtin_thread_pointer();
#else
	return (uint64_t)(uintptr_t)pthread_self();
#endif
}

#endif
