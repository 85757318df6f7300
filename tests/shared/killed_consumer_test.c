/*
 * A consumer may be killed after each single instruction of a call. The other processes go on, join
 * returns -EOWNERDEAD, reap names exactly the items that the consumer held, and with redeliver
 * these items come once more.
 *
 * A ledger of each game says what became of every item: the victim reported it, the other consumer
 * got it, or reap named it. The games on one queue kill after all instructions in turn, in strides,
 * beginning where the seed says. Hundreds of victims are killed on the same queue, so that effects
 * of earlier kills show.
 */
#define _GNU_SOURCE
#include "kills.h"

#include "support/chance.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum {
	QUEUES = 8, /* used at the same time, because the processes sleep most of the time */
	LEAST = WORDS ? 40 : 20, /* games on each; a call of words has 200 instructions or so */
	MOST_ITEMS = 16,
};

#define WRAP (UINT64_C(1) << 52)

/* What the victim does. */
struct plan {
	long (*call)(struct call *call);
	size_t n;          /* for calls of many */
	uint32_t before;   /* items that it has got before the call */
	uint32_t reported; /* how many of these it has reported */
	uint32_t queued;   /* items that are in the queue when it makes the call */
	uint32_t takes;    /* items that the call gets if it returns */
	uint32_t reports;  /* items that the call reports */
	/* All items are put before its first get, so that it knows of more items afterwards. */
	bool known;
	bool overtaken; /* another consumer gets an item between its last get and the call */
	/* The queue is empty, so the victim sleeps in its call; another consumer sleeps, too. */
	bool sleeps;
	bool again; /* the items that it gets were lost by another consumer before */
	bool sealed;
};

static struct {
	const struct plan *plan;
	struct spmcq *q;
	struct puppet other;
	struct chance chance;
	uint64_t first; /* position */
	item_value put; /* items so far */
	bool redeliver;
} table;

/* What became of the items of a game. */
static struct {
	item_value base; /* the first number */
	uint32_t n;
	unsigned char got[MOST_ITEMS], lost[MOST_ITEMS], reported[MOST_ITEMS];
} ledger;

static const struct timespec past = {0, 0};

static void put_some(uint32_t n)
{
	item_value numbers[MOST_ITEMS];

	for (uint32_t i = 0; i < n; i++)
		numbers[i] = table.put + i;
	if (n > 0)
		RETURNS(n, spmcq_try_put_many(table.q, numbers, n));
	table.put += n;
	ledger.n += n;
	CHECK(ledger.n <= MOST_ITEMS, "the ledger is too small");
}

static unsigned char *entry(unsigned char *column, item_value number)
{
	CHECK(number - ledger.base < ledger.n,
	      "item %" PRI_ITEM " is not within %" PRI_ITEM "..%" PRI_ITEM, number, ledger.base,
	      ledger.base + ledger.n - 1);
	return &column[number - ledger.base];
}

static void note_got(item_value number)
{
	unsigned char *got = entry(ledger.got, number);

	CHECK(++*got == 1, "item %" PRI_ITEM " was got %u times by the other consumer", number,
	      *got);
}

/* The other consumer gets all items. Returns how many it got. */
static uint32_t drain(void)
{
	long n = told(&table.other, act_drain, 0);

	CHECK(n >= 0, "the other consumer cannot drain: %ld", n);
	for (long i = 0; i < n; i++)
		note_got(table.other.call.items[i]);
	return (uint32_t)n;
}

static void other_gets(void)
{
	RETURNS(0, told(&table.other, act_get, 0));
	note_got(table.other.call.items[0]);
	RETURNS(0, told(&table.other, act_task_done, 0));
}

