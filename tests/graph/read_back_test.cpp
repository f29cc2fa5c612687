// Pictures as programs that have nothing to do with this library understand them: Graphviz's gvpr and dot, and Mermaid.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/process.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tapegrad/graph/save.hpp>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "random_graphs.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Json = nlohmann::json;

struct Picture {
  ComputationGraph graph;
  DrawOptions options;
};

// Each is drawn whole, so that it can be compared with its graph.
std::vector<Picture> pictures(std::uint64_t random_graphs) {
  std::vector<Picture> all;
  for (const Pass pass : {Pass::forward, Pass::backward, Pass::joint}) {
    all.push_back({samples::mlp(),
                   {.pass = pass,
                    .unfold = true,
                    .parameters = Parameters::nodes,
                    .saved = true,
                    .budget = Budget::unlimited()}});
    for (std::uint64_t seed = 1; seed <= random_graphs; ++seed) {
      all.push_back({samples::random_graph(seed, 2 + 5 * seed),
                     {.pass = pass,
                      .unfold = true,
                      .parameters = Parameters::nodes,
                      .saved = true,
                      .budget = Budget::unlimited()}});
    }
  }
  return all;
}

// "n5_2" is the copy of n5 that its third user has.
std::string graph_id(const std::string& id) { return id.substr(0, id.find('_')); }

std::set<std::string> expected_nodes(const Picture& picture) {
  std::set<std::string> ids;
  for (VertexIndex v = 0; v < picture.graph.size(); ++v) {
    const bool gradient = v >= picture.graph.forward_size();
    if (picture.options.pass == Pass::joint || gradient == (picture.options.pass == Pass::backward)) {
      ids.insert(picture.graph.id(v));
    }
  }
  return ids;
}

std::multiset<std::string> expected_edges(const Picture& picture) {
  const std::set<std::string> nodes = expected_nodes(picture);
  std::multiset<std::string> edges;
  for (const Edge& e : picture.graph.edges()) {
    const std::string from = picture.graph.id(e.from), to = picture.graph.id(e.to);
    if (nodes.contains(from) && nodes.contains(to))
      edges.insert(from + " " + std::string(to_string(e.kind)) + " " + to);
  }
  return edges;
}

// Readers drop or join white space.
std::string without_space(const std::string& text) {
  std::string result;
  std::string_view rest = text;
  while (!rest.empty()) {
    const char32_t c = take_code_point(rest);
    const bool space = c <= ' ' || c == 0xA0 || c == 0xFEFF;
    if (!space) append_code_point(result, c);
  }
  return result;
}

std::string own_name(const Vertex& v, const std::string& name) {
  // A frame says the scope.
  const bool framed = !v.scope.empty() && v.scope.find_first_not_of('.') != std::string::npos &&
                      name.size() > v.scope.size() + 1 && name.starts_with(v.scope) && name[v.scope.size()] == '.';
  return framed ? name.substr(v.scope.size() + 1) : name;
}

// What the first line of a label should be in a forward picture, up to white space.
std::string expected_title(const ComputationGraph& graph, VertexIndex index) {
  const Vertex& v = graph[index];
  const std::string kind = v.op.empty() ? std::string(to_string(v.kind)) : v.op;
  const std::string name = own_name(v, v.name);
  return name.empty() ? kind : v.op.empty() ? name : kind + " · " + name;
}

// ---- Graphviz
// ----------------------------------------------------------------------------------------------------------

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

struct DotText {
  std::map<std::string, std::string> nodes;
  std::multiset<std::string> edges;
};

DotText read_dot(const std::string& dot) {
  const std::string program =
      R"(N { printf("N\t%s\t%s\n", $.name, $.label); }
         E { printf("E\t%s\t%s\t%s\t%s\n", $.tail.name, $.head.name, $.class, $.dir); })";
  std::istringstream lines(run_process({"gvpr", program}, dot, 60s).output);
  DotText read;
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> fields;
    std::istringstream parts(line);
    for (std::string field; std::getline(parts, field, '\t');) fields.push_back(field);
    if (fields[0] == "N" && fields[1] != "legend") read.nodes[fields[1]] = fields.size() > 2 ? fields[2] : "";
    if (fields[0] != "E" || fields[2] == "legend") continue;
    const bool back = fields.size() > 4 && fields[4] == "back";
    read.edges.insert(graph_id(fields[back ? 2 : 1]) + " " + fields[3] + " " + graph_id(fields[back ? 1 : 2]));
  }
  return read;
}

TEST(ReadBack, GraphvizSeesTheGraph) {
  SKIP_WITHOUT("gvpr", "Graphviz");
  for (const Picture& picture : pictures(14)) {
    const DotText read = read_dot(to_dot(picture.graph, picture.options));
    std::set<std::string> ids;
    for (const auto& [id, label] : read.nodes) ids.insert(graph_id(id));
    EXPECT_EQ(ids, expected_nodes(picture));
    EXPECT_EQ(read.edges, expected_edges(picture));
    if (picture.options.pass != Pass::forward) continue;
    for (const auto& [id, label] : read.nodes) {
      std::string title = label.substr(3, label.find("</B>") - 3);
      title = replaced(title, "<BR/>", "\n");
      for (const auto& [entity, character] :
           {std::pair("&lt;", "<"), std::pair("&gt;", ">"), std::pair("&quot;", "\""), std::pair("&amp;", "&")}) {
        title = replaced(title, entity, character);
      }
      const std::string expected =
          shorten(drawable(expected_title(picture.graph, *picture.graph.find(graph_id(id)))), 60);
      if (without_space(expected).empty()) continue;
      EXPECT_EQ(without_space(title), without_space(expected));
    }
  }
}

