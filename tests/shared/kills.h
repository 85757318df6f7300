/*
 * Games; in each of them a puppet is killed after another instruction of its call. A first game, in
 * which none is killed, counts the instructions.
 */
#ifndef KILLS_H
#define KILLS_H

#include "step.h"

struct kills {
	/* Called in each process that plays, before and after its games; finish may be NULL. */
	void (*begin)(unsigned worker);
	void (*finish)(void);
	/* Plays one game. If the call returned, returns how many instructions it had, else 0. */
	unsigned (*play)(struct end end);
	unsigned queues; /* processes that play at the same time */
	unsigned least;  /* games of each process; half as many if the call is long */
	double seconds;  /* each process plays at least this long */
	bool sleeps;     /* the call sleeps */
};

/* Plays all games. Fails the property if no kill came before the call had done its work, or none
 * after. Skips it where instructions cannot be counted. */
void kill_in_games(const struct kills *kills);

/* Called by play: says whether the call had done its work when the puppet was killed. */
void count_kill(bool done);

#endif
