// Pictures with objects: COCO's annotations, batches, and their reflections.

#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/detection.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Coco : public ::testing::Test {
 protected:
  Coco() {
    folder_.write("a.pgm", "P5 4 2 255\nabcdefgh");
    folder_.write("b.pgm", "P5 4 2 255\nABCDEFGH");
  }
  static std::string json(const std::string& annotations, const std::string& more = "") {
    return R"({"images": [{"id": 7, "file_name": "a.pgm", "width": 4, "height": 2}, {"id": 3, "file_name": "b.pgm"}],
               "categories": [{"id": 90, "name": "cat"}, {"id": 20, "name": "dog", "supercategory": "animal"}],
               "annotations": [)" +
           annotations + "]" + more + "}";
  }
  ObjectPictures read(const std::string& text, const ImageFolderOptions& options = {}) const {
    return read_coco(folder_.write("set.json", text), folder_.path(), options);
  }
  std::string refused(const std::string& text, const ImageFolderOptions& options = {}) const {
    return message_of<IoError>([&] { read(text, options); });
  }
  const TemporaryFolder folder_;
  const std::string two_ = R"({"image_id": 3, "category_id": 20, "bbox": [0, 0.5, 2, 1], "iscrowd": 0},
                              {"image_id": 3, "category_id": 90, "bbox": [1, 0, 3, 2]})";
};

TEST_F(Coco, IsReadPictureByPicture) {
  const ObjectPictures set = read(json(two_));
  EXPECT_EQ(set.images.shape(), (Shape{2, 1, 2, 4}));
  EXPECT_THAT(set.classes, ElementsAre("dog", "cat")) << "in the order of their ids";
  EXPECT_EQ(set.objects[0].shape(), (Shape{0, 5}));
  EXPECT_THAT(set.objects[1].values(), ElementsAre(0, 0.5, 2, 1.5, 0, 1, 0, 4, 2, 1));
  const ObjectPictures known = read(json(two_), {.size = {{4, 2}}, .channels = 3, .classes = {"bird", "cat", "dog"}});
  EXPECT_EQ(known.images.shape(), (Shape{2, 3, 4, 2}));
  EXPECT_THAT(known.objects[1].values(), ElementsAre(0, 1, 1, 3, 2, 0.5, 0, 2, 4, 1)) << "the boxes go with them";
}

TEST_F(Coco, SaysWhatIsWrong) {
  const auto one = [&](const std::string& fields) { return json("{" + fields + "}"); };
  EXPECT_THAT(refused("[1, 2"), HasSubstr("set.json"));
  EXPECT_THAT(refused("[]"), HasSubstr("set.json: has no list categories; expected the lists images, annotations"));
  EXPECT_THAT(refused(one(R"("image_id": 7, "category_id": 20)")), HasSubstr("annotations[0]: its bbox is missing"));
  EXPECT_THAT(refused(one(R"("image_id": 9, "category_id": 20, "bbox": [0, 0, 1, 1])")),
              HasSubstr("annotations[0]: no image has its image_id"));
  EXPECT_THAT(refused(one(R"("image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1])")),
              HasSubstr("annotations[0]: no category has its category_id"));
  EXPECT_THAT(refused(one(R"("image_id": 7, "category_id": 20, "bbox": [0, 0, 1, 0])")),
              HasSubstr("its bbox is [0, 0, 1, 0]; expected [left, top, width, height], the last two above 0"));
  EXPECT_THAT(refused(one(R"("image_id": 7, "category_id": 20, "bbox": [3, 0, 4, 1])")),
              HasSubstr("its bbox [3, 0, 4, 1] leaves a.pgm, which is 4 wide and 2 high"));
  EXPECT_THAT(refused(one(R"("image_id": 7, "category_id": 20, "bbox": [0, 0, 1, 1], "iscrowd": 1)")),
              HasSubstr("annotations[0]: is of a crowd"));
  EXPECT_THAT(refused(json(two_), {.classes = {"cat"}}), HasSubstr("categories: \"dog\" is not known; there are cat"));
  EXPECT_THAT(refused(R"({"images": [{"id": 1, "file_name": "../a.pgm"}], "categories": [{"id": 1, "name": "x"}],
                          "annotations": []})"),
              HasSubstr("images[0]: the file_name \"../a.pgm\" leads out of the folder"));
  folder_.write("b.pgm", "P5 2 2 255\nABCD");
  EXPECT_THAT(refused(json("")), HasSubstr("b.pgm: is 2 × 2, where "));
}

TEST_F(Coco, ComesInBatches) {
  const DetectionDataset set(read(json(two_)), {.mean = 0, .deviation = 0.5});
  const Batch batch = set.batch(std::vector<std::int64_t>{0, 1});
  EXPECT_EQ(batch.inputs[0].shape(), (Shape{2, 1, 2, 4}));
  EXPECT_FLOAT_EQ(static_cast<float>(batch.inputs[0].at({0, 0, 0, 1})), 'b' / 127.5F);
  EXPECT_THAT(batch.targets[0].values(), ElementsAre(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  EXPECT_THAT(batch.targets[1].values(), ElementsAre(0, 0.5, 2, 1.5, 0, 1, 0, 4, 2, 1));
  EXPECT_EQ(set.batch(std::vector<std::int64_t>{0}).targets.shape(), (Shape{1, 0, 5}));
  EXPECT_THROW(DetectionDataset({zeros({2, 1, 2, 2}, u8), {zeros({0, 5})}, {"a"}}, {}), ShapeError);
}

TEST_F(Coco, IsReflectedWithItsObjects) {
  const DetectionDataset set(read(json(two_)), {});
  Batch batch = set.batch(std::vector<std::int64_t>{1});
  augment::flip_objects(1, 1)(batch, std::vector<std::int64_t>{1}, 0);
  EXPECT_FLOAT_EQ(static_cast<float>(batch.inputs[0].at({0, 0, 0, 0})), 'D' / 255.0F);
  EXPECT_THAT(batch.targets.values(), ElementsAre(2, 0.5, 4, 1.5, 0, 0, 0, 3, 2, 1));
  // Picture and objects are reflected together or not at all.
  int reflected = 0;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    Batch some = set.batch(std::vector<std::int64_t>{1});
    augment::flip_objects(1)(some, std::vector<std::int64_t>{1}, epoch);
    const bool is_reflected = some.inputs[0].at({0, 0, 0, 0}) > some.inputs[0].at({0, 0, 0, 1});
    EXPECT_EQ(some.targets.at({0, 0, 0}), is_reflected ? 2 : 0);
    reflected += is_reflected;
  }
  EXPECT_GT(reflected, 3);
  EXPECT_LT(reflected, 17);
}

}  // namespace
}  // namespace tapegrad::data
