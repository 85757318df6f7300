/*
 * Stands in for the kernel's header of this name in the two-file form, as musl comes without it:
 * the numbers of the membarrier system call, see membarrier(2).
 */
#ifndef MEMBARRIER_CMD_PRIVATE_EXPEDITED

#define MEMBARRIER_CMD_QUERY 0
#define MEMBARRIER_CMD_PRIVATE_EXPEDITED (1 << 3)
#define MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED (1 << 4)

#endif
