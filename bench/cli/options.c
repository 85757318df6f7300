/*
 * Reads the command line with popt, then makes sense of each value for the workload that was named.
 */
#include <errno.h>
#include <popt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "command.h"
#include "nearest.h"
#include "options.h"
#include "progress.h"
#include "report/plot.h"

/* What was given, still as text; NULL: not given. */
static struct {
	char *parameter[BENCH_PARAMETERS];
	char *queue, *runs, *format, *output, *plot, *pin, *seed, *between, *server, *ca, *seal;
	int print, help, version;
} given;

/* In the order of --help; parameters first, by their number. */
static const struct poptOption popt_options[] = {
#define PARAMETER(name, number)                                                                    \
	{                                                                                          \
		name, 0, POPT_ARG_STRING, &given.parameter[number], 0, NULL, NULL                  \
	}
        PARAMETER("items", BENCH_ITEMS),
        PARAMETER("consumers", BENCH_CONSUMERS),
        PARAMETER("capacity", BENCH_CAPACITY),
        PARAMETER("bulk", BENCH_BULK_SIZE),
        PARAMETER("item-size", BENCH_ITEM_SIZE),
        PARAMETER("interval", BENCH_INTERVAL),
        PARAMETER("burst", BENCH_BURST),
        PARAMETER("work", BENCH_WORK),
        PARAMETER("slow-every", BENCH_SLOW_EVERY),
        PARAMETER("slow", BENCH_SLOW),
        PARAMETER("cores", BENCH_CORES),
        PARAMETER("sockets", BENCH_SOCKETS),
        PARAMETER("machine", BENCH_MACHINE),
        PARAMETER("arbitration", BENCH_ARBITRATION),
#undef PARAMETER
        {"queue", 0, POPT_ARG_STRING, &given.queue, 0, NULL, NULL},
        {"runs", 0, POPT_ARG_STRING, &given.runs, 0, NULL, NULL},
        {"format", 0, POPT_ARG_STRING, &given.format, 0, NULL, NULL},
        {"output", 0, POPT_ARG_STRING, &given.output, 0, NULL, NULL},
        {"plot", 0, POPT_ARG_STRING, &given.plot, 0, NULL, NULL},
        {"pin", 0, POPT_ARG_STRING, &given.pin, 0, NULL, NULL},
        {"seed", 0, POPT_ARG_STRING, &given.seed, 0, NULL, NULL},
        {"between", 0, POPT_ARG_STRING, &given.between, 0, NULL, NULL},
        {"server", 0, POPT_ARG_STRING, &given.server, 0, NULL, NULL},
        {"ca", 0, POPT_ARG_STRING, &given.ca, 0, NULL, NULL},
        {"seal", 0, POPT_ARG_STRING, &given.seal, 0, NULL, NULL},
        {"print", 0, POPT_ARG_NONE, &given.print, 0, NULL, NULL},
        {"version", 0, POPT_ARG_NONE, &given.version, 0, NULL, NULL},
        {"help", 'h', POPT_ARG_NONE, &given.help, 0, NULL, NULL},
        POPT_TABLEEND,
};

enum { POPT_OPTIONS = sizeof(popt_options) / sizeof(*popt_options) - 1, NAMES = 64 };

__attribute__((format(printf, 1, 2))) static enum options_outcome bad(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "spmcq-bench: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return OPTIONS_BAD;
}

/* Complains of an unknown name of this kind, and suggests the nearest name, or lists all. */
static enum options_outcome bad_name(const char *kind, const char *word, const char *dashes,
                                     const char *const *names, size_t n)
{
	const char *meant = nearest(word, names, n);
	char all[256] = "";

	if (meant)
		return bad("no %s \"%s%s\"; did you mean %s%s?", kind, dashes, word, dashes, meant);
	for (size_t i = 0, used = 0; i < n && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s%s", i ? ", " : "",
		                         dashes, names[i]);
	return bad("no %s \"%s%s\"; there are %s", kind, dashes, word, all);
}

static enum options_outcome bad_option(const char *option)
{
	const char *names[POPT_OPTIONS];

	for (size_t i = 0; i < POPT_OPTIONS; i++)
		names[i] = popt_options[i].longName;
	return bad_name("option", option + strspn(option, "-"), "--", names, POPT_OPTIONS);
}

