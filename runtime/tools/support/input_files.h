// Which files a run reads, so that none of its results replaces one of them.
#pragma once

#include <string>
#include <vector>

namespace mmoe::tools {

/// What a path leads to when all symbolic links at its end are followed, be the target there or not.
std::string follow_links(const std::string& path);

/// The descriptor that a path stands for as an output: 1 for "-" and /dev/stdout, 2 for /dev/stderr, N for /dev/fd/N
/// and /proc/self/fd/N; -1 for any other.
int descriptor_named(const std::string& path);

/// Whether both paths lead to one file, by device and inode: under any name, by links of both kinds; what is not there
/// yet, by its folder and name. "-" is no file.
bool is_same_file(const std::string& a, const std::string& b);

/// Remembers that this process has read a file, whatever led to it. Any thread.
void note_input(const std::string& path);

/// Throws ToolError when an output is a file that note_input() knows.
void check_not_read(const std::string& output);

/// A file that the command line names.
struct NamedFile {
  std::string option;  ///< of an output, as "--output"
  std::string path;    ///< "-" is standard output, of an input standard input; empty: none
  std::string is;      ///< what the other side would destroy, as "is the model", "has the rows"
};

/// Throws UsageError, before anything is read or written, when an output is an input or another output.
void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);

}  // namespace mmoe::tools
