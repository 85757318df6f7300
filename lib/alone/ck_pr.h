/*
 * Stands in for Concurrency Kit's header of this name in the two-file form: a pause in a loop that
 * waits for another processor.
 */
#ifndef CK_PR_H
#define CK_PR_H

static inline void ck_pr_stall(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
	__asm__ __volatile__("yield" ::: "memory");
#elif defined(__powerpc__)
	/* Low priority for this hardware thread, then what it was. */
	__asm__ __volatile__("or 1, 1, 1; or 2, 2, 2" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

#endif
