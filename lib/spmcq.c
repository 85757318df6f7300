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
#include "slots.c"
#include "tally.c"
#include "watch.c"

#ifdef SPMCQ_LEAD
#include "cursor_lead.c"
#endif
#include "cell.c"
#include "cursor.c"
#include "ring.c"

#include "create.c"
#include "finish.c"
#include "get.c"
#include "put.c"
#include "shutdown.c"
#include "snapshot.c"
#include "version.c"
