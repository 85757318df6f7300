/*
 * The command that measures everything the library must reach.
 */
#ifndef BENCH_SCOREBOARD_H
#define BENCH_SCOREBOARD_H

int scoreboard_main(int argc, const char **argv);

#endif
