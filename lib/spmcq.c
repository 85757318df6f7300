/*
 * The library as one translation unit: its modules are static to it, so that nothing but spmcq_*
 * reaches the linker, and calls between them cost nothing.
 */
#define _GNU_SOURCE

#ifdef SPMCQ_GATE_CONDVAR
#include "park_condvar.c"
#else
#include "park_futex.c"
#endif

#include "cell.c"
#include "gate.c"
#include "lead.c"
#include "overdue.c"
#include "ring.c"
#include "slots.c"
#include "tally.c"

#include "create.c"
#include "finish.c"
#include "get.c"
#include "put.c"
#include "shutdown.c"
#include "snapshot.c"
#include "version.c"
