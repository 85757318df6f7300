/*
 * The queue between processes as one translation unit, as spmcq.c is.
 */
#define _GNU_SOURCE

#include "futex.h"

#include "admit.c"
#include "close.c"
#include "create.c"
#include "end.c"
#include "facts.c"
#include "finish.c"
#include "get.c"
#include "held.c"
#include "join.c"
#include "keep.c"
#include "layout.c"
#include "life.c"
#include "memory.c"
#include "message.c"
#include "put.c"
#include "reap.c"
#include "run.c"
#include "seat.c"
#include "succeed.c"
#include "take.c"
#include "wait.c"
