/*
 * What libsodium leaves of a key where it worked: in vector registers, and below the stack of its
 * caller, where it saved some of them. From there they would get into core dumps; and from the
 * registers onto the stack again, where the dynamic linker and the kernel save them at times.
 */
#ifndef SPMCQ_FORGET_H
#define SPMCQ_FORGET_H

#include <sodium.h>

/* Bytes of stack, about twice what the frames of libsodium 1.0.18 have that hold parts of a key
 * (tests/seal/memory_test.c finds them where this is too little). */
enum { FORGET_SEALING = 1024, FORGET_MAKING = 4096 };

#if defined(__x86_64__)

#ifdef __AVX512F__
#define UPPER_CLOBBERED                                                                            \
	"xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",  \
	        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"
#else
#define UPPER_CLOBBERED "memory" /* the compiler has nothing in them */
#endif

#define CLEAR(n) "pxor %%xmm" #n ", %%xmm" #n "\n\t"
#define CLEAR_UPPER(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
#define FOUR(clear, a, b, c, d) clear(a) clear(b) clear(c) clear(d)

/* Who uses the upper halves of the lower 16 clears them, as everything after would be slow. Nobody
 * clears the upper 16; memcpy() of glibc copies by them. */
static inline void forget_registers(void)
{
	__asm__ volatile(FOUR(CLEAR, 0, 1, 2, 3) : : : "xmm0", "xmm1", "xmm2", "xmm3");
	__asm__ volatile(FOUR(CLEAR, 4, 5, 6, 7) : : : "xmm4", "xmm5", "xmm6", "xmm7");
	__asm__ volatile(FOUR(CLEAR, 8, 9, 10, 11) : : : "xmm8", "xmm9", "xmm10", "xmm11");
	__asm__ volatile(FOUR(CLEAR, 12, 13, 14, 15) : : : "xmm12", "xmm13", "xmm14", "xmm15");
	if (!__builtin_cpu_supports("avx512f"))
		return;
	__asm__ volatile(FOUR(CLEAR_UPPER, 16, 17, 18, 19) : : : UPPER_CLOBBERED);
	__asm__ volatile(FOUR(CLEAR_UPPER, 20, 21, 22, 23) : : : UPPER_CLOBBERED);
	__asm__ volatile(FOUR(CLEAR_UPPER, 24, 25, 26, 27) : : : UPPER_CLOBBERED);
	__asm__ volatile(FOUR(CLEAR_UPPER, 28, 29, 30, 31) : : : UPPER_CLOBBERED);
}

#undef FOUR
#undef CLEAR
#undef CLEAR_UPPER
#undef UPPER_CLOBBERED

#elif defined(__has_attribute) && __has_attribute(zero_call_used_regs)

__attribute__((noinline, zero_call_used_regs("all"))) static void forget_registers(void)
{
	__asm__ volatile("");
}

#else

/* No way is known here: parts of a key stay in registers until something else is. */
static inline void forget_registers(void)
{
}

#endif

/* Called by the function that called libsodium, so that both begin at the same place of the stack.
 * The registers come first: this call, too, may make the dynamic linker save them. */
static inline void forget(size_t stack_bytes)
{
	forget_registers();
	sodium_stackzero(stack_bytes);
}

#endif
