"""A small scanner of C sources for the lint tools: tokens with their lines, functions with their
length, complexity and parameters. It knows comments, literals, line continuations and the
preprocessor well enough for this project's style; it is no parser."""
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//(?:[^\n\\]|\\.)*)
  | (?P<directive>^[ \t]*\#(?:[^\n\\/"']|\\.|\\\n|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|/(?![*/])|/\*.*?\*/)*)
  | (?P<string>(?:u8|[LuU])?"(?:[^"\\\n]|\\.)*")
  | (?P<char>[LuU]?'(?:[^'\\\n]|\\.)*')
  | (?P<number>\.?\d(?:[\w.']|[eEpP][+-])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op>->|\+\+|--|&&|\|\||<<=|>>=|<<|>>|[-+*/%&|^=!<>]=|\.\.\.|[^\s\w])
""", re.S | re.M | re.X)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
BRANCHES = {"if", "for", "while", "case", "&&", "||", "?"}
NO_FUNCTION = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "defined",
               "__attribute__", "_Static_assert", "_Alignas", "typeof", "__typeof__", "asm"}
SOURCES = (".c", ".h")


class Token:
    """One token: its kind, text, and the line it starts on."""

    __slots__ = ("kind", "text", "line")

    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line


class Function:
    """One function definition: where it begins and ends (lines), and what the budgets count."""

    __slots__ = ("name", "line", "end", "complexity", "parameters", "table_lines")

    def __init__(self, name, line, end, complexity, parameters, table_lines=0):
        self.name, self.line, self.end = name, line, end
        self.complexity, self.parameters = complexity, parameters
        self.table_lines = table_lines

    @property
    def length(self):
        return self.end - self.line + 1


def tokenize(text):
    """All tokens of a file, comments and directives included."""
    tokens, line, last = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        tokens.append(Token(match.lastgroup, match.group(), line))
    return tokens


def code(tokens):
    """The tokens that the compiler sees between directives."""
    return [t for t in tokens if t.kind not in ("comment", "directive")]


def matching(tokens, index, opening, closing):
    """The index of the token that closes the bracket at `index`, or None."""
    depth = 0
    for i in range(index, len(tokens)):
        if tokens[i].text == opening:
            depth += 1
        elif tokens[i].text == closing:
            depth -= 1
            if depth == 0:
                return i
    return None


def count_parameters(tokens):
    """Parameters between the brackets of a definition."""
    if not tokens or [t.text for t in tokens] == ["void"]:
        return 0
    depth, commas = 0, 0
    for token in tokens:
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
        elif token.text == "," and depth == 0:
            commas += 1
    return commas + 1


def functions(tokens):
    """The function definitions of a file, in order. Expects code() tokens."""
    found, i, start = [], 0, 0
    while i < len(tokens):
        text = tokens[i].text
        if text in (";", "}"):
            start = i + 1
        if text == "{":
            end = matching(tokens, i, "{", "}")
            if end is None:
                break
            head = _head(tokens, start, i)
            if head:
                name, parameters = head
                body = tokens[i:end]
                complexity = 1 + sum(t.text in BRANCHES for t in body if t.kind in ("name", "op"))
                found.append(Function(name, tokens[start].line, tokens[end].line, complexity,
                                      parameters, _table_lines(body)))
            # A block that is no function (struct, initialiser) may be followed by a declarator.
            start = end + 1 if head or not _is_value(tokens, start, i) else start
            i = end + 1
            continue
        i += 1
    return found


def _table_lines(body):
    """Lines within `= {...}`: the rows of tables that a function holds."""
    total, i = 0, 0
    while i + 1 < len(body):
        if body[i].text == "=" and body[i + 1].text == "{":
            end = matching(body, i + 1, "{", "}")
            if end is None:
                break
            total += body[end].line - body[i + 1].line
            i = end
        i += 1
    return total


def _is_value(tokens, start, brace):
    return any(t.text == "=" for t in tokens[start:brace])


def _head(tokens, start, brace):
    """(name, number of parameters) where tokens[start:brace] is a function's head, else None."""
    if start >= brace or any(t.text == "=" for t in tokens[start:brace]):
        return None
    i = start
    while i < brace:
        if tokens[i].kind == "name" and tokens[i].text not in NO_FUNCTION and i + 1 < brace \
                and tokens[i + 1].text == "(":
            close = matching(tokens, i + 1, "(", ")")
            if close is None or close >= brace:
                return None
            inside = tokens[i + 2:close]
            rest = tokens[close + 1:brace]
            # After the parameters only attributes may stand (or macros that are attributes).
            if not rest or all(t.text not in (";", ",") for t in rest):
                return tokens[i].text, count_parameters(inside)
        if tokens[i].text == "(":
            close = matching(tokens, i, "(", ")")
            if close is None:
                return None
            i = close
        i += 1
    return None


def includes(text):
    """(line, "quoted" or "system", what) for each include."""
    blank = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    for match in INCLUDE.finditer(blank):
        line = blank.count("\n", 0, match.start(1 if match.group(1) else 2)) + 1
        yield line, "quoted" if match.group(1) else "system", match.group(1) or match.group(2)


def files(root, *folders, suffixes=SOURCES):
    """The C sources below the folders of `root`, sorted; what the build makes lies elsewhere."""
    found = []
    for folder in folders:
        base = Path(root) / folder
        found += [p for p in base.rglob("*") if p.suffix in suffixes and p.is_file()]
    return sorted(found)


def generated(path, text):
    """Tables and generated files are exempt from the budgets."""
    return path.suffix == ".def" or "generated by" in text[:400].lower()


class Report:
    """Collects findings as `file:line: rule: text`, with paths relative to the root."""

    def __init__(self, root):
        self.root = Path(root)
        self.findings = []

    def add(self, path, line, rule, text):
        try:
            path = Path(path).relative_to(self.root)
        except ValueError:
            pass
        self.findings.append(f"{path}:{line}: {rule}: {text}")

    def finish(self, what):
        """Prints; returns the exit code."""
        for finding in self.findings:
            print(finding)
        print(f"{what}: {len(self.findings)} findings" if self.findings else f"{what}: ok")
        return 1 if self.findings else 0
