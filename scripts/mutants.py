"""Finds the gradient rules in a C++ source, and writes a copy of it that holds all their mutants.

A mutant is a rule with one small fault: a sign flipped, a term dropped, an index shifted. All mutants of a file are
compiled at once: a rule's body becomes one branch for the original and one for each mutant, chosen at run time.

The sources are read as tokens, not as a grammar. That is enough because they are formatted by clang-format: a binary
operator has white space on both sides, brackets of templates and the marks of pointers and references do not.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r'(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\')'
    r"|(?P<number>(?:0x[0-9a-fA-F.]+(?:p[+-]?\d+)?|\d[\d.']*(?:e[+-]?\d+)?)[a-zA-Z]*)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>::|->|<<=|>>=|<=>|<<|==|!=|<=|>=|&&|\|\||\+\+|--|[-+*/%&|^]=|\.\.\.|.)",
    re.S,
)
BRACKETS = {"(": ")", "[": "]", "{": "}"}
STRENGTH = {"*": 6, "/": 6, "%": 6, "+": 5, "-": 5, "<": 4, ">": 4, "<=": 4, ">=": 4, "==": 3, "!=": 3, "&&": 2, "||": 1}
ENDS = {",", ";", "?", ":", "=", "+=", "-=", "*=", "/=", "<<", "return"}
# A fault in one of them would be one of representation, or of nothing at all.
OPAQUE = {"static_cast", "constant", "decltype", "sizeof", "size_t", "int64_t", "apply", "span", "move", "data",
          "mutable_data", "dispatch_floating", "dispatch", "throw", "to_string", "string", "name_of", "describe",
          "contiguous", "detach", "if", "for", "while", "switch", "catch", "checked_offsets", "empty",
          "for_row_ranges", "wanted", "defined"}  # fmt: skip
PARTNERS = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "maximum": "minimum", "minimum": "maximum",
            "floor": "ceil", "min": "max", "max": "min", "gather": "scatter", "triu": "tril", "tril": "triu"}  # fmt: skip
NOT_RULES = {"forward", "value", "result", "shapes", "spec", "samples", "bad_inputs", "cost", "view", "fields", "find",
             "worth_threads"}  # fmt: skip
# Of these only the last argument, what is done, is part of a rule: into which parts depends on its speed alone.
DIVIDING = {"for_chunks", "for_blocks", "for_columns", "for_row_blocks"}
ROOT = re.compile(r"vjp|jvp|pull")


@dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int
    spaced: bool  # white space on both sides


@dataclass
class Function:
    name: str
    scope: str  # the struct it is a member of
    body: tuple  # indices of its braces' tokens
    type: str  # "auto" of a formula, which is read on numbers and on tensors
    calls: set = field(default_factory=set)
    serves: set = field(default_factory=set)  # ops whose rules come to it

    def __str__(self):
        return f"{self.scope}::{self.name}" if self.scope else self.name


@dataclass
class Mutant:
    function: Function
    kind: str
    start: int
    end: int
    text: str
    number: int = 0
    lines: range = range(0)  # of the file with all mutants


class Source:
    """A file's tokens, functions and structs."""

    def __init__(self, text):
        self.text = text
        self.tokens = []
        spaces = set()
        for match in TOKEN.finditer(text):
            if match.lastgroup == "space":
                spaces.update((match.start(), match.end()))
            else:
                self.tokens.append(Token(match.lastgroup, match.group(), match.start(), match.end(), False))
        for token in self.tokens:
            token.spaced = token.end in spaces and token.start in spaces
        self._match_brackets()
        self.functions, self.ops = [], {}
        self._find_functions(0, len(self.tokens), "")
        for function in self.functions:
            function.calls = {self.tokens[i].text for i in self.calls(function)}

    def _match_brackets(self):
        self.partner, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.text in BRACKETS and token.kind == "mark":
                stack.append(i)
            elif token.text in BRACKETS.values() and token.kind == "mark":
                opening = stack.pop()
                self.partner[opening], self.partner[i] = i, opening

    def _find_functions(self, i, end, scope):
        start = i  # of the declaration
        while i < end:
            text = self.tokens[i].text
            if text == "(" or text == "[":
                i = self.partner[i]
            elif text == "{":
                self._open_block(start, i, scope)
                i = self.partner[i]
                start = i + 1
            elif text == ";" or (text == ":" and self.tokens[i - 1].text in ("public", "private", "protected")):
                start = i + 1
            i += 1

    def _open_block(self, start, brace, scope):
        words = [t.text for t in self.tokens[start:brace]]
        inside = (brace + 1, self.partner[brace])
        if "namespace" in words:
            return self._find_functions(*inside, scope)
        top, depth = [], 0  # the declaration's tokens outside of brackets, and where they are
        for k in range(start, brace):
            text = self.tokens[k].text
            depth -= text in BRACKETS.values()
            if depth == 0:
                top.append(k)
            depth += text in BRACKETS
        texts = [self.tokens[k].text for k in top]
        if "(" in texts and "=" not in texts:
            k = top[texts.index("(")]
            name = self.tokens[k - 1]
            if name.kind == "name" and "constexpr" not in words:
                owner = self.tokens[k - 3].text if self.tokens[k - 2].text == "::" else scope
                kind = next((t for t in texts if t in ("auto", "bool")), "")
                self.functions.append(Function(name.text, owner, (brace, self.partner[brace]), kind))
        elif "struct" in words or "class" in words:
            key = "struct" if "struct" in words else "class"
            at = len(words) - 1 - words[::-1].index(key)
            if at + 1 < len(words) and "info" not in words:
                return self._find_functions(*inside, words[at + 1])
        if "info" in words:
            block = self.text[self.tokens[brace].start : self.tokens[inside[1]].end]
            named = re.search(r'\.name = "(\w+)"', block)
            if named:
                self.ops.setdefault(scope, []).append(named.group(1))

    def calls(self, function):
        for i in range(function.body[0] + 1, function.body[1]):
            if self.tokens[i].kind == "name" and self.tokens[i + 1].text in "(<" and not self.tokens[i + 1].spaced:
                yield i

    def mutants(self, function):
        return Mutator(self, function).run()


