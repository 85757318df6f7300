/*
 * Included before everything else in code that is compiled for the simulated machine: what is
 * inline assembly, or an instruction that the compiler's hooks do not show, becomes a call.
 */
#ifndef BENCH_SIMULATE_WORLD_H
#define BENCH_SIMULATE_WORLD_H

/* The headers below are included before the macros are defined. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#ifdef __cplusplus
extern "C" {
#endif
void sim_prefetch(const volatile void *at, int for_writing);
void sim_pause(void);
void sim_fence(void);
#ifdef __cplusplus
}
#endif

#define SIM_PREFETCH(at, for_writing, ...) sim_prefetch(at, for_writing)
#define __builtin_prefetch(...) SIM_PREFETCH(__VA_ARGS__, 0, 0)
#define __builtin_ia32_pause sim_pause
#define __builtin_ia32_mfence sim_fence
/* x86-64 needs no fence of loads or of stores for cached memory. Both only keep the compiler from
 * moving code. */
#define __builtin_ia32_lfence() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define __builtin_ia32_sfence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Concurrency Kit has all it does in the compiler's builtins, too, but for this. */
#define CK_USE_CC_BUILTINS 1
#define ck_pr_stall ck_pr_stall_of_a_real_machine
#include <ck_pr.h>
#undef ck_pr_stall
#define ck_pr_stall sim_pause

#endif
