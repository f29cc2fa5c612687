// tapegrad op, against numbers from NumPy 1.24: values by its functions, gradients of solve by its formula in NumPy,
// second-order products by complex steps through that.

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/io/npy.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

class OpCommand : public Program {
 protected:
  void save(const std::string& name, const Tensor& t) const { io::save_npy(folder_ / name, t); }
  void expect(const std::string& file, const Tensor& wanted, double tolerance = 1e-13) const {
    const Tensor got = io::load_npy(folder_ / file);
    EXPECT_EQ(got.shape(), wanted.shape()) << file;
    EXPECT_EQ(got.dtype(), wanted.dtype()) << file;
    EXPECT_THAT(got.values(), Pointwise(DoubleNear(tolerance), wanted.values())) << file;
  }
  void succeed(const std::string& arguments) const {
    const Outcome o = run(arguments);
    EXPECT_EQ(o.status, 0) << arguments << '\n' << o.err;
    EXPECT_EQ(o.err, "");
  }
};

Tensor matrix(std::initializer_list<double> values, const Shape& shape) { return tensor(values, shape, f64); }

TEST_F(OpCommand, WritesValueGradientsAndSecondOrderProducts) {
  save("a.npy", matrix({4, 1, -1, 2, 5, 1, 0, -2, 3}, {3, 3}));
  save("b.npy", matrix({1, 2, 0, -1, 3, 1}, {3, 2}));
  save("g.npy", matrix({1, -1, 2, 0.5, 0, 3}, {3, 2}));
  save("va.npy", matrix({1, 0, 2, -1, 1, 0, 0, 3, 1}, {3, 3}));
  save("vb.npy", matrix({1, 1, 0, 2, -1, 0}, {3, 2}));
  succeed("op solve a.npy b.npy --cotangent g.npy --order 2 --vector va.npy --vector vb.npy --out solved");
  EXPECT_THAT(files("solved"), ElementsAre("grad2_a.npy", "grad2_b.npy", "grad_a.npy", "grad_b.npy", "y.npy"));
  expect("solved/y.npy", matrix({0.5303030303030303, 0.6212121212121212, -0.3636363636363636, -0.45454545454545453,
                                 0.7575757575757576, 0.030303030303030318},
                                {3, 2}));
  expect("solved/grad_a.npy", matrix({0.2610192837465565, -0.1928374655647383, -0.042699724517906344,
                                      -0.4765840220385674, 0.34022038567493107, -0.27823691460055094,
                                      -0.37534435261707993, 0.2768595041322314, 0.04820936639118455},
                                     {3, 3}));
  expect("solved/grad_b.npy", matrix({0.07575757575757577, -0.48484848484848486, 0.34848484848484845,
                                      0.4696969696969697, -0.0909090909090909, 0.6818181818181819},
                                     {3, 2}));
  expect("solved/grad2_a.npy",
         matrix({-0.22486225895316805, 0.411386593204775, 0.27341597796143247, 0.330922865013774, -0.5107897153351698,
                 -0.3009641873278237, -0.39072543617998157, -0.06542699724517911, -0.5133149678604225},
                {3, 3}));
  expect("solved/grad2_b.npy", matrix({0.08080808080808079, 0.45707070707070707, -0.025252525252525252,
                                       -0.4368686868686869, 0.015151515151515138, 0.39393939393939403},
                                      {3, 2}));
}

TEST_F(OpCommand, TakesTheSpellingsOfNumPyAndPyTorch) {
  save("x.npy", tensor({1, 2, 3, 4, -1, 0.5}, {2, 3}));
  const Tensor all = tensor({2.7013890743255615}, {1, 1}), rows = tensor({1, 6.583333492279053});
  for (const char* attributes :
       {"'axes=(0,1)' --attr keepdims=True --attr ddof=0", "'axis=[0,1]' --attr keepdims=1 --attr correction=0",
        "dim=0,1 --attr keepdim=true "
        "--attr correction=0"}) {
    succeed(std::string("op var x.npy --out v --attr ") + attributes);
    expect("v/y.npy", all, 1e-6);
    expect("v/grad_x.npy", tensor({-0.19444444, 0.13888889, 0.47222222, 0.80555556, -0.86111111, -0.36111111}, {2, 3}),
           1e-6);
  }
  succeed("op var x.npy --attr axis=1 --out v");
  expect("v/y.npy", rows, 1e-6);
  succeed("op cast x.npy --attr dtype=float64 --out v");
  expect("v/y.npy", matrix({1, 2, 3, 4, -1, 0.5}, {2, 3}));
  succeed("op cumsum x.npy --attr dim=-1 --out v");
  expect("v/y.npy", tensor({1, 3, 6, 4, 3, 3.5}, {2, 3}));
}

