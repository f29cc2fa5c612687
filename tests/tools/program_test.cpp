// The program as its users meet it: what it prints, where, and its exit status.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

TEST_F(Program, HelpsAndTellsItsVersion) {
  EXPECT_THAT(run("--version").out, ContainsRegex("^tapegrad [0-9]"));
  const Outcome help = run("--help");
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"train", "predict", "generate", "graph", "gradcheck", "op", "ops"}) {
    EXPECT_THAT(help.out, HasSubstr(command));
    const Outcome own = run(std::string(command) + " --help");
    EXPECT_EQ(own.status, 0);
    EXPECT_THAT(own.out, HasSubstr("Example")) << command;
  }
}

TEST_F(Program, TrainsPredictsAndDraws) {
  write_texts("texts.tsv");
  const Outcome trained =
      run("train text texts.tsv --epochs 8 --lr 0.05 --embedding 8 --hidden 4 --out model --tensorboard curves");
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("embedding"));
  EXPECT_THAT(trained.out, HasSubstr("epoch"));
  EXPECT_THAT(trained.out, ContainsRegex("\ntest accuracy 1.0000\n$"));
  EXPECT_EQ(files("model"),
            (std::vector<std::string>{"config.json", "curves.svg", "metrics.jsonl", "model.dot", "model.json",
                                      "model.mmd", "model.safetensors", "model.svg", "report.html", "vocabulary.txt"}));
  EXPECT_THAT(content_of(folder_ / "model/report.html"), HasSubstr("Confusion matrix"));
  EXPECT_THAT(content_of(folder_ / "model/report.html"), HasSubstr("<h1>Text classifier: texts.tsv</h1>"));
  EXPECT_THAT(trained.out, HasSubstr("ModuleList<Linear>"));
  EXPECT_EQ(files("curves").size(), 1u);
  std::istringstream metrics(content_of(folder_ / "model/metrics.jsonl"));
  int epochs = 0;
  for (std::string line; std::getline(metrics, line); ++epochs)
    EXPECT_TRUE(nlohmann::json::parse(line).contains("validation_accuracy"));
  EXPECT_EQ(epochs, 8);

  const Outcome predicted = run("predict --model model 'a feathered animal' 'made of steel'");
  EXPECT_EQ(predicted.status, 0) << predicted.err;
  EXPECT_THAT(predicted.out, ContainsRegex("%  bird"));
  EXPECT_THAT(predicted.out, HasSubstr("words for bird (integrated-gradients): "));
  EXPECT_THAT(predicted.out, HasSubstr("words for tool"));
  const auto json = nlohmann::json::parse(run("predict --model model --json 'made of steel'").out);
  EXPECT_EQ(json["class"], "tool");
  EXPECT_EQ(json["attribution"], "integrated-gradients");
  EXPECT_EQ(json["known_words"], 2);  // of, steel
  const Outcome unknown = run("predict --model model zzzzqq --json");
  EXPECT_EQ(nlohmann::json::parse(unknown.out)["known_words"], 0);
  EXPECT_THAT(unknown.err, HasSubstr("no word of it was in the training"));
  // Of the words, those that tell the classes apart matter most.
  const auto most =
      std::ranges::max_element(json["words"], {}, [](const auto& w) { return w["share"].template get<double>(); });
  EXPECT_TRUE((*most)["word"] == "steel" || (*most)["word"] == "of") << json;
  EXPECT_THAT(run("predict --model model --attribution gradient-x-input steel").out, HasSubstr("(gradient-x-input): "));
  expect_refused("predict --model model --attribution saliency steel", {"saliency is the same for every word"});
  expect_refused("predict --model model --picture why.png steel", {"--picture is for images"});

  EXPECT_THAT(run("graph model").out, HasSubstr("flowchart"));
  EXPECT_THAT(run("graph model -f dot --joint").out, HasSubstr("digraph"));
  EXPECT_THAT(run("graph model -f text --depth 1").out, HasSubstr("embedding"));
  EXPECT_EQ(run("graph model -o picture.svg --joint").status, 0);
  EXPECT_THAT(content_of(folder_ / "picture.svg"), HasSubstr("<svg"));

  EXPECT_EQ(run("graph check model/model.mmd").status, 0);
  EXPECT_THAT(run("graph check model/model.mmd").out, HasSubstr("GitHub  draws it"));
  EXPECT_EQ(run("graph diff model model/model.json").status, 0);
  ASSERT_EQ(run("train text texts.tsv --epochs 1 --embedding 8 --hidden 4 4 --mean-dropout 0.2 --lr-decay --out deeper")
                .status,
            0);
  const Outcome differing = run("graph diff model deeper");
  EXPECT_EQ(differing.status, 1);
  EXPECT_THAT(differing.out, ContainsRegex("\\+ .*linear"));
  EXPECT_THAT(run("graph diff model deeper -f mermaid").out, HasSubstr("flowchart"));
}

