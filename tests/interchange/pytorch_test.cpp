#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/ops/view.hpp>

#include "../hostile/formats.hpp"
#include "../message_of.hpp"
#include "../needs.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::io {
namespace {

using hostile::little;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

// ---- pickles by hand ------------------------------------------------------------------------------------------------

std::string text(const std::string& s) { return "X" + little(s.size(), 4) + s; }
std::string ints(std::initializer_list<int> values) {
  std::string out = "(";
  for (const int value : values) out += "J" + little(static_cast<unsigned>(value), 4);
  return out + "t";
}
std::string storage(const std::string& type, int count, const std::string& key = "0") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + "J" +
         little(static_cast<unsigned>(count), 4) + "tQ";
}
struct Parts {
  std::string shape = ints({2}), strides = ints({1});
  int offset = 0;
  std::string hooks = "ccollections\nOrderedDict\n)R";
};
std::string rebuilt(const std::string& storage, const Parts& p = {}) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "J" + little(static_cast<unsigned>(p.offset), 4) + p.shape +
         p.strides + "\x89" + p.hooks + "tR";
}
const std::string kTwoFloats = little(0x3f800000, 4) + little(0xc0000000, 4);

class PyTorch : public ::testing::Test {
 protected:
  PythonValue load(const std::string& pickle, const std::string& numbers = kTwoFloats) const {
    return load_pytorch(
        folder_.write("a.pt", hostile::zip({{"a/data.pkl", "\x80\2" + pickle + ".", {}}, {"a/data/0", numbers, {}}})));
  }
  std::string refusal(const std::string& pickle, const std::string& numbers = kTwoFloats) const {
    const std::string message = message_of<IoError>([&] { load(pickle, numbers); });
    EXPECT_THAT(message, HasSubstr(folder_.path("a.pt")));
    return message;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.path("a.pt");
};

TEST_F(PyTorch, ReadsPlainValues) {
  const PythonValue value = load("}(" + text("a") + "N" + text("b") + "\x88" + text("c") + "]K\1a" + "K\7" +
                                 std::string("\x8a\2\xff\xff", 4) + text("d") + "G?\xf8\0\0\0\0\0\0"s + "u");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(value["a"].data));
  EXPECT_EQ(std::get<bool>(value["b"].data), true);
  EXPECT_EQ(std::get<std::int64_t>(std::get<PythonValue::List>(value["c"].data)[0].data), 1);
  EXPECT_EQ(std::get<std::int64_t>(std::get<PythonValue::Dict>(value.data)[3].second.data), -1);
  EXPECT_EQ(std::get<double>(value["d"].data), 1.5);
  EXPECT_EQ(message_of<ValueError>([&] { value["e"]; }), "PythonValue['e']: it has a, b, c, d");
}

TEST_F(PyTorch, ReadsTensors) {
  EXPECT_THAT(std::get<Tensor>(load(rebuilt(storage("FloatStorage", 2))).data).values(), ElementsAre(1, -2));
  const PythonValue halves = load(rebuilt(storage("HalfStorage", 4), {ints({2, 2}), ints({1, 2})}),
                                  std::string("\0\x3c\0\xc0\0\x40\0\x42", 8));
  EXPECT_EQ(std::get<Tensor>(halves.data).dtype(), f32);
  EXPECT_THAT(std::get<Tensor>(halves.data).values(), ElementsAre(1, 2, -2, 3));
  const std::string v3 = "ctorch._utils\n_rebuild_tensor_v3\n(" + std::string("(") + text("storage") +
                         "ctorch.storage\nUntypedStorage\n" + text("0") + text("cpu") + "K\2tQ" + "K\0"s + ints({2}) +
                         ints({1}) + "\x89" + "ccollections\nOrderedDict\n)R" + "ctorch\nfloat8_e4m3fn\n" + "tR";
  EXPECT_THAT(std::get<Tensor>(load(v3, "\x38\xc0").data).values(), ElementsAre(1, -2));
}

