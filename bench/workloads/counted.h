/*
 * The calls whose instructions `cost` counts: made in one thread, each through a function of its
 * own whose name callgrind writes down. The program runs itself under valgrind to do only this.
 */
#ifndef BENCH_COUNTED_H
#define BENCH_COUNTED_H

/* First argument of the program when it is run only to be counted. Then come the name of the queue,
 * capacity, item size, bulk and number of items. */
#define COUNTED_OPTION "--counted"

/* Exit status: 0 when every item came out in order. */
int counted_main(int argc, const char **argv);

/* The functions, in callgrind's output. _many: a bulk of items; nothing: a call of nothing. */
#define COUNTED_FUNCTIONS                                                                          \
	{                                                                                          \
		"counted_nothing", "counted_put", "counted_get", "counted_done",                   \
		        "counted_put_many", "counted_get_many", "counted_done_many"                \
	}
enum counted {
	COUNTED_NOTHING,
	COUNTED_PUT,
	COUNTED_GET,
	COUNTED_DONE,
	COUNTED_PUT_MANY,
	COUNTED_GET_MANY,
	COUNTED_DONE_MANY,
	COUNTED
};

#endif
