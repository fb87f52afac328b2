// What arrived and nobody has taken yet: one thread puts, another takes, and nobody waits for ever.

#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>

namespace kit {

template <typename Item>
class Mailbox {
 public:
  void put(Item item) {
    std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(item));
    changed_.notify_all();
  }

  // Nothing will arrive any more; what is here can still be taken.
  void end(std::exception_ptr error) {
    std::lock_guard lock(mutex_);
    end_ = std::move(error);
    changed_.notify_all();
  }

  void clear() {
    std::lock_guard lock(mutex_);
    arrived_.clear();
  }

  // Waits for the next one; nothing when none came in time. Throws what the box ended with.
  std::optional<Item> take(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return !arrived_.empty() || end_; });
    if (!arrived_.empty()) {
      std::optional<Item> item(std::move(arrived_.front()));
      arrived_.pop_front();
      return item;
    }
    if (end_) std::rethrow_exception(end_);
    return std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> arrived_;
  std::exception_ptr end_;
};

}  // namespace kit
