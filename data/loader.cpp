#include <tapegrad/data/loader.hpp>

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>
#include <thread>

namespace tapegrad::data {

namespace {

void require_whole(const Batch& batch, std::int64_t rows, const char* who) {
  if (batch.rows != rows)
    throw ValueError(fmt::format("DataLoader: {} a batch of {} rows, where {} were asked for", who, batch.rows, rows));
  for (std::size_t i = 0; i < batch.inputs.size(); ++i)
    if (!batch.inputs[i].defined())
      throw ValueError(fmt::format("DataLoader: {} a batch whose input {} is undefined", who, i));
}

}  // namespace

/// Makes the batches from `first` to `last` on a thread, `depth` of them ahead at most.
class DataLoader::Ahead {
 public:
  Ahead(const DataLoader& loader, std::int64_t first, std::int64_t last, std::int64_t depth)
      : left_(last - first), thread_([this, &loader, first, last, depth](const std::stop_token& stop) {
          run(stop, loader, first, last, static_cast<std::size_t>(depth));
        }) {}

  bool next(Batch& batch) {
    if (left_ == 0) return false;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || error_; });
    if (ready_.empty()) std::rethrow_exception(error_);
    batch = std::move(ready_.front());
    ready_.pop_front();
    --left_;
    changed_.notify_all();
    return true;
  }

 private:
  // Nothing may leave a thread but through next().
  void run(const std::stop_token& stop, const DataLoader& loader, std::int64_t first, std::int64_t last,
           std::size_t depth) {
    try {
      const NoGrad no_grad;
      for (std::int64_t i = first; i < last && !stop.stop_requested(); ++i) {
        Batch batch = loader.make(i);
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return ready_.size() < depth; })) return;
        ready_.push_back(std::move(batch));
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      changed_.notify_all();
    }
  }

  std::int64_t left_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> ready_;
  std::exception_ptr error_;
  std::jthread thread_;  // last: it uses the others, and ends before they do
};

DataLoader::DataLoader(const Dataset& dataset, LoaderOptions options)
    : dataset_(&dataset), options_(std::move(options)), epoch_({}, options_.batch_size) {
  if (options_.batch_size < 1)
    throw ValueError(fmt::format("batch_size is {}; a batch needs 1 row at least", options_.batch_size));
  if (options_.prefetch < 0) throw ValueError(fmt::format("prefetch is {}; it is at least 0", options_.prefetch));
  if (!options_.sampler)
    options_.sampler = options_.shuffle ? sampler::shuffled(all_rows(dataset.size()), options_.seed)
                                        : sampler::in_order(all_rows(dataset.size()));
  start(0);
}

DataLoader::~DataLoader() = default;

void DataLoader::start(std::int64_t number) {
  ahead_.reset();
  std::vector<std::int64_t> rows = options_.sampler(number);
  check_rows(rows, dataset_->size());
  if (options_.drop_last) rows.resize(rows.size() - rows.size() % static_cast<std::size_t>(options_.batch_size));
  epoch_ = RowEpoch(std::move(rows), options_.batch_size);
  number_ = number;
  position_ = 0;
}

Batch DataLoader::make(std::int64_t i) const {
  const std::span<const std::int64_t> rows = epoch_[i];
  Batch batch = dataset_->batch(rows);
  require_whole(batch, std::ssize(rows), "the data set gave");
  if (!options_.transform) return batch;
  options_.transform(batch, rows, number_);
  require_whole(batch, std::ssize(rows), "the transform left");
  return batch;
}

bool DataLoader::next(Batch& batch) {
  if (position_ >= epoch_.size()) return false;
  if (options_.prefetch == 0) {
    batch = make(position_);
  } else {
    if (!ahead_) ahead_ = std::make_unique<Ahead>(*this, position_, epoch_.size(), options_.prefetch);
    ahead_->next(batch);
  }
  ++position_;
  return true;
}

void DataLoader::skip(std::int64_t count) {
  ahead_.reset();
  position_ += count;
}

std::int64_t DataLoader::batches() const { return epoch_.size(); }

}  // namespace tapegrad::data
