"""
Reads a public header: what it declares, and what its comments say.

What a header looks like. Its first comment opens it: paragraphs, some with a title of up to five
words, lists with "-", and results, a line each; a line before a list is its title. Each /** block */ describes what follows it: a
sentence that says what the calls do, @parameters, "Returns ...", and attributes such as "Threads:
any. Blocks: no.". A line that ends before the next word would not fit any more ends a thought. A
comment behind the last declaration closes the header.
"""
import re
from pathlib import Path

WIDTH = 97  # of the text of a comment, whose lines have 100 columns

ATTRIBUTE = re.compile(
    r"(?:^|(?<=[.)] ))((?:Threads|Blocks|Progress|Cost|Memory)(?:, (?:[a-z]+))*): ")
LONG_ATTRIBUTE = re.compile(r"^(?!Returns)([A-Z][a-z]+(?: [a-z]+){3,6}): ")
RETURNS = re.compile(r"^(Returns|[a-z_]+(?: and [a-z_]+)* returns?) ")
PARAMETER = re.compile(r"^(@\w+(?:, @\w+)*)\s+")
RESULT = re.compile(r"^ +(-E[A-Z]+)\s+")


def sentences(text):
    return re.split(r"(?<=[\w)\"][.!?]) +(?=\S)", re.sub(r"\s+", " ", text).strip())


def comment_lines(comment):
    """The lines between the stars, without them."""
    text = re.sub(r"^/\*+|\*/$", "", comment.strip())
    return [re.sub(r"^\s*\* ?", "", line).rstrip() for line in text.strip("\n").split("\n")]


def thoughts(lines):
    """Lines joined, but where one was ended although the next word fitted, or at a blank line."""
    found, before = [], ""
    for line in lines:
        fits = len(before) + 1 + len(line.split(" ")[0]) <= WIDTH
        ended = PARAMETER.match(found[-1]) if found else True
        begins = PARAMETER.match(line) or line.startswith("Returns ") or ATTRIBUTE.match(line)
        goes_on = before and line and not begins and (
            line[0] == " " or not ended and not (fits and before[-1] in ".:"))
        if goes_on:
            found[-1] += " " + line.strip()
        elif line:
            found.append(line.strip())
        before = line
    return found


class Description:
    """A /** block */, taken apart."""

    def __init__(self, comment):
        self.prose, self.parameters, self.returns, self.attributes = [], [], [], []
        last = self.prose
        for thought in thoughts(comment_lines(comment)):
            parameter = PARAMETER.match(thought)
            if parameter:
                self.parameters.append((parameter[1], thought[parameter.end():]))
                last = self.prose
                continue
            if RETURNS.match(thought):
                last = self.returns
            last = self.take(thought, last)

    def take(self, thought, last):
        """Its attributes apart; what stands before the first goes on with the last."""
        pieces = ATTRIBUTE.split(thought)
        long = LONG_ATTRIBUTE.match(thought)
        if long and self.prose:
            pieces = ["", long[1], thought[long.end():]]
        if pieces[0].strip():
            last.append(pieces[0].strip())
        for name, text in zip(pieces[1::2], pieces[2::2]):
            last = [text.strip()]
            self.attributes.append((name, last))
        return last

    def summary(self):
        """The first sentence, as it stands behind the name of a page."""
        first = sentences(self.prose[0])[0].rstrip(".")
        return first[0].lower() + first[1:] if first[1:2].islower() or first[1:2] == " " else first


class Call:
    def __init__(self, declaration, remark):
        before, arguments = declaration.split("(", 1)
        self.name = re.search(r"\w+$", before.strip())[0]
        self.type = before.strip()[:-len(self.name)].strip()
        self.arguments = self.split(arguments.rsplit(")", 1)[0])
        self.remark = remark

    @staticmethod
    def split(arguments):
        """At the commas that are not inside the brackets of an argument."""
        found, depth = [""], 0
        for c in arguments:
            depth += (c == "(") - (c == ")")
            if c == "," and depth == 0:
                found.append("")
            else:
                found[-1] += c
        return [argument.strip() for argument in found]


