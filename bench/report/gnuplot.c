/*
 * fork, exec, wait. The script is its stdin and the picture its stdout, so that no name has to be
 * quoted for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "gnuplot.h"

enum { NOT_FOUND = 127 };

_Noreturn static void be_gnuplot(int script, int picture)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (dup2(script, STDIN_FILENO) < 0 || dup2(picture, STDOUT_FILENO) < 0)
		_exit(1);
	/* Without the settings of the user. */
	execlp("gnuplot", "gnuplot", "--default-settings", "-", (char *)NULL);
	_exit(errno == ENOENT ? NOT_FOUND : 1);
}

int gnuplot_run(FILE *script, FILE *picture)
{
	int status;

	if (fflush(NULL) != 0 || lseek(fileno(script), 0, SEEK_SET) < 0)
		return -errno;
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		be_gnuplot(fileno(script), fileno(picture));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return -ENOENT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

int gnuplot_check(void)
{
	FILE *script = tmpfile(), *picture = tmpfile();
	int error = script && picture ? gnuplot_run(script, picture) : -errno;

	if (script)
		fclose(script);
	if (picture)
		fclose(picture);
	return error;
}

const char *gnuplot_strerror(int error)
{
	if (error == -ENOENT)
		return "gnuplot is not installed (in Debian: gnuplot-nox)";
	return error == -ECHILD ? "gnuplot failed" : strerror(-error);
}
