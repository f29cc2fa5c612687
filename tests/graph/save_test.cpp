#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/graph/internal/process.hpp>
#include <tapegrad/graph/save.hpp>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::ThrowsMessage;

class Save : public testing::Test {
 protected:
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
    return names;
  }
  const TemporaryFolder own_;
  const fs::path folder_ = own_.path();
};

class SaveByDot : public Save {
 protected:
  void SetUp() override { SKIP_WITHOUT("dot", "Graphviz"); }
};

TEST_F(Save, TheSuffixNamesTheFormat) {
  const ComputationGraph graph = samples::mlp();
  for (const auto& [name, begin] :
       {std::pair("a.mmd", "flowchart"), std::pair("a.MERMAID", "flowchart"), std::pair("a.dot", "digraph"),
        std::pair("a.gv", "digraph"), std::pair("a.txt", "mlp: 18 values"), std::pair("a.json", "{\n\"format\"")}) {
    save(graph, folder_ / name);
    EXPECT_THAT(content_of(folder_ / name), StartsWith(begin)) << name;
  }
  EXPECT_EQ(from_json(content_of(folder_ / "a.json")), graph);
  EXPECT_THAT([&] { save(graph, folder_ / "a.bmp"); },
              ThrowsMessage<ValueError>(AllOf(HasSubstr("a.bmp"), HasSubstr(".svg"))));
  EXPECT_THROW(save(graph, folder_ / "json"), ValueError);
  EXPECT_EQ(format_named("text").name, "text");
  EXPECT_EQ(format_of("a.explorer.JSON").name, "model-explorer");
  EXPECT_THAT([] { format_named("bmp"); }, ThrowsMessage<ValueError>(HasSubstr("mermaid, dot")));
}

TEST_F(Save, FormatsAreKnownByNameAndBySuffix) {
  std::ifstream file(TAPEGRAD_DOCS "/graphs.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  for (const Format& format : formats()) {
    EXPECT_EQ(&format_named(format.name), &format);
    std::string suffixes;
    std::istringstream words{std::string(format.suffixes)};
    for (std::string suffix; words >> suffix; suffixes += (suffixes.empty() ? "`" : " `") + suffix + "`")
      EXPECT_EQ(&format_of("a" + suffix), &format);
    EXPECT_THAT(page, HasSubstr("| `" + std::string(format.name) + "` | " + suffixes + " | " + std::string(format.doc) +
                                " |\n"));
  }
}

TEST_F(Save, ReturnsWhatWasFolded) {
  EXPECT_THAT(save(samples::transformer(12), folder_ / "t.mmd"),
              testing::ElementsAre("encoder.layers.0…11 drawn once for 12"));
  EXPECT_THAT(save(samples::mlp(), folder_ / "m.mmd"), IsEmpty());
}

TEST_F(Save, AFileIsReplacedAsAWhole) {
  write_file(folder_ / "a.txt", "old");
  write_file(folder_ / "a.txt", "new");
  EXPECT_EQ(content_of(folder_ / "a.txt"), "new");
  fs::create_symlink("a.txt", folder_ / "link.txt");
  write_file(folder_ / "link.txt", "through a link");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.txt"));
  EXPECT_EQ(content_of(folder_ / "a.txt"), "through a link");
  EXPECT_THAT(files(), testing::UnorderedElementsAre("a.txt", "link.txt"));
}

TEST_F(Save, WhatCannotBeWrittenLeavesNothing) {
  const ComputationGraph graph = samples::mlp();
  EXPECT_THAT([&] { save(graph, folder_ / "missing" / "a.mmd"); },
              ThrowsMessage<IoError>(AllOf(HasSubstr("missing/a.mmd"), HasSubstr("No such file"))));
  fs::create_directory(folder_ / "folder.mmd");
  EXPECT_THAT([&] { save(graph, folder_ / "folder.mmd"); }, ThrowsMessage<IoError>(HasSubstr("directory")));
  EXPECT_THAT([&] { write_file("/dev/full", "x"); }, ThrowsMessage<IoError>(HasSubstr("No space")));
  EXPECT_THAT(files(), testing::ElementsAre("folder.mmd"));
}

TEST_F(Save, DevicesAreWrittenTo) { EXPECT_NO_THROW(write_file("/dev/null", "x")); }

