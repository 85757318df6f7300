/*
 * Who is gone: pidfds and lifelines.
 */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same everywhere */
#endif

INTERNAL int life_open(pid_t process)
{
	long file = syscall(SYS_pidfd_open, process, 0);

	if (file < 0)
		return errno == ENOSYS ? -ENOTSUP : -errno;
	return (int)file;
}

INTERNAL bool life_is_over(int process, int lifeline)
{
	struct pollfd ends[] = {{.fd = process, .events = POLLIN},
	                        {.fd = lifeline, .events = POLLIN}};
	int r;

	do
		r = poll(ends, 2, 0);
	while (r < 0 && errno == EINTR);
	return r > 0;
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
	/* Field 22; the second may hold anything, and ends with the last bracket. */
	behind = strrchr(text, ')');
	if (behind == NULL ||
	    sscanf(behind + 1,
	           " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
	           "%*d %*d %*d %llu",
	           &began) != 1)
		return 0;
	return began;
}

INTERNAL int lifeline_of_peer(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : -errno;
}

INTERNAL int lifeline_of_producer(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;
}

INTERNAL void lifeline_let_go(int held)
{
	/* If nobody looks any more, there is nobody to tell. */
	ssize_t n = send(held, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)n;
}

INTERNAL void close_if_open(int *file)
{
	if (*file >= 0)
		close(*file);
	*file = -1;
}
