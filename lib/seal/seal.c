/*
 * The library of sealed items as one translation unit: its modules are static to it, so that
 * nothing but spmcq_* reaches the linker.
 */
#define _GNU_SOURCE

#include "aead.c"
#include "pages.c"

#include "items.c"
#include "key.c"