TEST_F(Program, DrawsItsExamples) {
  for (const char* name : {"mlp", "cnn", "text-classifier", "lstm", "transformer"}) {
    const std::string example = std::string("graph --example ") + name;
    const Outcome drawn = run(example + " --joint");
    EXPECT_EQ(drawn.status, 0) << drawn.err;
    EXPECT_THAT(drawn.out, HasSubstr("flowchart"));
    EXPECT_EQ(run(example + " --joint").out, drawn.out);
    EXPECT_EQ(run(example + " --depth 1 -o small.mmd").status, 0);
    EXPECT_EQ(run("graph check small.mmd").status, 0);
    EXPECT_EQ(run(example + " -o page.html").status, 0);
    EXPECT_THAT(content_of(folder_ / "page.html"), HasSubstr("<!doctype html>"));
  }
  EXPECT_THAT(run("graph --example mlp --why hidden1.weight").out, HasSubstr("parameter 'hidden1.weight'"));
  expect_refused("graph --example mlpp", {"mlpp", "mlp, "});
  expect_refused("graph --example mlp --why nothing", {"nothing"});
  expect_refused("graph --example mlp --overlay warmth", {"--overlay", "warmth", "gradient-norm"});
  EXPECT_THAT(run("graph --example mlp --joint --overlay values").out, HasSubstr(", mean "));
  EXPECT_THAT(run("graph --example mlp --overlay time").out, HasSubstr("s █"));
  EXPECT_THAT(run("graph --example mlp -f text --edges --joint --overlay gradient-norm").out,
              ContainsRegex("◆   ∂ relu.*‖∇‖"));
  expect_refused("graph --example mlp -f text --joint", {"--edges draws them"});
  expect_refused("graph --example mlp --edges", {"--edges goes with -f text"});
}

// The architecture that people draw by hand, in any script, and 12 blocks as one.
TEST_F(Program, FoldsExamplesToWhatAReaderTakesIn) {
  const Outcome transformer = run("graph --example transformer");
  EXPECT_THAT(transformer.out, ContainsRegex("encoder.*0…11.*12"));
  EXPECT_THAT(transformer.err, HasSubstr("12"));
  write("transformer.mmd", transformer.out);
  EXPECT_EQ(run("graph check transformer.mmd").status, 0);
  const std::string mlp = run("graph --example mlp --depth 1").out;
  EXPECT_THAT(mlp, ContainsRegex("hidden1"));
  EXPECT_THAT(mlp, HasSubstr("401,920 parameters"));
}

TEST_F(Program, WritesGraphsWhileItTrains) {
  write_texts("texts.tsv");
  ASSERT_EQ(run("train text texts.tsv --epochs 2 --embedding 8 --out model --graphs graphs --graph-steps 4").status, 0);
  const std::vector<std::string> written = files("graphs");
  ASSERT_GE(written.size(), 2u);
  EXPECT_EQ(written[0], "step-00000001.json");
  EXPECT_EQ(written[1], "step-00000005.json");
  const Outcome differing = run("graph diff graphs/step-00000001.json graphs/step-00000005.json -o diff.html");
  EXPECT_EQ(differing.status, 1) << differing.err;
  EXPECT_THAT(content_of(folder_ / "diff.html"), HasSubstr("gradient norm"));
}

