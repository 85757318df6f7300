/*
 * Facts about the machine, the build and the pinning, on Linux. A fact that cannot be found is
 * reported as unknown.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "machine.h"
#include "measure/commit.h"

/* The first line of a file that begins with key, from after its colon; or, key "", the first line.
 */
static bool read_line(const char *path, const char *key, char *value, size_t size)
{
	char line[1024];
	FILE *file = fopen(path, "r");
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *colon = *key ? strchr(line, ':') : NULL;
		const char *from = colon ? colon + 1 : line;

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		from += strspn(from, " \t");
		snprintf(value, size, "%.*s", (int)strcspn(from, "\n"), from);
		found = *value != '\0';
	}
	if (file)
		fclose(file);
	return found;
}

static void describe_cpu(char *cpu, size_t size, const char *architecture)
{
	if (!read_line("/proc/cpuinfo", "model name", cpu, size))
		snprintf(cpu, size, "%s", architecture);
}

/* x86: bit 31 of ecx says that there is a hypervisor, leaf 0x40000000 its name. */
static void describe_hypervisor(char *name, size_t size)
{
	snprintf(name, size, "unknown");
#if defined(__x86_64__) || defined(__i386__)
	unsigned a, b, c, d;
	char vendor[13] = "";

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return;
	if (!(c & 1u << 31)) {
		snprintf(name, size, "none");
		return;
	}
	__cpuid(0x40000000, a, b, c, d);
	memcpy(vendor, &b, 4);
	memcpy(vendor + 4, &c, 4);
	memcpy(vendor + 8, &d, 4);
	for (size_t i = sizeof(vendor) - 1; i > 0 && !isgraph((unsigned char)vendor[i - 1]); i--)
		vendor[i - 1] = '\0'; /* padded with spaces or zeros */
	snprintf(name, size, "%s", *vendor ? vendor : "of unknown name");
#endif
}

static size_t allowed_cpus(unsigned *cpu)
{
	cpu_set_t set;
	size_t n = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	for (unsigned i = 0; i < CPU_SETSIZE && n < MACHINE_CPUS; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	return n;
}

void machine_describe(struct machine *machine)
{
	struct utsname os;
	unsigned cpu[MACHINE_CPUS];

	uname(&os);
	describe_cpu(machine->cpu, sizeof(machine->cpu), os.machine);
	machine->cores = allowed_cpus(cpu);
	snprintf(machine->kernel, sizeof(machine->kernel), "%.60s %.60s", os.sysname, os.release);
#ifdef __clang__
	snprintf(machine->compiler, sizeof(machine->compiler), "clang %s %s", __clang_version__,
	         BENCH_FLAGS);
#else
	snprintf(machine->compiler, sizeof(machine->compiler), "gcc %s %s", __VERSION__,
	         BENCH_FLAGS);
#endif
	snprintf(machine->library, sizeof(machine->library), "spmcq %s (%s)", BENCH_VERSION,
	         BENCH_COMMIT);
	if (!read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "",
	               machine->governor, sizeof(machine->governor)))
		snprintf(machine->governor, sizeof(machine->governor), "unknown");
	describe_hypervisor(machine->hypervisor, sizeof(machine->hypervisor));
	machine->memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool is_allowed(const unsigned *allowed, size_t n, unsigned long cpu)
{
	for (size_t i = 0; i < n; i++)
		if (allowed[i] == cpu)
			return true;
	return false;
}

static int parse_cpus(struct machine_pin *pin, const char *text)
{
	unsigned allowed[MACHINE_CPUS];
	size_t n = allowed_cpus(allowed);

	for (pin->n = 0; pin->n < MACHINE_CPUS; text++) {
		char *end;
		unsigned long cpu = strtoul(text, &end, 10);

		if (!isdigit((unsigned char)*text) || (*end && *end != ','))
			return -EINVAL;
		if (!is_allowed(allowed, n, cpu))
			return -ERANGE;
		pin->cpu[pin->n++] = (unsigned)cpu;
		text = end;
		if (!*end)
			return 0;
	}
	return -ERANGE;
}

int machine_pin_parse(struct machine_pin *pin, const char *text)
{
	snprintf(pin->text, sizeof(pin->text), "%s", text);
	if (strcmp(text, "none") == 0) {
		pin->n = 0;
		return 0;
	}
	if (strcmp(text, "spread") != 0 && strcmp(text, "same") != 0)
		return parse_cpus(pin, text);
	pin->n = allowed_cpus(pin->cpu);
	if (strcmp(text, "same") == 0)
		pin->n = 1;
	return 0;
}

/* False: it may be anywhere. */
static bool is_placed(const struct machine_pin *pin, size_t place, cpu_set_t *set)
{
	if (pin->n == 0)
		return false;
	CPU_ZERO(set);
	CPU_SET(pin->cpu[place % pin->n], set);
	return true;
}

void machine_pin_place(const struct machine_pin *pin, size_t place, pthread_attr_t *attributes)
{
	cpu_set_t set;

	if (is_placed(pin, place, &set))
		pthread_attr_setaffinity_np(attributes, sizeof(set), &set);
}

void machine_pin_self(const struct machine_pin *pin, size_t place)
{
	cpu_set_t set;

	if (is_placed(pin, place, &set))
		sched_setaffinity(0, sizeof(set), &set);
}
