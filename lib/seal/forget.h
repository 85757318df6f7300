/*
 * Erases the parts of a key that libsodium leaves in vector registers, and on the stack below the
 * frame of its caller. Core dumps would contain them. The dynamic linker and the kernel may copy
 * the registers to the stack at any time; this file cannot erase all such copies.
 */
#ifndef SPMCQ_FORGET_H
#define SPMCQ_FORGET_H

#include <sodium.h>

/* How many bytes of stack to erase: about twice the size of the frames of libsodium 1.0.18 that
 * contain parts of a key. If this is too little, tests/seal/memory_test.c finds them. */
enum { FORGET_SEALING = 1024, FORGET_MAKING = 4096 };

#if defined(__x86_64__)

#ifdef __AVX512F__
#define UPPER_CLOBBERED                                                                            \
	"xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",  \
	        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"
#else
#define UPPER_CLOBBERED "memory" /* without AVX-512 the compiler does not use xmm16 to xmm31 */
#endif

#define CLEAR(n) "pxor %%xmm" #n ", %%xmm" #n "\n\t"
#define CLEAR_UPPER(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
#define FOUR(clear, a, b, c, d) clear(a) clear(b) clear(c) clear(d)

/* Clears the lower halves of registers 0 to 15. Code that uses their upper halves clears these
 * itself, because later SSE instructions would be slow otherwise. No code clears registers 16 to
 * 31, by which memcpy() of glibc copies, so they are cleared whole. */
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

/* For this processor or compiler there is no way: parts of a key stay in registers until other
 * values overwrite them. */
static inline void forget_registers(void)
{
}

#endif

/* Called by the function that called libsodium, so that the frames of both calls begin at the same
 * address. The registers are erased first, because the call of sodium_stackzero() may make the
 * dynamic linker save them, too. */
static inline void forget(size_t stack_bytes)
{
	forget_registers();
	sodium_stackzero(stack_bytes);
}

#endif
