/*
 * Follows the members of a type down to the one at an offset. A block that a pointer of the queue
 * points to is named after that pointer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/names.h"

struct place {
	const struct sim_block *block;
	size_t offset;
};

static const struct sim_block *block_at(const struct sim_outcome *outcome, uintptr_t address)
{
	for (size_t i = 0; i < outcome->block_count; i++) {
		const struct sim_block *b = &outcome->blocks[i];

		if (address >= b->address && address - b->address < (b->size + 63) / 64 * 64)
			return b;
	}
	return NULL;
}

#ifdef HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

struct names {
	const struct sim_outcome *outcome;
	int file;
	Dwarf *dwarf;
	Dwarf_Die type; /* the type of the queue */
	bool has_type;
};

/* A name that is put together from the outside in. */
struct path {
	char *text;
	size_t used;
};

static void add(struct path *path, const char *text)
{
	int n = snprintf(path->text + path->used, NAMES_SIZE - path->used, "%s", text);

	path->used += (size_t)n;
	if (path->used >= NAMES_SIZE)
		path->used = NAMES_SIZE - 1;
}

/* The type of a member, an element or a pointer, without typedef, const and their like. */
static bool type_of(Dwarf_Die *of, Dwarf_Die *type)
{
	Dwarf_Attribute attribute;

	return dwarf_formref_die(dwarf_attr_integrate(of, DW_AT_type, &attribute), type) &&
	       dwarf_peel_type(type, type) == 0;
}

static size_t offset_of(Dwarf_Die *member)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset = 0;

	if (dwarf_attr_integrate(member, DW_AT_data_member_location, &attribute))
		dwarf_formudata(&attribute, &offset);
	return offset;
}

static size_t size_of(Dwarf_Die *type)
{
	Dwarf_Word size = 0;

	dwarf_aggregate_size(type, &size);
	return size;
}