class Mutator:
    """All mutants of one function."""

    def __init__(self, source, function):
        self.source, self.tokens, self.partner = source, source.tokens, source.partner
        self.function, self.found = function, []
        self.first, self.last = function.body[0] + 1, function.body[1]

    def run(self):
        i = self.first
        while i < self.last:
            i = self.visit(i)
        return self.found

    def text(self, first, last):
        """Of the tokens first to last, the last one not included."""
        return self.source.text[self.tokens[first].start : self.tokens[last - 1].end] if first < last else ""

    def add(self, kind, first, last, text):
        start, end = self.tokens[first].start, self.tokens[last - 1].end
        if self.source.text[start:end] != text and all((m.start, m.end, m.text) != (start, end, text) for m in self.found):
            self.found.append(Mutant(self.function, kind, start, end, text))

    def visit(self, i):
        token = self.tokens[i]
        after = self.tokens[i + 1].text
        # Messages, types, and constants by which work is divided.
        if token.text in ("throw", "static_assert", "using", "constexpr") or token.text == "if" and after == "constexpr":
            return self.statement_end(i) if token.text != "if" else self.partner[i + 2] + 1
        if token.text in DIVIDING and after == "(":
            return self.arguments(i + 1)[-1][0]
        if token.kind == "name" and after == "<" and not self.tokens[i + 1].spaced:
            return self.visit_template(i)
        if token.kind == "mark" and token.spaced and token.text in STRENGTH:
            self.binary(i)
        elif token.text == "-" and self.is_prefix(i):
            self.add("drop the sign", i, i + 1, "")
        elif token.text == "!" and not token.spaced:
            self.add("drop the negation", i, i + 1, "")
        elif token.text == "?" and token.spaced:
            first = self.extent(i, -1, 0)
            self.add("negate a condition", first, i, f"!({self.text(first, i)})")
        elif token.kind == "number" and token.text != "1L":
            self.add("shift a number", i, i + 1, f"({token.text} + 1)")
        elif token.text == "return" and after == "{" and self.function.name == "pull":
            self.contributions(i + 1)
        elif token.text == "return":
            self.returned(i)
        elif token.text == "=" and self.function.name == "pull" and self.tokens[i - 2].text == ".":
            self.flip(i + 1, self.statement_end(i))  # a contribution, as in d.x = …
        elif token.kind == "name" and token.text == "if" and after == "(":
            inside = self.text(i + 2, self.partner[i + 1])
            self.add("negate a condition", i + 2, self.partner[i + 1], f"!({inside})")
        elif token.kind == "name" and after == "(":
            self.call(i, i + 1)
        elif token.text == "[" and self.tokens[i - 1].kind == "name":
            self.shift(i + 1, self.partner[i])
        return i + 1

    def visit_template(self, i):
        """A name with template arguments: these are left alone."""
        depth, k = 0, i + 1
        while k < self.last:
            if self.tokens[k].text == "<":
                depth += 1
            elif self.tokens[k].text == ">":
                depth -= 1
            if self.tokens[k].text in BRACKETS:
                k = self.partner[k]
            if depth == 0:
                break
            k += 1
        if self.tokens[k + 1].text == "(":
            self.call(i, k + 1)
            if self.tokens[i].text == "constant":
                return self.partner[k + 1]
        return k + 1

    def statement_end(self, i):
        while self.tokens[i].text != ";":
            i = self.partner[i] + 1 if self.tokens[i].text in BRACKETS else i + 1
        return i

    def is_prefix(self, i):
        before = self.tokens[i - 1]
        return not self.tokens[i].spaced and (
            before.text in "([{" or before.text in ENDS or (before.spaced and before.text in STRENGTH))  # fmt: skip

    def extent(self, i, step, strength):
        """Of an operand beside the operator at i: its first token (step -1) or the one after its last (step 1)."""
        k = i + step
        while self.first <= k < self.last:
            token = self.tokens[k]
            if token.text in BRACKETS if step > 0 else token.text in BRACKETS.values():
                if token.text == "}" or token.text == "{" and self.tokens[k - 1].kind != "name":
                    break
                k = self.partner[k]
            elif token.text in BRACKETS or token.text in BRACKETS.values() or token.text in ENDS:
                break
            elif token.spaced and token.kind == "mark" and token.text in STRENGTH:
                own = STRENGTH[token.text]
                if own < strength or (step > 0 and own == strength):
                    break
            k += step
        return k + 1 if step < 0 else k

    def binary(self, i):
        operator = self.tokens[i].text
        strength = STRENGTH[operator]
        first, last = self.extent(i, -1, strength), self.extent(i, 1, strength)
        if first >= i or last <= i + 1:
            return
        if self.tokens[first].text in ("auto", "const") or self.tokens[i + 1].kind == "string":
            return
        swaps = {"+": "-", "-": "+", "*": "/", "/": "*", "<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=",
                 "!=": "==", "&&": "||", "||": "&&"}  # fmt: skip
        names = {"+": "flip a sign", "-": "flip a sign"}
        # Dividing by 1, -1 or NaN is multiplying by it.
        if operator in swaps and not (operator in "*/" and self.tokens[i + 1].text in ("sign", "valid")):
            self.add(names.get(operator, "swap an operator"), i, i + 1, swaps[operator])
        if operator in "<><=>=" and operator != "=":
            self.add("move a bound", i, i + 1, operator + "=" if len(operator) == 1 else operator[0])
        if strength in (1, 2, 5, 6):
            kind = "drop a term" if strength in (1, 2, 5) else "drop a factor"
            self.add(kind, first, last, self.text(first, i))
            self.add(kind, first, last, self.text(i + 1, last))

    def returned(self, i):
        end = self.statement_end(i)
        if self.tokens[i + 1].text in ("-", "{", ";", "[") or self.tokens[i + 1].text.startswith("dispatch"):
            return
        inside = self.text(i + 1, end)
        if "?" in inside or "Shape" in inside or "[&]" in inside or self.function.type == "bool":
            return
        if re.match(r"(make_view\()?zeros", inside):  # -0 is 0
            return
        self.add("flip the sign of the result", i + 1, end, f"-({inside})")

    def flip(self, first, last):
        if first < last and self.tokens[first].text not in ("-", "{"):
            self.add("flip the sign of the result", first, last, f"-({self.text(first, last)})")

    def contributions(self, opening):
        """Those of {first, second} or {.x = first, .y = second}."""
        for first, last in self.arguments(opening):
            self.flip(first + 3 if self.tokens[first].text == "." else first, last)

    def arguments(self, opening):
        """Ranges of the tokens of each argument."""
        first, k, end, found = opening + 1, opening + 1, self.partner[opening], []
        while k < end:
            if self.tokens[k].text in BRACKETS:
                k = self.partner[k]
            elif self.tokens[k].text == ",":
                found.append((first, k))
                first = k + 1
            k += 1
        return found + [(first, end)] if first < end else found

    def call(self, i, opening):
        name, before = self.tokens[i].text, self.tokens[i - 1]
        given = self.arguments(opening)
        if name in OPAQUE:
            return
        declares = before.kind == "name" and before.text != "return" or before.text in (">", "&", "*") and not before.spaced
        for first, last in given:
            self.shift(first, last)
        if declares or not given:
            return
        end = self.partner[opening] + 1
        member = before.text in (".", "->")
        if name in PARTNERS and not member:
            self.add("call its partner", i, i + 1, PARTNERS[name])
        if name == "where" and len(given) == 3:
            yes, no = self.text(*given[1]), self.text(*given[2])
            self.add("choose one side", i, end, f"({yes})")
            self.add("choose one side", i, end, f"({no})")
            self.add("swap the sides", i, end, f"where({self.text(*given[0])}, {no}, {yes})")
        elif name == "cast" and re.search("==|isnan", self.text(*given[0])):
            return  # a condition becomes the same numbers where it is used
        elif not member and before.text != "::":
            self.add("drop a call", i, end, f"({self.text(*given[0])})")

    def shift(self, first, last):
        """An index, an axis, a size, a flag."""
        plain = all(t.kind == "name" or t.text in (".", "->", "::", "()") for t in self.tokens[first:last])
        if re.fullmatch(r"k[A-Z]\w*", self.text(first, last)):  # a constant: no index
            return
        getter = last - first > 3 and self.tokens[last - 1].text == ")" and self.tokens[last - 2].text == "("
        if self.function.type == "auto" and last - first == 1:
            return
        if first < last and (plain or getter) and self.tokens[first].text not in ("this", "nullptr", "f64", "f32", "i64"):
            self.add("shift an index", first, last, f"mutation::shifted({self.text(first, last)})")


