# Lists the places of a C file where an order could be weaker, one a line, fields between tabs: where
# it is in the file (bytes from 1), how long, what to put there, and the name of the place. NAME is
# the name of the file.

# The orders next weaker, for a load, a store or an update.
function weaker(order, kind) {
	if (order == "seq_cst")
		return kind == "load" ? "acquire" : kind == "store" ? "release" : "acq_rel"
	if (order == "acq_rel")
		return "acquire release"
	return order == "relaxed" ? "" : "relaxed"
}

function kind_of(call, nth) {
	if (call ~ /^atomic_load/ || nth > 1)
		return "load"
	return call ~ /^atomic_store/ ? "store" : "update"
}

# Where the call that begins at from ends: at its closing parenthesis.
function end_of(from,    i, depth, c) {
	for (i = from; i <= length(text); i++) {
		c = substr(text, i, 1)
		depth += (c == "(") - (c == ")")
		if (c == ")" && depth == 0)
			return i
	}
	return 0
}

# The function around a place: the last name before a parenthesis in the first column's lines.
function function_at(at,    lines, n, i, name) {
	n = split(substr(text, 1, at), lines, "\n")
	for (i = n; i > 0; i--)
		if (lines[i] ~ /^[a-z_A-Z].*\(/ && lines[i] !~ /;$/) {
			name = lines[i]
			while (sub(/__attribute__\(\([^)]*\)*\)*/, "", name))
				;
			sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name)
			return name
		}
	return ""
}

function place(at, len, with, what,    name) {
	gsub(/atomic_|_explicit/, "", what)
	name = NAME ":" function_at(at) ": " what
	if (names[name]++)
		name = name " (" names[name] ")"
	print at "\t" len "\t" with "\t" name
}

# All orders of one call.
function orders(from, to, call,    all, object, at, order, nth, i, n, next_ones) {
	all = substr(text, from, to - from + 1)
	object = all
	sub(/^[^(]*\([ \t\n]*/, "", object)
	sub(/[,)].*/, "", object)
	for (at = 1; match(substr(all, at), /memory_order_[a-z_]+/); at += RSTART + RLENGTH - 1) {
		order = substr(all, at + RSTART - 1, RLENGTH)
		sub(/memory_order_/, "", order)
		nth++
		n = split(weaker(order, kind_of(call, nth)), next_ones, " ")
		for (i = 1; i <= n; i++)
			place(from + at + RSTART - 2, length("memory_order_" order),
				"memory_order_" next_ones[i], call " " object \
				(nth > 1 ? ", when it fails," : "") " " order " -> " next_ones[i])
	}
}

{ text = text $0 "\n" }

END {
	from = 1
	while (match(substr(text, from), /(atomic_[a-z_]+|sys_fence_all)\(/)) {
		from += RSTART - 1
		call = substr(text, from, RLENGTH - 1)
		to = end_of(from)
		if (call ~ /fence/ && substr(text, to + 1, 1) == ";" && substr(text, from - 1, 1) == "\t")
			place(from, to - from + 1, "(void)0", call " removed")
		else if (call !~ /fence/)
			orders(from, to, call)
		from += length(call)
	}
}
