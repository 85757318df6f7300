/*
 * The simulated machine by itself: what small programs cost on it, and whether it notices a queue
 * that is wrong. Each property has a machine of its own, as each runs in a process of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "simulate/driver.h"
#include "simulate/lines.h"
#include "simulate_programs.h"
#include "support/check.h"

enum { ROUNDS = 1000 };

static struct sim_job job = {.cores = 2, .cores_per_socket = 2};

static uint64_t now(void)
{
	return here->now;
}

/* A machine with two cores, whose figures are easy to reckon with. */
static struct program *begin(unsigned cores_wanted, bool is_held, uint64_t rounds)
{
	job.costs = sim_costs_server();
	job.costs.near_line = 100;
	job.costs.memory = 100;
	job.cores = cores_wanted;
	job.is_held = is_held;
	job.seed = 1;
	RETURNS(0, cores_begin(&job));
	struct program *program = lines_allocate(sizeof(*program), PROGRAM_LINE);
	CHECK(program, "no memory");
	program->rounds = rounds;
	program->now = now;
	return program;
}

static void spawn(void (*run)(void *program), struct program *program, unsigned core)
{
	RETURNS(0, cores_spawn(run, program, core, 0));
}

static void run_all(void)
{
	cores_run();
	CHECK(!cores.given_up, "given up: %s", cores.given_up);
}

static double ns_of(const struct program *program)
{
	return (double)(program->end - program->begin) / 1000;
}

static void two_cores_that_pass_a_line_move_it_twice_a_round(void)
{
	for (int is_held = 0; is_held < 2; is_held++) {
		struct program *program = begin(2, is_held, ROUNDS);

		spawn(pass_0, program, 0);
		spawn(pass_1, program, 1);
		run_all();
		uint64_t moves = lines_moves;
		CHECK(moves >= 2 * ROUNDS - 2 && moves <= 2 * ROUNDS + 8, "%llu moves in %d rounds",
		      (unsigned long long)moves, ROUNDS);
	}
}

static void fetch_adds_that_take_turns_move_the_line_each_time(void)
{
	struct program *program = begin(2, false, ROUNDS);

	spawn(add, program, 0);
	spawn(add, program, 1);
	run_all();
	COUNTS(2 * ROUNDS, program->word[0].value);
	CHECK(lines_moves >= 2 * ROUNDS - 50 && lines_moves <= 2 * ROUNDS,
	      "%llu moves of %d fetch-adds", (unsigned long long)lines_moves, 2 * ROUNDS);
}

static void a_line_that_is_held_moves_less_often(void)
{
	struct program *program = begin(2, true, ROUNDS);

	spawn(add, program, 0);
	spawn(add, program, 1);
	run_all();
	COUNTS(2 * ROUNDS, program->word[0].value);
	CHECK(lines_moves < ROUNDS, "%llu moves of %d fetch-adds", (unsigned long long)lines_moves,
	      2 * ROUNDS);
}

static uint64_t moves_beside(void (*other)(void *program))
{
	struct program *program = begin(2, false, ROUNDS);

	spawn(add, program, 0);
	spawn(other, program, 1);
	run_all();
	return lines_moves;
}

static void false_sharing_shows(void)
{
	uint64_t shared = moves_beside(add_neighbour);

	CHECK(shared >= 2 * ROUNDS - 50, "%llu moves", (unsigned long long)shared);
}

static void lines_of_ones_own_do_not_move(void)
{
	uint64_t apart = moves_beside(add_own);

	CHECK(apart <= 4, "%llu moves", (unsigned long long)apart);
}

static double time_beside_owner(void (*timed)(void *program))
{
	struct program *program = begin(2, false, 1);

	spawn(own_all, program, 0);
	spawn(timed, program, 1);
	run_all();
	return ns_of(program);
}

static void a_store_buffer_hides_stores(void)
{
	double took = time_beside_owner(store_to_others);

	CHECK(took < 100, "stores to 16 lines of another core took %.0f ns", took);
}

static void a_fence_waits_for_stores(void)
{
	double took = time_beside_owner(store_and_fence);

	CHECK(took >= 100, "stores to 16 lines of another core and a fence took %.0f ns", took);
}

static void loads_that_need_nothing_overlap(void)
{
	double took = time_beside_owner(load_others);

	CHECK(took >= 100 && took < 500, "loads of 16 lines of another core took %.0f ns", took);
}

static void loads_that_need_each_other_do_not(void)
{
	double took = time_beside_owner(chase_others);

	CHECK(took >= 800, "a chase through 16 lines of another core took %.0f ns", took);
}

