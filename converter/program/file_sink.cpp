#include "converter/program/file_sink.h"

namespace mmoe::converter {

FileSink::FileSink(const std::string& path)
    : file_(path, mmoe::tools::OutputFile::Access::kRandom), progress_("written") {}

void FileSink::append(const void* data, size_t bytes) {
  mapping_.reset();
  file_.write({static_cast<const char*>(data), bytes});
  progress_.add(bytes);
}

void FileSink::replace(uint64_t offset, const void* data, size_t bytes) {
  mapping_.reset();
  file_.write_at(offset, {static_cast<const char*>(data), bytes});
}

std::string_view FileSink::view() {
  progress_.clear();
  file_.flush();
  if (mapping_ == nullptr) mapping_ = std::make_unique<MappedFile>(file_.path(), MappedFile::Whose::kOwn);
  return mapping_->bytes();
}

void FileSink::commit() {
  mapping_.reset();
  file_.commit();
}

}  // namespace mmoe::converter
