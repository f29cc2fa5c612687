#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/mermaid_limits.hpp>

#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using testing::HasSubstr;

// The counts are those of Mermaid 11.17.2.
TEST(MermaidLimits, CountsEdgesAsMermaidDoes) {
  const std::vector<std::pair<std::string, std::size_t>> cases = {
      {"a --> b", 1},
      {"a-->b-->c", 2},
      {"a & b --> c & d", 4},
      {"a & b --> c --> d & e", 4},
      {"a --> b & c --> d & e --> f", 8},
      {"a --- b", 1},
      {"a -- words here --> b", 1},
      {"a == words ==> b", 1},
      {"a -. words .-> b", 1},
      {"a -.-> b", 1},
      {"a -.- b", 1},
      {"a -..-> b", 1},
      {"a ====> b", 1},
      {"a === b", 1},
      {"a <--> b", 1},
      {"a x--x b", 1},
      {"a o--o b", 1},
      {"a --x b", 1},
      {"a --o b", 1},
      {"a---oB", 1},
      {"a ~~~ b", 1},
      {"a -->|x --> y| b", 1},
      {"a ---|t| b", 1},
      {"a[\"x --> y\"] --> b(\"a & b\")", 1},
      {"a@{ shape: rect, label: \"x --> y\" } --> b", 1},
      {"a[x] --> b{y} --> c((z))", 2},
      {"A[a-->b]", 0},
      {"a --> b; c --> d", 2},
      {"a e1@--> b", 1},
      {"a:::cls --> b", 1},
      {"a-b --> c", 1},
      {"a -- \"x --> y\" --> b", 1},
      {"a -- x-y --> b", 1},
      {"a -- a & b --> c", 1},
      {"a-- text -->b", 1},
      {"subgraph s\n x --> y\n end\n s --> z", 2},
      {"style a fill:#fff\n a --> b\n linkStyle 0 stroke:red", 1},
      {"accDescr {\n a --> b\n }\n a --> b", 1},
      {"accTitle: a --> b\n a --> b", 1},
      {"%% a --> b\n a --> b", 1},
  };
  for (const auto& [text, edges] : cases) EXPECT_EQ(measure_mermaid("flowchart TB\n " + text).edges, edges) << text;
  EXPECT_EQ(measure_mermaid("sequenceDiagram\n a-->>b: x").edges, 0U);
  EXPECT_EQ(measure_mermaid("").edges, 0U);
}

TEST(MermaidLimits, TakesSemicolonsAndEveryLineEnd) {
  EXPECT_EQ(measure_mermaid("flowchart LR; a --> b; b --> c").edges, 2U);
  EXPECT_EQ(measure_mermaid("graph TD;a-->b;a-->c;").edges, 2U);
  EXPECT_EQ(measure_mermaid("flowchart LR; a[\"x; y --> z\"] --> b; style a fill:#fff; b --> c").edges, 2U);
  EXPECT_EQ(measure_mermaid("flowchart LR; subgraph s; a --> b; end; b -->|x; y| c").edges, 2U);
  EXPECT_EQ(measure_mermaid("flowchart LR\r a --> b\r b --> c").edges, 2U);
  EXPECT_EQ(measure_mermaid("\xEF\xBB\xBF"
                            "flowchart LR\r\n a --> b")
                .edges,
            1U);
}

TEST(MermaidLimits, FindsTheDiagramsOfAPage) {
  const auto find = [](std::string_view text) {
    std::vector<std::pair<std::int64_t, std::size_t>> found;
    for (const MermaidDiagram& d : mermaid_diagrams(text)) found.emplace_back(d.line, measure_mermaid(d.text).edges);
    return found;
  };
  using Found = std::vector<std::pair<std::int64_t, std::size_t>>;
  EXPECT_EQ(find("flowchart LR\n a --> b"), (Found{{1, 1}}));
  EXPECT_EQ(find("---\ntitle: x\n---\n%% remark\nflowchart LR\n a --> b"), (Found{{1, 1}}));
  EXPECT_EQ(find("# T\n```mermaid\nflowchart LR\n a --> b\n```\n~~~~ mermaid\ngraph TD\n a --> b & c\n~~~~\n"),
            (Found{{3, 1}, {7, 2}}));
  EXPECT_EQ(find("# T\n- item\n  ```{mermaid}\n  flowchart LR\n  a --> b\n  ```\n"), (Found{{4, 1}}));
  EXPECT_EQ(find("# T\n::: mermaid\ngraph TD\n a --> b\n:::\n"), (Found{{3, 1}}));
  EXPECT_EQ(find("# T\n````md\n```mermaid\ngraph TD\n```\n````\n```mermaid\npie\n"), (Found{{8, 0}}));
}

TEST(MermaidLimits, CountsCharactersAsMermaidDoes) {
  EXPECT_EQ(measure_mermaid("flowchart TB\n a").characters, 15U);
  EXPECT_EQ(measure_mermaid("---\ntitle: x\n---\nflowchart TB\n%% remark\n a").characters, 15U);
  EXPECT_EQ(measure_mermaid("%%{init: {}}%%\nflowchart TB\n a").characters, 15U);
  EXPECT_EQ(measure_mermaid("%%{init: {}}%%\nflowchart TB\n a").source_characters, 30U);
  EXPECT_EQ(measure_mermaid("flowchart TB\n a[\"😀\"]").characters, 21U);
}

TEST(MermaidLimits, JudgesBySite) {
  const auto verdicts = [](std::size_t characters, std::size_t edges) {
    std::string text = "flowchart TB\n";
    for (std::size_t i = 0; i < edges; ++i) text += "a-->b\n";
    text.resize(characters, 'x');
    std::vector<bool> fits;
    for (const SiteVerdict& v : check_mermaid(text)) fits.push_back(v.fits);
    return fits;
  };
  using testing::ElementsAre;
  EXPECT_THAT(verdicts(2'000, 10), ElementsAre(true, true, true));
  EXPECT_THAT(verdicts(2'001, 10), ElementsAre(true, false, true));
  EXPECT_THAT(verdicts(5'001, 10), ElementsAre(true, false, false));
  EXPECT_THAT(verdicts(50'000, 500), ElementsAre(true, false, false));
  EXPECT_THAT(verdicts(50'001, 10), ElementsAre(false, false, false));
  EXPECT_THAT(verdicts(10'000, 501), ElementsAre(false, false, false));
  EXPECT_THAT(
      check_mermaid(to_mermaid(samples::mlp(), {.unfold = true, .parameters = Parameters::nodes, .legend = false}))[0]
          .reason,
      HasSubstr("of 50,000 characters, 17 of 500 edges"));
}

TEST(MermaidLimits, AgreesWithWhatWasDrawn) {
  for (const Pass pass : {Pass::forward, Pass::backward, Pass::joint}) {
    const std::string text = to_mermaid(samples::transformer(12), {.pass = pass});
    std::size_t arrows = 0;
    for (const char* arrow : {" --> ", " -.-> ", " --o", " ~~~ "}) {
      for (std::size_t at = text.find(arrow); at != std::string::npos; at = text.find(arrow, at + 1)) ++arrows;
    }
    EXPECT_EQ(measure_mermaid(text).edges, arrows);
  }
}

}  // namespace
}  // namespace tapegrad::graph
