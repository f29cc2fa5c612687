#!/usr/bin/env python3
"""noexcept_test.py ROOT: no function that promises not to throw needs memory. Reads the bodies, and the initialisers, of all
functions that are noexcept and of all destructors, and refuses what allocates or throws in them: words that do, and calls
of functions of the same file that do not promise it themselves. What stands in a try block is not looked at."""

import pathlib
import re
import sys

FOLDERS = ("core", "op", "ops", "graph", "nn", "optim", "train", "data", "io", "testing", "tools")
ALLOCATES = re.compile(
    r"\bnew (?!\()|\b(?:push_back|emplace_back|emplace|insert|resize|reserve|append|assign|make_unique|make_shared|"
    r"to_string|clone|allocate|operator new(?![^;]*nothrow)|to_dense|throw)\b|\bstd::(?:string|vector|map|unordered_map|set|deque)\s*[<({]|"
    r"fmt::format|static_cast<const \w+&>\(other\)|as_const\(other\)")
PROMISE = re.compile(r"\)\s*(?:const\s*)?(noexcept)\b(?!\(false\))|(~\w+\(\))(?!\s*=)")
FUNCTION = re.compile(r"(?<![\w.>])(\w+)\([^;{}]*\)\s*(?:const\s*)?\{")
CALL = re.compile(r"(?<![\w.>:~])(\w+)\s*\(")
KEYWORDS = {"if", "for", "while", "switch", "return", "catch", "sizeof", "alignof", "decltype", "guard", "lock"}
OPEN = {"(": ")", "{": "}"}


def without_comments(text):
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def behind(text, at):
    """The place behind the bracket that opens at `at`."""
    depth, opening = 0, text[at]
    for i in range(at, len(text)):
        depth += (text[i] == opening) - (text[i] == OPEN[opening])
        if depth == 0:
            return i + 1
    return len(text)


def definition(text, at):
    """What follows a function's promise: its initialisers and body; empty for a declaration."""
    begin = i = re.compile(r"\s*(?:override\s*)?").match(text, at).end()
    if text[i:i + 1] == ":":
        while i < len(text) and text[i] != ";":  # ": a(1), b{2} {": a brace behind a bracket is the body's
            i = re.compile(r"[^({;]*").match(text, i).end()
            if text[i:i + 1] not in OPEN:
                return ""
            i = re.compile(r"\s*").match(text, behind(text, i)).end()
            if text[i:i + 1] == "{":
                break
    return text[begin:behind(text, i)] if text[i:i + 1] == "{" else ""


def without_guarded(body):
    while match := re.search(r"\btry\s*\{", body):
        body = body[:match.start()] + body[behind(body, match.end() - 1):]
    return body


def main():
    root = pathlib.Path(sys.argv[1])
    faults, seen = [], 0
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            text = without_comments(path.read_text())
            promised = set(re.findall(r"(~?\w+)\s*\([^;{}]*?\)\s*(?:const\s*)?noexcept", text))
            throwing = {m.group(1) for m in FUNCTION.finditer(text)
                        if not re.search(r"constexpr [^;{}]*$", text[max(0, m.start() - 80):m.start()])}
            for match in PROMISE.finditer(text):
                body = without_guarded(definition(text, match.end()))
                if not body:
                    continue
                seen += 1
                where = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}: does not throw, but"
                faults += [f"{where} has: {m.group(0)}" for m in ALLOCATES.finditer(body)]
                faults += [f"{where} calls {m.group(1)}, which may" for m in CALL.finditer(body)
                           if m.group(1) in throwing - promised - KEYWORDS]
    if seen < 30:
        faults.append(f"only {seen} functions that do not throw were found; does the pattern still fit?")
    print("\n".join(faults) or f"{seen} functions do not throw, and nothing in them does")
    return 1 if faults else 0


sys.exit(main())
