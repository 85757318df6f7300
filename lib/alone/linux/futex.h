/*
 * Stands in for the kernel's header of this name in the two-file form, as musl comes without it:
 * the numbers of the futex system call, see futex(2).
 */
#ifndef FUTEX_WAKE

#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_BITSET_MATCH_ANY 0xffffffffU

#endif
