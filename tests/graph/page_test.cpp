// The page: what is in the file, and what a browser makes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/process.hpp>
#include <tapegrad/graph/save.hpp>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "mermaid_reader.hpp"
#include "random_graphs.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

TEST(Page, IsOneFileThatAsksForNothing) {
  const std::string page = to_html(samples::mlp());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  const std::regex address("https?:(?!//www\\.w3\\.org/2000/svg)");  // which is a name, not a place
  EXPECT_FALSE(std::regex_search(page, address));
  EXPECT_THAT(page, HasSubstr("Permission is hereby granted")) << "the licence of the layout";
}

TEST(Page, IsAsLargeAsItsGraph) {
  EXPECT_LT(to_html(ComputationGraph()).size(), 200'000);
  const ComputationGraph graph = samples::transformer(12);
  EXPECT_LT(to_html(graph).size(), 200'000 + 150 * graph.size());
}

// What is between the tags of the script that holds the graph.
Json data_of(const std::string& page) {
  const std::string tag = "<script type=\"application/json\" id=\"graph\">";
  const std::size_t begin = page.find(tag) + tag.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(Page, HoldsEveryValueAndTheLayersOfTheOtherFormats) {
  const ComputationGraph graph = samples::transformer(12);
  const Json data = data_of(to_html(graph));
  for (const char* column : {"kind", "frame", "value", "name", "source", "attributes"})
    EXPECT_EQ(data["values"][column].size(), graph.forward_size()) << column;
  EXPECT_EQ(data["gradients"]["has"].get<std::string>().size(), graph.forward_size());
  std::size_t data_edges = 0;
  for (const Edge& e : graph.edges()) data_edges += e.kind == EdgeKind::data;
  EXPECT_EQ(data["edges"]["data"].size(), 2 * data_edges);

  const Json& layers = data["layers"];
  EXPECT_EQ(layers["of"].size(), graph.forward_size());
  EXPECT_LT(layers["frame"].size(), graph.forward_size() / 10);
  EXPECT_THAT(layers["frames"].dump(), HasSubstr(",12]")) << "twelve blocks as one";
  std::set<std::string> drawn, in_mermaid;
  for (const Json& node : layers["nodes"]) drawn.insert(node["lines"][0]);
  for (const auto& [id, node] : read_mermaid(to_mermaid(graph, {.budget = Budget::unlimited()})).nodes)
    if (const std::string title = node.label.substr(0, node.label.find('\n')); title.find("·") != std::string::npos)
      in_mermaid.insert(title);
  EXPECT_FALSE(in_mermaid.empty());
  EXPECT_TRUE(std::includes(drawn.begin(), drawn.end(), in_mermaid.begin(), in_mermaid.end()));
}

TEST(Page, EscapesWhateverNamesAre) {
  GraphBuilder builder("</title><script>alert(1)</script>");
  Vertex x;
  x.kind = VertexKind::input;
  x.name = "</script><img src=x onerror=alert(1)>";
  builder.add(x);
  const std::string page = to_html(std::move(builder).build(), {.focus = "</script><b>"});
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script>alert")), Not(HasSubstr("<img")), Not(HasSubstr("</script><b>"))));
  EXPECT_THAT(page, HasSubstr("&lt;img src=x onerror=alert(1)&gt;"));
}

TEST(Page, IsTheSameForTheSameGraph) { EXPECT_EQ(to_html(samples::mlp()), to_html(samples::mlp())); }

class PageInBrowser : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NODE_PACKAGE("playwright-core");
    for (const char* name : {"chromium-headless-shell", "chromium"}) {
      if (browser_.empty() && has_program(name)) browser_ = std::string("/usr/bin/") + name;
    }
    SKIP_UNLESS(!browser_.empty(), "needs a browser: Debian's package chromium-headless-shell or chromium");
  }

  // What the script saw.
  Json use(const std::string& page) const {
    std::ofstream(folder_ / "page.html") << page;
    run_process({"node", TAPEGRAD_NODE_SCRIPTS "/page.mjs", TAPEGRAD_NODE_FOLDER, browser_,
                 (folder_ / "page.html").string(), (folder_ / "result.json").string()},
                "", 120s);
    std::ifstream file(folder_ / "result.json");
    Json seen = Json::parse(file);
    EXPECT_THAT(seen["errors"], IsEmpty());
    EXPECT_THAT(seen["requests"], IsEmpty());
    return seen;
  }

  std::string browser_;
  const TemporaryFolder own_;
  const fs::path folder_ = own_.path();
};

std::set<std::string> ids_of(const ComputationGraph& graph) {
  std::set<std::string> ids;
  for (VertexIndex v = 0; v < graph.size(); ++v) ids.insert(graph.id(v));
  return ids;
}

TEST_F(PageInBrowser, DrawsTheGraphAndWalksAboutInIt) {
  const ComputationGraph graph = samples::mlp();
  const Json seen = use(to_html(graph, {.parameters = Parameters::nodes}));
  const auto drawn = seen["joint"].get<std::set<std::string>>();
  EXPECT_EQ(drawn, ids_of(graph));
  std::multiset<std::string> links, expected;
  for (const Json& link : seen["links"]) links.insert(link);
  for (const Edge& e : graph.edges()) expected.insert(graph.id(e.from) + " " + graph.id(e.to));
  EXPECT_EQ(std::set(links.begin(), links.end()), std::set(expected.begin(), expected.end()));
  EXPECT_THAT(seen["scopes"], Contains("hidden1"));

  EXPECT_THAT(seen["hits"], SizeIs(3));
  EXPECT_EQ(seen["whileTyping"], nullptr) << "nothing moves before a hit is chosen";
  EXPECT_THAT(seen["details"].get<std::string>(), AllOf(HasSubstr("matmul"), HasSubstr("hidden1"), HasSubstr("FLOP")));
  EXPECT_NE(seen["found"], seen["foundNext"]);
  EXPECT_EQ(seen["address"].get<std::string>(), "#" + seen["foundNext"].get<std::string>());
  EXPECT_EQ(seen["byAddress"], "n3");
  EXPECT_THAT(seen["keys"].get<std::string>(), HasSubstr("search"));
  EXPECT_FALSE(seen["way"].empty()) << "from the node chosen to the loss";
  for (const Json& link : seen["way"]) EXPECT_THAT(expected, Contains(link.get<std::string>()));
  EXPECT_EQ(seen["minimapOfAll"], false);
  EXPECT_EQ(seen["minimap"], true);
  EXPECT_GT(seen["lowerRight"][1], seen["upperLeft"][1]);
  EXPECT_THAT(seen["memory"].get<std::string>(), HasSubstr("peak 4.47 MiB alive at g16"));
  EXPECT_THAT(seen["memoryAtEnd"].get<std::string>(), HasSubstr("alive at g2"));
  EXPECT_EQ(seen["memoryChose"], "n0");
  EXPECT_THAT(seen["tree"], Contains("hidden1"));
  EXPECT_THAT(seen["treeOpened"], SizeIs(::testing::Gt(0U)));
  EXPECT_NE(seen["walked"], seen["foundNext"]);
  EXPECT_EQ(seen["focused"], seen["walked"]);
  EXPECT_EQ(seen["twin"].get<std::string>().substr(1), seen["walked"].get<std::string>().substr(1));
  EXPECT_EQ(seen["twin"], seen["wentToTwin"]);

  EXPECT_LT(seen["closed"].size(), seen["open"].size());
  EXPECT_GT(seen["opened"].size(), seen["closed"].size());
  EXPECT_TRUE(seen["pictureHidden"]);
  EXPECT_EQ(seen["rows"], graph.forward_size());
}

TEST_F(PageInBrowser, ShowsTheWholeLayerViewAtFirst) {
  const ComputationGraph graph = samples::transformer(12);
  const Json seen = use(to_html(graph));
  EXPECT_LT(seen["atFirst"].size(), 25U);
  EXPECT_THAT(seen["frames"].dump(), HasSubstr("× 12"));
  EXPECT_TRUE(seen["allInSight"]);
  EXPECT_LE(seen["toolbar"], 50) << "one row at 1280 pixels";
  EXPECT_GT(seen["open"].size(), seen["atFirst"].size());
}

TEST_F(PageInBrowser, OpensLargeGraphsAndSaysWhatIsNotShown) {
  const ComputationGraph graph = samples::random_graph(3, 20'000);
  const Json seen = use(to_html(graph, {.unfold = true}));
  EXPECT_THAT(seen["status"].get<std::string>(), HasSubstr("nodes shown"));
  EXPECT_LT(seen["openedWithin"], 30'000) << "milliseconds, on a busy machine";
  EXPECT_EQ(seen["rowsOf"], graph.forward_size());
}

TEST_F(PageInBrowser, PutsGradientsBesideTheirValues) {
  const ComputationGraph graph = samples::mlp();
  const Json heights = use(to_html(graph, {.parameters = Parameters::nodes}))["heights"];
  for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
    if (const auto twin = graph.twin(v); twin && graph[v].kind == VertexKind::op) {
      EXPECT_NEAR(heights[graph.id(v)].get<double>(), heights[graph.id(*twin)].get<double>(), 1) << graph.id(v);
    }
  }
}

TEST_F(PageInBrowser, CopiesMermaidAndSavesSvg) {
  const ComputationGraph graph = samples::mlp();
  const Json seen = use(to_html(graph, {.parameters = Parameters::nodes}));
  const MermaidText read = read_mermaid(seen["mermaid"]);
  EXPECT_THAT(read.errors, IsEmpty());
  std::set<std::string> ids;
  for (const auto& [id, node] : read.nodes) ids.insert(id);
  EXPECT_EQ(ids, ids_of(graph));
  EXPECT_TRUE(seen["svgIsXml"]);
  EXPECT_THAT(seen["svg"].get<std::string>(), AllOf(HasSubstr("<title>"), HasSubstr("matmul")));
}

TEST_F(PageInBrowser, IsATableWithoutJavaScript) {
  const ComputationGraph graph = samples::mlp();
  const Json seen = use(to_html(graph))["withoutScript"];
  EXPECT_TRUE(seen["table"]);
  EXPECT_FALSE(seen["controls"]);
  EXPECT_THAT(seen["rows"], Not(IsEmpty()));
  EXPECT_THAT(seen["rows"].dump(), AllOf(HasSubstr("hidden1"), HasSubstr("loss")));
}

TEST_F(PageInBrowser, DrawsOverlaysWithLegends) {
  GraphBuilder builder;
  Vertex leaf, op;
  leaf.kind = VertexKind::parameter;
  op.op = "log";
  op.flops = op.saved_bytes = 8;
  leaf.requires_grad = op.requires_grad = true;
  const auto w = builder.add(leaf), y = builder.add(op);
  builder.connect(w, y, 0);
  for (const auto value : {w, y}) {
    Vertex measured;
    measured.statistics = Statistics{.norm = value + 0.5, .nan = value == y};
    builder.add_gradient(value, measured);
  }
  builder.mirror_gradients();
  const ComputationGraph graph = std::move(builder).build();
  const Json seen = use(to_html(graph, {.overlay = Overlay::gradient_norm}));
  for (const char* overlay : {"gradient-norm", "non-finite", "saved-bytes", "flops"}) {
    ASSERT_TRUE(seen["overlays"].contains(overlay)) << overlay;
    EXPECT_THAT(seen["overlays"][overlay]["legend"], Not(IsEmpty()));
  }
  EXPECT_THAT(seen["overlays"]["gradient-norm"]["labels"].dump(), HasSubstr("‖∇‖"));
}

TEST_F(PageInBrowser, DrawsGraphsWithHostileNames) {
  const ComputationGraph graph = samples::random_graph(5, 40);
  const Json seen = use(to_html(graph));
  EXPECT_EQ(seen["rows"], graph.forward_size());
  EXPECT_THAT(read_mermaid(seen["mermaid"]).errors, IsEmpty());
  EXPECT_TRUE(seen["svgIsXml"]);
}

TEST_F(PageInBrowser, ShowsWhatHasChanged) {
  const ComputationGraph before = samples::mlp(), after = samples::unrolled(2);
  const Json seen = use(to_html(diff(before, after), before, after));
  EXPECT_THAT(seen["overlays"]["changes"]["labels"].dump(), AllOf(HasSubstr("+"), HasSubstr("−")));
}

}  // namespace
}  // namespace tapegrad::graph
