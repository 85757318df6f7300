/*
 * spmcq in two files, spmcq.c and spmcq.h: copy both to your own sources, then
 *
 *	cc -O2 -c spmcq.c
 *
 * and link spmcq.o to your program, with -pthread.
 *
 * Made by `ninja amalgamation` in the tree of the project: what is to be changed is changed there.
 */

/* The compiler's arguments may say so, too. */
#undef _GNU_SOURCE

#if !defined(SPMCQ_GATE_FUTEX) && !defined(SPMCQ_GATE_SEMAPHORE)
#ifdef __linux__
#define SPMCQ_GATE_FUTEX
#else
#define SPMCQ_GATE_SEMAPHORE
#endif
#endif

/* -DSPMCQ_NO_LEAD is as the option lead=false of the project's build. */
#if !defined(SPMCQ_LEAD) && !defined(SPMCQ_NO_LEAD)
#define SPMCQ_LEAD
#endif

/* Like -mprfchw: an x86 processor that cannot prefetch for writing takes it for a no-op. */
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("prfchw"))), apply_to = function)
#elif defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("prfchw")
#endif

#include "../spmcq.c"

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
