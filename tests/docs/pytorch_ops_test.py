"""pytorch_ops_test.py DOCS COMPILER...: every expression of docs/pytorch_ops.md compiles, and its counts are right."""
import pathlib
import re
import subprocess
import sys

page = (pathlib.Path(sys.argv[1]) / "pytorch_ops.md").read_text(encoding="utf-8")
rows = re.findall(r"^\| (\S+) \| (?:`(.+)`|–) \| (.*) \|$", page, re.M)
told = re.search(r"(\d+) of (\d+)", page)
expressions = [(name, ours) for name, ours, _ in rows if ours]
unexplained = [name for name, ours, why in rows if not ours and not why.strip()]
if (len(expressions), len(rows)) != (int(told[1]), int(told[2])) or unexplained:
    sys.exit(f"the page says {told[0]}; it has {len(expressions)} of {len(rows)}; without a reason: {unexplained}")

lines = [
    "#include <cmath>",
    "#include <tapegrad/tapegrad.hpp>",
    "using namespace tapegrad;",
    "void all(Tensor x, Tensor y, Tensor z, Tensor i, Tensor mask, Tensor offsets, std::int64_t n, int axis, Shape shape,",
    "         std::vector<std::int64_t> sizes, std::vector<Tensor> list) {",
]
for name, ours in expressions:
    lines.append(f'#line 1 "{name}"')
    lines.append(f"  {{ [[maybe_unused]] auto r = {ours}; }}")
lines.append("}")
run = subprocess.run(
    sys.argv[2:] + ["-std=c++20", "-fsyntax-only", "-x", "c++", "-"],
    input="\n".join(lines) + "\n",
    text=True,
    capture_output=True,
)
print("\n".join(line for line in run.stderr.splitlines() if "error" in line))
sys.exit(run.returncode)
