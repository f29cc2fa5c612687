// How the pictures of the built-in models look, measured: nothing lies on anything else, little is empty, nothing is
// too small to read where GitHub shows it.

#include <array>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <cmath>
#include <regex>
#include <set>
#include <sstream>
#include <utility>

#include "../needs.hpp"
#include "program.hpp"

namespace tapegrad::tools {
namespace {

using Tree = boost::property_tree::ptree;
using Point = std::array<double, 2>;

constexpr double kColumn = 980;  // pixels, of a page on GitHub
constexpr double kPixelsPerPoint = 4. / 3;
constexpr double kSmallestText = 9;  // pixels
constexpr double kSquare = 72;       // points: an inch
constexpr double kMostEmpty = 0.4;

struct Box {
  std::string name;
  double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;

  void add(const Point& p) {
    left = std::min(left, p[0]), right = std::max(right, p[0]);
    top = std::min(top, p[1]), bottom = std::max(bottom, p[1]);
  }
  bool overlaps(const Box& other) const {
    constexpr double kTouch = 0.5;
    return std::min(right, other.right) - std::max(left, other.left) > kTouch &&
           std::min(bottom, other.bottom) - std::max(top, other.top) > kTouch;
  }
};

struct Curve {
  std::string name;
  std::vector<Point> points;  // along it
};

struct Picture {
  double width = 0, height = 0, smallest_text = INFINITY;
  Box all;
  std::vector<Box> boxes, labels;
  std::vector<Curve> curves;
};

std::vector<Point> points_in(const std::string& text) {
  static const std::regex kPoint("(-?[0-9.]+)[, ](-?[0-9.]+)");
  std::vector<Point> points;
  for (std::sregex_iterator match(text.begin(), text.end(), kPoint), end; match != end; ++match)
    points.push_back({std::stod((*match)[1]), std::stod((*match)[2])});
  return points;
}

// Of the Bézier curves that an edge is made of.
std::vector<Point> along(const std::vector<Point>& controls) {
  constexpr int kSteps = 20;
  std::vector<Point> points;
  for (std::size_t c = 0; c + 3 < controls.size(); c += 3) {
    for (int step = 0; step <= kSteps; ++step) {
      const double t = static_cast<double>(step) / kSteps, s = 1 - t;
      const std::array weights{s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t};
      Point p{0, 0};
      for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t axis = 0; axis < 2; ++axis) p[axis] += weights[k] * controls[c + k][axis];
      points.push_back(p);
    }
  }
  return points;
}

// Of all that is drawn in a group, but its text.
void add_shapes(const Tree& group, Box& box) {
  for (const auto& [tag, child] : group) {
    for (const Point& p : points_in(child.get("<xmlattr>.points", child.get("<xmlattr>.d", "")))) box.add(p);
    if (tag == "g" || tag == "a") add_shapes(child, box);
  }
}

template <class Visit>
void for_each_text(const Tree& group, const Visit& visit) {
  for (const auto& [tag, child] : group) {
    if (tag == "text") visit(child);
    if (tag == "g" || tag == "a") for_each_text(child, visit);
  }
}

void add_edge(const Tree& group, const std::string& name, Picture& picture) {
  Box label{name};
  for_each_text(group, [&](const Tree& text) {
    constexpr double kWidth = 0.5;  // of a character, as a share of its height
    const double size = text.get<double>("<xmlattr>.font-size");
    const double width = kWidth * size * static_cast<double>(text.data().size());
    const double anchor = text.get("<xmlattr>.text-anchor", "") == "middle" ? width / 2 : 0;
    const double left = text.get<double>("<xmlattr>.x") - anchor, y = text.get<double>("<xmlattr>.y");
    label.add({left, y - 0.7 * size});
    label.add({left + width, y});
    picture.labels.push_back(label);
  });
  for (const auto& [tag, child] : group) {
    if (tag == "path") picture.curves.push_back({name, along(points_in(child.get("<xmlattr>.d", "")))});
    if (tag == "g" || tag == "a") add_edge(child, name, picture);
  }
}

void add_group(const Tree& group, Picture& picture) {
  for (const auto& [tag, child] : group) {
    if (tag != "g") continue;
    const std::string kind = child.get("<xmlattr>.class", ""), name = child.get("title", "");
    if (kind == "node") {
      picture.boxes.push_back({name});
      add_shapes(child, picture.boxes.back());
    } else if (kind.starts_with("edge")) {
      add_edge(child, name, picture);
    } else {
      add_group(child, picture);
    }
  }
}

Picture read_picture(const std::string& svg) {
  std::istringstream text(svg);
  Tree document;
  boost::property_tree::read_xml(text, document);
  const Tree& root = document.get_child("svg");
  Picture picture;
  picture.width = std::stod(root.get<std::string>("<xmlattr>.width"));
  picture.height = std::stod(root.get<std::string>("<xmlattr>.height"));
  add_group(root, picture);
  for_each_text(root, [&](const Tree& line) {
    picture.smallest_text = std::min(picture.smallest_text, line.get<double>("<xmlattr>.font-size"));
  });
  for (const Box& box : picture.boxes) {
    picture.all.add({box.left, box.top});
    picture.all.add({box.right, box.bottom});
  }
  return picture;
}

// The share of inch squares in which nothing is drawn.
double empty_share(const Picture& picture) {
  std::set<std::pair<long, long>> used;
  const auto square = [&](double x, double y) {
    return std::pair(static_cast<long>((x - picture.all.left) / kSquare),
                     static_cast<long>((y - picture.all.top) / kSquare));
  };
  for (const Box& box : picture.boxes) {
    const auto [left, top] = square(box.left, box.top);
    const auto [right, bottom] = square(box.right, box.bottom);
    for (long x = left; x <= right; ++x)
      for (long y = top; y <= bottom; ++y) used.emplace(x, y);
  }
  const auto [columns, rows] = square(picture.all.right, picture.all.bottom);
  for (const Curve& curve : picture.curves)
    for (const Point& p : curve.points)
      if (const auto at = square(p[0], p[1]); at.first <= columns && at.second <= rows) used.insert(at);
  return 1 - static_cast<double>(used.size()) / static_cast<double>((columns + 1) * (rows + 1));
}

bool cross(const Point& a, const Point& b, const Point& c, const Point& d) {
  const auto side = [](const Point& p, const Point& q, const Point& r) {
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
  };
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

int crossings(const std::vector<Curve>& curves) {
  int count = 0;
  for (std::size_t i = 0; i < curves.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      for (std::size_t a = 1; a < curves[i].points.size(); ++a)
        for (std::size_t b = 1; b < curves[j].points.size(); ++b)
          count += cross(curves[i].points[a - 1], curves[i].points[a], curves[j].points[b - 1], curves[j].points[b]);
  return count;
}

TEST_F(Program, DrawsPicturesThatAreEasyToRead) {
  SKIP_UNLESS(has_program("dot"), "needs Graphviz");
  for (const char* example : {"mlp", "cnn", "lstm", "transformer", "text-classifier"}) {
    for (const char* options : {"", "--depth 1", "--joint"}) {
      SCOPED_TRACE(std::string(example) + " " + options);
      const Outcome drawn = run(std::string("graph --example ") + example + " " + options + " -o picture.svg");
      ASSERT_EQ(drawn.status, 0) << drawn.err;
      const Picture picture = read_picture(content_of(folder_ / "picture.svg"));
      for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j)
          EXPECT_FALSE(picture.boxes[i].overlaps(picture.boxes[j]))
              << picture.boxes[i].name << ", " << picture.boxes[j].name;
        for (const Box& label : picture.labels)
          EXPECT_FALSE(picture.boxes[i].overlaps(label))
              << "label of " << label.name << " on " << picture.boxes[i].name;
      }
      EXPECT_LE(empty_share(picture), kMostEmpty);
      const double scale = std::min(1., kColumn / (picture.width * kPixelsPerPoint));
      EXPECT_GE(picture.smallest_text * kPixelsPerPoint * scale, kSmallestText);
      if (std::string(options) != "--joint") {
        EXPECT_EQ(crossings(picture.curves), 0);
      }
    }
  }
}

}  // namespace
}  // namespace tapegrad::tools
