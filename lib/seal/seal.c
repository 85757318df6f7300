/*
 * The library of sealed items as one translation unit. Its modules are static, so that the linker
 * sees only the names spmcq_*.
 */
#define _GNU_SOURCE

#include "aead.c"
#include "pages.c"

#include "items.c"
#include "key.c"
