// Note [call paths]
// The path of a call is the way from the run's first activation down to it: for each frame on that way, which
// of the things that the frame's code can do this one is. In a region that is the index of a node, since a
// region is walked once from its beginning to its end. In a loop it is the turn, and which of the loop's
// regions; in a branch or a try statement, which region. So two calls of a run have different paths, and the
// path depends on the decisions of the program that lead to the call and on nothing else: not on the order in
// which calls finish or are issued, and not on what had to wait. Sequence numbers of items would not do: what
// is done at once takes none.
//
// A step of a generator is a child of the loop that asks for it, in the turn that it begins. The loops inside
// the step count their turns anew in each step.
#include "window/path.h"

namespace xcs::window {

namespace {

void put(std::string& to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) to.push_back(static_cast<char>(number | 0x80));
  to.push_back(static_cast<char>(number));
}

std::uint64_t index_in(const ir::Region* region, const ir::Node* node) {
  if (region == nullptr || node < region->nodes.data() || node >= region->nodes.data() + region->nodes.size())
    return 0;
  return static_cast<std::uint64_t>(node - region->nodes.data());
}

// Which region of the program it runs, from 1 on; 0 for what the frame's own statement enters: __bool__, a
// step.
std::uint64_t region_of(const Frame& frame) {
  if (frame.kind != Frame::kRegion) return 0;
  return static_cast<std::uint64_t>(frame.region - frame.program.regions.data()) + 1;
}

// Puts down which child of its parent the frame is.
void put_step(std::string& to, const Frame& child) {
  const Frame& parent = *child.parent;
  switch (parent.kind) {
    case Frame::kActivation:
    case Frame::kRegion:
      put(to, index_in(parent.region, child.node));
      break;
    case Frame::kLoop:
      put(to, child.turn);
      [[fallthrough]];
    case Frame::kIf:
    case Frame::kTry:
      put(to, region_of(child));
      break;
  }
}

}  // namespace

CallPath path_of(const Entry& entry) {
  CallPath path;
  std::vector<const Frame*> frames;
  const Frame& innermost = *entry.parent;
  for (const Frame* f = &innermost; f != nullptr; f = f->parent) {
    frames.push_back(f);
    if (f->kind == Frame::kActivation) path.programs.push_back(&f->program);
  }
  for (auto f = frames.rbegin() + 1; f < frames.rend(); ++f) put_step(path.steps, **f);
  put(path.steps, index_in(innermost.region, &entry.node));
  return path;
}

}  // namespace xcs::window
