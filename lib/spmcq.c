/*
 * The library as one translation unit: its modules are static to it, so that nothing but spmcq_*
 * reaches the linker, and calls between them cost nothing.
 */
#define _GNU_SOURCE

#ifdef SPMCQ_GATE_SEMAPHORE
#include "sys_semaphore.c"
#else
#include "sys_futex.c"
#include "sys_membarrier.c"
#endif

#include "gate.c"
#include "ring.h"
#include "tally.c"
#include "watch.c"

#include "create.c"
#include "finish.c"
#include "get.c"
#include "put.c"
#include "shutdown.c"
#include "snapshot.c"
#include "version.c"
