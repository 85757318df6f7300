/*
 * What the library must reach, on a machine with two cores. A new row is one line or two here.
 */
#include "score.h"

#define MUTEX SCORE_QUEUE, .name = "mutex"
#define OTHER SCORE_BEST_OTHER

#define SQUARES .seconds = 0.2, .runs = 5
/* The ideal is measured before and after the run, and meanwhile the cores change their speed. With
 * short runs the change is small; and there are more of them. */
#define AGAINST_IDEAL .seconds = 0.1, .runs = 15

const struct score_row score_rows[] = {
        {"squares, 1P/5C", "squares --consumers 5", SQUARES,
         .goals = {{MUTEX, .limit = 30, .aim = 100}, {OTHER, .limit = 6, .aim = 12}}},
        {"squares, 1P/5C, one core", "squares --consumers 5 --pin same", SQUARES,
         .goals = {{MUTEX, .limit = 10, .aim = 40}, {OTHER, .limit = 1, .aim = 2}}},
        {"squares, 1P/1C, two cores", "squares --consumers 1 --pin spread", SQUARES, .cores = 2,
         .goals = {{MUTEX}, {OTHER, .limit = 4, .aim = 10}}},
        {"bulk of 32, 1P/5C", "squares --consumers 5 --bulk 32", SQUARES,
         .goals = {{MUTEX}, {OTHER, .limit = 2, .aim = 4}}},
        {"bulk of 32, 1P/1C", "squares --consumers 1 --bulk 32", SQUARES,
         .goals = {{MUTEX}, {OTHER, .limit = 2, .aim = 4}}},
        {"bulk of 256 in 16384, 1P/1C", "squares --consumers 1 --capacity 16384 --bulk 256,4096",
         /* The queue `limit` may move 4096 items at once, if that is faster for it. */
         .seconds = 0.05, /* short, because each item takes 16 bytes for its result */
         .runs = 7, .cores = 2,
         .goals = {{SCORE_QUEUE, .name = "limit", .limit = 0.4, .aim = 0.7}}},
        {"an item per ms, 5 asleep", "latency --interval 1ms --consumers 5", .seconds = 0.8,
         .runs = 15,
         .goals = {{MUTEX, .metric = "latency_p50_ns", .limit = 1, .aim = 0.5},
                   {MUTEX, .metric = "latency_p99_ns", .limit = 1, .aim = 0.5},
                   {MUTEX, .metric = "cpu_ns_per_item", .limit = 1, .aim = 0.5}}},
        {"an item per 20 us, 1P/5C", "latency --interval 20us --consumers 5", .seconds = 0.4,
         .runs = 15,
         .goals = {{MUTEX, .metric = "latency_p99_ns", .limit = 1, .aim = 0.5},
                   {MUTEX, .metric = "cpu_ns_per_item", .limit = 1, .aim = 0.5}}},
        {"squares, 1 to 64 consumers", "squares --consumers 1,2,5,16,64",
         .seconds = 0.1, /* the slowest of five medians: one disturbed point decides */
         .runs = 15, .goals = {{SCORE_BEST_OF_OWN, .limit = 0.7, .aim = 0.95}}},
        {"work of 0, 2 consumers", "work --work 0 --consumers 2", SQUARES,
         .goals = {{SCORE_NUMBER, .number = 1, .metric = "share_of_ideal"}}},
        {"work of 1 us, 2 consumers", "work --work 1us --consumers 2", SQUARES,
         .goals = {{SCORE_NUMBER, .number = 1, .metric = "share_of_ideal"}}},
        {"work of 10 us, 2 consumers", "work --work 10us --consumers 2", AGAINST_IDEAL,
         .goals = {{SCORE_NUMBER, .number = 1, .metric = "share_of_ideal", .limit = 0.95}}},
        {"work of 100 us, 2 consumers", "work --work 100us --consumers 2", AGAINST_IDEAL,
         .goals = {{SCORE_NUMBER, .number = 1, .metric = "share_of_ideal", .limit = 0.95}}},
        {"one slow item (100 ms) in 500", "latency --interval 0.5ms --slow-every 500 --slow 100ms",
         .seconds = 1, .runs = 5,
         .goals = {{SCORE_NUMBER, .number = 1e6, .metric = "latency_p99_ns", .limit = 1}}},
        {"idle, 64 blocked", "idle --consumers 64 --interval 1", .seconds = 1, .runs = 5,
         /* No CPU time, as far as it can be told: 10 us in a second. */
         .goals = {{SCORE_NUMBER, .number = 1e-5, .limit = 1}}},
        {"squares, 1P/5C, in Python", "squares --consumers 5", SQUARES,
         .goals = {{SCORE_QUEUE, .name = "python", .limit = 100, .aim = 150}}},
        {.work = NULL},
};
