#include "store/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

namespace xcs::store {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() { folder_ = ::testing::TempDir() + "journal_test_" + std::to_string(getpid()); }
  void SetUp() override { std::filesystem::create_directory(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/journal.db"; }
  std::shared_ptr<Journal> open() const { return std::make_shared<Journal>(path()); }

  std::string folder_;
};

CallKey call(std::string path, std::string request) {
  return {std::move(path), std::move(request), "context", "site"};
}

void answer(Attempt& attempt, const CallKey& key, const std::string& text) {
  std::promise<void> kept;
  attempt.start(key);
  attempt.keep(key, {1, text}, [&](const std::optional<Error>& error) {
    EXPECT_FALSE(error);
    kept.set_value();
  });
  kept.get_future().get();
}

std::string found(Attempt& attempt, const CallKey& key) {
  const std::optional<Answer> answer = attempt.find(key);
  return answer ? answer->bytes : "nothing";
}

TEST_F(JournalTest, AnInterruptedRunFindsItsAnswersAndAsksAgainWhatWasInFlight) {  // S11
  {
    Session session(open());
    const auto attempt = session.begin({"f", "x"});
    answer(*attempt, call("1", "a"), "A");
    answer(*attempt, call("2", "a"), "B");
    attempt->start(call("3", "a"));
  }
  Session session(open());
  const auto attempt = session.begin({"f", "x"});
  EXPECT_EQ(attempt->answers(), 2);
  EXPECT_EQ(found(*attempt, call("3", "a")), "nothing");
  EXPECT_EQ(found(*attempt, call("4", "a")), "nothing") << "was never reached: the answers belong to others";
  EXPECT_EQ(found(*attempt, call("2", "a")), "B");
  EXPECT_EQ(found(*attempt, call("1", "a")), "A");
  EXPECT_EQ(found(*attempt, call("1", "a")), "nothing") << "is used once";
}

TEST_F(JournalTest, RequestsThatComeInAnotherOrderTakeAnyAnswerOnce) {
  {
    Session session(open());
    const auto attempt = session.begin({"f", "x"});
    answer(*attempt, call("1", "a"), "A");
    answer(*attempt, call("2", "b"), "B");
  }
  Session session(open());
  const auto attempt = session.begin({"f", "x"});
  EXPECT_EQ(found(*attempt, call("1", "b")), "B");
  answer(*attempt, call("9", "c"), "C");
  EXPECT_EQ(found(*attempt, call("8", "c")), "nothing") << "was answered in this attempt";
  EXPECT_EQ(found(*attempt, call("2", "a")), "A");
  EXPECT_EQ(found(*attempt, call("3", "a")), "nothing");
}

TEST_F(JournalTest, AnswersAreTakenFromElsewhereOnlyInTheirContext) {
  const CallKey first{"1", "a", "one", "site"}, second{"2", "a", "", "site"};
  {
    Session session(open());
    const auto attempt = session.begin({"f", "x"});
    answer(*attempt, first, "A");
    answer(*attempt, second, "B");
  }
  Session session(open());
  const auto attempt = session.begin({"f", "y"});
  EXPECT_EQ(found(*attempt, {"1", "a", "two", "site"}), "nothing");
  EXPECT_EQ(found(*attempt, second), "nothing");
  EXPECT_EQ(found(*attempt, first), "A");
}

TEST_F(JournalTest, EditedCodeTakesAnswersFromWhereverTheyWere) {
  {
    Session session(open());
    const auto attempt = session.begin({"f", "x"});
    attempt->enter("f", "old");
    answer(*attempt, call("1", "a"), "A");
  }
  Session session(open());
  const auto attempt = session.begin({"f", "x"});
  EXPECT_EQ(found(*attempt, call("7", "a")), "nothing");
  attempt->enter("f", "new");
  EXPECT_EQ(found(*attempt, call("7", "a")), "A");
}

TEST_F(JournalTest, OtherArgumentsTakeTheAnswersOfRunsThatNobodyGoesOnWith) {
  {
    Session session(open());
    answer(*session.begin({"f", "x"}), call("1", "a"), "A");
    answer(*session.begin({"g", "x"}), call("1", "b"), "B");
  }
  Session session(open());
  const auto attempt = session.begin({"f", "y"});
  EXPECT_EQ(found(*attempt, call("1", "b")), "nothing") << "is another program's";
  EXPECT_EQ(found(*attempt, call("5", "a")), "A");
  attempt->finish();
  session.finish();
  Session next(open());
  EXPECT_EQ(found(*next.begin({"f", "x"}), call("1", "a")), "nothing");
}

TEST_F(JournalTest, RunsThatReturnedAreNotMadeAgainUntilTheSessionEndsBadly) {
  {
    Session session(open());
    const auto first = session.begin({"f", "x"});
    answer(*first, call("1", "a"), "A");
    first->finish();
    const auto second = session.begin({"f", "x"});
    EXPECT_EQ(found(*second, call("1", "a")), "nothing");
    answer(*second, call("1", "a"), "B");
    second->finish();
  }
  Session session(open());
  EXPECT_EQ(found(*session.begin({"f", "x"}), call("1", "a")), "A");
}

TEST_F(JournalTest, ARunThatRaisedGoesOnInTheSameSession) {
  Session session(open());
  answer(*session.begin({"f", "x"}), call("1", "a"), "A");
  EXPECT_EQ(found(*session.begin({"f", "x"}), call("1", "a")), "A");
}

TEST_F(JournalTest, AFinishedSessionsRunsBeginAfresh) {
  {
    Session session(open());
    const auto attempt = session.begin({"f", "x"});
    answer(*attempt, call("1", "a"), "A");
    attempt->finish();
    session.finish();
  }
  Session session(open());
  EXPECT_EQ(found(*session.begin({"f", "x"}), call("1", "a")), "nothing");
}

TEST_F(JournalTest, ARunThatAnotherSessionMakesIsNotTaken) {
  Session session(open());
  const auto attempt = session.begin({"f", "x"});
  answer(*attempt, call("1", "a"), "A");
  Session other(open());
  EXPECT_EQ(found(*other.begin({"f", "x"}), call("1", "a")), "nothing");
}

// The parent holds no connection while the child lives: SQLite's must not cross a fork.
TEST_F(JournalTest, AProcessThatIsKilledLeavesEveryAnswerThatItHasSeen) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Session session(open());
    const auto attempt = session.begin({"f", "x"});
    for (std::uint8_t i = 0;; i = static_cast<std::uint8_t>(i + 1)) {
      answer(*attempt, call(std::string(1, static_cast<char>(i)), "a"),
             std::string(3000, static_cast<char>(i)));
      if (write(pipe_ends[1], &i, 1) != 1) _exit(1);
    }
  }
  std::uint8_t last = 0;
  while (last < 40) ASSERT_EQ(read(pipe_ends[0], &last, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  Session session(open());
  const auto attempt = session.begin({"f", "x"});
  for (std::uint8_t i = 0; i <= last; ++i)
    EXPECT_EQ(found(*attempt, call(std::string(1, static_cast<char>(i)), "a")),
              std::string(3000, static_cast<char>(i)));
}

TEST_F(JournalTest, ItsFilesAreReadableByTheirOwnerAlone) {
  const mode_t mask = umask(0);
  std::ofstream(path()).close();
  Session session(open());
  answer(*session.begin({"f", "x"}), call("1", "a"), "A");
  umask(mask);
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    struct stat status{};
    ASSERT_EQ(stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << file.path();
    ++files;
  }
  EXPECT_EQ(files, 3);
}

TEST_F(JournalTest, RefusesFilesOfOtherKindsAndVersions) {
  const auto code_of = [](const std::string& path) {
    try {
      const Journal journal(path);
    } catch (const StoreError& error) {
      return error.error().code;
    }
    return std::string("none");
  };
  Database(path(), 1, 1, "CREATE TABLE t (x)");
  EXPECT_EQ(code_of(path()), "store.foreign");
  std::filesystem::remove(path());
  Database(path(), 0x7863736a, 99, "CREATE TABLE t (x)");
  EXPECT_EQ(code_of(path()), "store.version");
  std::ofstream(path(), std::ios::trunc)
      << "this is no database, whatever it is, and it is long enough to be read";
  EXPECT_EQ(code_of(path()), "store.sqlite");
  EXPECT_EQ(code_of(folder_ + "/nowhere/journal.db"), "store.open");
}

TEST_F(JournalTest, ALostWriteReachesWhoeverWaitsForIt) {
  Writer writer(std::make_unique<Database>(path(), 1, 1, "CREATE TABLE t (x UNIQUE)"));
  writer.write_now([](Database& database) { database.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_THROW(writer.write_now([](Database& database) { database.execute("INSERT INTO t VALUES (1)"); }),
               StoreError);
}

}  // namespace
}  // namespace xcs::store
