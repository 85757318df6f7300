/*
 * Games in each of which a puppet is killed behind another instruction of its call. One that nobody
 * is killed in counts the instructions first.
 */
#ifndef KILLS_H
#define KILLS_H

#include "step.h"

struct kills {
	/* In each process that plays; finish may be NULL. */
	void (*begin)(unsigned worker);
	void (*finish)(void);
	/* Returns how many instructions there were, if the call was not broken off, else 0. */
	unsigned (*play)(struct end end);
	unsigned queues; /* processes that play at the same time */
	unsigned least;  /* games of each, half as many if the call is long */
	double seconds;  /* that each plays at least */
	bool sleeps;     /* the call */
};

/* Plays all games. Fails the property if a kill never came before the call had done its work, or
 * never after; skips it where instructions cannot be counted. */
void kill_in_games(const struct kills *kills);

/* For play: the puppet was killed when the call had done its work, or not. */
void count_kill(bool done);

#endif