PRELUDE = """\
#include <concepts>
#include <tapegrad/ops/arithmetic.hpp>
#include <type_traits>
namespace mutation {
extern const int chosen;
template <std::integral T>
auto shifted(T value) {
  if constexpr (std::is_same_v<T, bool>)
    return !value;
  else
    return static_cast<T>(value + 1);
}
}  // namespace mutation
"""


def rewrite(source, mutants):
    """The file with all mutants, each on lines of its own, which it is told."""
    out, position = [PRELUDE], 0
    by_body = {}
    for mutant in mutants:
        by_body.setdefault(mutant.function.body, []).append(mutant)
    tokens, text = source.tokens, source.text
    for body, group in sorted(by_body.items()):
        begin, end = tokens[body[0]].end, tokens[body[1]].start
        numbers = [m.number for m in group]
        out.append(text[position:begin])
        out.append(f"\nif (mutation::chosen < {min(numbers)} || mutation::chosen > {max(numbers)}) {{{text[begin:end]}}}\n")
        for mutant in group:
            line = "".join(out).count("\n") + 1
            changed = text[begin : mutant.start] + mutant.text + text[mutant.end : end]
            out.append(f"if (mutation::chosen == {mutant.number}) {{{changed}\n}}\n")
            mutant.lines = range(line, line + changed.count("\n") + 2)
        position = end
    out.append(text[position:])
    return "".join(out)


