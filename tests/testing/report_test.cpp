#include <gtest/gtest.h>

#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::testing {
namespace {

TEST(GradientReportText, AlignsItsColumns) {
  GradientReport report{.name = "my_loss", .order = 2, .absolute_tolerance = 1e-6, .relative_tolerance = 1e-6};
  report.compared = 36;
  report.mismatches = {{1, "0 'weight'", "[1, 2]", "[0]", 1.001, 1, 500},
                       {2, "1", "[11]", "nested", -12.25, -12.5, 0.25 / 1.35e-5}};
  report.kinks = {{1, "0 'weight'", "[0, 0]", "[0]", 0, 0, 1}};
  report.problems = {"two calls differ"};
  report.diagnoses = {"input 0: it is wrong"};
  report.warnings = {"input 2 is i64 [3]: not differentiated"};
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(to_string(report),
            "gradients of my_loss: WRONG (order 2, f64, tolerance 1e-06 + 1e-06 relative; 36 compared)\n"
            "problem: two calls differ\n"
            "diagnosis: input 0: it is wrong\n"
            "2 derivatives are wrong, the worst first:\n"
            "  order  input       element  output  analytic  numeric  absolute  relative\n"
            "  1      0 'weight'  [1, 2]   [0]        1.001        1  1.00e-03  9.99e-04\n"
            "  2      1           [11]     nested    -12.25    -12.5  2.50e-01  2.00e-02\n"
            "1 kink, not compared:\n"
            "  order  input       element  output  analytic  left  right\n"
            "  1      0 'weight'  [0, 0]   [0]            0     0      1\n"
            "warning: input 2 is i64 [3]: not differentiated\n");
}

TEST(GradientReportText, SaysHowGoodARightOneIs) {
  GradientReport report{.name = "f", .absolute_tolerance = 1e-6, .relative_tolerance = 1e-6};
  report.compared = 4;
  report.worst = {1, "0", "[2]", "[2]", 3, 3 + 1e-10, 2.5e-5};
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(to_string(report),
            "gradients of f: correct (order 1, f64, tolerance 1e-06 + 1e-06 relative; 4 compared)\n"
            "largest error: 1.00e-10, order 1, input 0, element [2], output [2]\n");
}

TEST(GradientReportText, AbridgesLongLists) {
  GradientReport report;
  report.mismatches.resize(30);
  EXPECT_NE(to_string(report).find("… and 18 more"), std::string::npos);
}

}  // namespace
}  // namespace tapegrad::testing
