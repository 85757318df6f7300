/*
 * Which version of the library this is.
 */
#include "internal.h"

#include <spmcq.h>

const char *spmcq_version(void)
{
	return SPMCQ_VERSION;
}
