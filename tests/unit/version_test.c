/*
 * The version: the parts in the header agree, and the library has the same version.
 */
#include "support/check.h"

#include <spmcq.h>
#include <stdio.h>
#include <string.h>

static void the_parts_are_the_whole(void)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%d.%d.%d", SPMCQ_VERSION_MAJOR, SPMCQ_VERSION_MINOR,
	         SPMCQ_VERSION_PATCH);
	CHECK(strcmp(whole, SPMCQ_VERSION) == 0, "SPMCQ_VERSION is %s, its parts say %s",
	      SPMCQ_VERSION, whole);
}

static void the_number_tells_which_is_later(void)
{
#if SPMCQ_VERSION_NUMBER < 2000 || SPMCQ_VERSION_NUMBER % 1000 != SPMCQ_VERSION_PATCH
	CHECK(false, "SPMCQ_VERSION_NUMBER is %d", SPMCQ_VERSION_NUMBER);
#endif
}

static void the_library_is_of_the_header_s_version(void)
{
	CHECK(strcmp(spmcq_version(), SPMCQ_VERSION) == 0, "the library is %s, the header %s",
	      spmcq_version(), SPMCQ_VERSION);
}

int main(void)
{
	RUN(the_parts_are_the_whole);
	RUN(the_number_tells_which_is_later);
	RUN(the_library_is_of_the_header_s_version);
	return check_finish();
}
