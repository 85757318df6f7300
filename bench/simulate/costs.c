/*
 * The presets, and where their figures come from; a file of costs is a JSON object of the same
 * names.
 *
 * line, near and far: nviennot/core-to-core-latency (medians of compare-and-swap from core to
 * core). server: between Intel Xeon Platinum 8375C (51 ns, 108 to the other socket) and AMD EPYC
 * 7R13 (107 and 197). desktop: Core i9-12900K (35 to 50 ns); Ryzen 9 5950X has 17 and 85. locked:
 * 18 to 20 cycles, Fog, "Instruction tables" (2022). memory: Intel Memory Latency Checker's usual
 * figures, 70 on desktops and 100 to 120 on servers. pause: 140 cycles since Skylake (Intel,
 *   Optimization Manual, 2.5.4), 40 to 65 on Zen (Fog).
 * clock, syscall, yield, wake, wake_delay, context_switch, membarrier: measured on the project's
 *   first machine (AMD EPYC, Linux 6.18); a call without a hypervisor's cost is nearer to 100 ns.
 * slice: base_slice_ns of Linux 6.6 and later on a machine of some cores.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "simulate/costs.h"

#define COST(field, what)                                                                          \
	{                                                                                          \
#field, offsetof(struct sim_costs, field), what                                    \
	}

const struct sim_cost_name sim_cost_names[] = {
        COST(access, "an access to a line the core has, and the instructions round it"),
        COST(locked, "a locked instruction or full fence"),
        COST(near_line, "a line from core to core of one socket"),
        COST(far_line, "a line from socket to socket"),
        COST(shared_line, "a line that others only read"),
        COST(memory, "a line that no core has"),
        COST(hold, "held: how long a core keeps a line after a locked instruction"),
        COST(mispredict, "a branch that goes the other way"),
        COST(pause, "the instruction for spin loops"),
        COST(clock, "reading the clock"),
        COST(syscall, "a system call that does nothing"),
        COST(yield, "sched_yield with nobody to yield to"),
        COST(wake, "waking a thread, beside the call"),
        COST(wake_delay, "until the woken thread runs"),
        COST(context_switch, "from one thread to another"),
        COST(membarrier, "membarrier, for its caller"),
        COST(membarrier_core, "the same, for each core that is interrupted"),
        COST(interrupt, "what that core loses"),
        COST(slice, "how long a thread keeps a core that others wait for"),
        COST(cores_per_socket, "cores"),
        {NULL, 0, NULL},
};

static const struct sim_costs server = {
        .access = 0.35,
        .locked = 6,
        .near_line = 80,
        .far_line = 200,
        .shared_line = 40,
        .memory = 100,
        .hold = 20,
        .mispredict = 5,
        .pause = 40,
        .clock = 25,
        .syscall = 400,
        .yield = 700,
        .wake = 800,
        .wake_delay = 4000,
        .context_switch = 1500,
        .membarrier = 2000,
        .membarrier_core = 700,
        .interrupt = 800,
        .slice = 3e6,
        .cores_per_socket = 32,
};

struct sim_costs sim_costs_server(void)
{
	return server;
}

struct sim_costs sim_costs_desktop(void)
{
	struct sim_costs costs = server;

	costs.access = 0.25;
	costs.locked = 4.5;
	costs.near_line = 40;
	costs.far_line = 40;
	costs.shared_line = 20;
	costs.memory = 70;
	costs.syscall = 100;
	costs.yield = 300;
	costs.wake_delay = 2500;
	costs.context_switch = 1000;
	costs.cores_per_socket = 16;
	return costs;
}

static double *cost_named(struct sim_costs *costs, const char *name)
{
	for (const struct sim_cost_name *known = sim_cost_names; known->name; known++)
		if (strcmp(known->name, name) == 0)
			return (double *)(void *)((char *)costs + known->offset);
	return NULL;
}

/* A cost that the file does not name is that of `server`. */
int sim_costs_read(struct sim_costs *costs, const char *file, char *why, size_t size)
{
	json_error_t error;
	json_t *root = json_load_file(file, 0, &error), *value;
	const char *name;
	int result = 0;

	if (!json_is_object(root)) {
		snprintf(why, size, "%s: %s", file, root ? "no JSON object" : error.text);
		json_decref(root);
		return -EINVAL;
	}
	*costs = server;
	json_object_foreach(root, name, value)
	{
		double *cost = cost_named(costs, name);

		if (!cost)
			snprintf(why, size, "%s: there is no cost \"%s\"", file, name);
		else if (!json_is_number(value) || json_number_value(value) < 0 ||
		         json_number_value(value) > 1e9)
			snprintf(why, size, "%s: %s is not a number from 0 to 1e9", file, name);
		else
			*cost = json_number_value(value);
		if (!cost || *cost != json_number_value(value))
			result = -EINVAL;
	}
	if (result == 0 && costs->cores_per_socket < 1) {
		snprintf(why, size, "%s: cores_per_socket is less than 1", file);
		result = -EINVAL;
	}
	json_decref(root);
	return result;
}

void sim_costs_write(FILE *out, const struct sim_costs *costs)
{
	fprintf(out, "{\n");
	for (const struct sim_cost_name *known = sim_cost_names; known->name; known++)
		fprintf(out, "  \"%s\": %.6g%s\n", known->name,
		        *(const double *)(const void *)((const char *)costs + known->offset),
		        known[1].name ? "," : "");
	fprintf(out, "}\n");
}
