// Keeps answers to requests across programs, for those who ask for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "store/answer.h"
#include "store/writer.h"

namespace xcs::store {

// One of the equal requests of a run: repeated sampling keeps as many answers as it asks for.
struct CacheKey {
  std::string request;       // a digest of the callee, its arguments and what else the answer depends on
  std::int64_t ordinal = 0;  // among the equal requests of the run
};

// One file. Safe from any thread, and with other processes that use the same file.
class Cache {
 public:
  // Throws StoreError.
  explicit Cache(const std::string& path);

  // Throws StoreError.
  std::optional<Answer> find(const CacheKey& key) XCS_EXCLUDES(mutex_);
  // Kept soon; `site` is for people.
  void keep(CacheKey key, std::string site, Answer answer);
  // Waits until what was to be kept is there. Throws StoreError.
  void flush();

 private:
  Writer writer_;
  Mutex mutex_;
  Database reader_ XCS_GUARDED_BY(mutex_);
};

}  // namespace xcs::store
