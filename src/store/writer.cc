#include "store/writer.h"

#include <future>
#include <utility>

namespace xcs::store {

Writer::Writer(std::unique_ptr<Database> database)
    : database_(std::move(database)), thread_([this] { work(); }) {}

Writer::~Writer() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void Writer::write(Write write, Done done) {
  const MutexLock lock(mutex_);
  asked_.push_back({std::move(write), std::move(done)});
  wake_.notify_one();
}

void Writer::write_now(Write wanted) {
  std::promise<std::optional<Error>> outcome;
  write(std::move(wanted), [&outcome](const std::optional<Error>& error) { outcome.set_value(error); });
  if (const std::optional<Error> error = outcome.get_future().get()) throw StoreError(*error);
}

void Writer::work() {
  while (true) {
    std::vector<Asked> group;
    {
      MutexLock lock(mutex_);
      while (asked_.empty() && !stopping_) wake_.wait(lock);
      if (asked_.empty()) return;
      group.swap(asked_);
    }
    const std::optional<Error> error = commit(group);
    for (Asked& one : group)
      if (one.done) one.done(error);
  }
}

std::optional<Error> Writer::commit(std::vector<Asked>& group) {
  try {
    Transaction transaction(*database_);
    for (Asked& one : group) one.write(*database_);
    transaction.commit();
    return std::nullopt;
  } catch (const StoreError& error) {
    return error.error();
  }
}

}  // namespace xcs::store