TEST(ReadBack, DotLaysOutWhatItIsGiven) {
  SKIP_WITHOUT("dot", "Graphviz");
  for (const Picture& picture : pictures(14)) {
    const ProcessOutput drawn = run_process({"dot", "-Tsvg"}, to_dot(picture.graph, picture.options), 60s);
    EXPECT_EQ(drawn.errors, "");
    EXPECT_THAT(drawn.output, testing::HasSubstr("</svg>"));
  }
}

// ---- Mermaid --------------------------------------------------------------------------------------------------------

// The parameter is the package: the version that GitHub draws with, and the one after it.
class ReadBackByMermaid : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NODE_PACKAGE("jsdom");
    SKIP_WITHOUT_NODE_PACKAGE(GetParam());
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / (name + ".mmd")) << text;
  }

  Json result() const {
    run_process({"node", TAPEGRAD_NODE_SCRIPTS "/read_back.mjs", TAPEGRAD_NODE_FOLDER, GetParam(), folder_.string()},
                "", 280s);
    std::ifstream file(folder_ / "result.json");
    return Json::parse(file);
  }

  const TemporaryFolder own_;
  const fs::path folder_ = own_.path();
};

// The escape that suits both ways of drawing changes a few characters (a quote to an apostrophe) and breaks some
// sequences by a space.
std::string as_mermaid_shows(const std::string& text) { return without_space(replaced(text, "\"", "'")); }

TEST_P(ReadBackByMermaid, MermaidSeesTheGraph) {
  const std::vector<Picture> all = pictures(4);
  for (std::size_t i = 0; i < all.size(); ++i) write(std::to_string(i), to_mermaid(all[i].graph, all[i].options));
  const Json read = result();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json& seen = read.at(std::to_string(i) + ".mmd");
    ASSERT_FALSE(seen.contains("error")) << i << ": " << seen.at("error");
    std::set<std::string> ids;
    for (const auto& [id, label] : seen.at("nodes").items()) {
      if (id[0] == 'l') continue;  // the legend
      ids.insert(graph_id(id));
      ASSERT_TRUE(label.is_string()) << i << " " << id << " was not drawn";
      if (all[i].options.pass != Pass::forward) continue;
      const std::string title =
          as_mermaid_shows(shorten(drawable(expected_title(all[i].graph, *all[i].graph.find(graph_id(id)))), 60));
      EXPECT_TRUE(without_space(label.get<std::string>()).starts_with(title))
          << i << " " << id << ": " << label << " for " << title;
    }
    EXPECT_EQ(ids, expected_nodes(all[i])) << i;
    std::multiset<std::string> edges;
    for (const Json& e : seen.at("edges")) {
      if (e.at("stroke") == "invisible") continue;  // joins the legend to the picture
      const std::string kind = e.at("stroke") == "dotted"       ? "gradient"
                               : e.at("type") == "arrow_circle" ? "saved"
                                                                : "data";
      edges.insert(graph_id(e.at("from")) + " " + kind + " " + graph_id(e.at("to")));
    }
    EXPECT_EQ(edges, expected_edges(all[i])) << i;
    EXPECT_FALSE(seen.at("title").get<std::string>().empty());
    EXPECT_FALSE(seen.at("description").get<std::string>().empty());
  }
}

TEST_P(ReadBackByMermaid, EveryFoldedPictureIsDrawn) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name, const ComputationGraph& graph, const DrawOptions& options) {
    write(name, to_mermaid(graph, options));
    names.push_back(name);
  };
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const ComputationGraph graph = samples::random_graph(seed, seed % 3 == 0 ? 3000 : 40);
    DrawOptions options = samples::random_options(seed, graph);
    options.budget = seed % 2 == 0 ? Budget::github() : Budget::gitlab();
    add("random" + std::to_string(seed), graph, options);
  }
  for (const Pass pass : {Pass::forward, Pass::backward, Pass::joint}) {
    const std::string suffix = std::to_string(static_cast<int>(pass));
    add("transformer" + suffix, samples::transformer(12), {.pass = pass});
  }
  add("architecture", samples::mlp(), {.depth = 1});
  const Json read = result();
  for (const std::string& name : names) {
    const Json& seen = read.at(name + ".mmd");
    EXPECT_FALSE(seen.contains("error")) << name << ": " << seen.value("error", "");
  }
}

// The tests above would pass if the reader found nothing wrong with anything.
TEST_P(ReadBackByMermaid, TheReaderSeesMistakes) {
  write("quote", "flowchart TB\n  n0[\"a\"b\"]\n");
  write("arrow", "flowchart TB\n  n0 --> \n");
  write("large", "flowchart TB\n  n0[\"" + std::string(50'000, 'x') + "\"]\n");
  std::string many = "flowchart TB\n";
  for (int i = 0; i < 501; ++i) many += "  n0 --> n" + std::to_string(i + 1) + "\n";
  write("edges", many);
  write("cycle", "flowchart TB\n  subgraph a\n    b\n  end\n  subgraph b\n    a\n  end\n");
  const Json read = result();
  for (const std::string name : {"quote", "arrow", "large", "edges", "cycle"}) {
    const Json& seen = read.at(name + ".mmd");
    const bool quote_lost = name == "quote" && !seen.contains("error") && seen.at("nodes").at("n0") == "ab";
    const bool allowed = name == "cycle" && GetParam() == std::string("mermaid-12");
    EXPECT_TRUE(seen.contains("error") || quote_lost || allowed) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, ReadBackByMermaid, testing::Values("mermaid", "mermaid-12"),
                         [](const auto& instance) { return instance.index == 0 ? "GitHubs" : "Next"; });

}  // namespace
}  // namespace tapegrad::graph