TEST_F(Save, ALayoutProgramThatIsMissingFailsOrHangs) {
  const ComputationGraph graph = samples::mlp();
  const auto with = [&](std::string program, std::chrono::milliseconds timeout = 10s) {
    return [&graph, program, timeout, this] { save(graph, folder_ / "a.svg", {.layout = {program, timeout}}); };
  };
  EXPECT_THAT(with("no-such-dot"),
              ThrowsMessage<ProcessError>(AllOf(HasSubstr("cannot start 'no-such-dot'"), HasSubstr("graphviz"))));
  EXPECT_THAT(with("/bin/false"), ThrowsMessage<ProcessError>(HasSubstr("failed with status 1")));
  const auto script = [&](const std::string& name, const std::string& body) {
    std::ofstream(folder_ / name) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(folder_ / name, fs::perms::owner_all);
    return (folder_ / name).string();
  };
  EXPECT_THAT(with(script("hangs", "exec sleep 60"), 100ms),
              ThrowsMessage<ProcessError>(HasSubstr("took longer than allowed")));
  EXPECT_THAT(with(script("dies", "kill -9 $$")), ThrowsMessage<ProcessError>(HasSubstr("killed by signal 9")));
  EXPECT_THAT(with(script("complains", "echo no memory >&2; exit 3")),
              ThrowsMessage<ProcessError>(AllOf(HasSubstr("status 3"), HasSubstr("no memory"))));
  EXPECT_THAT(with(script("babbles", "echo hello")), ThrowsMessage<ProcessError>(HasSubstr("something else than SVG")));
  EXPECT_FALSE(fs::exists(folder_ / "a.svg"));
}

TEST(Process, ServesAllStreamsAtOnce) {
  const std::string much(5'000'000, 'x');
  EXPECT_EQ(run_process({"cat"}, much, 60s).output, much);
  const ProcessOutput both =
      run_process({"sh", "-c", "cat >&2; head -c 300000 /dev/zero"}, std::string(300'000, 'y'), 60s);
  EXPECT_EQ(both.output.size(), 300'000U);
  EXPECT_THAT(both.errors, StartsWith("yyy"));
}

TEST(Process, AChildThatDoesNotReadIsNoCrash) {
  const std::string much(5'000'000, 'x');
  EXPECT_EQ(run_process({"true"}, much, 60s).output, "");
  EXPECT_THROW(run_process({"false"}, much, 60s), ProcessError);
}

TEST(Process, KeepsArgumentsApart) {
  EXPECT_EQ(run_process({"printf", "%s|", "a b", "$HOME", "'\""}, "", 60s).output, "a b|$HOME|'\"|");
}

TEST_F(SaveByDot, DrawsImages) {
  const ComputationGraph graph = samples::mlp();
  save(graph, folder_ / "a.svg", {.draw = {.pass = Pass::joint, .title = "<b> & \"c\""}});
  const std::string svg = content_of(folder_ / "a.svg");
  EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-labelledby=\"graph-title graph-description\""));
  EXPECT_THAT(svg, HasSubstr("<title id=\"graph-title\">&lt;b&gt; &amp; &quot;c&quot;</title>"));
  EXPECT_THAT(svg, HasSubstr("id=\"g5\""));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
  save(graph, folder_ / "a.png");
  EXPECT_THAT(content_of(folder_ / "a.png"), StartsWith("\x89PNG"));
  save(graph, folder_ / "a.pdf");
  EXPECT_THAT(content_of(folder_ / "a.pdf"), StartsWith("%PDF"));
}

TEST_F(SaveByDot, APngHasAsManyPixelsAsWanted) {
  const auto width = [](const std::string& png) {  // in its first chunk, the largest byte first
    return static_cast<unsigned char>(png.at(18)) * 256 + static_cast<unsigned char>(png.at(19));
  };
  const int usual = width(render(samples::mlp(), "png"));
  EXPECT_NEAR(width(render(samples::mlp(), "png", {.dpi = 288})), 3 * usual, 3);
  EXPECT_THROW(render(samples::mlp(), "png", {.dpi = 0}), ValueError);
}

TEST_F(SaveByDot, LargeGraphsAreFoldedToWhatDotCanLayOut) {
  std::vector<std::string> folded;
  EXPECT_THAT(render(samples::unrolled(12'000), "svg", {}, &folded), HasSubstr("</svg>"));
  EXPECT_THAT(folded, testing::ElementsAre("block drawn once for 12,000"));
}

TEST_F(SaveByDot, RefusesAPngThatNobodyCouldRead) {
  samples::Recording r;
  auto x = r.input("x", {});
  for (int i = 0; i < 900; ++i) x = r.op("op" + std::to_string(i), {x}, {});
  const ComputationGraph graph = r.finish();
  EXPECT_THAT([&] { save(graph, folder_ / "a.png"); }, ThrowsMessage<ProcessError>(HasSubstr("32,767 pixels")));
  EXPECT_FALSE(fs::exists(folder_ / "a.png"));
}

TEST_F(SaveByDot, OneMaskForFiftyLayersIsNoTrouble) {
  samples::Recording r;
  const auto mask = r.input("mask", {4});
  auto x = r.input("x", {4});
  for (int i = 0; i < 400; ++i)
    x = r.op("op" + std::to_string(i), i % 8 == 0 ? std::vector{x, mask} : std::vector{x}, {4});
  EXPECT_THAT(render(r.finish(), "svg", {.layout = {.timeout = 60s}}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace tapegrad::graph
