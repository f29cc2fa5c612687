"""What scripts/mutants.py reads in a source, and the faults that it makes."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import mutants

SOURCE = """\
namespace {
// A helper: a - b.
Tensor helper(const Tensor& x, int axis) {
  if (axis < 0) throw ShapeError("x - y" + to_string(x.shape()));
  return slice(x, axis, 1, x.shape()[axis]);
}
int not_called() { return 1 + 2; }
}  // namespace

struct Scale {
  static constexpr OpInfo info{.name = "scale", .inputs = {"x", "k"}};
  static auto value(const auto& x, const auto& k) { return x * k; }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& k) { return where(x > 0, g * k - 2, -g); }
  static Tensor vjp(wrt<1>, const Attrs& a, const Tensor& g) {
    return dispatch([&]<class T>() { return helper(g, a.axis) / static_cast<T>(3); });
  }
};

struct Product {
  struct In {
    Tensor a, b;
  };
  static constexpr OpInfo info{.name = "product"};
  static Kept forward(const In& in, Out& out) { return {in.a, in.b * 2}; }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::a)) d.a = g.y * kept.b;
    return d.a.defined() ? d : In{.b = kept.a};
  }
};
struct Sum {
  static In pull(const Out& g, op::Wanted<In>) { return {.a = g.y, .b = spread(g.y)}; }
};
"""


def changes(source, name, scope=""):
    found = set()
    for function in source.functions:
        if function.name == name and function.scope == scope:
            found.update(f"{source.text[m.start:m.end]} -> {m.text}" for m in source.mutants(function))
    return found


class MutantsTest(unittest.TestCase):
    def setUp(self):
        self.source = mutants.Source(SOURCE)

    def test_finds_rules_and_what_they_call(self):
        found = [str(function) for _, function in mutants.rules({"ops/a.cpp": self.source}, public={"slice"})]
        self.assertEqual(found, ["helper", "Scale::vjp", "Scale::vjp", "Product::pull", "Sum::pull"])
        self.assertEqual(self.source.ops, {"Scale": ["scale"], "Product": ["product"]})
        public = [str(f) for _, f in mutants.rules({"ops/a.cpp": self.source}, public={"slice", "helper"})]
        self.assertEqual(public, ["Scale::vjp", "Scale::vjp", "Product::pull", "Sum::pull"])

    def test_makes_faults_of_every_kind(self):
        found = changes(self.source, "vjp", "Scale")
        for change in ("> -> <=", "> -> >=", "* -> /", "- -> +", "- -> ", "g * k - 2 -> g * k", "g * k - 2 -> 2", "2 -> (2 + 1)",
                       "g * k -> g", "g * k -> k", "a.axis -> mutation::shifted(a.axis)", "helper(g, a.axis) -> (g)",
                       "where(x > 0, g * k - 2, -g) -> (-g)", "where(x > 0, g * k - 2, -g) -> where(x > 0, -g, g * k - 2)"):
            self.assertIn(change, found)

    def test_makes_faults_in_what_pull_contributes(self):
        found = changes(self.source, "pull", "Product") | changes(self.source, "pull", "Sum")
        for change in ("g.y * kept.b -> -(g.y * kept.b)", "* -> /", "wanted(&In::a) -> !(wanted(&In::a))", "g.y -> -(g.y)",
                       "spread(g.y) -> -(spread(g.y))"):
            self.assertIn(change, found)
        self.assertFalse([c for c in found if c.startswith("wanted(&In::a) -> (")])

    def test_leaves_types_messages_and_comments_alone(self):
        found = changes(self.source, "helper") | changes(self.source, "vjp", "Scale")
        for word in ("x - y", "ShapeError", "class T", "wrt<", "const", "A helper"):
            self.assertFalse([c for c in found if word in c], word)

    def test_writes_each_mutant_on_lines_of_its_own(self):
        function = next(f for f in self.source.functions if f.name == "helper")
        faults = self.source.mutants(function)
        for number, mutant in enumerate(faults, 1):
            mutant.number = number
        lines = mutants.rewrite(self.source, faults).split("\n")
        for mutant in faults:
            text = "\n".join(lines[mutant.lines.start - 1 : mutant.lines.stop - 1])
            self.assertIn(f"mutation::chosen == {mutant.number})", text)
            self.assertIn(mutant.text, text)
            self.assertEqual(text.count("mutation::chosen"), 1)
        original = next(line for line in lines if f"chosen > {len(faults)}" in line)
        self.assertIn("mutation::chosen < 1", original)


if __name__ == "__main__":
    unittest.main()
