// The files of the system as memory, and objects that give the lines of one.
//
// Note [files]
// All files together stand for one object, of which a path is an item: what changes a file, or may, is a
// store to its item, or to all of them where it cannot be told which. So what reads a file goes ahead of what
// changes others.
#pragma once

#include <optional>
#include <vector>

#include "contract.h"
#include "iterate.h"

namespace xcs::python {

struct Arguments;

// The object that stands for the files.
PyObject* files();

// The object that stands for what all objects of sqlite3 show of their databases, which is theirs together.
PyObject* database();
// Whether objects of the class show it.
bool shows_database(PyTypeObject* type);

// Which files a call by this contract reads or changes. Keeps the keys of the places alive.
struct Touched {
  std::vector<Where> places;  // of files()
  std::vector<nb::object> keys;
};
Touched touched_files(const Contract& contract, const Arguments& arguments);

// What open() gives, when it is called so; null when that is not known.
window::KnownRef known_of_opened(PyObject* callee, const Arguments& arguments);

// A file that `reader` takes lines from as the only one to do so: it is a file, a csv.reader or a
// csv.DictReader, and runs no code of the program's.
struct Lines {
  nb::object reader, file;
  nb::object between;  // what holds the file for the reader, or null
};
std::optional<Lines> lines_of(PyObject* reader);

// An iterator over these lines that reads them where no earlier code may still change the file.
// REQUIRES: nothing else takes lines from it until the iterator is gone
nb::object make_lines(const Lines& lines);

}  // namespace xcs::python