def calls_of(code):
    found = []
    for match in re.finditer(r"([^;]+);[ \t]*(?:/\*(.*?)\*/)?", code, re.S):
        declaration = re.sub(r"\s+", " ", match[1]).strip()
        if "(" in declaration:
            found.append(Call(declaration, re.sub(r"\s+", " ", match[2] or "").strip()))
    return found


def field(end):
    return re.compile(rf"\s*(?:/\*(?P<before>.*?)\*/\s*)?(?P<declaration>[^{end}/]+?){end}"
                      r"[ \t]*(?:/\*(?P<behind>.*?)\*/)?", re.S)


MEMBER_OF_STRUCT, MEMBER_OF_ENUM = field(";"), field(",")


class Type:
    """A struct or an enum, with what its comments say of each member; or macros."""

    def __init__(self, comment, code):
        self.description = Description(comment) if comment else None
        self.names = re.findall(r"#define (\w+)", code)
        self.title, self.members = "Macros", [(name, None, "") for name in self.names]
        self.macro = "Vt" if code.startswith("struct") else "Dv"
        if not self.names:
            head, body = code.split("{", 1)
            self.title = head.strip()
            self.names = [self.title.split(" ")[-1]]
            member = MEMBER_OF_STRUCT if self.macro == "Vt" else MEMBER_OF_ENUM
            # The last of an enum may have no comma, and a comment.
            body = re.sub(r"(\w)(\s*(?:/\*[^/]*\*/\s*)?)$", r"\1,\2", body.rsplit("}", 1)[0])
            self.members = [self.member(m) for m in member.finditer(body)]
            if self.title == "enum":
                self.title = "Numbers"
                self.names = [m[0].split(" ")[0] for m in self.members]

    @staticmethod
    def member(match):
        """The declaration, what is said of it and the members behind it, what is said of it."""
        def flat(text):
            return re.sub(r"\s+", " ", re.sub(r"\n\s*\*(?: |$)", "\n", text or "")).strip()
        before, behind = flat(match["before"]), flat(match["behind"])
        declaration = re.sub(r"\s+", " ", match["declaration"]).strip()
        return (declaration, before, behind) if behind else (declaration, None, before)


class Block:
    """Calls that are described together."""

    def __init__(self, comment, code):
        self.comment = comment
        self.description = Description(comment)
        self.calls = calls_of(code)
        self.types = []

    def mentions(self, names):
        text = self.comment + " ".join(a for call in self.calls for a in call.arguments)
        return any(re.search(rf"\b{name}\b", text) for name in names)


class Header:
    PART = re.compile(
        r"(?:^/\*\*(?P<comment>.*?)\*/\n)?"
        r"(?:(?P<macros>(?:^#define (?:[^\n]*\\\n)*[^\n]*\n)+)"
        r"|(?P<type>^(?:struct|enum)[\w ]*\{.*?^\};)"
        r"|(?P<calls>(?:^(?![#/}\s]|extern|struct \w+;)[^\n]*\n(?:^[ \t]+[^\n]*\n)*)+))",
        re.S | re.M)

    def __init__(self, path):
        self.path = Path(path)
        text = self.path.read_text()
        self.name = self.path.stem
        first = re.match(r"/\*.*?\*/\n", text, re.S)[0]
        self.opening = comment_lines(first)
        self.blocks, self.types, end = [], [], 0
        for part in self.PART.finditer(text, len(first)):
            if part["calls"] and part["comment"]:
                self.blocks.append(Block(part["comment"], part["calls"]))
            elif part["type"] or (part["macros"] and part["comment"]):
                self.types.append(Type(part["comment"], part["type"] or part["macros"]))
            end = part.end()
        closing = re.search(r"^/\*\n.*?\*/", text[end:], re.S | re.M)
        self.closing = comment_lines(closing[0]) if closing else []
        self.others = set(re.findall(r"\b(spmcq_\w+)\.h\b", text)) - {self.name}
        self.results = results_of(self.opening)
        for kind in self.types:
            users = [block for block in self.blocks if block.mentions(kind.names)]
            (users or self.blocks)[0].types.append(kind)


def results_of(lines):
    """What each result means, with all its lines."""
    found, code = {}, None
    for line in lines:
        result = RESULT.match(line)
        if result:
            code = result[1]
            found[code] = line[result.end():]
        elif code and line.startswith("    "):
            found[code] += " " + line.strip()
        else:
            code = None
    return found
