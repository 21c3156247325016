// Keeps the answers of a program's calls, so that a run that was interrupted goes on where it was.
//
// Note [resuming]
// A run is one call of a jitted function: a program and its arguments. Its calls are kept by path
// (window/path.h) and request. When it is made again, a call finds its answer in one of two ways.
//
// At its path, when the request is the same one. A program that decides from its arguments and its answers
// alone reaches the same requests by the same paths, so it gets each answer exactly where it got it before,
// in whatever order calls were and are issued; what was in flight is asked again.
//
// Anywhere, once it is certain that paths have moved: the path holds another request (the program took the
// items of a set in another order, say), the code that the path leads through has been edited, or the
// arguments are not those of any run that was interrupted. From then on a call takes an answer to an equal
// request, asked in an equal context (the object a method belongs to, what a function closes over), that no
// call has taken, the oldest first. Which of several equal requests gets which of their answers was never
// promised.
//
// Either way each answer is used once, so ten equal prompts are ten calls, and as many requests are sent as
// there are calls without an answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "store/answer.h"
#include "store/writer.h"

namespace xcs::store {

struct RunKey {
  std::string program;    // its name
  std::string arguments;  // a digest
};

struct CallKey {
  std::string path;
  std::string request;  // a digest of the callee and its arguments
  std::string context;  // a digest of what else the answer may depend on; empty when that cannot be told
  std::string site;     // for people
};

class Journal;
class Session;

// One making of a run, from its beginning or from where it was. Belongs to one thread.
class Attempt {
 public:
  ~Attempt();  // interrupted, unless finish() was called
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // How many answers the run had when this attempt began.
  std::int64_t answers() const { return answers_; }

  // Tells that calls are made by the code `name`, in this version. Throws StoreError.
  void enter(const std::string& name, const std::string& version);
  // The answer of a call, which is then taken; see Note [resuming]. Throws StoreError.
  std::optional<Answer> find(const CallKey& key);
  // The call has no answer and is being made.
  void start(CallKey key);
  // `done` as Writer::Done; the answer must not be used before.
  void keep(CallKey key, Answer answer, Writer::Done done);
  // Waits until all is durable; the run has returned, and what it was lent is no longer needed. Throws
  // StoreError.
  void finish();

 private:
  friend class Session;
  Attempt(Session& session, std::int64_t run) : session_(session), run_(run) {}
  std::optional<Answer> find_at_path(const CallKey& key);
  std::optional<Answer> take(const CallKey& key);
  bool lends(std::int64_t run) const;

  Session& session_;
  const std::int64_t run_;
  std::int64_t answers_ = 0;
  bool resumes_ = false;  // calls may be there at their paths
  bool moved_ = false;    // paths have moved
  bool finished_ = false;
  std::unordered_set<std::int64_t> lenders_;  // runs of the program that nobody goes on with
  std::unordered_set<std::int64_t> taken_;    // calls by id
  std::int64_t last_before_ = 0;              // the newest call when this attempt began
};

// One file, shared by all that use it in this process.
class Journal {
 public:
  // Throws StoreError.
  explicit Journal(const std::string& path);

  const std::string& path() const { return path_; }

 private:
  friend class Attempt;
  friend class Session;

  const std::string path_;
  Writer writer_;
  Mutex mutex_;
  Database reader_ XCS_GUARDED_BY(mutex_);
};

// The runs of a program or of a part of it. While it lasts, a run that returned is not made again: an equal
// one is another run. When the session ends well its runs are finished; else, and when the process dies, the
// next session gets their answers, whether they had returned or not.
class Session {
 public:
  explicit Session(std::shared_ptr<Journal> journal);
  ~Session();  // ended badly, unless finish() was called
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Goes on with the oldest run of this key that was not finished and that nobody makes, or begins one. The
  // session outlives the attempt. Throws StoreError.
  std::unique_ptr<Attempt> begin(const RunKey& key) XCS_EXCLUDES(mutex_);
  // The runs that returned are finished: their answers are not used again. Throws StoreError.
  void finish();

  const std::string& path() const { return journal_->path(); }

 private:
  friend class Attempt;
  void claim(Database& database, const RunKey& key, Attempt*& attempt);
  void leave(std::int64_t run) XCS_EXCLUDES(mutex_);  // interrupted: may be begun again
  bool uses(std::int64_t run) XCS_EXCLUDES(mutex_);

  const std::shared_ptr<Journal> journal_;
  const std::string owner_;
  bool finished_ = false;
  Mutex mutex_;
  std::unordered_set<std::int64_t> used_ XCS_GUARDED_BY(mutex_);  // being made, or returned
};

}  // namespace xcs::store
