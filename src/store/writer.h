// Writes to one database from any thread, committed in groups.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "store/database.h"

namespace xcs::store {

// Note [group commit]
// What is asked for while one transaction is being made durable goes into the next, so the cost of an fsync
// is shared by everything that came in the meantime, and nothing waits longer than two of them.
class Writer {
 public:
  using Write = std::move_only_function<void(Database&)>;
  // Called on the writer's thread when the write is durable, or with the error when it is lost.
  using Done = std::move_only_function<void(const std::optional<Error>&)>;

  explicit Writer(std::unique_ptr<Database> database);
  ~Writer();  // when everything asked for is done
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // In the order asked for. A write that throws StoreError takes the others of its group with it.
  void write(Write write, Done done = nullptr) XCS_EXCLUDES(mutex_);
  // As write(), and waits until it is durable. Throws StoreError when it is lost.
  void write_now(Write write) XCS_EXCLUDES(mutex_);

 private:
  struct Asked {
    Write write;
    Done done;
  };
  void work();
  std::optional<Error> commit(std::vector<Asked>& group);

  std::unique_ptr<Database> database_;  // the thread's
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Asked> asked_ XCS_GUARDED_BY(mutex_);
  bool stopping_ XCS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace xcs::store
