#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

int output_check(const char *name)
{
	struct stat is;

	if (stat(name, &is) == 0) {
		if (S_ISDIR(is.st_mode))
			return -EISDIR;
		return access(name, W_OK) == 0 ? 0 : -errno;
	}
	int made = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (made < 0)
		return -errno;
	close(made);
	return unlink(name) == 0 ? 0 : -errno;
}