static bool is_struct(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

/* Of a struct's members and bases the one at an offset, or the last before it. */
static bool member_at(Dwarf_Die *type, size_t offset, Dwarf_Die *found)
{
	Dwarf_Die child;
	bool any = false;

	if (dwarf_child(type, &child) != 0)
		return false;
	do {
		int tag = dwarf_tag(&child);

		if ((tag == DW_TAG_member || tag == DW_TAG_inheritance) &&
		    !dwarf_hasattr(&child, DW_AT_external) && offset_of(&child) <= offset &&
		    (!any || offset_of(&child) >= offset_of(found))) {
			*found = child;
			any = true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return any;
}

static void describe(struct path *path, Dwarf_Die *type, size_t offset)
{
	Dwarf_Die member, inner;

	while (dwarf_tag(type) == DW_TAG_array_type && type_of(type, &inner)) {
		add(path, "[]");
		*type = inner;
		if (size_of(type) > 0)
			offset %= size_of(type);
	}
	if (!is_struct(type) || !member_at(type, offset, &member) || !type_of(&member, &inner))
		return;
	const char *name = dwarf_diename(&member);
	if (name && strncmp(name, "__", 2) == 0)
		return; /* the insides of the C library */
	if (name && path->used > 0 && path->text[path->used - 1] != '.')
		add(path, ".");
	if (name)
		add(path, name);
	describe(path, &inner, offset - offset_of(&member));
}

/* Looks for a pointer to the block among the members of what lies at an address. */
static bool find_pointer(struct path *path, Dwarf_Die *type, uintptr_t at,
                         const struct sim_block *block, Dwarf_Die *pointee)
{
	Dwarf_Die child, inner;
	size_t before = path->used;

	if (dwarf_child(type, &child) != 0)
		return false;
	do {
		if (dwarf_tag(&child) != DW_TAG_member || !type_of(&child, &inner))
			continue;
		uintptr_t here = at + offset_of(&child);
		const char *name = dwarf_diename(&child);
		path->used = before;
		if (name) {
			add(path, before ? "." : "");
			add(path, name);
		}
		if (dwarf_tag(&inner) == DW_TAG_pointer_type) {
			uintptr_t value;

			memcpy(&value, (const void *)here, sizeof(value));
			if (value >= block->address && value - block->address < block->size)
				return type_of(&inner, pointee) || true;
		} else if (is_struct(&inner) && find_pointer(path, &inner, here, block, pointee)) {
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	path->used = before;
	path->text[before] = '\0';
	return false;
}

struct search {
	const char *name;
	Dwarf_Die *found;
};

static bool find_in(Dwarf_Die *parent, const struct search *search)
{
	Dwarf_Die child;

	if (dwarf_child(parent, &child) != 0)
		return false;
	do {
		const char *name = dwarf_diename(&child);

		if (is_struct(&child) && name && strcmp(name, search->name) == 0 &&
		    !dwarf_hasattr(&child, DW_AT_declaration)) {
			*search->found = child;
			return true;
		}
		if (dwarf_tag(&child) == DW_TAG_namespace && find_in(&child, search))
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static bool find_type(struct names *names, const char *type)
{
	const struct search search = {type, &names->type};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (type && dwarf_get_units(names->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0)
		if (find_in(&die, &search))
			return true;
	return false;
}

struct names *names_open(const char *module, const char *type, const struct sim_outcome *outcome)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->outcome = outcome;
	names->file = open(module, O_RDONLY | O_CLOEXEC);
	names->dwarf = names->file < 0 ? NULL : dwarf_begin(names->file, DWARF_C_READ);
	names->has_type = names->dwarf && find_type(names, type);
	return names;
}

void names_close(struct names *names)
{
	if (!names)
		return;
	dwarf_end(names->dwarf);
	if (names->file >= 0)
		close(names->file);
	free(names);
}

/* Whether the last member is an array without a size. */
static bool has_flexible_end(Dwarf_Die *type)
{
	Dwarf_Die member, inner;

	return member_at(type, SIZE_MAX, &member) && type_of(&member, &inner) &&
	       dwarf_tag(&inner) == DW_TAG_array_type && size_of(&inner) == 0;
}

static bool name_by_type(struct names *names, const struct place *place, struct path *path)
{
	const struct sim_outcome *outcome = names->outcome;
	Dwarf_Die type = names->type, pointee;

	if (!names->has_type)
		return false;
	if (place->block->address == outcome->queue) {
		if (place->offset >= size_of(&type) && !has_flexible_end(&type))
			add(path, "items, after the struct");
		else
			describe(path, &type, place->offset);
		return path->used > 0;
	}
	memset(&pointee, 0, sizeof(pointee));
	if (!find_pointer(path, &type, outcome->queue, place->block, &pointee))
		return false;
	add(path, "[]");
	if (pointee.addr && is_struct(&pointee) && size_of(&pointee) > 0)
		describe(path, &pointee, place->offset % size_of(&pointee));
	return true;
}

#else

struct names {
	const struct sim_outcome *outcome;
};

struct path {
	char *text;
	size_t used;
};

struct names *names_open(const char *module, const char *type, const struct sim_outcome *outcome)
{
	struct names *names = calloc(1, sizeof(*names));

	(void)module;
	(void)type;
	if (names)
		names->outcome = outcome;
	return names;
}

void names_close(struct names *names)
{
	free(names);
}

static int name_by_type(struct names *names, const struct place *place, struct path *path)
{
	(void)names;
	(void)place;
	(void)path;
	return 0;
}

#endif

void names_write(struct names *names, uintptr_t address, char name[NAMES_SIZE])
{
	const struct sim_outcome *outcome = names->outcome;
	struct place place = {.block = block_at(outcome, address)};
	struct path path = {.text = name};

	*name = '\0';
	if (!place.block) {
		snprintf(name, NAMES_SIZE, "variables and stacks");
		return;
	}
	place.offset = address - place.block->address;
	if (name_by_type(names, &place, &path))
		return;
	if (place.block->address == outcome->queue)
		snprintf(name, NAMES_SIZE, "queue + %zu", place.offset);
	else
		snprintf(name, NAMES_SIZE, "allocation %zu + %zu",
		         (size_t)(place.block - outcome->blocks), place.offset / 64 * 64);
}
