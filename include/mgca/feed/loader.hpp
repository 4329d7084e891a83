// Batches in order, prepared ahead by background threads.
// Which records form batch k of epoch e, and every random draw inside it, is a function of (seed, epoch, record), so
// the stream is the same for any number of threads and can be entered at any batch: resuming needs two numbers.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/random.hpp>
#include <mgca/data/sampler.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mgca {

// Where samples come from: makes the batch of some records. Called from several threads at once.
template <class S>
concept SampleSource = requires(const S& source, std::span<const int64_t> records, RandomKey key) {
  typename S::Batch;
  { source.size() } -> std::convertible_to<int64_t>;
  { source.batch(records, key) } -> std::same_as<typename S::Batch>;  // key.sample is set by the source, per record
};

enum class LastBatch : uint8_t { keep, drop };
constexpr auto names_of(LastBatch) { return std::to_array<std::string_view>({"keep", "drop"}); }

struct LoaderOptions {
  int64_t batch_size = 72;
  Order order = Order::shuffled;
  LastBatch last_batch = LastBatch::drop;  // a smaller last batch changes batch statistics and the number of negatives
  int64_t threads = 1;                     // 0: batches are made by the caller
  int64_t ahead = 4;                       // batches ready or in the making
  double warn_after = 60;                  // seconds without a batch before "loader_slow" is told, and told again
  uint64_t seed = 42;
  bool pinned = false;  // page-locked batches, which a GPU copies while it computes; changes no number, so no part of a configuration

  static void describe(auto& self, auto&& field) {
    field("batch_size", self.batch_size, "records per batch");
    field("order", self.order, "order of the records within an epoch");
    field("last_batch", self.last_batch, "what happens to a last batch that is not full");
    field("threads", self.threads, "background threads; 0: none");
    field("ahead", self.ahead, "batches prepared ahead");
    field("warn_after", self.warn_after, "seconds without a batch before a warning");
    field("seed", self.seed, "seed of the order and of augmentation");
  }
  void validate() const {
    MGCA_CHECK(batch_size > 0, "loader: batch_size must be positive, got ", batch_size);
    MGCA_CHECK(threads >= 0 && ahead > 0, "loader: expected threads >= 0 and ahead > 0, got ", threads, " and ", ahead);
    MGCA_CHECK(warn_after > 0, "loader: warn_after must be positive, got ", warn_after, " seconds");
  }
};

template <SampleSource Source>
class Loader {
 public:
  using Batch = typename Source::Batch;

  // Keeps a reference to the source, which must outlive the loader. Throws Error(argument) if no batch can be formed.
  Loader(const Source& source, const LoaderOptions& options, EventSink sink = {}) : source_(&source), options_(options), sink_(std::move(sink)) {
    options_.validate();
    MGCA_CHECK(batches_per_epoch() > 0, "loader: ", source.size(), " records form no batch of ", options.batch_size,
               "; use a smaller batch_size or LastBatch::keep");
  }

  [[nodiscard]] const LoaderOptions& options() const { return options_; }
  [[nodiscard]] int64_t records() const { return source_->size(); }
  [[nodiscard]] int64_t batches_per_epoch() const {
    const int64_t full = source_->size() / options_.batch_size;
    const bool rest = source_->size() % options_.batch_size != 0;
    return full + (options_.last_batch == LastBatch::keep && rest ? 1 : 0);
  }

  // The record positions of one epoch, in order.
  [[nodiscard]] std::vector<int64_t> order(int64_t epoch) const {
    return Sampler(source_->size(), {.order = options_.order, .seed = options_.seed}).epoch(epoch);
  }

  // The rows that form a batch, for messages: the source's own numbers where it has them, else positions.
  [[nodiscard]] std::vector<int64_t> rows(int64_t epoch, int64_t batch) const {
    const auto all = order(epoch);
    const auto from = std::min(static_cast<std::size_t>(batch * options_.batch_size), all.size());
    const auto size = std::min(static_cast<std::size_t>(options_.batch_size), all.size() - from);
    std::vector<int64_t> numbers(all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(from + size));
    if constexpr (requires { source_->row(int64_t{0}); }) {
      for (auto& number : numbers) number = source_->row(number);
    }
    return numbers;
  }

  // One pass over an epoch's batches, an input range; leaving it early stops the threads.
  class Epoch {
   public:
    Epoch(const Loader& loader, int64_t epoch, int64_t first_batch)
        : loader_(&loader), order_(loader.order(epoch)), key_{.seed = loader.options_.seed, .epoch = static_cast<uint64_t>(epoch)},
          next_(first_batch), taken_(first_batch), count_(loader.batches_per_epoch()) {
      MGCA_CHECK(first_batch >= 0 && first_batch <= count_, "loader: first batch ", first_batch, " of ", count_);
      for (int64_t i = 0; i < loader.options_.threads; ++i) {
        workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
      }
    }
    Epoch(const Epoch&) = delete;
    Epoch& operator=(const Epoch&) = delete;
    ~Epoch() {
      {
        const std::lock_guard lock(mutex_);  // no worker is between looking at its stop token and sleeping
        for (auto& worker : workers_) worker.request_stop();
      }
      space_.notify_all();
    }

