/*
 * The memory of this process that a queue shares with others.
 */
#define _GNU_SOURCE
#include "maps.h"

#include "support/check.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t shared_maps(struct map maps[MAPS])
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	size_t n = 0;

	CHECK(file, "there is no /proc/self/maps");
	while (fgets(line, sizeof(line), file)) {
		uintptr_t begin, end;
		unsigned long number;
		char permissions[5], path[100] = "";

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu %99s", &begin, &end,
		           permissions, &number, path) < 5 ||
		    strncmp(path, "/memfd:", 7) != 0)
			continue;
		CHECK(n < MAPS, "there are too many mappings");
		maps[n++] = (struct map){(unsigned char *)begin, end - begin, permissions[1] == 'w',
		                         number};
	}
	fclose(file);
	return n;
}

size_t shared_files(int files[MAPS])
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t n = 0;

	CHECK(directory, "there is no /proc/self/fd");
	while ((entry = readdir(directory))) {
		char path[300], target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		if (readlink(path, target, sizeof(target) - 1) < 0 ||
		    strncmp(target, "/memfd:", 7) != 0)
			continue;
		CHECK(n < MAPS, "there are too many descriptors");
		files[n++] = atoi(entry->d_name);
	}
	closedir(directory);
	return n;
}