static enum options_outcome set_workload(struct options *options, const char *name)
{
	const char *names[NAMES];
	size_t n = 0;

	options->plan.workload = name ? bench_workload_named(name) : bench_workloads[0];
	if (options->plan.workload)
		return OPTIONS_GO;
	for (size_t i = 0; n < NAMES && bench_workloads[i]; i++)
		names[n++] = bench_workloads[i]->name;
	for (size_t i = 0; n < NAMES && commands[i].name; i++)
		names[n++] = commands[i].name;
	return bad_name("workload or command", name, "", names, n);
}

/* Whether it is there with this --between. */
static bool is_between(const struct options *options, const struct bench_queue *queue)
{
	return bench_is_between_threads(queue->can) ||
	       (queue->can & BENCH_PROCESSES && options->between == BETWEEN_PROCESSES) ||
	       (queue->can & BENCH_MACHINES && options->between == BETWEEN_MACHINES);
}

static enum options_outcome add_queue(struct options *options, const char *name)
{
	const struct bench_queue *queue = bench_queue_named(name);
	const char *names[NAMES];
	size_t n = 0;

	for (; n < NAMES && bench_queues[n]; n++)
		names[n] = bench_queues[n]->name;
	if (!queue)
		return bad_name("queue", name, "", names, n);
	if (!bench_workload_takes(options->plan.workload, queue))
		return bad("%s cannot be measured with %s", name, options->plan.workload->name);
	if (!is_between(options, queue))
		return bad("%s is for --between %s", name,
		           queue->can & BENCH_PROCESSES ? "processes" : "machines");
	for (size_t i = 0; i < options->plan.queue_count; i++)
		if (options->plan.queues[i] == queue)
			return bad("--queue: %s is there twice", name);
	if (options->plan.queue_count == PLAN_QUEUES)
		return bad("--queue takes at most %d queues", PLAN_QUEUES);
	options->plan.queues[options->plan.queue_count++] = queue;
	return OPTIONS_GO;
}

static const struct {
	const char *word, *queue;
} seals[] = {{"none", "shared"}, {"aes", "shared_aes"}, {"chacha", "shared_chacha"}};

enum { SEALS = sizeof(seals) / sizeof(*seals) };

/* Finds the kind that a word of --seal names. */
static enum options_outcome find_seal(const char *word, size_t *kind)
{
	const char *names[SEALS];

	for (size_t i = 0; i < SEALS; i++)
		names[i] = seals[i].word;
	for (*kind = 0; *kind < SEALS; ++*kind)
		if (strcmp(names[*kind], word) == 0)
			return OPTIONS_GO;
	return bad_name("kind of --seal", word, "", names, SEALS);
}

static enum options_outcome check_seal(void)
{
	char *copy = strdup(given.seal ? given.seal : "none"), *rest = copy, *word;
	enum options_outcome outcome = OPTIONS_GO;
	size_t kind;

	while (outcome == OPTIONS_GO && (word = strsep(&rest, ","))) {
		outcome = find_seal(word, &kind);
#ifndef HAVE_SODIUM
		if (outcome == OPTIONS_GO && kind > 0)
			outcome = bad("--seal %s: this was built without libsodium", word);
#endif
	}
	free(copy);
	return outcome;
}

/* Sealed or not, as --seal says. */
static enum options_outcome add_shared(struct options *options)
{
	char *copy = strdup(given.seal ? given.seal : "none"), *rest = copy, *word;
	enum options_outcome outcome = OPTIONS_GO;
	size_t kind;

	if (!bench_queue_named("shared")) {
		free(copy);
		return bad("shared: this was built without libspmcq_shared");
	}
	while (outcome == OPTIONS_GO && (word = strsep(&rest, ","))) {
		outcome = find_seal(word, &kind);
		if (outcome == OPTIONS_GO)
			outcome = add_queue(options, seals[kind].queue);
	}
	free(copy);
	return outcome;
}

static enum options_outcome add_named(struct options *options, const char *name)
{
	return strcmp(name, "shared") == 0 ? add_shared(options) : add_queue(options, name);
}

/* Whether `--queue all` includes the queue. Between processes it includes only queues between
 * processes; which of the shared_ queues take part, --seal says. */
