/*
 * Stands in for the kernel's header of this name in the two-file form, as musl comes without it:
 * the numbers of the futex system call, see futex(2).
 */
#ifndef FUTEX_WAKE_PRIVATE

#define FUTEX_WAKE_PRIVATE (1 | 128)
#define FUTEX_WAIT_BITSET_PRIVATE (9 | 128)
#define FUTEX_BITSET_MATCH_ANY 0xffffffffU

#endif