/* Returns how many items were named. */
static uint32_t reap(pid_t victim)
{
	struct spmcq_lost lost[LOST];
	long entries = spmcq_shared_reap(table.q, lost, LOST);
	uint32_t named = 0;

	CHECK(entries >= 0 && entries < LOST, "reap: %ld", entries);
	for (long i = 0; i < entries; i++) {
		CHECK(lost[i].process == victim, "process %d, not %d", lost[i].process, victim);
		CHECK(lost[i].redelivered == table.redeliver, "redelivered: %d",
		      lost[i].redelivered);
		CHECK(lost[i].items > 0 && lost[i].items <= ledger.n, "%llu items",
		      (unsigned long long)lost[i].items);
		for (uint64_t j = 0; j < lost[i].items; j++, named++) {
			item_value number =
			        (item_value)((lost[i].position + j - table.first) % WRAP);
			unsigned char *times;

			CHECK(lost[i].position < WRAP, "position %llx",
			      (unsigned long long)lost[i].position);
			times = entry(ledger.lost, number);
			CHECK(++*times == 1, "item %" PRI_ITEM " was named %u times", number,
			      *times);
		}
	}
	RETURNS(0, spmcq_shared_reap(table.q, lost, LOST));
	return named;
}

/* The victim has reported all items that the other consumer did not get and that are not lost.
 * These must be the oldest of those that it had. */
static void note_reports(void)
{
	bool was_lost = false;

	for (uint32_t i = 0; i < ledger.n; i++) {
		ledger.reported[i] = !ledger.got[i] && !ledger.lost[i];
		was_lost = was_lost || ledger.lost[i];
		CHECK(!was_lost || !ledger.reported[i], "item %u was reported before an older one",
		      i);
		CHECK(!ledger.lost[i] || ledger.got[i] == table.redeliver,
		      "item %u was lost, and got %u times by the other consumer", i, ledger.got[i]);
	}
}

/* Returns how many items of the victim are unfinished. */
static uint32_t count_lost(void)
{
	size_t unfinished = spmcq_unfinished(table.q);
	struct timespec soon = spmcq_after(5);
	double since = seconds_now();

	/* A join checks only after a tenth of a second which processes are gone. */
	if (unfinished > 0 && chance_below(&table.chance, 4) > 0)
		return (uint32_t)unfinished;
	RETURNS(unfinished > 0 ? -EOWNERDEAD : 0, spmcq_join_until(table.q, &soon));
	CHECK(seconds_now() - since < 4, "join took %.1f s", seconds_now() - since);
	return (uint32_t)unfinished;
}

/* Redelivered items come first, the oldest first, unless other items were redelivered before. */
static void check_order(uint32_t lost, uint32_t n)
{
	const item_value *items = table.other.call.items;

	for (uint32_t i = 0; i < lost && i < n && !table.plan->again; i++) {
		CHECK(i == 0 || items[i - 1] < items[i], "%" PRI_ITEM " came before %" PRI_ITEM,
		      items[i - 1], items[i]);
		CHECK(*entry(ledger.lost, items[i]),
		      "item %" PRI_ITEM " came before the redelivered", items[i]);
	}
}

/* Called after the victim was killed. It is random whether the other consumer gets the items that
 * are left before or after the reap. */
static void settle(pid_t victim, uint32_t held_at_most)
{
	uint32_t lost, unfinished = 0;
	bool drain_first = chance_below(&table.chance, 2) == 0;

	if (drain_first) {
		drain();
		unfinished = count_lost();
	}
	lost = reap(victim);
	CHECK(lost <= held_at_most, "%u lost of %u", lost, held_at_most);
	if (drain_first)
		CHECK(lost == unfinished, "%u were unfinished, %u were named", unfinished, lost);
	if (!table.redeliver && drain_first)
		RETURNS(0, spmcq_join_until(table.q, &past));
	put_some(1);
	check_order(table.redeliver ? lost : 0, drain());
	RETURNS(0, spmcq_join_until(table.q, &past));
	RETURNS(0, spmcq_join(table.q));
	COUNTS(0, spmcq_unfinished(table.q));
	COUNTS(0, spmcq_size(table.q));
	note_reports();
}

static uint32_t reports_in_ledger(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < ledger.n; i++)
		sum += ledger.reported[i];
	return sum;
}

static uint32_t ends_at_victim(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < ledger.n; i++)
		sum += ledger.reported[i] || ledger.lost[i];
	return sum;
}

