/*
 * The two parts as memory: making, checking, mapping.
 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* Since Linux 5.1; older headers lack it. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
/* Since Linux 6.3. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

#define MAGIC UINT64_C(0x71636d7073000001)

INTERNAL void shape_begin(struct shape *shape, uint64_t capacity, uint64_t item_size)
{
	*shape = (struct shape){
	        .magic = MAGIC,
	        .version = SHAPE_VERSION,
	        .byte_order = BYTE_ORDER_MARK,
	        .line = CACHE_LINE,
	        .capacity = capacity,
	        .item_size = item_size,
	};
}

/* Returns a memfd, or -errno. */
static int new_file(size_t bytes)
{
	int file = memfd_create("spmcq", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (file < 0 && errno == EINVAL)
		file = memfd_create("spmcq", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0)
		return errno == ENOSYS ? -ENOTSUP : -errno;
	if (ftruncate(file, (off_t)bytes) != 0) {
		int r = -errno;

		close(file);
		return r;
	}
	return file;
}

static int map(void **part, int file, size_t bytes, int access)
{
	void *at = mmap(NULL, bytes, access, MAP_SHARED, file, 0);

	if (at == MAP_FAILED)
		return -errno;
	/* A forked child does not inherit the mapping; it has to join by itself. */
	if (madvise(at, bytes, MADV_DONTFORK) != 0) {
		int r = -errno;

		munmap(at, bytes);
		return r;
	}
	*part = at;
	return 0;
}

static int make_part(int *file, void **part, size_t bytes, int seals)
{
	int r;

	*file = new_file(bytes);
	if (*file < 0)
		return *file;
	r = map(part, *file, bytes, PROT_READ | PROT_WRITE);
	/* A kernel before 5.1 does not know F_SEAL_FUTURE_WRITE. */
	if (r == 0 && fcntl(*file, F_ADD_SEALS, seals) != 0)
		r = errno == EINVAL ? -ENOTSUP : -errno;
	return r;
}

/* Returns whether the machine could hold both parts. A memfd can be given any size; if memory and
 * swap run out later, during a put, the kernel kills a process. So create refuses at once what the
 * machine can never hold. */
static bool can_be_held(const struct layout *layout)
{
	struct sysinfo machine;
	uint64_t bytes;

	if (sysinfo(&machine) != 0)
		return true;
	bytes = ((uint64_t)machine.totalram + machine.totalswap) * machine.mem_unit;
	return layout->one_bytes <= bytes && layout->two_bytes <= bytes - layout->one_bytes;
}

INTERNAL int memory_make_one(struct handle *h, const struct shape *shape)
{
	int r;

	if (!can_be_held(&h->layout))
		return -ENOMEM;
	r = make_part(&h->one_file, (void **)&h->one, h->layout.one_bytes,
	              SEALS | F_SEAL_FUTURE_WRITE);
	if (r == 0)
		h->one->shape = *shape;
	return r;
}

INTERNAL int memory_make_two(struct handle *h)
{
	return make_part(&h->two_file, (void **)&h->two, h->layout.two_bytes, SEALS);
}

static bool has_seals(int file, int seals)
{
	int has = fcntl(file, F_GET_SEALS);

	return has >= 0 && (has & seals) == seals;
}

/* Returns whether a file has this size and these seals, so that the other side can neither shrink
 * it nor grow it. */
static bool is_sound(int file, uint64_t bytes, int seals)
{
	struct stat stat;

	return has_seals(file, seals) && fstat(file, &stat) == 0 && (uint64_t)stat.st_size == bytes;
}

static bool is_of_this_kind(const struct shape *shape)
{
	return shape->version == SHAPE_VERSION && shape->byte_order == BYTE_ORDER_MARK &&
	       shape->line == CACHE_LINE;
}

/* Returns whether a file is at least as large as struct part_one, and sealed against shrinking. */
static bool has_shape(int file)
{
	struct stat stat;

	return has_seals(file, SEALS) && fstat(file, &stat) == 0 &&
	       (uint64_t)stat.st_size >= sizeof(struct part_one);
}

INTERNAL int memory_map_one(struct handle *h, struct shape *shape)
{
	int r;

	if (!has_shape(h->one_file) || pread(h->one_file, shape, sizeof *shape, 0) != sizeof *shape)
		return -EPROTO;
	if (shape->magic != MAGIC)
		return -EPROTO;
	if (!is_of_this_kind(shape))
		return -ENOTSUP;
	r = layout_make(&h->layout, shape);
	if (r != 0 || !is_sound(h->one_file, h->layout.one_bytes, SEALS | F_SEAL_FUTURE_WRITE))
		return -EPROTO;
	return map((void **)&h->one, h->one_file, h->layout.one_bytes, PROT_READ);
}

INTERNAL int memory_map_two(struct handle *h)
{
	if (!is_sound(h->two_file, h->layout.two_bytes, SEALS))
		return -EPROTO;
	return map((void **)&h->two, h->two_file, h->layout.two_bytes, PROT_READ | PROT_WRITE);
}

INTERNAL void memory_unmap_one(struct handle *h)
{
	if (h->one != NULL)
		munmap(h->one, h->layout.one_bytes);
	h->one = NULL;
}

INTERNAL void memory_unmap(struct handle *h)
{
	memory_unmap_one(h);
	if (h->two != NULL)
		munmap(h->two, h->layout.two_bytes);
	h->two = NULL;
}

INTERNAL const uint32_t *attached_page(void)
{
	uint32_t *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE,
	                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, sizeof *page, MADV_WIPEONFORK) != 0) {
		munmap(page, sizeof *page);
		return NULL;
	}
	*page = 1;
	return page;
}

INTERNAL void attached_free(const uint32_t *page)
{
	if (page != NULL)
		munmap((void *)(uintptr_t)page, sizeof *page);
}
