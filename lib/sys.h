/*
 * What the library asks of the system: to put a thread to sleep until a word changes, to wake it,
 * and to make all threads of the process execute a fence. Each of the two files below defines all
 * of it.
 */
#ifndef SPMCQ_SYS_H
#define SPMCQ_SYS_H

#ifdef SPMCQ_GATE_SEMAPHORE
#include "sys_semaphore.h"
#else
#include "sys_linux.h"
#endif

#endif