/* Makes two items that the victim may get, and that another consumer has lost. */
static void lose_some(void)
{
	struct puppet loser;

	consumer_start(&loser, table.q);
	put_some(2);
	RETURNS(2, told(&loser, act_get_many, 2));
	puppet_kill(&loser);
	RETURNS(2, reap(loser.process));
	memset(ledger.lost, 0, sizeof(ledger.lost));
}

static void prepare(struct puppet *victim)
{
	const struct plan *plan = table.plan;

	ledger.base = table.put;
	ledger.n = 0;
	memset(ledger.got, 0, sizeof(ledger.got));
	memset(ledger.lost, 0, sizeof(ledger.lost));
	memset(ledger.reported, 0, sizeof(ledger.reported));
	consumer_start(victim, table.q);
	if (plan->again)
		lose_some();
	put_some(plan->known ? plan->before + plan->queued : plan->before);
	for (uint32_t i = 0; i < plan->before; i++)
		RETURNS(0, told(victim, act_get, 0));
	for (uint32_t i = 0; i < plan->reported; i++)
		RETURNS(0, told(victim, act_task_done, 0));
	if (!plan->known)
		put_some(plan->queued);
	if (plan->overtaken)
		other_gets();
}

/* Both consumers sleep, or the victim has been killed. Then this puts two items; the other consumer
 * must get one of them. */
static void wake(struct puppet *victim, struct end end)
{
	double since;

	if (puppet_sleeps(victim))
		end_sleeper(victim, end);
	if (end.at % 2)
		sleep_ms(1);
	since = seconds_now();
	put_some(1);
	sleep_ms((long)chance_below(&table.chance, 2));
	put_some(1);
	RETURNS(0, answer(&table.other));
	CHECK(seconds_now() - since < 2, "the other consumer slept for %.1f s beside an item",
	      seconds_now() - since);
	note_got(table.other.call.items[0]);
	RETURNS(0, told(&table.other, act_task_done, 0));
}

/* Returns whether the call may return n items. A call that gets several sealed items may return
 * fewer than there are, because they need not be of one run. */
static bool is_run(long n)
{
	return n == table.plan->takes || (table.plan->sealed && n > 0 && n < table.plan->takes);
}

/* Makes the call, and kills the victim as `end` says. Returns whether the call returned. */
static bool break_off(struct puppet *victim, struct end end)
{
	const struct plan *plan = table.plan;
	int status;

	if (plan->sleeps) {
		table.other.call.seconds = 10;
		tell(&table.other, act_get_until, 0);
		puppet_await_sleep(&table.other);
	}
	tell_ending(victim, plan->call, plan->n, end);
	if (plan->sleeps)
		wake(victim, end);
	if (answered(victim)) {
		long result = victim->call.result;

		CHECK(plan->n ? is_run(result) : result == 0, "the call returned %ld", result);
		puppet_kill(victim);
		return true;
	}
	status = puppet_await_end(victim);
	CHECK(end.deed == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
	      "the victim ended with status %#x", (unsigned)status);
	return false;
}

static unsigned play(struct end end)
{
	const struct plan *plan = table.plan;
	struct puppet victim;
	uint32_t held, done;
	bool through;

	prepare(&victim);
	through = break_off(&victim, end);
	settle(victim.process, plan->before + plan->takes);
	done = reports_in_ledger();
	held = ends_at_victim();
	CHECK((held == plan->before && !through) || is_run(held - plan->before),
	      "the call got %u items, through: %d", held - plan->before, through);
	CHECK((done == plan->reported && !through) || done == plan->reported + plan->reports,
	      "the call reported %u items, through: %d", done - plan->reported, through);
	if (!through)
		count_kill(held + done > plan->before + plan->reported);
	return through ? victim.call.steps : 0;
}

static void begin(unsigned worker)
{
	static const size_t capacities[QUEUES] = {8, 64, 1000, 13, 9, 100, 16, 8};
	struct spmcq_shared_options options = {.processes = 4,
	                                       .threads = 2,
	                                       .sealed = table.plan->sealed,
	                                       .redeliver =
	                                               (worker % 2 && !WORDS) || table.plan->again};

	table.chance = chance_stream(chance_seed() + worker, worker);
	table.first = WRAP - 1 - chance_below(&table.chance, 300);
	table.redeliver = options.redeliver;
	options.first_position = table.first;
	table.q = shared_at(capacities[worker], &options);
	consumer_start(&table.other, table.q);
}

