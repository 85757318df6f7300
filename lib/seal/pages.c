/*
 * Memory for secrets, by libsodium, madvise() and mlock().
 */
#include "pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* sodium_malloc() also asks for locked pages that are not dumped, but does not report whether it
 * got them. */
static int guard(void *pages, size_t bytes)
{
	if (madvise(pages, bytes, MADV_DONTDUMP) != 0 ||
	    madvise(pages, bytes, MADV_WIPEONFORK) != 0)
		return -ENOTSUP;
	return mlock(pages, bytes) == 0 ? 0 : -EPERM;
}

/* sodium_malloc() places the memory at the end of its pages, and a canary just before it. As the
 * size is a multiple of the page size, the canary is in the page before, which is not zeroed in a
 * forked child: the child can free its copy. */
INTERNAL int pages_new(void **pages, size_t bytes)
{
	size_t size = whole_pages(bytes);
	void *memory = sodium_malloc(size);
	int error;

	if (!memory)
		return -ENOMEM;
	error = guard(memory, size);
	if (error) {
		sodium_free(memory);
		return error;
	}
	sodium_memzero(memory, size);
	*pages = memory;
	return 0;
}

/* After this a stray write ends the process. If the pages cannot be made read-only, the key can
 * still be used, so the error is ignored. */
INTERNAL void pages_close(void *pages)
{
	(void)sodium_mprotect_readonly(pages);
}

INTERNAL void pages_free(void *pages)
{
	sodium_free(pages);
}