TEST_F(PyTorch, RunsNothing) {
  EXPECT_THAT(refusal("cos\nsystem\n" + text("true") + "\x85R"),
              HasSubstr("byte 2 of its pickle: it asks for os.system"));
  EXPECT_THAT(refusal("cbuiltins\neval\n"), HasSubstr("builtins.eval, which is not run or built here"));
  EXPECT_THAT(refusal(text("posix") + text("system") + "\x93"), HasSubstr("posix.system"));
  EXPECT_THAT(refusal("ctorch.nn.modules.linear\nLinear\n"), HasSubstr("save model.state_dict()"));
  EXPECT_THAT(refusal("ctorch\nload\n"), HasSubstr("torch.load"));
  EXPECT_THAT(refusal("c__main__\n\x1b[31mred\n"), HasSubstr("\\x1B"));
  EXPECT_THAT(refusal("ctorch._utils\n_rebuild_qtensor\n"), HasSubstr("_rebuild_qtensor"));
  for (const char* opcode : {"i", "o", "\x81", "\x92", "\x82", "P", "R", "b"}) EXPECT_NE(refusal(opcode), "");
}

TEST_F(PyTorch, RefusesPicklesThatAreNone) {
  EXPECT_THAT(refusal(""), HasSubstr("it ends with other than one value"));
  EXPECT_THAT(refusal("NN"), HasSubstr("it ends with other than one value"));
  EXPECT_THAT(refusal("N.N"), HasSubstr("something follows its end"));
  EXPECT_THAT(refusal("X\xff\xff\xff\xff"), HasSubstr("it is cut off"));
  EXPECT_THAT(refusal("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), HasSubstr("it is cut off"));
  EXPECT_THAT(refusal("cos"), HasSubstr("it is cut off"));
  EXPECT_THAT(refusal("\x80\x63N"), HasSubstr("its protocol is 99"));
  EXPECT_THAT(refusal("t"), HasSubstr("it takes more values than it has"));
  EXPECT_THAT(refusal("(N\x86"), HasSubstr("it takes more values than it has"));
  EXPECT_THAT(refusal("q\1"), HasSubstr("it takes more values than it has"));
  EXPECT_THAT(refusal("h\7"), HasSubstr("it asks for the value 7, which it has not stored"));
  EXPECT_THAT(refusal("NNa"), HasSubstr("it appends to what is no list"));
  EXPECT_THAT(refusal("]NNs"), HasSubstr("what is no dict"));
  EXPECT_THAT(refusal("}(Nu"), HasSubstr("a key of a dict has no value"));
  EXPECT_THAT(refusal("}(NNu"), HasSubstr("neither text nor integer"));
  EXPECT_THAT(refusal("}(K\1NK\1Nu"), HasSubstr("a dict has the key 1 twice"));
  EXPECT_THAT(refusal("\x8a\x09" + std::string(9, '\1')), HasSubstr("more than 64 bits"));
  EXPECT_THAT(refusal("ctorch\nFloatStorage\n"), HasSubstr("it holds a function or a class"));
  EXPECT_THAT(refusal(storage("FloatStorage", 2)), HasSubstr("it holds a storage"));
}

TEST_F(PyTorch, RefusesValuesThatGrowWithoutEnd) {
  EXPECT_THAT(refusal("]q\1h\1a"), HasSubstr("or within themselves"));
  EXPECT_THAT(refusal(hostile::repeated("(", 100) + "N" + hostile::repeated("t", 100)), HasSubstr("64 others"));
  // Each list holds the one before it ten times.
  std::string laughs = "]";
  for (int i = 0; i < 40; ++i) {
    laughs += "q" + little(static_cast<unsigned>(i), 1) + "0](";
    for (int k = 0; k < 10; ++k) laughs += "h" + little(static_cast<unsigned>(i), 1);
    laughs += "e";
  }
  EXPECT_THAT(refusal(laughs), HasSubstr("it builds more than a file of its size may"));
  EXPECT_THAT(refusal("(" + hostile::repeated("]", 3'000'000) + "t"), HasSubstr("it builds more than"));
}

TEST_F(PyTorch, RefusesTensorsThatReachBeyondTheirStorage) {
  const std::string two = storage("FloatStorage", 2);
  const auto beyond = HasSubstr("reaches beyond its storage of 2 elements");
  EXPECT_THAT(refusal(rebuilt(two, {ints({3}), ints({1})})), beyond);
  EXPECT_THAT(refusal(rebuilt(two, {ints({2}), ints({2})})), beyond);
  EXPECT_THAT(refusal(rebuilt(two, {ints({2}), ints({1}), 1})), beyond);
  EXPECT_THAT(refusal(rebuilt(two, {ints({0}), ints({1}), 3})), beyond);
  EXPECT_THAT(refusal(rebuilt(two, {ints({2}), ints({1}), -1})), beyond);
  EXPECT_THAT(refusal(rebuilt(two, {ints({2}), ints({-1}), 1})), HasSubstr("no number from 0 on"));
  EXPECT_THAT(refusal(rebuilt(two, {ints({-2}), ints({1})})), HasSubstr("no number from 0 on"));
  EXPECT_THAT(refusal(rebuilt(two, {ints({2}), ints({})})), HasSubstr("other numbers of sizes and of strides"));
  const int huge = 2'000'000'000;
  EXPECT_THAT(refusal(rebuilt(two, {ints({huge, huge, huge}), ints({0, 0, 0})})),
              HasSubstr("more elements than a memory holds"));
  EXPECT_THAT(refusal(rebuilt(two, {ints({1, 1, 1, 1, 1, 1, 1, 1, 1}), ints({1, 1, 1, 1, 1, 1, 1, 1, 1})})),
              HasSubstr("a tensor has 9 axes"));
  EXPECT_THAT(refusal(rebuilt(two, {.hooks = "}K\1K\1s"})), HasSubstr("hooks"));
  EXPECT_THAT(refusal(rebuilt("N")), HasSubstr("a tensor has no storage"));
}

TEST_F(PyTorch, RefusesStoragesThatAreNotThere) {
  EXPECT_THAT(refusal(rebuilt(storage("FloatStorage", 3))), HasSubstr("has 8 bytes, where its pickle tells of 12"));
  EXPECT_THAT(refusal(rebuilt(storage("FloatStorage", 2, "9"))), HasSubstr("it has no member 'data/9'"));
  EXPECT_THAT(refusal(rebuilt(storage("FloatStorage", 2, "../../etc/passwd"))), HasSubstr("it has no member"));
  EXPECT_THAT(refusal(rebuilt(storage("FloatStorage", -1))), HasSubstr("is not (\"storage\", class"));
  EXPECT_THAT(refusal("(" + rebuilt(storage("FloatStorage", 2)) + rebuilt(storage("LongStorage", 1)) + "t"),
              HasSubstr("the storage '0' has two dtypes or sizes"));
  EXPECT_THAT(refusal(rebuilt(storage("ComplexFloatStorage", 1))), HasSubstr("torch.ComplexFloatStorage"));
  EXPECT_THAT(refusal(rebuilt(storage("BoolStorage", 2)), "\1\2"), HasSubstr("other than 0 and 1"));
}

TEST_F(PyTorch, RefusesOtherFiles) {
  const auto why = [&](const std::string& content) {
    const std::string path = folder_.write("b.pt", content);
    return message_of<IoError>([&] { load_pytorch(path); });
  };
  EXPECT_THAT(why("\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), HasSubstr("before PyTorch 1.6"));
  EXPECT_THAT(why("hello"), HasSubstr("does not begin as a ZIP archive"));
  EXPECT_THAT(why(""), HasSubstr("does not begin as a ZIP archive"));
  EXPECT_THAT(why(hostile::zip({{"a/b", "", {}}})), HasSubstr("it has no member 'data.pkl'"));
  EXPECT_THAT(why(hostile::zip({{"data.pkl", "N.", {}}})), HasSubstr("is in no folder"));
  EXPECT_THAT(why(hostile::zip({{"a/data.pkl", "N.", {}}, {"b/data.pkl", "N.", {}}})), HasSubstr("several folders"));
  EXPECT_THAT(why(hostile::zip({{"a/constants.pkl", "N.", {}}})), HasSubstr("TorchScript"));
  EXPECT_THAT(why(hostile::zip({{"a/byteorder", "big", {}}})), HasSubstr("not little-endian"));
  EXPECT_THAT(why(hostile::zip({{"a/data.pkl", "N.", {.deflated = true}}})), HasSubstr("is compressed"));
}

// ---- both ways ------------------------------------------------------------------------------------------------------

TEST_F(PyTorch, RoundTripsWhatItSaves) {
  const Tensor base = arange(6, f32);
  const NamedTensors tensors{{"layer.weight", reshape(base, {2, 3})},
                             {"layer.transposed", transpose(reshape(base, {2, 3}), 0, 1)},
                             {"alone", tensor({1, 2}, i64)},
                             {"f64", tensor({1e300, -0.0}, f64)},
                             {"i32", tensor({-1, 2}, i32)},
                             {"u8", tensor({255}, u8)},
                             {"bool", tensor({1, 0}, boolean)},
                             {"scalar", scalar(3)},
                             {"empty", zeros({0, 3})},
                             {"trained", parameter(ones({1}))}};
  save_pytorch(path_, tensors);
  const NamedTensors loaded = named_tensors(load_pytorch(path_));
  ASSERT_EQ(loaded.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(loaded[i].name, tensors[i].name);
    EXPECT_EQ(loaded[i].tensor.shape(), tensors[i].tensor.shape());
    EXPECT_EQ(loaded[i].tensor.dtype(), tensors[i].tensor.dtype());
    EXPECT_EQ(loaded[i].tensor.requires_grad(), tensors[i].tensor.requires_grad());
    EXPECT_EQ(loaded[i].tensor.values(), tensors[i].tensor.values());
  }
  // The first two share their memory.
  Tensor weight = loaded[0].tensor;
  weight.fill(7);
  EXPECT_EQ(loaded[1].tensor.values(), std::vector<double>(6, 7));
  EXPECT_FALSE(loaded[1].tensor.is_contiguous());
}

TEST_F(PyTorch, RoundTripsContainers) {
  const PythonValue checkpoint{PythonValue::Dict{
      {{"model"s}, {PythonValue::Dict{{{"w"s}, {ones({2})}}}}},
      {{"optimizer"s}, {PythonValue::Dict{{{std::int64_t{0}}, {PythonValue::Tuple{{{zeros({2})}, {2.5}}}}}}}},
      {{"epoch"s}, {std::int64_t{1} << 40}},
      {{"none"s}, {}},
      {{"list"s}, {PythonValue::List{{true}, {std::int64_t{-3}}}}}}};
  save_pytorch(path_, checkpoint);
  const PythonValue loaded = load_pytorch(path_);
  EXPECT_EQ(std::get<std::int64_t>(loaded["epoch"].data), std::int64_t{1} << 40);
  const NamedTensors tensors = named_tensors(loaded);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "model.w");
  EXPECT_EQ(tensors[1].name, "optimizer.0.0");
  EXPECT_THROW(
      named_tensors({PythonValue::Dict{{{"a.b"s}, {ones({1})}}, {{"a"s}, {PythonValue::Dict{{{"b"s}, {ones({1})}}}}}}}),
      ValueError);
}

TEST_F(PyTorch, SavesNothingThatCannotBeLoaded) {
  EXPECT_THROW(save_pytorch(path_, {{"a", ones({1})}, {"a", ones({1})}}), ValueError);
  EXPECT_THROW(save_pytorch(path_, {{"a", Tensor()}}), ValueError);
  EXPECT_THROW(save_pytorch(path_, PythonValue{PythonValue::Dict{{{2.5}, {}}}}), ValueError);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// ---- beside PyTorch -------------------------------------------------------------------------------------------------

class BesidePyTorch : public PyTorch {
 protected:
  void SetUp() override {
    SKIP_UNLESS(std::system("/usr/bin/python3 -c 'import torch' > /dev/null 2>&1") == 0,
                "needs Debian's python3-torch");
  }
  /// What the program prints; it runs in the test's folder, with a.pt to read or write.
  std::string run(const std::string& program) const {
    folder_.write("program.py", "import torch\n" + program);
    const std::string command = "cd " + folder_.path() + " && /usr/bin/python3 program.py > out 2>&1";
    if (std::system(command.c_str()) != 0) ADD_FAILURE() << content_of(folder_.path("out"));
    return content_of(folder_.path("out"));
  }
};

TEST_F(BesidePyTorch, ReadsItsCheckpoints) {
  run(R"(
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
optimizer = torch.optim.Adam(model.parameters())
model(torch.randn(4, 3)).sum().backward()
optimizer.step()
base = torch.arange(12.).reshape(3, 4)
kinds = [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
torch.save({'model': model.state_dict(), 'optimizer': optimizer.state_dict(), 'epoch': 3, 'rate': 0.1,
            'parameter': torch.nn.Parameter(torch.tensor([1., 2.])), 'base': base, 'part': base[1:, ::2].t(),
            'wide': torch.tensor([1., 2.])[:, None].expand(2, 3), 'size': base.shape, 'dtype': torch.float16,
            'kinds': [torch.tensor([1, 2, 100]).to(k) for k in kinds], 'bool': torch.tensor([True, False])}, 'a.pt')
)");
  const PythonValue value = load_pytorch(path_);
  const NamedTensors tensors = named_tensors(value);
  EXPECT_EQ(find(tensors, "model.0.weight")->shape(), Shape({2, 3}));
  EXPECT_EQ(find(tensors, "model.1.num_batches_tracked")->item(), 1);
  EXPECT_EQ(find(tensors, "optimizer.state.0.exp_avg")->shape(), Shape({2, 3}));
  EXPECT_EQ(std::get<std::int64_t>(value["epoch"].data), 3);
  EXPECT_EQ(std::get<double>(value["rate"].data), 0.1);
  EXPECT_TRUE(find(tensors, "parameter")->requires_grad());
  EXPECT_THAT(find(tensors, "part")->values(), ElementsAre(4, 8, 6, 10));
  EXPECT_THAT(find(tensors, "wide")->values(), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_EQ(std::get<std::int64_t>(std::get<PythonValue::Tuple>(value["size"].data).items[1].data), 4);
  EXPECT_EQ(std::get<std::string>(value["dtype"].data), "torch.float16");
  for (int i = 0; i < 8; ++i)
    EXPECT_THAT(find(tensors, "kinds." + std::to_string(i))->values(), ElementsAre(1, 2, 100)) << i;
  EXPECT_EQ(find(tensors, "kinds.5")->dtype(), i32);
  EXPECT_EQ(find(tensors, "bool")->dtype(), boolean);
  EXPECT_EQ(engine::node_of(*find(tensors, "base")).storage, engine::node_of(*find(tensors, "part")).storage);
}

TEST_F(BesidePyTorch, RefusesItsModulesByName) {
  run("torch.save(torch.nn.Linear(1, 1), 'a.pt')\n");
  EXPECT_THAT(message_of<IoError>([&] { load_pytorch(path_); }), HasSubstr("torch.nn.modules.linear.Linear"));
}

// Ours, its, ours: the same bits.
TEST_F(BesidePyTorch, ReadsOursAsWeightsOnly) {
  const Tensor base = arange(6, f32);
  const NamedTensors tensors{{"0.weight", reshape(base, {3, 2})},
                             {"0.transposed", transpose(reshape(base, {3, 2}), 0, 1)},
                             {"nan", tensor({std::numeric_limits<double>::quiet_NaN(), -0.0}, f64)},
                             {"bool", tensor({1, 0}, boolean)},
                             {"i64", tensor({-5}, i64)},
                             {"i32", tensor({-5}, i32)},
                             {"u8", tensor({200}, u8)},
                             {"empty", zeros({0})},
                             {"trained", parameter(scalar(0.1))}};
  save_pytorch(path_, tensors);
  const std::string out = run(R"(
state = torch.load('a.pt', weights_only=True)
for name, t in state.items(): print(name, t.dtype, list(t.shape), t.stride(), t.requires_grad)
print(state['0.weight'].data_ptr() == state['0.transposed'].data_ptr())
torch.save(state, 'b.pt')
)");
  EXPECT_EQ(out,
            "0.weight torch.float32 [3, 2] (2, 1) False\n0.transposed torch.float32 [2, 3] (1, 2) False\n"
            "nan torch.float64 [2] (1,) False\nbool torch.bool [2] (1,) False\ni64 torch.int64 [1] (1,) False\n"
            "i32 torch.int32 [1] (1,) False\nu8 torch.uint8 [1] (1,) False\nempty torch.float32 [0] (1,) False\n"
            "trained torch.float32 [] () True\nTrue\n");
  const NamedTensors back = named_tensors(load_pytorch(folder_.path("b.pt")));
  save_pytorch(folder_.path("c.pt"), back);
  EXPECT_EQ(content_of(path_), content_of(folder_.path("c.pt")));
}

}  // namespace
}  // namespace tapegrad::io
