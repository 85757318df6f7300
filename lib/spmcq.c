/*
 * The library as one translation unit: its modules are static to it, so that nothing but spmcq_*
 * reaches the linker, and calls between them cost nothing.
 */
#define _GNU_SOURCE

#include "create.c"
#include "finish.c"
#include "get.c"
#include "put.c"
#include "snapshot.c"
