// Batches in order, prepared ahead by background threads.
// Which records form batch k of epoch e, and every random draw inside it, is a function of (seed, epoch, record), so
// the stream is the same for any number of threads and can be entered at any batch: resuming needs two numbers.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/random.hpp>
#include <mgca/data/sampler.hpp>
#include <mgca/feed/loader_options.hpp>

#include <algorithm>
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

template <SampleSource Source>
class Loader {
 public:
  using Batch = typename Source::Batch;

  // Keeps a reference to the source, which must outlive the loader. Throws Error(argument) if no batch can be formed, or not by so many ranks.
  Loader(const Source& source, const LoaderOptions& options, EventSink sink = {}) : source_(&source), options_(options), sink_(std::move(sink)) {
    options_.validate();
    require_batches(options_, source.size());
  }

  [[nodiscard]] const LoaderOptions& options() const { return options_; }
  [[nodiscard]] int64_t records() const { return source_->size(); }
  [[nodiscard]] int64_t batches_per_epoch() const { return batches_of(options_, source_->size()); }

  // The record positions of one epoch, in order.
  [[nodiscard]] std::vector<int64_t> order(int64_t epoch) const {
    return Sampler(source_->size(), {.order = options_.order, .seed = options_.seed}).epoch(epoch);
  }

  // The rows that form a batch, of all ranks where they share it, for messages: the source's own numbers where it has them, else positions.
  [[nodiscard]] std::vector<int64_t> rows(int64_t epoch, int64_t batch) const {
    const auto all = order(epoch);
    const auto [from, size] = whole_batch(options_, source_->size(), batch);
    std::vector<int64_t> numbers(all.begin() + from, all.begin() + from + size);
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
      const auto [from, size] = own_part(loader_->options_, loader_->source_->size(), index);
      auto batch = loader_->source_->batch(std::span(order_).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(size)), key_);
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
