/* Files on Windows, through the DLL: mapped_file MODEL
 *
 * Copies the model to paths of any characters, maps it there, replays its golden rows, and tries to
 * write to the file meanwhile. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <mmoe/mmoe.h>

#include <stdio.h>
#include <string.h>

static int fail(const char* what) {
  fprintf(stderr, "error: %s: %s (Windows error %lu)\n", what, mmoe_last_message(), GetLastError());
  return 1;
}

static int can_be_written(const wchar_t* path) {
  HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return 0;
  CloseHandle(file);
  return 1;
}

static int replay(const mmoe_model* model) {
  mmoe_session* session = NULL;
  mmoe_golden_report report = {.struct_size = sizeof report};
  if (mmoe_session_create(model, NULL, &session) != MMOE_OK) return fail("session");
  const mmoe_status status = mmoe_session_replay_golden(session, NULL, 0, &report);
  mmoe_session_free(session);
  if (status != MMOE_OK || report.num_wrong != 0 || report.num_rows == 0) return fail("golden rows");
  return 0;
}

/* The wide path is for the system, the same in UTF-8 for the library. */
static int try_path(const wchar_t* original, const wchar_t* path) {
  char utf8[4096];
  mmoe_model* model = NULL;
  mmoe_load_options copy = {.struct_size = sizeof copy, .copy = 1};
  if (!WideCharToMultiByte(CP_UTF8, 0, path, -1, utf8, sizeof utf8, NULL, NULL)) return fail("UTF-8");
  if (mmoe_model_map(utf8, NULL, &model) != MMOE_IO) return fail("a file that is not there");
  if (!strstr(mmoe_last_message(), "error 2")) return fail("the message of a file that is not there");
  if (!CopyFileW(original, path, FALSE)) return fail("copy");
  if (mmoe_model_map(utf8, NULL, &model) != MMOE_OK) return fail(utf8);
  int failed = replay(model);
  if (can_be_written(path)) failed += fail("a mapped file can be written to");
  mmoe_model_free(model);
  if (!can_be_written(path)) failed += fail("a file that is no longer mapped cannot be written to");
  if (mmoe_model_map(utf8, &copy, &model) != MMOE_OK) return fail("a copy");
  failed += replay(model);
  if (!can_be_written(path)) failed += fail("a file that was copied cannot be written to");
  mmoe_model_free(model);
  if (!DeleteFileW(path)) failed += fail("delete");
  return failed;
}

int main(int argc, char** argv) {
  wchar_t original[MAX_PATH], folder[MAX_PATH], path[MAX_PATH + 64];
  if (argc != 2 || !MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, original, MAX_PATH)) return 2;
  if (!GetTempPathW(MAX_PATH, folder)) return fail("folder");
  int failed = 0;
  /* Plain; letters of other scripts; a surrogate pair. */
  static const wchar_t* const kNames[] = {L"mmoe plain.mmoe", L"mmoe gr\u00f6\u00dfe \u6a21\u578b.mmoe",
                                          L"mmoe \xD83D\xDE00.mmoe"};
  for (size_t i = 0; i < sizeof kNames / sizeof kNames[0]; ++i) {
    swprintf(path, MAX_PATH + 64, L"%ls%ls", folder, kNames[i]);
    failed += try_path(original, path);
  }
  if (failed == 0) printf("mmoe %s: files are mapped, copied and freed\n", mmoe_version());
  return failed != 0;
}
