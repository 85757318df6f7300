/*
 * Looking for secrets.
 */
#include "search.h"

#include "support/check.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MASK = 0x5a, CHUNK = 1 << 20, MAPS = 1 << 20 };

struct needle needle_of(const unsigned char *bytes)
{
	struct needle needle;

	for (size_t i = 0; i < NEEDLE; i++)
		needle.masked[i] = bytes[i] ^ MASK;
	return needle;
}

static bool is_at(const struct needle *needle, const unsigned char *bytes)
{
	size_t i = 0;

	while (i < NEEDLE && (bytes[i] ^ MASK) == needle->masked[i])
		i++;
	return i == NEEDLE;
}

size_t needle_in(const struct needle *needle, const unsigned char *bytes, size_t size)
{
	size_t times = 0;

	for (size_t at = 0; at + NEEDLE <= size; at++)
		times += is_at(needle, bytes + at);
	return times;
}

/* What is read goes here, and is not looked through itself. */
static unsigned char *buffer;

static void have_buffer(void)
{
	if (buffer)
		return;
	buffer = mmap(NULL, CHUNK + MAPS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	              0);
	CHECK(buffer != MAP_FAILED, "no memory for the search");
}

/* From begin to end, in pieces that overlap by all but one byte of a needle. */
static size_t in_descriptor(const struct needle *needle, int file, uint64_t begin, uint64_t end)
{
	size_t times = 0;
	uint64_t at = begin;

	while (at + NEEDLE <= end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t got = pread(file, buffer, want, (off_t)at);

		if (got < NEEDLE)
			break;
		times += needle_in(needle, buffer, (size_t)got);
		at += (uint64_t)got - NEEDLE + 1;
	}
	memset(buffer, 0, CHUNK);
	return times;
}

/* The text of /proc/self/maps, behind the buffer. */
static char *read_maps(void)
{
	char *maps = (char *)buffer + CHUNK;
	int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t got;

	CHECK(file >= 0, "there is no /proc/self/maps");
	while ((got = read(file, maps + size, MAPS - 1 - size)) > 0)
		size += (size_t)got;
	CHECK(size > 0 && size < MAPS - 1, "/proc/self/maps has %zu bytes", size);
	close(file);
	maps[size] = '\0';
	return maps;
}

struct found needle_in_memory(const struct needle *needle, uintptr_t from, uintptr_t to)
{
	struct found found = {0, 0};
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	CHECK(memory >= 0, "there is no /proc/self/mem");
	have_buffer();
	for (char *line = read_maps(); *line; line = strchr(line, '\n') + 1) {
		uint64_t begin, end;
		char readable;

		CHECK(sscanf(line, "%" SCNx64 "-%" SCNx64 " %c", &begin, &end, &readable) == 3,
		      "cannot read %.80s", line);
		/* The kernel may have joined it with a neighbour. */
		if (begin <= (uintptr_t)buffer && (uintptr_t)buffer < end) {
			found.outside += in_descriptor(needle, memory, begin, (uintptr_t)buffer);
			begin = (uintptr_t)buffer + CHUNK + MAPS;
		}
		if (readable != 'r')
			continue;
		*(begin >= from && end <= to ? &found.inside : &found.outside) +=
		        in_descriptor(needle, memory, begin, end);
	}
	close(memory);
	return found;
}

long needle_in_file(const struct needle *needle, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t times;

	if (file < 0)
		return -1;
	have_buffer();
	times = in_descriptor(needle, file, 0, INT64_MAX);
	close(file);
	return (long)times;
}
