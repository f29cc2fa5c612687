"""pages_test.py ROOT [TUTORIAL]: what people look for is two links from the README, on a page that says so at its top; links lead
somewhere; the pictures of docs/ are shown; TUTORIAL prints what docs/tutorial.md says."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1]).resolve()
faults = []

# What users of other libraries asked for, the word that they would search, and the page that has it in its title.
WISHES = (
    ("a small dependency", "size", "docs/install.md"),
    ("find it with CMake", "CMake", "docs/install.md"),
    ("find it with pkg-config", "pkg-config", "docs/install.md"),
    ("matrices of Eigen, in and out", "Eigen", "docs/derivatives.md"),
    ("Jacobians from C++", "Jacobian", "docs/derivatives.md"),
    ("Hessians, derivatives of higher order", "Hessian", "docs/derivatives.md"),
    ("gradients of single samples", "per-sample", "docs/derivatives.md"),
    ("vmap", "vmap", "docs/derivatives.md"),
    ("hooks", "hooks", "docs/derivatives.md"),
    ("activation checkpointing", "checkpointing", "docs/derivatives.md"),
    ("ONNX export", "ONNX", "docs/onnx.md"),
    ("weights to and from Python", "safetensors", "docs/files.md"),
    ("NumPy files", "NumPy", "docs/files.md"),
    ("learning-rate schedules", "schedules", "docs/training.md"),
    ("resume a training", "resume", "docs/training.md"),
    ("distributions", "Distributions", "docs/distributions.md"),
    ("where a NaN comes from", "NaN", "docs/debug_a_gradient.md"),
    ("deep graphs without a deep stack", "deep", "docs/reliability.md"),
    ("threads", "threads", "docs/reliability.md"),
    ("errors that can be caught", "exception", "docs/errors.md"),
    ("pictures for a README", "Mermaid", "docs/graphs.md"),
    ("GraphML for other programs", "GraphML", "docs/graphs.md"),
    ("an operation of one's own", "custom operations", "docs/custom_op.md"),
    ("templates that differentiate", "templates", "docs/scalar.md"),
    ("time beside others", "Performance", "docs/performance.md"),
    ("names in PyTorch", "PyTorch", "docs/from_pytorch.md"),
    ("derivatives at kinks", "Kinks", "docs/kinks.md"),
    ("a first half hour", "Tutorial", "docs/tutorial.md"),
)


def text_of(page):
    return page.read_text(encoding="utf-8")


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def links_of(page):
    """The files that a page links to or shows."""
    text = without_code(text_of(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text):
        if not re.match(r"[a-z]+:", target) and not target.startswith("#"):
            yield (page.parent / target.split("#")[0]).resolve()


pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/**/*.md"))]
for page in pages:
    for target in links_of(page):
        if not target.exists():
            faults.append(f"{page.relative_to(root)}: {os.path.relpath(target, root)} is not there")

near = set(links_of(root / "README.md"))
near |= {target for page in near if page.suffix == ".md" for target in links_of(page)}
for wish, word, page in WISHES:
    heading = re.search(r"^# .*", text_of(root / page), re.M)
    if word not in heading[0]:
        faults.append(f"{wish}: the title of {page}, '{heading[0]}', does not say '{word}'")
    if (root / page) not in near:
        faults.append(f"{wish}: {page} is more than two links from README.md")
for page in root.glob("docs/*.md"):
    if page.resolve() not in near:
        faults.append(f"docs/{page.name} is more than two links from README.md")

shown = {target for page in pages for target in links_of(page)}
for picture in root.glob("docs/pictures/*"):
    if picture.resolve() not in shown:
        faults.append(f"docs/pictures/{picture.name} is on no page")

if len(sys.argv) > 2:
    with tempfile.TemporaryDirectory() as folder:
        printed = subprocess.run([sys.argv[2]], cwd=folder, capture_output=True, text=True, check=True).stdout
    alike = lambda text: re.sub(r"\d+(\.\d+)?", "0", text)  # counts and values may depend on the processor
    for told in re.findall(r"^```text\n(.*?)^```", text_of(root / "docs/tutorial.md"), re.M | re.S):
        if alike(told) not in alike(printed):
            faults.append(f"docs/tutorial.md says, and its program does not print:\n{told}")

sys.exit("\n".join(faults) or 0)