static bool is_one_of_all(const struct options *options, const struct bench_queue *queue)
{
	return !(queue->can & BENCH_YARDSTICK) && is_between(options, queue) &&
	       (options->between != BETWEEN_PROCESSES || queue->can & BENCH_PROCESSES) &&
	       strncmp(queue->name, "shared_", strlen("shared_")) != 0 &&
	       bench_workload_takes(options->plan.workload, queue);
}

static enum options_outcome add_all_queues(struct options *options)
{
	enum options_outcome outcome = OPTIONS_GO;

	for (size_t i = 0; bench_queues[i] && outcome == OPTIONS_GO; i++)
		if (is_one_of_all(options, bench_queues[i]))
			outcome = add_named(options, bench_queues[i]->name);
	return outcome;
}

/* The queues that are compared if --queue is not given. --print shows the first. */
static const char *usual_queues(const struct options *options)
{
	bool is_alone = options->plan.workload->talks;

	switch (options->between) {
	case BETWEEN_PROCESSES:
		return is_alone ? "shared" : "shared,spmcq";
	case BETWEEN_MACHINES:
		return is_alone ? "nats" : "spmcq,nats";
	case BETWEEN_THREADS:
		break;
	}
	return options->plan.workload->queues;
}

static const char *const betweens[] = {[BETWEEN_THREADS] = "threads",
                                       [BETWEEN_PROCESSES] = "processes",
                                       [BETWEEN_MACHINES] = "machines"};

static enum options_outcome set_between(struct options *options)
{
	enum { BETWEENS = sizeof(betweens) / sizeof(*betweens) };
	unsigned i = 0;

	while (given.between && i < BETWEENS && strcmp(given.between, betweens[i]) != 0)
		i++;
	if (i == BETWEENS)
		return bad_name("place for --between", given.between, "", betweens, BETWEENS);
	options->between = i;
	options->server = given.server;
	options->ca = given.ca;
	if (options->between != BETWEEN_MACHINES && (given.server || given.ca))
		return bad("--server and --ca are for --between machines");
	if (options->between == BETWEEN_MACHINES && !bench_queue_named("nats"))
		return bad("--between machines: this was built without libnats");
	if (given.ca && !given.server)
		return bad("--ca is for a --server");
	if (check_seal() != OPTIONS_GO)
		return OPTIONS_BAD;
	if (given.seal && options->between != BETWEEN_PROCESSES)
		return bad("--seal is for --between processes");
	return OPTIONS_GO;
}

static bool has_shared(const struct options *options)
{
	for (size_t i = 0; i < options->plan.queue_count; i++)
		if (strncmp(options->plan.queues[i]->name, "shared", strlen("shared")) == 0)
			return true;
	return false;
}

/* Others may be measured beside it, between threads. */
static bool has_one_between(const struct options *options)
{
	unsigned can = options->between == BETWEEN_PROCESSES ? BENCH_PROCESSES : BENCH_MACHINES;

	for (size_t i = 0; i < options->plan.queue_count; i++)
		if (options->plan.queues[i]->can & can)
			return true;
	return options->between == BETWEEN_THREADS;
}

static enum options_outcome set_queues(struct options *options, const char *text)
{
	enum options_outcome outcome = OPTIONS_GO;
	char *copy = strdup(text), *rest = copy, *name;

	while (outcome == OPTIONS_GO && (name = strsep(&rest, ","))) {
		if (!*name && strchr(text, ','))
			outcome = bad("--queue: the list has an empty place");
		else if (strcmp(name, "all") == 0)
			outcome = add_all_queues(options);
		else
			outcome = add_named(options, name);
	}
	free(copy);
	if (outcome == OPTIONS_GO && !has_one_between(options))
		return bad("--between %s: none of the queues has that form",
		           betweens[options->between]);
	if (outcome == OPTIONS_GO && given.seal && !has_shared(options))
		return bad("--seal is for shared, which is not among the queues");
	return outcome;
}

static enum options_outcome bad_value(enum bench_parameter parameter, const char *text, int error)
{
	const struct bench_parameter_info *info = &bench_parameters[parameter];

	if (error == -ENOSPC)
		return bad("--%s: too many different words", info->name);
	if (info->kind == BENCH_WORD)
		return bad("--%s: a word is missing", info->name);
	if (info->kind == BENCH_DURATION)
		return bad("--%s: \"%s\" is not a time up to an hour, such as 2, 0.5, 1ms or 20us",
		           info->name, text);
	if (error == -EINVAL)
		return bad("--%s: \"%s\" is not a whole number, such as 1000, 1k or 1e6",
		           info->name, text);
	return bad("--%s: %s is not within %llu..%llu", info->name, text,
	           (unsigned long long)info->low, (unsigned long long)info->high);
}

