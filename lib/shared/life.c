/*
 * Which processes are gone: pidfds and lifelines.
 */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same on all processors */
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

INTERNAL int life_open(pid_t process)
{
	long file = syscall(SYS_pidfd_open, process, 0);

	if (file < 0)
		return errno == ENOSYS ? -ENOTSUP : -errno;
	return (int)file;
}

static struct flock the_lock(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
}

static bool is_released(int lifeline)
{
	struct flock lock = the_lock();

	return fcntl(lifeline, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

INTERNAL bool life_is_over(int process, int lifeline)
{
	struct pollfd end = {.fd = process, .events = POLLIN};
	int r;

	do
		r = poll(&end, 1, 0);
	while (r < 0 && errno == EINTR);
	return r > 0 || (lifeline >= 0 && is_released(lifeline));
}

INTERNAL uint64_t life_began(pid_t process)
{
	unsigned long long began = 0;
	char path[40], text[1024], *behind;
	ssize_t n;
	int file;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	n = read(file, text, sizeof text - 1);
	close(file);
	text[n > 0 ? n : 0] = '\0';
	/* The start time is field 22. Field 2, the name, may contain any characters; it ends with
	 * the last bracket. */
	behind = strrchr(text, ')');
	if (behind == NULL ||
	    sscanf(behind + 1,
	           " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
	           "%*d %*d %*d %llu",
	           &began) != 1)
		return 0;
	return began;
}

INTERNAL int lifeline_make(void)
{
	int file = memfd_create("spmcq-lifeline", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (file < 0)
		return -errno;
	/* Seal it, so that nothing can be written to it. */
	if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) !=
	    0) {
		int r = -errno;

		close(file);
		return r;
	}
	return file;
}

INTERNAL bool lifeline_is_sound(int lifeline)
{
	int seals = fcntl(lifeline, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_WRITE) != 0;
}

INTERNAL bool life_is_sound(int process)
{
	return syscall(SYS_pidfd_send_signal, process, 0, NULL, 0) == 0 || errno != EBADF;
}

INTERNAL int lifeline_hold(int lifeline)
{
	struct flock lock = the_lock();

	return fcntl(lifeline, F_SETLK, &lock) == 0 ? 0 : -errno;
}

INTERNAL void close_if_open(int *file)
{
	if (*file >= 0)
		close(*file);
	*file = -1;
}
