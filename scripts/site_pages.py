"""site_pages.py PROGRAM SITE: the pages of scripts/site, by cmark-gfm, with pictures for diagrams; then checks the links of all."""

import html
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys

program, site = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
root = pathlib.Path.cwd()
pages = [root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md", *sorted(root.glob("docs/**/*.md"))]

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --page: #fff; --line: #d1d9e0; --quiet: #f6f8fa; --link: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --page: #0d1117; --line: #3d444d; --quiet: #151b23; --link: #4493f8; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--text);
  background: var(--page); }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: 1rem; padding-bottom: .5rem; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: 1rem; background: var(--quiet); border-radius: 6px; line-height: 1.4; }
code { font: .85em ui-monospace, monospace; }
:not(pre) > code { padding: .1em .3em; background: var(--quiet); border-radius: 4px; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { padding: .3rem .7rem; border: 1px solid var(--line); vertical-align: top; }
img { max-width: 100%; }
"""

NAVIGATION = (("tapegrad", "index.html"), ("Tutorial", "docs/tutorial.html"), ("Documentation", "docs/README.html"),
              ("Gallery", "docs/gallery.html"), ("Reference", "api/index.html"))


def place_of(page):
    return site / ("index.html" if page == root / "README.md" else page.relative_to(root).with_suffix(".html"))


def picture_of(command):
    """The file of a diagram that `tapegrad graph ...` draws."""
    name = "docs/pictures/" + re.sub(r"[^a-z0-9]+", "-", command.lower()).strip("-") + ".svg"
    (site / name).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, *command.split()[1:], "-o", site / name], check=True, stderr=subprocess.DEVNULL)
    return name


def with_pictures(text, page):
    """Diagrams as pictures: a browser without a network does not draw Mermaid."""
    shown = re.compile(r"(`(tapegrad graph [^`]*)`\s*\n\n)```mermaid\n.*?^```$", re.M | re.S)
    up = os.path.relpath(site, place_of(page).parent)
    return shown.sub(lambda m: f"{m[1]}![{m[2]}]({up}/{picture_of(m[2])})", text)


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", html.unescape(re.sub(r"<[^>]*>", "", heading)).lower()).replace(" ", "-")


def link(target, page):
    """Pages become pages of the site; what else the tree has is copied there."""
    path, _, fragment = target.partition("#")
    if not path or re.match(r"[a-z]+:", target):
        return target
    source = (page.parent / path).resolve()
    if source.is_relative_to(site):
        return target
    if source in pages:
        path = os.path.relpath(place_of(source), place_of(page).parent)
    elif source.is_file():
        copy = site / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        path = os.path.relpath(copy, place_of(page).parent)
    return path + ("#" + fragment if fragment else "")


def write(page):
    text = with_pictures(page.read_text(encoding="utf-8"), page)
    body = subprocess.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough"], input=text,
                          capture_output=True, text=True, check=True).stdout
    body = re.sub(r"<h([1-6])>(.*?)</h\1>", lambda m: f'<h{m[1]} id="{anchor(m[2])}">{m[2]}</h{m[1]}>', body)
    body = re.sub(r'(href|src|srcset)="([^"]*)"', lambda m: f'{m[1]}="{html.escape(link(html.unescape(m[2]), page))}"', body)
    place = place_of(page)
    up = os.path.relpath(site, place.parent)
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", body)
    title = re.sub(r"<[^>]*>", "", heading[1]) if heading else page.stem
    links = "".join(f'<a href="{up}/{target}">{name}</a>' for name, target in NAVIGATION)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n<nav>{links}</nav>\n<main>\n{body}</main>\n</html>\n",
        encoding="utf-8")


class Links(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.targets, self.ids = [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src", "srcset") and value:
                self.targets.append(value)
            if name in ("id", "name") and value:
                self.ids.add(value)


def broken_links():
    read = {}
    links_of = lambda page: read.setdefault(page, Links(page))
    for page in sorted(site.glob("**/*.html")):
        if page.is_relative_to(site / "api"):
            continue  # Doxygen's own business
        for target in links_of(page).targets:
            path, _, fragment = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            there = (page.parent / path).resolve() if path else page
            if not there.exists() or (fragment and there.suffix == ".html" and fragment not in links_of(there).ids):
                yield f"{page.relative_to(site)}: {target} leads nowhere"


for page in pages:
    write(page)
faults = list(broken_links())
print(f"{len(pages)} pages in {site}")
sys.exit("\n".join(faults) or 0)
