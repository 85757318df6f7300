/*
 * spmcq-bench plot FILE.json --plot OUT: draws a saved report.
 */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "command_plot.h"
#include "output.h"
#include "report/gnuplot.h"
#include "report/saved.h"

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "spmcq-bench: %s: %s\n", what, why);
	return 2;
}

int plot_file(const char *file, const struct report *report)
{
	enum plot_format format;
	int error = plot_format_of(file, &format);
	FILE *picture = error ? NULL : fopen(file, "w");

	if (!picture) {
		complain(file, strerror(errno));
		return 1;
	}
	error = plot_write(picture, report, format);
	if (fclose(picture) != 0 && !error)
		error = -errno;
	if (!error)
		return 0;
	complain(file, gnuplot_strerror(error));
	(void)remove(file); /* half a picture is none */
	return 1;
}

int plot_check(const char *file)
{
	enum plot_format format;
	int error = plot_format_of(file, &format);

	if (error)
		return complain(file, "a picture's name ends in .svg or .png");
	error = gnuplot_check();
	if (error)
		return complain("--plot", gnuplot_strerror(error));
	error = output_check(file);
	return error ? complain(file, strerror(-error)) : 0;
}

/* In any order: the file, --plot and the picture. */
static bool read_arguments(int argc, const char **argv, const char **file, const char **picture)
{
	*file = *picture = NULL;
	for (int i = 2; i < argc; i++) {
		const char *value = strncmp(argv[i], "--plot", 6) == 0 ? argv[i] + 6 : NULL;

		if (value && *value == '=')
			*picture = value + 1;
		else if (value && *value == '\0' && i + 1 < argc)
			*picture = argv[++i];
		else if (*argv[i] != '-' && !*file)
			*file = argv[i];
		else
			return false;
	}
	return *file && *picture;
}

int plot_main(int argc, const char **argv)
{
	const char *file, *picture;
	struct saved saved;
	char why[300];

	if (!read_arguments(argc, argv, &file, &picture))
		return complain("usage", "spmcq-bench plot FILE.json --plot PICTURE.svg|png");
	int status = plot_check(picture);
	if (status != 0)
		return status;
	if (saved_read(&saved, file, why, sizeof(why)) != 0) {
		fprintf(stderr, "spmcq-bench: %s\n", why);
		return 2;
	}
	status = plot_file(picture, &saved.report);
	saved_free(&saved);
	return status;
}