TEST_F(OpCommand, BroadcastsAndTakesIntegersAndSeveralFiles) {
  save("a.npy", matrix({1, 2, 3, -5}, {2, 2}));
  save("b.npy", tensor({0.5, 2}, f64));
  succeed("op logaddexp a.npy b.npy --out out");
  expect("out/y.npy", matrix({1.4740769841801067, 2.6931471805599454, 3.0788897342925496, 2.000911466453774}, {2, 2}));
  EXPECT_EQ(io::load_npy(folder_ / "out/grad_b.npy").shape(), Shape{2});
  save("i.npy", tensor({3, -1, 2}, i64));
  succeed("op cumsum i.npy --attr axis=0 --out ints");
  expect("ints/y.npy", tensor({3, 2, 4}, i64));
  EXPECT_THAT(files("ints"), ElementsAre("y.npy"));
  succeed("op concat b.npy b.npy b.npy --out joined");
  EXPECT_THAT(files("joined"), ElementsAre("grad_x0.npy", "grad_x1.npy", "grad_x2.npy", "y.npy"));
}

TEST_F(OpCommand, GoesToTheThirdOrder) {
  save("x.npy", tensor({2, -1}, f64));
  save("v.npy", tensor({3, 0.5}, f64));
  succeed("op square x.npy --order 3 --vector v.npy --out out");
  expect("out/grad_x.npy", tensor({4, -2}, f64));
  expect("out/grad2_x.npy", tensor({6, 1}, f64));
  expect("out/grad3_x.npy", tensor({0, 0}, f64));
}

TEST_F(OpCommand, TellsAttributesAndShapes) {
  const Outcome help = run("op var --help");
  EXPECT_EQ(help.status, 0);
  for (const char* part : {"var(x", "axes", "keepdims", "default false", "correction", "Shapes, for example", "->"})
    EXPECT_THAT(help.out, HasSubstr(part));
  EXPECT_THAT(run("op gather --help").out, HasSubstr("without a gradient"));
  EXPECT_THAT(run("op square -h").out, HasSubstr("Attributes: none"));
  EXPECT_THAT(run("op --help").out, HasSubstr("Examples:"));
}

TEST_F(OpCommand, RefusesWhatItCannotRunAndLeavesNothingBehind) {
  save("a.npy", matrix({1, 1, 1, 1}, {2, 2}));
  save("b.npy", tensor({1, 2, 3}, f64));
  write("text.npy", "1 2 3");
  expect_refused("op", {"name an operation"});
  expect_refused("op sollve a.npy b.npy --out out", {"no op is called 'sollve'", "solve"});
  expect_refused("op solve a.npy b.npy --out out", {"solve: a is [2, 2] and b [3]"});
  expect_refused("op solve a.npy --out out", {"solve: takes"});
  expect_refused("op inverse a.npy --out out", {"inverse: a, f64 [2, 2]", "is singular"});
  expect_refused("op sum a.npy --attr axes=5 --out out", {"sum: axis 5"});
  expect_refused("op sum a.npy --attr axxes=0 --out out", {"sum: no attribute 'axxes'; it has axes, keepdims"});
  expect_refused("op sum a.npy --attr axes=x --out out", {"attribute axes: 'x' is not a list of whole numbers"});
  expect_refused("op sum a.npy --attr axes --out out", {"--attr 'axes' is not name=value"});
  expect_refused("op sum text.npy --out out", {"text.npy: not an npy file"});
  expect_refused("op sum missing.npy --out out", {"missing.npy"});
  expect_refused("op sum a.npy", {"--out is missing"});
  expect_refused("op exp a.npy --cotangent b.npy --out out",
                 {"the cotangent b.npy is [3], the value [2, 2]; the shapes must be equal"});
  expect_refused("op exp a.npy --order 2 --vector b.npy --out out", {"the vector b.npy is [3], input x [2, 2]"});
  expect_refused("op exp a.npy --vector a.npy --out out", {"--vector is for second-order products"});
  expect_refused("op mul a.npy a.npy --order 2 --vector a.npy --out out", {"1 files for --vector and 2 inputs"});
  expect_refused("op argsort a.npy --order 2 --out out", {"argsort of these inputs has no gradient"});
  expect_refused("op exp a.npy --out a.npy", {"a.npy: is a file, not a folder"});
  expect_refused("op exp a.npy --order 4 --out out", {"--order"});
}

}  // namespace
}  // namespace tapegrad::tools