def rules(sources, public):
    """The gradient rules in some sources (a dict by path): functions called vjp, jvp or pull, and, transitively, the functions
    of these sources that they call, each with its path. Functions that users call, listed in `public`, have tests of their
    own."""
    by_name = {}
    for path, source in sources.items():
        for function in source.functions:
            by_name.setdefault(function.name, []).append((path, function))
    found = {}  # by identity
    for path, source in sources.items():
        for root in source.functions:
            if root.scope and ROOT.fullmatch(root.name):
                ops = set(source.ops.get(root.scope) or [n for group in source.ops.values() for n in group])
                reach(path, root, ops, by_name, public, found)
    return sorted(found.values(), key=lambda one: (one[0], one[1].body))


def reach(path, root, ops, by_name, public, found):
    """Adds a rule of `ops`, and what it calls, to what was found."""
    waiting = [(path, root)]
    while waiting:
        path, function = waiting.pop()
        if id(function) in found and ops <= function.serves:
            continue
        found[id(function)] = path, function
        function.serves |= ops
        if "/kernels/" in path:  # what kernels share is no gradient rule
            continue
        for name in function.calls - NOT_RULES - public:
            if name.startswith("check"):
                continue
            defined = by_name.get(name, [])
            waiting += [one for one in defined if one[0] == path] or defined