/* In each of 201 runs the second thread begins at another time, from 2 us before the first to 2 us
 * after it. */
static unsigned both_missed(void (*first)(void *program), void (*second)(void *program))
{
	unsigned missed = 0;

	for (int step = -100; step <= 100; step++) {
		struct program *program = begin(2, false, 1);

		RETURNS(0, cores_spawn(first, program, 0, sim_ns(step < 0 ? -20 * step : 0)));
		RETURNS(0, cores_spawn(second, program, 1, sim_ns(step > 0 ? 20 * step : 0)));
		run_all();
		missed += program->seen[0] == 0 && program->seen[1] == 0;
	}
	return missed;
}

static void two_stores_can_both_be_missed(void)
{
	unsigned missed = both_missed(say_0, say_1);

	CHECK(missed > 0, "never in 201 runs");
}

static void a_fence_each_and_one_store_is_seen(void)
{
	COUNTS(0, both_missed(say_fenced_0, say_fenced_1));
	COUNTS(0, both_missed(say_mfence_0, say_mfence_1));
}

static void stores_are_seen_in_order(void)
{
	for (int is_held = 0; is_held < 2; is_held++) {
		struct program *program = begin(2, is_held, ROUNDS);

		spawn(publish, program, 0);
		spawn(read_back, program, 1);
		run_all();
		COUNTS(0, program->seen[0]);
	}
}

static uint64_t unordered_beside(void (*publisher)(void *program), bool is_held, unsigned readers)
{
	struct program *program = begin(readers + 1, is_held, 2 * ROUNDS);

	spawn(publisher, program, 0);
	for (unsigned i = 1; i <= readers; i++)
		RETURNS(0, cores_spawn(read_back_unevenly, program, i, cores_random(sim_ns(2000))));
	run_all();
	return program->unordered;
}

static void many_readers_see_stores_in_order(void)
{
	void (*const publishers[])(void *) = {publish, publish_and_read, publish_and_write,
	                                      publish_and_fence};

	for (size_t i = 0; i < sizeof(publishers) / sizeof(*publishers); i++)
		for (int is_held = 0; is_held < 2; is_held++)
			for (unsigned readers = 1; readers <= 8; readers *= 2) {
				uint64_t times = unordered_beside(publishers[i], is_held, readers);

				CHECK(times == 0, "%llu times: publisher %zu, %u readers, %s",
				      (unsigned long long)times, i, readers,
				      is_held ? "held" : "queued");
			}
}

static void two_threads_take_a_test_and_set_lock_in_turn(void)
{
	for (int is_held = 0; is_held < 2; is_held++) {
		struct program *program = begin(2, is_held, 200);

		spawn(lock_and_count, program, 0);
		RETURNS(0, cores_spawn(lock_and_count, program, 1, sim_ns(500)));
		run_all();
		COUNTS(400, program->word[2].value);
	}
}

static void a_locked_instruction_is_not_seen_before_it_is_over(void)
{
	for (int is_held = 0; is_held < 2; is_held++)
		for (unsigned lookers = 1; lookers <= 16; lookers *= 4) {
			struct program *program = begin(lookers + 1, is_held, 1);

			spawn(add_late, program, 0);
			for (unsigned i = 1; i <= lookers; i++)
				spawn(look_for_it, program, i);
			run_all();
			CHECK(program->begin >= program->end, "seen at %.1f ns, over at %.1f ns",
			      (double)program->begin / 1000, (double)program->end / 1000);
		}
}

/* Two cores do the same; moves of the lines of words 0 and 1, as the queue's memory has them. */
static void moves_of_two(void (*run)(void *program), uint64_t moves[2])
{
	struct program *program = begin(2, false, ROUNDS);
	const struct sim_place *places;

	spawn(run, program, 0);
	spawn(run, program, 1);
	run_all();
	moves[0] = moves[1] = 0;
	for (size_t i = 0, n = lines_places(&places); i < n; i++) {
		uintptr_t line = (places[i].address - (uintptr_t)program) / LINE_BYTES;

		for (size_t call = 0; call < SIM_CALLS && line < 2; call++)
			moves[line] += places[i].moves[call];
	}
}

static void copies_of_a_constant_size_move_lines(void)
{
	void (*const copies[])(void *) = {copy_24, copy_struct, set_64};

	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		uint64_t moves[2];

		moves_of_two(copies[i], moves);
		CHECK(moves[0] > ROUNDS / 4 && moves[0] <= 2 * ROUNDS + 50, "%llu moves, copy %zu",
		      (unsigned long long)moves[0], i);
	}
}