static void finish(void)
{
	puppet_end(&table.other);
	queue_free(table.q);
}

static void kill_everywhere(const struct plan *plan)
{
	if (plan->sealed && !can_seal())
		check_skip("sealing is not built");
	table.plan = plan;
	kill_in_games(&(struct kills){.begin = begin,
	                              .play = play,
	                              .finish = finish,
	                              .queues = QUEUES,
	                              .least = LEAST,
	                              .seconds = 1,
	                              .sleeps = plan->sleeps});
}

static void a_consumer_may_be_killed_in_get(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_get, .before = 2, .reported = 1, .queued = 3, .takes = 1});
}

static void a_consumer_may_be_killed_in_its_first_get(void)
{
	kill_everywhere(&(struct plan){.call = act_get, .queued = 2, .takes = 1});
}

static void a_consumer_may_be_killed_in_a_second_get(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_get, .before = 1, .queued = 3, .takes = 1, .known = true});
}

/* The items of two gets followed each other, so the next get expects head to be still there. */
static void a_consumer_may_be_killed_in_a_fourth_get(void)
{
	kill_everywhere(&(struct plan){.call = act_get,
	                               .before = 3,
	                               .reported = 1,
	                               .queued = 3,
	                               .takes = 1,
	                               .known = true});
}

static void a_consumer_may_be_killed_in_a_get_after_one_of_another(void)
{
	kill_everywhere(&(struct plan){.call = act_get,
	                               .before = 3,
	                               .reported = 1,
	                               .queued = 3,
	                               .takes = 1,
	                               .known = true,
	                               .overtaken = true});
}

static void a_consumer_may_be_killed_in_try_get(void)
{
	kill_everywhere(&(struct plan){.call = act_try_get, .before = 1, .queued = 3, .takes = 1});
}

static void a_consumer_may_be_killed_in_get_many(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_get_many, .n = 3, .before = 2, .reported = 1, .queued = 4, .takes = 3});
}

static void a_consumer_may_be_killed_in_task_done(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_task_done, .before = 4, .reported = 1, .queued = 2, .reports = 1});
}

static void a_consumer_may_be_killed_in_its_first_task_done(void)
{
	kill_everywhere(
	        &(struct plan){.call = act_task_done, .before = 1, .queued = 1, .reports = 1});
}

static long act_report_two(struct call *call)
{
	(void)call;
	return spmcq_task_done_many(puppet_queue, 2);
}

static void a_consumer_may_be_killed_in_task_done_many(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_report_two, .before = 4, .reported = 1, .queued = 2, .reports = 2});
}

static void a_consumer_may_be_killed_in_a_get_that_sleeps(void)
{
	kill_everywhere(&(struct plan){.call = act_get, .before = 1, .takes = 1, .sleeps = true});
}

static void a_consumer_may_be_killed_in_getting_what_another_lost(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_get, .before = 1, .queued = 1, .takes = 1, .again = true});
}

static void a_consumer_may_be_killed_in_reporting_what_another_lost(void)
{
	static const struct plan plan = {
	        .call = act_task_done, .before = 2, .reported = 0, .again = true, .reports = 1};

	kill_everywhere(&plan);
}

static void a_consumer_may_be_killed_in_a_sealed_get(void)
{
	kill_everywhere(&(struct plan){
	        .call = act_get, .before = 1, .queued = 2, .takes = 1, .sealed = true});
}

static void a_consumer_may_be_killed_in_a_sealed_get_many(void)
{
	kill_everywhere(&(struct plan){.call = act_get_many,
	                               .n = 3,
	                               .before = 1,
	                               .queued = 4,
	                               .takes = 3,
	                               .sealed = true});
}

/* a call that closes the queue */

static bool closes_now;

/* The victim is killed in shutdown or shutdown_now. The queue is closed or not; the items in it are
 * got or discarded, and none is left unfinished. */