/* Reads the values that stand in a list, which it cuts up. */
static enum options_outcome read_list(struct plan_list *list, enum bench_parameter parameter,
                                      size_t most, char *rest)
{
	char *text;

	while ((text = strsep(&rest, ","))) {
		if (list->n == most)
			return bad("--%s: only %zu value%s here", bench_parameters[parameter].name,
			           most, most == 1 ? "" : "s");
		text += strspn(text, " ");
		if (!*text && (rest || list->n > 0))
			return bad("--%s: the list has an empty place",
			           bench_parameters[parameter].name);
		int error = point_parse(text, parameter, &list->value[list->n++]);
		if (error)
			return bad_value(parameter, text, error);
	}
	return OPTIONS_GO;
}

static enum options_outcome set_list(struct options *options, enum bench_parameter parameter)
{
	const struct bench_workload *workload = options->plan.workload;
	struct plan_list *list = &options->plan.lists[parameter];
	size_t most = workload->talks || given.print ? 1 : PLAN_VALUES;
	const char *text = given.parameter[parameter];

	if (text && !(workload->uses & 1u << parameter))
		return bad("%s does not use --%s", workload->name,
		           bench_parameters[parameter].name);
	if (!text && most > 1)
		text = workload->lists[parameter];
	if (!text) {
		list->value[0] = point_get(&workload->defaults, parameter);
		list->n = 1;
		return OPTIONS_GO;
	}
	char *copy = strdup(text);
	enum options_outcome outcome = read_list(list, parameter, most, copy);
	free(copy);
	return outcome;
}

static enum options_outcome set_lists(struct options *options)
{
	enum options_outcome outcome = OPTIONS_GO;

	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS && outcome == OPTIONS_GO; p++)
		outcome = set_list(options, p);
	return outcome;
}

/* Checks the options that only the workload can judge, and whether there is enough memory. */
static enum options_outcome check_points(const struct options *options)
{
	const struct bench_workload *workload = options->plan.workload;
	struct machine machine;
	char why[300];

	machine_describe(&machine);
	for (size_t i = 0; i < plan_points(&options->plan); i++) {
		struct bench_point point = plan_point(&options->plan, i);
		double bytes = (double)point.items * (double)workload->bytes_per_item;

		if (workload->refuses && workload->refuses(&point, why, sizeof(why)))
			return bad("%s", why);
		if (bytes > (double)machine.memory)
			return bad(
			        "--items: %llu want %.3g GB of memory, and this machine has %.3g",
			        (unsigned long long)point.items, bytes / 1e9,
			        (double)machine.memory / 1e9);
	}
	return OPTIONS_GO;
}

static enum options_outcome set_number(const char *name, const char *text, uint64_t low,
                                       uint64_t high, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (end == text || *end || *text == '-' || *text == '+' || *text == ' ')
		return bad("--%s: \"%s\" is not a number", name, text);
	if (errno || *number < low || *number > high)
		return bad("--%s: %s is not within %llu..%llu", name, text, (unsigned long long)low,
		           (unsigned long long)high);
	return OPTIONS_GO;
}

static enum options_outcome set_runs(struct options *options)
{
	uint64_t runs = options->plan.workload->runs;
	enum options_outcome outcome = OPTIONS_GO;

	if (given.runs)
		outcome = set_number("runs", given.runs, 1, STATS_MOST, &runs);
	options->plan.runs = runs;
	return outcome;
}

/* 32 bits: what the generators take, and easily typed again. */
static enum options_outcome set_seed(struct options *options)
{
	uint32_t random = 1;

	if (given.seed)
		return set_number("seed", given.seed, 0, UINT32_MAX, &options->plan.seed);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 1;
	options->plan.seed = random;
	return OPTIONS_GO;
}

static enum options_outcome set_format(struct options *options)
{
	const char *names[NAMES];
	size_t n = 0;

	for (; report_formats[n].name; n++) {
		names[n] = report_formats[n].name;
		if (strcmp(given.format ? given.format : names[0], names[n]) == 0)
			options->format = &report_formats[n];
	}
	return options->format ? OPTIONS_GO : bad_name("format", given.format, "", names, n);
}

