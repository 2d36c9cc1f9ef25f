// Windows lets nobody write to a file that is open without sharing that: it stays open as long as it is mapped, and
// nothing need be private. A copy leaves the file free.
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include "core/file_mapping.h"
#include "core/make_error.h"

namespace mmoe::internal {
namespace {

// Longer paths than Windows takes elsewhere.
constexpr int kMaxPath = 4096;

Error io_error(const char* path) {
  return make_error(ErrorCode::kIo, path, ": Windows error ", static_cast<std::uint32_t>(GetLastError()));
}

bool read_whole(HANDLE file, char* to, std::size_t size) {
  constexpr std::size_t kMaxRead = std::size_t{1} << 30;
  for (std::size_t done = 0; done < size;) {
    const std::size_t left = size - done;
    DWORD count = 0;
    const auto wanted = static_cast<DWORD>(left < kMaxRead ? left : kMaxRead);
    if (!ReadFile(file, to + done, wanted, &count, nullptr) || count == 0) return false;
    done += count;
  }
  return true;
}

// A view of an anonymous section is given back like one of a file.
void* copy_of(HANDLE file, std::uint64_t size) {
  HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, static_cast<DWORD>(size >> 32),
                                      static_cast<DWORD>(size), nullptr);
  if (!section) return nullptr;
  void* data = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, static_cast<std::size_t>(size));
  CloseHandle(section);
  if (data && !read_whole(file, static_cast<char*>(data), static_cast<std::size_t>(size))) {
    UnmapViewOfFile(data);
    return nullptr;
  }
  return data;
}

void* view_of(HANDLE file) {
  HANDLE section = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (!section) return nullptr;
  void* data = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
  CloseHandle(section);  // the view stays
  return data;
}

Result<FileMapping> map_handle(HANDLE file, const char* path,
                               std::uint64_t (*private_bytes)(const unsigned char* start)) {
  LARGE_INTEGER length;
  if (!GetFileSizeEx(file, &length)) return io_error(path);
  const std::uint64_t size = static_cast<std::uint64_t>(length.QuadPart);
  if (size == 0) return make_error(ErrorCode::kNotAModel, path, ": the file is empty");
  if (size > SIZE_MAX) {
    return make_error(ErrorCode::kUnsupported, path, ": ", size, " bytes, more than this machine can address");
  }
  alignas(8) unsigned char start[kStartBytes];
  std::uint64_t own = 0;
  if (size >= kStartBytes) {
    if (!read_whole(file, reinterpret_cast<char*>(start), sizeof start)) return io_error(path);
    if (!SetFilePointerEx(file, LARGE_INTEGER{}, nullptr, FILE_BEGIN)) return io_error(path);
    own = private_bytes(start);
  }
  const bool copy = own >= size;
  void* data = copy ? copy_of(file, size) : view_of(file);
  if (!data) return io_error(path);
  return FileMapping{data, static_cast<std::size_t>(size), copy ? nullptr : file};
}

}  // namespace

Result<FileMapping> map_file(const char* path, std::uint64_t (*private_bytes)(const unsigned char* start)) {
  wchar_t wide[kMaxPath];
  if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, kMaxPath) == 0) return io_error(path);
  HANDLE file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                            FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return io_error(path);
  Result<FileMapping> mapping = map_handle(file, path, private_bytes);
  if (!mapping || !mapping->file) CloseHandle(file);
  return mapping;
}

void unmap_file(const FileMapping& mapping) {
  UnmapViewOfFile(mapping.data);
  if (mapping.file) CloseHandle(mapping.file);
}

}  // namespace mmoe::internal
