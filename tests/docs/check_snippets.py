"""check_snippets.py ROOT: every C++ example in README.md, CONTRIBUTING.md and docs/ is a part of a program that is
compiled and run: of examples/ or of tests/docs/. White space does not count.
"""

import re
import sys
from pathlib import Path


def words(text):
    return " ".join(text.split())


def examples(page):
    """The line and the text of each block."""
    text = page.read_text()
    for block in re.finditer(r"^[ \t]*```cpp\n(.*?)^[ \t]*```", text, re.M | re.S):
        yield text[: block.start()].count("\n") + 1, block.group(1)


def main():
    root = Path(sys.argv[1])
    programs = [words(p.read_text()) for p in [*root.glob("examples/*.cpp"), *root.glob("tests/docs/*.cpp")]]
    missing = count = 0
    for page in [root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/**/*.md"))]:
        for line, example in examples(page):
            count += 1
            # A block may show parts of one program, one after the other, with empty lines between them.
            parts = [words(part) for part in re.split(r"\n\s*\n", example)]
            if not any(all(part in program for part in parts) for program in programs):
                missing += 1
                print(f"{page.relative_to(root)}:{line}: this example is in no program of examples/ or tests/docs/")
    print(f"{count} examples, {missing} of them not compiled")
    return 1 if missing or not count else 0


sys.exit(main())