TEST_F(Program, RefusesToDrawWhereItCannot) {
  expect_refused("graph --example mlp -o missing/picture.mmd", {"missing/picture.mmd"});
  expect_refused("graph --example mlp -o /proc/picture.html", {"/proc/picture.html"});
  write("later.json", R"({"format": "tapegrad-graph", "version": 99, "vertices": [], "edges": []})");
  expect_refused("graph later.json -o picture.svg", {"later.json", "version"});
  write("empty.json", "");
  expect_refused("graph empty.json", {"empty.json:1:1", "end of input"});
  write("deep.json", std::string(100'000, '['));
  expect_refused("graph deep.json", {"deep.json"});
  write("cycle.json", R"({"format": "tapegrad-graph", "version": 1, "vertices": [{"id": "a", "op": "x", "shape": []},
    {"id": "b", "op": "x", "shape": []}], "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]})");
  expect_refused("graph cycle.json", {"cycle.json"});
  const std::string program = std::string("'") + TAPEGRAD_PROGRAM "'";
  const int status = std::system(
      ("cd '" + folder_.string() + "' && PATH=/nowhere " + program + " graph --example mlp -o picture.svg 2>.err")
          .c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_THAT(content_of(folder_ / ".err"), HasSubstr("dot"));
  EXPECT_FALSE(fs::exists(folder_ / "picture.svg"));
}

TEST_F(Program, TrainsTheSameModelTwice) {
  write_texts("texts.tsv");
  for (const char* out : {"one", "two"})
    ASSERT_EQ(run("train text texts.tsv --epochs 2 --seed 3 --out " + std::string(out)).status, 0);
  EXPECT_EQ(content_of(folder_ / "one/model.safetensors"), content_of(folder_ / "two/model.safetensors"));
  ASSERT_EQ(run("train text texts.tsv --epochs 2 --seed 3 --threads 2 --out two").status, 0)
      << "replaces an earlier model";
  EXPECT_EQ(content_of(folder_ / "one/model.safetensors"), content_of(folder_ / "two/model.safetensors"));
}

TEST_F(Program, RefusesBadTexts) {
  write("columns.csv", "body,stars\nfine,5\nbad,1\n");
  expect_refused("train text columns.csv --out model", {"columns.csv", "body", "stars"});
  write("one.tsv", "a\tx\na\ty\n");
  expect_refused("train text one.tsv --out model", {"one.tsv", "a"});
  write("empty.tsv", "");
  expect_refused("train text empty.tsv --out model", {"empty.tsv", "empty"});
  write("bytes.tsv", "a\tfine\nb\t\xff\xfe\n");
  expect_refused("train text bytes.tsv --out model", {"bytes.tsv:2", "UTF-8"});
  write_texts("texts.tsv");
  write("test.tsv", "bird\tfeathers\nfish\tscales\n");
  expect_refused("train text texts.tsv --test test.tsv --out model", {"test.tsv:2", "fish"});
  expect_refused("train text nothing.tsv --out model", {"nothing.tsv"});
}

TEST_F(Program, RefusesPlacesItCannotWrite) {
  write_texts("texts.tsv");
  write("file", "content");
  expect_refused("train text texts.tsv --out file", {"file", "not a folder"});
  expect_refused("train text texts.tsv --out file/below", {"file"});
  write("full/notes.txt", "mine");
  expect_refused("train text texts.tsv --out full", {"full", "other files"});
  expect_refused("train text texts.tsv --out /proc/model", {"/proc/model"});
  EXPECT_EQ(content_of(folder_ / "full/notes.txt"), "mine");
}

TEST_F(Program, RefusesBadModelsAndSnapshots) {
  expect_refused("predict --model nowhere text", {"nowhere/config.json"});
  write("model/config.json", "{\"kind\": \"text classifier\", \"version\": 99}");
  expect_refused("predict --model model text", {"config.json", "version 99"});
  write("model/config.json", "not json");
  expect_refused("predict --model model text", {"config.json"});
  write("snapshot.json", "{\"format\": ");
  expect_refused("graph snapshot.json", {"snapshot.json"});
  expect_refused("graph missing.json", {"missing.json"});
  expect_refused("graph snapshot.json -o picture.bmp", {});
  expect_refused("graph diff snapshot.json missing.json", {"snapshot.json"});
  expect_refused("graph check missing.mmd", {"missing.mmd"});
  EXPECT_NE(run("graph").status, 0);
}

TEST_F(Program, RefusesBadArguments) {
  expect_refused("", {"--help"});
  expect_refused("train text --epochs none", {"--epochs"});
  expect_refused("gradcheck", {"--all"});
  expect_refused("gradcheck sigmoidd", {"sigmoidd", "sigmoid"});
  expect_refused("frobnicate", {"frobnicate"});
}

TEST_F(Program, ChecksGradientsAndListsOperations) {
  const Outcome checked = run("gradcheck sigmoid matmul");
  EXPECT_EQ(checked.status, 0) << checked.out;
  EXPECT_THAT(checked.out, HasSubstr("2 operations, 2 differentiable"));
  EXPECT_THAT(checked.out, ContainsRegex("sigmoid .* 1-2 +rule .*sample . ?.*: order"));
  EXPECT_THAT(run("gradcheck softmax --order 3 --seed 5").out, ContainsRegex("softmax .* 1-3 +rule"));
  EXPECT_THAT(run("gradcheck softmax --dtype f32").out, HasSubstr("0 failed"));
  EXPECT_NE(run("gradcheck softmax --order 5").status, 0);
  const auto json = nlohmann::json::parse(run("gradcheck tanh --json").out);
  EXPECT_EQ(json["failed"], 0);
  EXPECT_EQ(json["ops"][0]["op"], "tanh");
  EXPECT_THAT(run("ops --filter matmul").out, HasSubstr("y = a b"));
  EXPECT_GT(nlohmann::json::parse(run("ops --json").out).size(), 50u);
  EXPECT_THAT(run("ops --markdown --filter matmul").out, HasSubstr("gradient: orders 1 to 3"));
  EXPECT_THAT(run("ops --kinks").out, HasSubstr("| relu(0) | 0 | 0 |"));
  EXPECT_NE(run("ops --kinks --json").status, 0);
}

// Runs `tapegrad train text texts.tsv …` until `ready`, then sends it `signal`; its status, with 128 added to the
// number of a signal that killed it.
int train_until(const fs::path& folder, const std::string& arguments, const std::function<bool()>& ready, int signal) {
  fs::remove(folder / "log");
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string command = "exec '" TAPEGRAD_PROGRAM "' train text texts.tsv " + arguments + " >log 2>&1";
    if (::chdir(folder.c_str()) != 0) ::_exit(99);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(98);
  }
  int status = 0;
  while (!ready() && ::waitpid(child, &status, WNOHANG) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(child, signal);
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(Program, ResumesAfterASignal) {
  write_texts("texts.tsv", 4'000);
  const std::string options = "--epochs 12 --embedding 8 --hidden 4 --dropout 0.2 --validation-split 0.4 ";
  ASSERT_EQ(run("train text texts.tsv " + options + "--out whole").status, 0);
  EXPECT_FALSE(fs::exists(folder_ / "whole.checkpoints"));
  // A signal finds it in the training, the validation, or writing a file. The second training is killed; the third goes
  // on from the last checkpoint that there was.
  const auto logged = [&](const char* text) { return content_of(folder_ / "log").find(text) != std::string::npos; };
  bool first = true;
  for (const int signal : {SIGINT, SIGKILL, SIGTERM}) {
    const auto ready = [&] {
      return first ? fs::exists(folder_ / "model.checkpoints/best.safetensors") : logged("resumed after step");
    };
    EXPECT_EQ(train_until(folder_, options + "--checkpoint-steps 3 --resume --out model", ready, signal), 128 + signal);
    EXPECT_EQ(logged("resumed after step"), !first);
    first = false;
    if (signal == SIGKILL) continue;
    EXPECT_THAT(content_of(folder_ / "log"),
                ContainsRegex("\nstopped by SIG(INT|TERM) after [0-9]+ whole epochs; the model so far is in "
                              "model.partial; --resume goes on from model.checkpoints/step"));
    EXPECT_FALSE(fs::exists(folder_ / "model"));
    EXPECT_EQ(run("predict --model model.partial feathered").status, 0);
  }
  const Outcome refused = run("train text texts.tsv " + options + "--out model");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("is of an earlier training: --resume goes on from it"));
  ASSERT_EQ(run("train text texts.tsv " + options + "--resume --out model").status, 0);
  EXPECT_EQ(content_of(folder_ / "model/model.safetensors"), content_of(folder_ / "whole/model.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "model.checkpoints"));
  EXPECT_FALSE(fs::exists(folder_ / "model.partial"));
}

TEST_F(Program, OneTrainingAFolder) {
  write_texts("texts.tsv", 4'000);
  const std::string options = "train text texts.tsv --epochs 1 --embedding 4 ";
  bool refused = false;
  const auto second = [&] {
    if (!fs::exists(folder_ / "model.checkpoints/.lock")) return false;
    expect_refused(options + "--out model", {"model: another training, process ", " on ", "writes here"});
    expect_refused(options + "--out other --checkpoints model.checkpoints --resume",
                   {"model.checkpoints: another training, process "});
    refused = true;
    return true;
  };
  train_until(folder_, "--epochs 1000 --embedding 4 --out model", second, SIGKILL);
  EXPECT_TRUE(refused);
  // What the killed one has left is no hindrance, and goes.
  write(".model.part/config.json", "half");
  EXPECT_EQ(run(options + "--out model --checkpoints others").status, 0);
  EXPECT_FALSE(fs::exists(folder_ / ".model.part"));
  EXPECT_FALSE(fs::exists(folder_ / ".model.lock"));
}

// What options permit does not fail when the training is over.
TEST_F(Program, ChecksBeforeItTrains) {
  write_texts("texts.tsv");
  const Outcome untested =
      run("train text texts.tsv --epochs 1 --embedding 4 --held-out 0 --validation-split 0 --out m");
  EXPECT_EQ(untested.status, 0) << untested.err;
  EXPECT_THAT(untested.out, HasSubstr("no test accuracy: no texts were held out"));
  EXPECT_TRUE(fs::exists(folder_ / "m/report.html"));
}

// A file system without exchange of folders has a moment with neither under the name; the next run mends it.
TEST_F(Program, PutsBackWhatACrashHasLeftAside) {
  write_texts("texts.tsv");
  ASSERT_EQ(run("train text texts.tsv --epochs 1 --embedding 4 --out m").status, 0);
  fs::rename(folder_ / "m", folder_ / ".m.old");
  EXPECT_EQ(run("train text missing.tsv --out m").status, 2);
  EXPECT_TRUE(fs::exists(folder_ / "m/config.json"));
}

}  // namespace
}  // namespace tapegrad::tools