static void a_copy_across_two_lines_moves_both(void)
{
	uint64_t moves[2];

	moves_of_two(copy_across, moves);
	CHECK(moves[0] > ROUNDS / 4 && moves[1] > ROUNDS / 4, "%llu and %llu moves",
	      (unsigned long long)moves[0], (unsigned long long)moves[1]);
}

static double time_of_copy(unsigned has_it, unsigned also)
{
	struct program *program = begin(8, false, 1);

	cores.per_socket = 4;
	cores.costs.far_line = 1000;
	cores.costs.shared_line = 10;
	spawn(look_at_0, program, has_it);
	RETURNS(0, cores_spawn(look_at_0, program, also, sim_ns(500)));
	spawn(load_once, program, 0);
	run_all();
	return ns_of(program);
}

static void a_copy_comes_from_ones_own_socket_if_it_can(void)
{
	double near = time_of_copy(5, 1), far = time_of_copy(5, 6);

	CHECK(near < 200, "%.0f ns with a copy on the same socket", near);
	CHECK(far >= 1000, "%.0f ns with copies on the other socket", far);
}

static void threads_share_a_core_by_slices(void)
{
	struct program *program = begin(1, false, 1000 * 1000);

	cores_note_progress(sim_ns(1e9)); /* by then it is over */
	for (int i = 0; i < 3; i++)
		spawn(work_long, program, 0);
	run_all();
	double slices = (double)cores.core[0].now / 1000 / job.costs.slice;
	double switches = (double)cores.switches;
	CHECK(slices > 30 && switches >= slices * 0.9 && switches <= slices + 4,
	      "%.0f switches in %.0f slices", switches, slices);
}

static void a_thread_that_begins_later_holds_up_nobody(void)
{
	struct program *program = begin(1, false, 1);

	RETURNS(0, cores_spawn(wait_on_other_words, program, 0, sim_ns(5e6)));
	RETURNS(0, cores_spawn(add_late, program, 0, 0));
	cores_run();
	CHECK(program->end > 0 && program->end < sim_ns(1e6), "ready at 0, over at %.0f us",
	      (double)program->end / 1e6);
}

static void waits_are_given_up_soon(unsigned pollers)
{
	struct program *program = begin(pollers, false, 1);

	for (unsigned i = 0; i < pollers; i++)
		spawn(wait_on_other_words, program, i);
	cores_run();
	CHECK(cores.given_up && strstr(cores.given_up, "nothing was put"), "\"%s\"",
	      cores.given_up ? cores.given_up : "");
	CHECK(here == NULL && cores.core[0].now < sim_ns(1e9), "given up after %.3f s",
	      (double)cores.core[0].now / 1e12);
}

static void a_run_that_polls_for_ever_is_given_up(void)
{
	waits_are_given_up_soon(1);
}

static void many_that_poll_for_ever_are_given_up(void)
{
	waits_are_given_up_soon(40); /* so many that most_fruitless() decides */
}

static void a_call_that_is_not_simulated_is_named(void)
{
	struct program *program = begin(2, false, 1);

	spawn(lock_rwlock, program, 0);
	cores_run();
	CHECK(cores.given_up &&
	              strcmp(cores.given_up, "pthread_rwlock_rdlock is not simulated") == 0,
	      "\"%s\"", cores.given_up ? cores.given_up : "");
}

static void a_wake_up_that_comes_with_its_word_is_not_missed(void)
{
	for (int step = 0; step < 200; step++) {
		struct program *program = begin(2, false, 1);

		spawn(sleep_on_0, program, 0);
		RETURNS(0, cores_spawn(add_and_wake, program, 1, sim_ns(5 * step)));
		run_all();
	}
}

/* --- queues --- */

static struct sim_outcome outcome;
static uint64_t latency_ns[2000];

static void drive(const struct bench_queue *queue, size_t consumers, uint64_t seed)
{
	job = (struct sim_job){.queue = queue->name,
	                       .shape = {.capacity = 16, .item_size = 24, .consumers = consumers},
	                       .items = 2000,
	                       .bulk = 1,
	                       .work_ns = 20 * 1000,
	                       .cores = (unsigned)consumers + 1,
	                       .cores_per_socket = 32,
	                       .seed = seed,
	                       .costs = sim_costs_server()};
	driver_run(queue, &job, latency_ns, &outcome);
}

