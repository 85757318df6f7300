"""
Text as mdoc: sentence by sentence, lists, and the paragraphs of a comment without declarations.
"""
import re
import textwrap

from header import RESULT, sentences

TITLE = re.compile(r"^(\w+(?: \w+){0,4})[.:](?: |$)")
TITLE_OF_LIST = re.compile(r"^([A-Z][\w ,.]*):$")

known_calls = set()  # that are marked in texts


def upper(text):
    return text[:1].upper() + text[1:]


def escaped(text):
    text = text.replace("\\", "\\e")
    text = re.sub(r"(?<![\w-])-(?=[A-Z]|l[a-z])", r"\\-", text)  # -EINVAL, -lspmcq
    text = re.sub(r"`(\w+)`", r"\\fI\1\\fR", text)
    text = re.sub(r"\b(spmcq_\w+)(?:\(\)|(?=[ ,.;:)]|$))",
                  lambda m: rf"\fB{m[1]}\fR()" if m[1] in known_calls else m[0], text)
    # Names, and whatever else is no word, are not hyphenated.
    return re.sub(r"(?<!\S)(?=\S*(?:_|[A-Z]{3}))", r"\\%", text)


def prose(text):
    """Sentence by sentence, as mdoc wants it."""
    lines = []
    for sentence in sentences(escaped(text)):
        lines += textwrap.wrap(sentence, 78, break_on_hyphens=False, break_long_words=False)
    return [rf"\&{line}" if line[0] in ".'" else line for line in lines]


def listed(items, kind="-tag -width Ds"):
    lines = [f".Bl {kind}"]
    for tag, text in items:
        lines += [f".It {tag}".rstrip()] + prose(text)
    return lines + [".El"]


def free_text(lines):
    """
    Of a comment without declarations: paragraphs, titles and lists. Behind the end of a sentence a
    line that begins with one word and a colon begins a paragraph, too.
    """
    out, paragraph = [], []

    def end_paragraph():
        if paragraph:
            out.extend(paragraph_page(paragraph))
            paragraph.clear()

    for line in lines:
        is_titled = re.match(r"\w+: ", line) and paragraph and paragraph[-1].endswith(".")
        if not line or is_titled:
            end_paragraph()
        if line:
            paragraph.append(line)
    end_paragraph()
    return out


def paragraph_page(lines):
    has_list = len(lines) > 1 and kind_of(lines[1], "text") in ("result", "bullet")
    title = TITLE.match(lines[0]) or (has_list and TITLE_OF_LIST.match(lines[0]))
    out = [".Pp"]
    if title:
        out = [f".Ss {upper(title[1])}"]
        lines = [upper(lines[0][title.end():])] + lines[1:]
    flow = []  # pairs of a kind and lines
    for line in filter(None, lines):
        kind = kind_of(line, flow[-1][0] if flow else "text")
        begins = RESULT.match(line) or line.startswith("- ") or kind == "literal"
        if begins or not flow or flow[-1][0] != kind:
            flow.append((kind, [line]))
        else:
            flow[-1][1].append(line)
    if not title and flow[0][0] == "literal":
        out = []  # a display makes room before it
    return out + flow_page(flow)


def kind_of(line, before):
    """Of a line in a paragraph, behind one of another kind, which it may go on with."""
    if RESULT.match(line):
        return "result"
    if line.startswith("- "):
        return "bullet"
    if not line.startswith("  "):
        # clang-format takes away the blanks before the further lines of a bullet.
        return "bullet" if before == "bullet" else "text"
    return "literal" if before == "text" else before


def flow_page(flow):
    """Pieces of the same kind become one list."""
    out, i = [], 0
    while i < len(flow):
        kind, n = flow[i][0], 1
        while i + n < len(flow) and flow[i + n][0] == kind:
            n += 1
        texts = [" ".join(line.strip() for line in lines) for _, lines in flow[i:i + n]]
        if kind == "text":
            out += [".Pp"] * (i > 0) + prose(" ".join(texts))
        elif kind == "literal":
            out += [".Bd -literal -offset indent"] + narrow(texts) + [".Ed"]
        elif kind == "bullet":
            out += listed([("", text[2:]) for text in texts], "-bullet")
        else:
            out += listed([("\\" + text.split()[0], text.split(None, 1)[1]) for text in texts],
                          "-tag -width \\-EKEYREJECTED")
        i += n
    return out


def narrow(lines):
    """Lines of names with two blanks between, one name a line if they are too wide otherwise."""
    if max(map(len, lines)) <= 68:
        return lines
    return [name for line in lines for name in re.split(r"(?<=\S)  (?=\S)", line)]


def without_paragraph(lines):
    """A section does not begin with a paragraph macro."""
    return lines[1:] if lines and lines[0] == ".Pp" else lines
