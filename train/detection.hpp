#pragma once
// How well a detector finds objects.

#include <array>
#include <cstdint>
#include <span>
#include <tapegrad/ops/detection.hpp>
#include <vector>

namespace tapegrad::train {

/// Average precision as COCO computes it (Lin et al. 2014, pycocotools' bbox, all areas, 100 detections of a class in a
/// picture): detections of a class are taken by falling score, over all pictures, and each is right if it overlaps an
/// object of its class that no earlier one has taken; of several, the one that it overlaps most. Precision, made to
/// never rise with recall, is averaged at the recalls 0, 0.01, … 1.
class AveragePrecision {
 public:
  /// The overlaps that are asked for: 0.5, 0.55, … 0.95.
  static constexpr std::size_t kOverlaps = 10;

  /// ValueError if there are no classes.
  explicit AveragePrecision(std::int64_t classes);

  /// Of one picture; objects are [n, 5]: left, top, right, bottom, class. IndexError for a class that is not there.
  void add(const Detections& found, const Tensor& objects);

  /// Of a class at each overlap; NaN of a class without any object.
  std::array<double, kOverlaps> of_class(std::int64_t label) const;
  std::int64_t objects(std::int64_t label) const;
  /// The means over the classes that have objects, at an overlap of 0.5 and over all ten (mAP@0.5, mAP@0.5:0.95); NaN
  /// without any object.
  double at_half() const;
  double mean() const;

 private:
  struct Hit {
    double score;
    std::array<bool, kOverlaps> right;
  };
  struct Class {
    std::vector<Hit> hits;
    std::int64_t objects = 0;
  };
  Class& of(double label);
  double mean_over_classes(std::size_t first, std::size_t last) const;

  std::vector<Class> classes_;
};

}  // namespace tapegrad::train