static enum options_outcome set_pin(struct options *options)
{
	const char *text = given.pin ? given.pin : "none";

	switch (machine_pin_parse(&options->plan.pin, text)) {
	case 0:
		return OPTIONS_GO;
	case -ERANGE:
		return bad("--pin: this process may not use all of the CPUs %s", text);
	default:
		return bad("--pin: \"%s\" is not spread, none, same or a list of CPUs", text);
	}
}

static enum options_outcome set_print(struct options *options)
{
	options->print = given.print != 0;
	if (options->print && !options->plan.workload->can_print)
		return bad("%s does not use --print", options->plan.workload->name);
	return OPTIONS_GO;
}

static enum options_outcome set_plot(struct options *options)
{
	enum plot_format format;

	options->plot = given.plot;
	if (!given.plot)
		return OPTIONS_GO;
	if (options->plan.workload->talks || options->print)
		return bad("--plot: there are no figures to draw");
	if (plot_format_of(given.plot, &format) != 0)
		return bad("--plot: \"%s\" does not end in .svg or .png", given.plot);
	return OPTIONS_GO;
}

/* A list may be typed with blanks behind its commas. */
static void remove_blanks(char *text)
{
	char *to = text;

	for (const char *from = text; from && *from; from++)
		if (*from != ' ')
			*to++ = *from;
	if (to)
		*to = '\0';
}

static enum options_outcome set_all(struct options *options, const char *workload)
{
	enum options_outcome outcome = set_workload(options, workload);

	if (outcome == OPTIONS_GO && given.help) {
		help_print(workload ? options->plan.workload : NULL);
		return OPTIONS_HELPED;
	}
	remove_blanks(given.queue);
	if (outcome == OPTIONS_GO)
		outcome = set_between(options);
	if (outcome == OPTIONS_GO)
		outcome = set_queues(options, given.queue ? given.queue : usual_queues(options));
	if (outcome == OPTIONS_GO)
		outcome = set_lists(options);
	if (outcome == OPTIONS_GO)
		outcome = check_points(options);
	if (outcome == OPTIONS_GO)
		outcome = set_runs(options);
	if (outcome == OPTIONS_GO)
		outcome = set_seed(options);
	if (outcome == OPTIONS_GO)
		outcome = set_format(options);
	if (outcome == OPTIONS_GO)
		outcome = set_pin(options);
	if (outcome == OPTIONS_GO)
		outcome = set_print(options);
	if (outcome == OPTIONS_GO)
		outcome = set_plot(options);
	options->output = given.output;
	return outcome;
}

/* Forgets the values of an earlier command line. */
static void forget_given(void)
{
	char *texts[] = {given.queue,  given.runs, given.format, given.output,
	                 given.plot,   given.pin,  given.seed,   given.between,
	                 given.server, given.ca,   given.seal};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < BENCH_PARAMETERS; i++)
		free(given.parameter[i]);
	memset(&given, 0, sizeof(given));
}

enum options_outcome options_parse(struct options *options, int argc, const char **argv)
{
	poptContext context = poptGetContext(NULL, argc, argv, popt_options, 0);
	enum options_outcome outcome;
	struct machine machine;

	forget_given();
	int error = poptGetNextOpt(context); /* stores all values; -1 at the end */

	memset(options, 0, sizeof(*options));
	options->plan.calibration = calibrate_usual;
	options->plan.watcher = &progress_watcher;
	if (error == POPT_ERROR_BADOPT) {
		outcome = bad_option(poptBadOption(context, POPT_BADOPTION_NOALIAS));
	} else if (error == -1 && given.version) {
		machine_describe(&machine);
		printf("spmcq-bench of %s\n", machine.library);
		outcome = OPTIONS_HELPED;
	} else if (error < -1) {
		outcome = bad("%s: %s", poptBadOption(context, POPT_BADOPTION_NOALIAS),
		              poptStrerror(error));
	} else {
		const char *workload = poptGetArg(context);
		const char *more = poptGetArg(context);

		outcome = more ? bad("one workload at a time: \"%s\" is one too many", more)
		               : set_all(options, workload);
	}
	poptFreeContext(context); /* the values that were given stay */
	return outcome;
}
