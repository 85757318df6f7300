/*
 * The library as one translation unit, as lib/spmcq.c is. So only the names spmcq_remote_* are
 * visible to the linker.
 */
#define _GNU_SOURCE

#include "fault.c"
#include "places.c"
#include "plain.c"

#include "connection.c"
#include "payload.c"
#include "server.c"

#include "publish.c"

#include "inbox.c"

#include "positions.c"
#include "remove.c"

#include "desk.c"
#include "log.c"
#include "repair.c"

#include "fill.c"
#include "lease.c"
#include "producer.c"
#include "put.c"

#include "pull.c"

#include "done.c"
#include "get.c"

#include "finish.c"

#include "discard.c"
#include "open.c"
