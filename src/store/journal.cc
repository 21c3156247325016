#include "store/journal.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "store/owner.h"

namespace xcs::store {
namespace {

constexpr std::uint32_t kApplicationId = 0x7863736a;  // "xcsj"
constexpr int kVersion = 1;

enum State : std::int64_t { kOpen, kReturned, kFinished };

constexpr const char* kSchema = R"(
CREATE TABLE run (
  id INTEGER PRIMARY KEY, program TEXT NOT NULL, arguments BLOB NOT NULL, state INTEGER NOT NULL, owner TEXT NOT NULL,
  attempts INTEGER NOT NULL, started REAL NOT NULL, ended REAL);
CREATE INDEX run_of_program ON run (program) WHERE state < 2;
CREATE TABLE code (
  run INTEGER NOT NULL, name TEXT NOT NULL, version BLOB NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE call (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, path BLOB NOT NULL, request BLOB NOT NULL, context BLOB NOT NULL, site TEXT NOT NULL,
  started REAL NOT NULL, finished REAL, form INTEGER, answer BLOB, UNIQUE (run, path, request));
CREATE INDEX call_of_request ON call (request);
)";

std::unique_ptr<Database> open(const std::string& path) {
  return std::make_unique<Database>(path, kApplicationId, kVersion, kSchema);
}

Answer answer_at(const Statement& row, int form, int bytes) {
  return {static_cast<int>(row.integer(form)), row.bytes(bytes)};
}

unsigned next_session() {
  static std::atomic<unsigned> last{0};
  return ++last;
}

}  // namespace

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Journal::Journal(const std::string& path)
    : path_(path), writer_(open(path)), reader_(path, kApplicationId, kVersion, kSchema) {}

Session::Session(std::shared_ptr<Journal> journal)
    : journal_(std::move(journal)), owner_(owner_name(next_session())) {}

// What ends badly may be in a hurry: the next to open the file moves the log into it.
Session::~Session() {
  if (!finished_) {
    const MutexLock lock(journal_->mutex_);
    journal_->reader_.leave_log();
  }
  journal_->writer_.write([owner = owner_, hurries = !finished_](Database& database) {
    if (hurries) database.leave_log();
    database.prepare("UPDATE run SET owner = '' WHERE owner = ?").bind_text(owner).run();
  });
}

void Session::finish() {
  finished_ = true;
  journal_->writer_.write_now([this](Database& database) {
    database.prepare("UPDATE run SET state = 2 WHERE owner = ? AND state = 1").bind_text(owner_).run();
    database.prepare("UPDATE run SET owner = '' WHERE owner = ?").bind_text(owner_).run();
  });
}

std::unique_ptr<Attempt> Session::begin(const RunKey& key) {
  Attempt* attempt = nullptr;
  journal_->writer_.write_now([&](Database& database) { claim(database, key, attempt); });
  return std::unique_ptr<Attempt>(attempt);
}

// A process that dies leaves its name on its runs, so runs of processes that are gone are nobody's.
void Session::claim(Database& database, const RunKey& key, Attempt*& attempt) {
  std::int64_t found = 0;
  std::unordered_set<std::int64_t> free;
  {
    Statement open =
        database.prepare("SELECT id, owner, arguments FROM run WHERE program = ? AND state < 2 ORDER BY id");
    open.bind_text(key.program);
    while (open.step()) {
      const std::int64_t run = open.integer(0);
      const std::string owner = open.bytes(1);
      if (uses(run) || (owner != owner_ && !owner.empty() && is_running(owner))) continue;
      free.insert(run);
      if (found == 0 && open.bytes(2) == key.arguments) found = run;
    }
  }
  const bool resumes = found != 0;
  if (resumes) {
    free = {found};
    database.prepare("UPDATE run SET state = 0, attempts = attempts + 1 WHERE id = ?").bind(found).run();
  } else {
    database
        .prepare(
            "INSERT INTO run (program, arguments, state, owner, attempts, started) VALUES (?, ?, 0, '', 1, "
            "?)")
        .bind_text(key.program)
        .bind_blob(key.arguments)
        .bind(now())
        .run();
    found = database.last_id();
    free.insert(found);
  }
  for (const std::int64_t run : free)
    database.prepare("UPDATE run SET owner = ? WHERE id = ?").bind_text(owner_).bind(run).run();
  free.erase(found);
  attempt = new Attempt(*this, found);
  attempt->resumes_ = resumes;
  attempt->lenders_ = std::move(free);
  attempt->moved_ = !resumes && !attempt->lenders_.empty();
  {
    Statement last = database.prepare("SELECT coalesce(max(id), 0) FROM call");
    attempt->last_before_ = last.step() ? last.integer(0) : 0;
  }
  if (resumes) {
    Statement count = database.prepare("SELECT count(*) FROM call WHERE run = ? AND form IS NOT NULL");
    attempt->answers_ = count.bind(found).step() ? count.integer(0) : 0;
  }
  const MutexLock lock(mutex_);
  used_.insert(found);
}

void Session::leave(std::int64_t run) {
  const MutexLock lock(mutex_);
  used_.erase(run);
}

bool Session::uses(std::int64_t run) {
  const MutexLock lock(mutex_);
  return used_.contains(run);
}

Attempt::~Attempt() {
  if (!finished_) session_.leave(run_);
}

void Attempt::finish() {
  session_.journal_->writer_.write_now([this](Database& database) {
    const auto returned = [&](std::int64_t run) {
      database.prepare("UPDATE run SET state = 1, ended = ? WHERE id = ?").bind(now()).bind(run).run();
    };
    returned(run_);
    for (const std::int64_t run : lenders_)
      if (lends(run)) returned(run);
  });
  finished_ = true;
}

void Attempt::enter(const std::string& name, const std::string& version) {
  bool known = false;
  bool same = false;
  if (resumes_ && !moved_) {
    Journal& journal = *session_.journal_;
    const MutexLock lock(journal.mutex_);
    Statement row = journal.reader_.prepare("SELECT version FROM code WHERE run = ? AND name = ?");
    known = row.bind(run_).bind_text(name).step();
    same = known && row.bytes(0) == version;
  }
  if (known && !same) moved_ = true;
  if (same) return;
  session_.journal_->writer_.write([run = run_, name, version](Database& database) {
    database.prepare("INSERT OR REPLACE INTO code VALUES (?, ?, ?)")
        .bind(run)
        .bind_text(name)
        .bind_blob(version)
        .run();
  });
}

std::optional<Answer> Attempt::find(const CallKey& key) {
  if (!resumes_ && !moved_) return std::nullopt;
  if (resumes_) {
    if (std::optional<Answer> answer = find_at_path(key)) return answer;
  }
  return moved_ && !key.context.empty() ? take(key) : std::nullopt;
}

std::optional<Answer> Attempt::find_at_path(const CallKey& key) {
  Journal& journal = *session_.journal_;
  const MutexLock lock(journal.mutex_);
  Statement row = journal.reader_.prepare(
      "SELECT id, request, form IS NULL, form, answer FROM call WHERE run = ? AND path = ?");
  row.bind(run_).bind_blob(key.path);
  bool other = false;
  while (row.step()) {
    if (row.bytes(1) != key.request) {
      other = true;
      continue;
    }
    if (!taken_.insert(row.integer(0)).second || row.integer(2) != 0) return std::nullopt;
    return answer_at(row, 3, 4);
  }
  moved_ = moved_ || other;
  return std::nullopt;
}

bool Attempt::lends(std::int64_t run) const {
  return run == run_ || (lenders_.contains(run) && !session_.uses(run));
}

std::optional<Answer> Attempt::take(const CallKey& key) {
  Journal& journal = *session_.journal_;
  std::int64_t id = 0;
  Answer answer;
  {
    const MutexLock lock(journal.mutex_);
    Statement row = journal.reader_.prepare(
        "SELECT id, run, form, answer FROM call WHERE request = ? AND context = ? AND form IS NOT NULL AND "
        "id <= ? "
        "ORDER BY id");
    row.bind_blob(key.request).bind_blob(key.context).bind(last_before_);
    while (id == 0 && row.step()) {
      if (!lends(row.integer(1)) || !taken_.insert(row.integer(0)).second) continue;
      id = row.integer(0);
      answer = answer_at(row, 2, 3);
    }
  }
  if (id == 0) return std::nullopt;
  journal.writer_.write([id, run = run_, path = key.path](Database& database) {
    database.prepare("UPDATE OR REPLACE call SET run = ?, path = ? WHERE id = ?")
        .bind(run)
        .bind_blob(path)
        .bind(id)
        .run();
  });
  return answer;
}

void Attempt::start(CallKey key) {
  session_.journal_->writer_.write([run = run_, key = std::move(key), time = now()](Database& database) {
    database
        .prepare(
            "INSERT INTO call (run, path, request, context, site, started) VALUES (?, ?, ?, ?, ?, ?) ON "
            "CONFLICT DO NOTHING")
        .bind(run)
        .bind_blob(key.path)
        .bind_blob(key.request)
        .bind_blob(key.context)
        .bind_text(key.site)
        .bind(time)
        .run();
  });
}

void Attempt::keep(CallKey key, Answer answer, Writer::Done done) {
  session_.journal_->writer_.write(
      [run = run_, key = std::move(key), answer = std::move(answer), time = now()](Database& database) {
        database
            .prepare(
                "UPDATE call SET finished = ?, form = ?, answer = ? WHERE run = ? AND path = ? AND request = "
                "?")
            .bind(time)
            .bind(std::int64_t{answer.form})
            .bind_blob(answer.bytes)
            .bind(run)
            .bind_blob(key.path)
            .bind_blob(key.request)
            .run();
      },
      std::move(done));
}

}  // namespace xcs::store
