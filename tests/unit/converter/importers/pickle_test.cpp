#include "converter/importers/pickle.h"

#include "tests/unit/converter/importers/weights_test_support.h"

namespace mmoe::converter::testing {
namespace {

std::string pickle_error_of(const std::string& bytes) {
  return error_of([&] {
    PickleValues values;
    parse_pickle(bytes, values);
  });
}

/// The integer that the pickled value is.
int64_t pickled_integer(const std::string& value) {
  const std::string bytes = pickle(value);
  PickleValues values;
  const PickleRef root = parse_pickle(bytes, values);
  REQUIRE(values.kind(root) == PickleKind::kInteger);
  return values.integer(root);
}

PickleKind pickled_kind(const std::string& value) {
  const std::string bytes = pickle(value);
  PickleValues values;
  return values.kind(parse_pickle(bytes, values));
}

}  // namespace

TEST_CASE("pickle: integers of every opcode") {
  CHECK(pickled_integer("K\xff") == 255);
  CHECK(pickled_integer("M\xff\xff") == 65535);
  CHECK(pickled_integer("J\xff\xff\xff\xff") == -1);
  CHECK(pickled_integer(std::string("\x8a\x00", 2)) == 0);
  CHECK(pickled_integer("\x8a\x01\x80") == -128);
  CHECK(pickled_integer(std::string("\x8a\x02\xff\x00", 4)) == 255);
  CHECK(pickled_integer(integer(INT64_MIN)) == INT64_MIN);
  CHECK(pickled_integer(std::string("\x8b\x01\x00\x00\x00\x07", 6)) == 7);
  CHECK(pickled_integer("\x88") == 1);
  CHECK(pickled_kind("\x8a\x09" + std::string(9, '\x7f')) == PickleKind::kOpaque);
}

TEST_CASE("pickle: containers, marks and the memo") {
  const std::string bytes = pickle("}q\x01(" + text("a") + "(K\x01K\x02K\x03tq\x02" + text("b") + "h\x02" + "u");
  PickleValues values;
  const PickleRef root = parse_pickle(bytes, values);
  const PickleSpan items = values.dict(root);
  REQUIRE(items.count == 4);
  CHECK(values.text(items[2]) == "b");
  CHECK(items[1] == items[3]);
  REQUIRE(values.tuple(items[1]).count == 3);
  CHECK(values.integer(values.tuple(items[1])[2]) == 3);
}

TEST_CASE("pickle: a dictionary that contains itself") {
  const std::string bytes = pickle("}q\x01" + text("me") + "h\x01s");
  PickleValues values;
  const PickleRef root = parse_pickle(bytes, values);
  CHECK(values.dict(root)[1] == root);
}

TEST_CASE("pickle: globals that are not on the list are refused by name") {
  const std::string system = global("os", "system") + text("echo") + "\x85R";
  CHECK_CONTAINS(pickle_error_of(pickle(system)), "'os.system': refused; nothing was imported or executed");
  CHECK_CONTAINS(pickle_error_of(pickle(text("builtins") + text("eval") + "\x93")), "'builtins.eval': refused");
  for (const auto& refused : std::vector<std::pair<std::string, std::string>>{{"builtins", "exec"},
                                                                              {"builtins", "getattr"},
                                                                              {"__builtin__", "eval"},
                                                                              {"posix", "system"},
                                                                              {"subprocess", "Popen"},
                                                                              {"torch", "load"},
                                                                              {"torch.storage", "_load_from_bytes"},
                                                                              {"torch", ""},
                                                                              {"builtins", ""},
                                                                              {"builtins", "set frozenset"},
                                                                              {"numpy.core.multiarray", ""}}) {
    const std::string &module = refused.first, &name = refused.second;
    CAPTURE(name);
    CHECK_CONTAINS(pickle_error_of(pickle(global(module, name))), "'" + module + "." + name + "': refused");
  }
}

TEST_CASE("pickle: harmless objects of checkpoints are skipped") {
  CHECK(pickled_kind(global("argparse", "Namespace") + ")\x81}" + text("lr") + "K\x01sb") == PickleKind::kOpaque);
  CHECK(pickled_kind(global("pathlib", "PosixPath") + text("/a") + "\x85R") == PickleKind::kOpaque);
  CHECK(pickled_kind(global("collections", "defaultdict") + global("builtins", "list") + "\x85R") == PickleKind::kDict);
  CHECK(pickled_kind(global("builtins", "set") + "](K\x01" + "e\x85R") == PickleKind::kOpaque);
}

TEST_CASE("pickle: instructions without their operands") {
  for (const std::string op :
       {"0",     "2",     "R",    "\x81", "\x92", "b",           "a",        "e",        "s",       "u",
        "t",     "\x85",  "\x86", "\x87", "Q",    "\x93",        "\x90",     "\x91",     "1",       "\x94",
        "q\x01", "h\x01", ".",    "N)R",  "Na0s", "K\x01K\x01s", "](K\x01u", "}(K\x01u", "(K\x01u", ")N\x86Rb"}) {
    CAPTURE(op);
    CHECK_CONTAINS(pickle_error_of(pickle(op)), "pickle, at its byte");
  }
  // Not through the mark: the tuple needs two values above it.
  CHECK_CONTAINS(pickle_error_of(pickle("K\x01(K\x02\x86")), "stack is empty");
}

TEST_CASE("pickle: declared lengths beyond the end") {
  for (const std::string& op :
       {"X" + le(uint32_t{0xffffffff}), "\x8d" + le(~uint64_t{0}), "\x8e" + le(uint64_t{1} << 63),
        "\x8b" + le(uint32_t{0xffffffff}), "T" + le(uint32_t{0x7fffffff}), "\x96" + le(uint64_t{100}),
        std::string("\x8a\xff"), std::string("cos"), std::string("c\n"), std::string("G123"), std::string("")}) {
    CHECK_CONTAINS(pickle_error_of("\x80\x02" + op), "pickle, at its byte");
  }
  CHECK_CONTAINS(pickle_error_of(pickle("Nr" + le(uint32_t{0xffffffff}))), "memo index 4294967295");
  CHECK_CONTAINS(pickle_error_of("\x80\x09N."), "protocol 9");
  CHECK_CONTAINS(pickle_error_of(""), "middle of an instruction");
}

TEST_CASE("pickle: text opcodes of protocol 0 and out-of-band buffers are refused") {
  for (const std::string op : {"I1\n", "S'a'\n", "Va\n", "ios\nsystem\n", "o", "P1\n", "\x97", "\x98", "\x82\x01"}) {
    CHECK_CONTAINS(pickle_error_of(pickle(op)), "is not one of tensors and plain values");
  }
}

TEST_CASE("pickle: a million levels of nesting neither recurse nor grow") {
  constexpr size_t kDepth = 1'000'000;
  CHECK(pickled_kind(")" + std::string(kDepth, '\x85')) == PickleKind::kTuple);
  CHECK(pickled_kind(std::string(kDepth, '(') + "K\x01" + std::string(kDepth, 't')) == PickleKind::kTuple);
  CHECK(pickled_kind(std::string(kDepth, '}') + [] {
          std::string sets;
          for (size_t i = 1; i < kDepth; ++i) sets += "N2s0";
          return sets;
        }()) == PickleKind::kDict);
  // Each tuple holds the one before twice: 2^20 paths, 21 values.
  std::string doubling = ")";
  for (int i = 0; i < 20; ++i) doubling += "2\x86";
  CHECK(pickled_kind(doubling) == PickleKind::kTuple);
}

TEST_CASE("pickle: no truncation and no flipped bit crashes") {
  const std::string scalar_type = global("numpy", "dtype") + text("f8") + "\x89\x88\x87Rq\x05" + "h\x05" + "0";
  const std::string bytes =
      pickle(dict({{"w", tensor(storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1})}, {"n", scalar_type}}));
  REQUIRE(pickle_error_of(bytes).empty());
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(!pickle_error_of(std::string(bytes, 0, size)).empty());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(value);
      pickle_error_of(damaged);
    }
  }
}

}  // namespace mmoe::converter::testing