    // The next batch, or nothing at the end of the epoch. Rethrows what preparing it threw.
    std::optional<Batch> next() {
      if (taken_ == count_) return std::nullopt;
      auto slot = workers_.empty() ? Slot{make(taken_++), {}} : take();
      loader_->tell_bad_samples();
      if (slot.error) std::rethrow_exception(slot.error);
      return std::move(slot.batch);
    }

    class Iterator {
     public:
      using value_type = Batch;
      using difference_type = std::ptrdiff_t;
      Iterator() = default;
      explicit Iterator(Epoch& epoch) : epoch_(&epoch) { ++*this; }
      Batch& operator*() const { return *current_; }
      Iterator& operator++() {
        current_ = epoch_->next();
        return *this;
      }
      void operator++(int) { ++*this; }
      friend bool operator==(const Iterator& it, std::default_sentinel_t) { return !it.current_; }

     private:
      Epoch* epoch_ = nullptr;
      mutable std::optional<Batch> current_;
    };
    [[nodiscard]] Iterator begin() { return Iterator(*this); }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

   private:
    struct Slot {
      std::optional<Batch> batch;
      std::exception_ptr error;
    };

    [[nodiscard]] Batch make(int64_t index) const {
      const auto from = static_cast<std::size_t>(index * loader_->options_.batch_size);
      const auto size = std::min(static_cast<std::size_t>(loader_->options_.batch_size), order_.size() - from);
      auto batch = loader_->source_->batch(std::span(order_).subspan(from, size), key_);
      if constexpr (requires { batch.pin(); }) {
        if (loader_->options_.pinned) batch.pin();
      }
      return batch;
    }

    [[nodiscard]] Slot take() {
      std::unique_lock lock(mutex_);
      wait_for_batch(lock);
      auto slot = std::move(ready_.extract(taken_++).mapped());
      lock.unlock();
      space_.notify_all();
      return slot;
    }

    // A thread that hangs, in a dead file system for example, cannot be ended; what it hangs on can be told.
    void wait_for_batch(std::unique_lock<std::mutex>& lock) {
      const double patience = loader_->options_.warn_after;
      for (int64_t turn = 1; !filled_.wait_for(lock, std::chrono::duration<double>(patience), [&] { return ready_.contains(taken_); }); ++turn) {
        lock.unlock();
        std::string rows;
        for (const auto row : loader_->rows(static_cast<int64_t>(key_.epoch), taken_)) rows += (rows.empty() ? "" : " ") + std::to_string(row);
        emit(loader_->sink_, "loader_slow", {{"epoch", static_cast<int64_t>(key_.epoch)}, {"batch", taken_},
                                             {"seconds", patience * static_cast<double>(turn)}, {"rows", rows}});
        lock.lock();
      }
    }

    void work(const std::stop_token& stop) {
      for (;;) {
        std::unique_lock lock(mutex_);
        space_.wait(lock, [&] { return stop.stop_requested() || next_ == count_ || next_ < taken_ + loader_->options_.ahead; });
        if (stop.stop_requested() || next_ == count_) return;
        const int64_t index = next_++;
        lock.unlock();
        Slot slot;
        try {
          slot.batch = make(index);
        } catch (...) {
          slot.error = std::current_exception();  // reaches the caller of next(), in the batch's turn
        }
        lock.lock();
        ready_.emplace(index, std::move(slot));
        lock.unlock();
        filled_.notify_all();
      }
    }

    const Loader* loader_;
    std::vector<int64_t> order_;
    RandomKey key_;
    std::mutex mutex_;
    std::condition_variable filled_, space_;
    std::map<int64_t, Slot> ready_;
    int64_t next_;   // the first batch nobody makes yet
    int64_t taken_;  // the first batch nobody took yet
    int64_t count_;
    std::vector<std::jthread> workers_;  // last: they end before what they use
  };

  [[nodiscard]] Epoch epoch_batches(int64_t epoch, int64_t first_batch = 0) const { return Epoch(*this, epoch, first_batch); }

 private:
  // Tells "bad_samples", with their number and first rows, whenever the source has found more. Called by whoever takes batches.
  void tell_bad_samples() const {
    if constexpr (requires { source_->bad_samples().reasons(); }) {
      const int64_t count = source_->bad_samples().count();
      if (count == bad_told_.exchange(count)) return;
      std::string rows;
      int64_t shown = 0;
      for (const auto& [row, reason] : source_->bad_samples().reasons()) {
        if (++shown <= 10) rows += (rows.empty() ? "" : " ") + std::to_string(row);
      }
      emit(sink_, "bad_samples", {{"count", count}, {"rows", rows}});
    }
  }

  const Source* source_;
  LoaderOptions options_;
  EventSink sink_;
  mutable std::atomic<int64_t> bad_told_ = 0;
};

}  // namespace mgca
