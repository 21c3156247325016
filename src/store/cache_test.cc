#include "store/cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace xcs::store {
namespace {

class CacheTest : public ::testing::Test {
 protected:
  CacheTest() : path_(::testing::TempDir() + "cache_test_" + std::to_string(getpid()) + ".db") {}
  void TearDown() override {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + end);
  }

  static void keep(Cache& cache, const CacheKey& key, const std::string& text) {
    cache.keep(key, "site", {2, text});
    cache.flush();
  }
  static std::string found(Cache& cache, const CacheKey& key) {
    const std::optional<Answer> answer = cache.find(key);
    return answer ? answer->bytes : "nothing";
  }

  std::string path_;
};

TEST_F(CacheTest, KeepsOneAnswerForEachOfTheEqualRequestsOfARun) {
  Cache cache(path_);
  keep(cache, {"a", 0}, "A");
  keep(cache, {"a", 1}, "B");
  EXPECT_EQ(found(cache, {"a", 0}), "A");
  EXPECT_EQ(found(cache, {"a", 1}), "B");
  EXPECT_EQ(found(cache, {"a", 2}), "nothing");
  EXPECT_EQ(found(cache, {"b", 0}), "nothing");
}

TEST_F(CacheTest, IsReadWhileAnotherWritesAndKeepsTheFirstAnswer) {
  Cache cache(path_), other(path_);
  keep(other, {"a", 0}, "A");
  keep(cache, {"a", 0}, "B");
  EXPECT_EQ(found(cache, {"a", 0}), "A");
}

}  // namespace
}  // namespace xcs::store
