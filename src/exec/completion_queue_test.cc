#include "exec/completion_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace xcs::exec {
namespace {

using std::chrono::nanoseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(CompletionQueue, GivesWhatWasPushedInOrder) {
  CompletionQueue<int> queue;
  queue.push(1);
  queue.push(2);
  EXPECT_THAT(queue.poll(), ElementsAre(1, 2));
  EXPECT_THAT(queue.poll(), IsEmpty());
}

TEST(CompletionQueue, GivesUpWaitingAtTheLimit) {
  CompletionQueue<int> queue;
  EXPECT_THAT(queue.wait_for(nanoseconds(0)), IsEmpty());
}

TEST(CompletionQueue, APushFromAnotherThreadEndsTheWait) {
  CompletionQueue<std::unique_ptr<int>> queue;
  std::jthread other([&] { queue.push(std::make_unique<int>(7)); });
  std::vector<std::unique_ptr<int>> got;
  while (got.empty()) got = queue.wait_for(std::chrono::hours(1));
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(*got[0], 7);
}

}  // namespace
}  // namespace xcs::exec