static void drive_slowly(unsigned cores_wanted, double interval_ns, double work_ns)
{
	job = (struct sim_job){.queue = "right",
	                       .shape = {.capacity = 16, .item_size = 24, .consumers = 1},
	                       .items = 50,
	                       .bulk = 1,
	                       .interval_ns = interval_ns,
	                       .work_ns = work_ns,
	                       .cores = cores_wanted,
	                       .cores_per_socket = 32,
	                       .seed = 1,
	                       .costs = sim_costs_server()};
	driver_run(&program_right, &job, latency_ns, &outcome);
	CHECK(!*outcome.why, "%s", outcome.why);
}

static void a_producer_that_waits_gives_its_core_away(void)
{
	drive_slowly(1, 10e6, 0);
	for (int i = 0; i < 50; i++)
		CHECK(latency_ns[i] < 1000 * 1000, "item %d was got after %.3f ms", i,
		      (double)latency_ns[i] / 1e6);
}

static void latency_counts_from_when_an_item_was_due(void)
{
	drive_slowly(2, 1000, 100 * 1000);
	CHECK(latency_ns[49] > 45 * 99 * 1000, "the last item of 50 was got after %.3f ms",
	      (double)latency_ns[49] / 1e6);
}

static void long_work_is_no_deadlock(void)
{
	drive_slowly(2, 0, 20e9);
	CHECK(outcome.seconds > 900, "%.0f s", outcome.seconds);
}

static void says(const struct bench_queue *queue, const char *words)
{
	drive(queue, 3, 1);
	CHECK(strstr(outcome.why, words), "instead of \"%s\": \"%s\"", words, outcome.why);
}

static void a_right_queue_is_right(void)
{
	drive(&program_right, 3, 1);
	CHECK(!*outcome.why, "%s", outcome.why);
	CHECK(outcome.seconds > 0 && outcome.moves > 0 && outcome.sleeps >= outcome.wakes,
	      "%g s, %llu moves, %llu sleeps, %llu wakes", outcome.seconds,
	      (unsigned long long)outcome.moves, (unsigned long long)outcome.sleeps,
	      (unsigned long long)outcome.wakes);
}

static void a_lost_item_is_told(void)
{
	says(&program_loses_items, "lost");
}

static void a_doubled_item_is_told(void)
{
	says(&program_doubles_items, "twice");
}

static void a_torn_item_is_told(void)
{
	says(&program_tears, "torn");
}

static void a_get_that_waits_once_is_told(void)
{
	says(&program_waits_once, "did not wait");
}

static void a_join_that_is_early_is_told(void)
{
	says(&program_joins_at_once, "join returned when");
}

static void a_lost_wake_up_is_a_deadlock(void)
{
	says(&program_forgets_to_wake, "deadlock");
	CHECK(outcome.is_stuck && strstr(outcome.why, "the producer in join, asleep"), "\"%s\"",
	      outcome.why);
}

int main(void)
{
	RUN(two_cores_that_pass_a_line_move_it_twice_a_round);
	RUN(fetch_adds_that_take_turns_move_the_line_each_time);
	RUN(a_line_that_is_held_moves_less_often);
	RUN(false_sharing_shows);
	RUN(lines_of_ones_own_do_not_move);
	RUN(a_store_buffer_hides_stores);
	RUN(a_fence_waits_for_stores);
	RUN(loads_that_need_nothing_overlap);
	RUN(loads_that_need_each_other_do_not);
	RUN(two_stores_can_both_be_missed);
	RUN(a_fence_each_and_one_store_is_seen);
	RUN(stores_are_seen_in_order);
	RUN(many_readers_see_stores_in_order);
	RUN(two_threads_take_a_test_and_set_lock_in_turn);
	RUN(a_locked_instruction_is_not_seen_before_it_is_over);
	RUN(copies_of_a_constant_size_move_lines);
	RUN(a_copy_across_two_lines_moves_both);
	RUN(a_copy_comes_from_ones_own_socket_if_it_can);
	RUN(threads_share_a_core_by_slices);
	RUN(a_thread_that_begins_later_holds_up_nobody);
	RUN(a_run_that_polls_for_ever_is_given_up);
	RUN(many_that_poll_for_ever_are_given_up);
	RUN(a_call_that_is_not_simulated_is_named);
	RUN(a_wake_up_that_comes_with_its_word_is_not_missed);
	RUN(a_producer_that_waits_gives_its_core_away);
	RUN(latency_counts_from_when_an_item_was_due);
	RUN(long_work_is_no_deadlock);
	RUN(a_right_queue_is_right);
	RUN(a_lost_item_is_told);
	RUN(a_doubled_item_is_told);
	RUN(a_torn_item_is_told);
	RUN(a_get_that_waits_once_is_told);
	RUN(a_join_that_is_early_is_told);
	RUN(a_lost_wake_up_is_a_deadlock);
	return check_finish();
}