static unsigned play_closing(struct end end)
{
	bool now = closes_now;
	struct spmcq_shared_options options = {.processes = 4,
	                                       .threads = 2,
	                                       .redeliver = chance_below(&table.chance, 2) == 0,
	                                       .first_position = WRAP - 2};
	struct spmcq *q = shared_at(8, &options);
	item_value numbers[4] = {0, 1, 2, 3};
	struct spmcq_stats stats;
	struct puppet victim, other;
	struct spmcq_lost lost;
	uint64_t named = 0;
	bool through, closed;
	long got, entries;

	consumer_start(&victim, q);
	consumer_start(&other, q);
	RETURNS(4, spmcq_put_many(q, numbers, 4));
	RETURNS(0, told(&other, act_get, 0));
	tell_ending(&victim, now ? act_shutdown_now : act_shutdown, 0, end);
	through = answered(&victim);
	if (through) {
		RETURNS(0, victim.call.result);
		puppet_kill(&victim);
	} else
		puppet_await_end(&victim);
	closed = spmcq_is_shutdown(q);
	CHECK(closed || !through, "the queue is not closed");
	RETURNS(closed ? -ESHUTDOWN : 0, spmcq_put(q, numbers));
	/* The victim held the items that it was about to discard, so they are lost. */
	while ((entries = spmcq_shared_reap(q, &lost, 1)) == 1) {
		CHECK(now && lost.process == victim.process, "process %d", lost.process);
		CHECK(lost.position - (WRAP - 2) < 4 || lost.position < 2, "position %llu",
		      (unsigned long long)lost.position);
		named += lost.items;
	}
	RETURNS(0, entries);
	CHECK(named <= 3, "%llu were named", (unsigned long long)named);
	got = told(&other, act_drain, 0);
	CHECK(got >= 0 || (got == -ESHUTDOWN && closed), "get: %ld", got);
	RETURNS(0, told(&other, act_task_done, 0));
	RETURNS(0, spmcq_join_until(q, &(struct timespec){0, 0}));
	COUNTS(0, spmcq_unfinished(q));
	stats = stats_of(q);
	COUNTS(closed ? 4 : 5, stats.put);
	COUNTS(stats.put, stats.got + stats.discarded);
	COUNTS(stats.got, stats.done);
	CHECK(now || stats.discarded == 0, "%u were discarded", (unsigned)stats.discarded);
	CHECK(!now || !through || stats.discarded == 3, "only %u were discarded",
	      (unsigned)stats.discarded);
	if (!through)
		count_kill(closed);
	puppet_end(&other);
	queue_free(q);
	return through ? victim.call.steps : 0;
}

static void begin_closing(unsigned worker)
{
	table.chance = chance_stream(chance_seed() + worker, worker);
}

static void a_consumer_may_be_killed_in_shutdown(void)
{
	for (int now = 0; now < 2; now++) {
		closes_now = now;
		kill_in_games(&(struct kills){.begin = begin_closing,
		                              .play = play_closing,
		                              .queues = QUEUES,
		                              .least = LEAST});
	}
}

int main(void)
{
	RUN(a_consumer_may_be_killed_in_get);
	RUN(a_consumer_may_be_killed_in_a_second_get);
	RUN(a_consumer_may_be_killed_in_a_fourth_get);
	RUN(a_consumer_may_be_killed_in_a_get_after_one_of_another);
	if (WORDS) /* The rest does not depend on the size of the items. */
		return check_finish();
	RUN(a_consumer_may_be_killed_in_its_first_get);
	RUN(a_consumer_may_be_killed_in_try_get);
	RUN(a_consumer_may_be_killed_in_get_many);
	RUN(a_consumer_may_be_killed_in_its_first_task_done);
	RUN(a_consumer_may_be_killed_in_task_done);
	RUN(a_consumer_may_be_killed_in_task_done_many);
	RUN(a_consumer_may_be_killed_in_a_get_that_sleeps);
	RUN(a_consumer_may_be_killed_in_getting_what_another_lost);
	RUN(a_consumer_may_be_killed_in_reporting_what_another_lost);
	RUN(a_consumer_may_be_killed_in_a_sealed_get);
	RUN(a_consumer_may_be_killed_in_a_sealed_get_many);
	RUN(a_consumer_may_be_killed_in_shutdown);
	return check_finish();
}
