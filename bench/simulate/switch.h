/*
 * Switches from one stack to another, for threads that take turns on one real thread. The registers
 * that a C function must preserve are saved on the stack that is left.
 */
#ifndef BENCH_SIMULATE_SWITCH_H
#define BENCH_SIMULATE_SWITCH_H

#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the simulated machine knows x86-64 and aarch64"
#endif

/* Leaves this stack, to be continued by a switch_stack() to *save, for the stack to. */
void switch_stack(void **save, void *to);

/* A stack that begins with entry(), which must not return. top: its end, a multiple of 16. */
void *switch_prepare(void *top, void (*entry)(void));

/* Where the compiler finds thread-local variables. */
uintptr_t switch_thread_pointer(void);
void switch_set_thread_pointer(uintptr_t pointer);

#endif
