/*
 * The list of commands. A new one is one file and one line here.
 */
#include <stddef.h>
#include <string.h>

#include "command.h"
#include "command_plot.h"
#include "command_report.h"
#include "compare.h"
#include "scoreboard.h"

const struct command commands[] = {
        {"scoreboard", "", "all that spmcq must reach, in less than five minutes", scoreboard_main},
        {"report", "FOLDER", "a page about all queues, in less than four minutes", report_main},
        {"plot", "FILE.json --plot PICTURE", "draws a saved report again: .svg or .png", plot_main},
        {"compare", "A.json B.json", "what changed beyond noise between saved reports",
         compare_main},
        {NULL, NULL, NULL, NULL},
};

const struct command *command_named(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}
