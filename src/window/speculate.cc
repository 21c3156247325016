// Speculation: fetching goes on past a branch or a turn of a loop that may leave, on the guess that it does
// not.
//
// Note [guesses]
// A frame is passed on a guess like any other frame is passed, although control may leave it otherwise than
// at its end. What comes after it, up to the end of the loop or function that holds it (its scope), is
// fetched, and independent calls there are started. Nothing else can happen: effects wait for everything
// before them, and the guess is not complete. Control does not come to the end of the scope before its
// guesses are decided. When a guess turns out wrong, what comes after it in the scope is discarded like what
// follows an exception, and control leaves from there (roll_back() in control.cc). A load that comes after
// the scope and meets a store inside it, which may never happen, waits.
//
// Guesses are made about branches and bodies of loops, and not inside a try statement of the scope, nor where
// a taken branch leaves for sure. A branch that may `continue` is not guessed, but the body around it is: the
// turns after it are reached either way, and would be begun a second time after a wrong guess. A function
// that calls itself after a guess makes none there: it might never come to its end.
#include <algorithm>

#include "window/machine.h"

namespace xcs::window {

namespace {

bool is_body(const Frame& frame) {
  if (frame.kind != Frame::kRegion || frame.parent->kind != Frame::kLoop) return false;
  const ir::Program& p = frame.program;
  return frame.region == &p.regions[p.loops[frame.node->index].body];
}

Frame& scope_of(const Frame& guess) {
  Frame* scope = guess.parent;
  while (scope->kind != Frame::kLoop && scope->kind != Frame::kActivation) scope = scope->parent;
  return *scope;
}

}  // namespace

// Whether `frame` is reached only if a guess in another activation of the same function is right.
bool Machine::recurs_on_guess(Frame& frame) const {
  bool outside = false;
  for (const Frame* f = &frame; f != nullptr; f = f->parent) {
    if (outside && &f->program == &frame.program)
      for (const Frame* guess : f->guesses)
        if (before(*guess, frame.end())) return true;
    outside = outside || f->kind == Frame::kActivation;
  }
  return false;
}

bool Machine::may_guess(const Frame& blocked, Frame& frame) const {
  if (options_.speculate == 0 || (open_guesses_ != 0 && recurs_on_guess(frame))) return false;
  const ir::Program& p = frame.program;
  auto stays = [&](ir::RegionId r) {
    return r != ir::kNone && (p.regions[r].exits.yields || p.regions[r].exits.continues);
  };
  if (frame.kind == Frame::kIf) {
    const ir::If& branch = p.ifs[frame.node->index];
    if (stays(branch.then_region) || stays(branch.else_region)) return false;
  } else {
    if (!is_body(frame) || frame.region->exits.yields) return false;
  }
  // A branch that has been taken and may leave is taken to do so.
  for (const Frame* f = &blocked; f != frame.parent; f = f->parent)
    if (f->kind == Frame::kTry || (f != &blocked && f->kind == Frame::kIf && may_leave(*f))) return false;
  const Frame& scope = scope_of(frame);
  const Frame* outermost = &frame;
  while (outermost->parent != &scope) {
    outermost = outermost->parent;
    if (outermost->kind == Frame::kTry) return false;
  }
  if (scope.kind == Frame::kActivation) return !scope.generator && scope.guesses.size() < options_.speculate;
  if (scope.producer != nullptr || !is_body(*outermost)) return false;
  if (p.regions[p.loops[scope.node->index].body].exits.yields) return false;  // its frame ends with the step
  const auto oldest = std::ranges::min_element(scope.guesses, {}, &Frame::bodies);
  return oldest == scope.guesses.end() || scope.bodies - (*oldest)->bodies < options_.speculate;
}

Frame* Machine::guess(Frame& frame) {
  Frame& scope = scope_of(frame);
  frame.guess = true;
  frame.bodies = scope.bodies;
  scope.guesses.push_back(&frame);
  ++open_guesses_;
  return go_on_without(*frame.parent, frame);
}

Frame* Machine::wait_for_guess(Frame& scope) {
  scope.wait_for(scope.guesses.front());
  return block(scope);
}

void Machine::close_guess(Frame& guess, bool wrong) {
  guess.guess = false;
  --open_guesses_;
  std::erase(scope_of(guess).guesses, &guess);
  const std::uint64_t calls = std::exchange(guess.speculated, 0);
  // Once it is right, what comes after it depends on the last guess before its end, which may be inside it.
  if (wrong) {
    counters_.wasted += calls;
  } else if (Frame* earlier = guess_before(guess.end()); earlier != nullptr) {
    earlier->speculated += calls;
  }
}

// The last open guess that has to be right for `place` to be reached, or null.
Frame* Machine::guess_before(Place place) const {
  if (open_guesses_ == 0) return nullptr;
  for (const Frame* f = place.frame; f != nullptr; f = f->parent) {
    Frame* last = nullptr;
    for (Frame* guess : f->guesses)
      if (before(*guess, place) && (last == nullptr || before(*last, {guess->parent, guess->sequence})))
        last = guess;
    if (last != nullptr) return last;
  }
  return nullptr;
}

}  // namespace xcs::window
