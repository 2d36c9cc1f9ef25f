#include "converter/importers/pickle.h"

#include <string>

#include "converter/error.h"
#include "converter/importers/float_convert.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {
namespace {

constexpr PickleRef kUnset = ~PickleRef{0};

/// The pickle's stack machine. Every opcode takes at least one byte and makes at most one value, so the length
/// of the pickle bounds the work, the stack and the values.
class Machine {
 public:
  Machine(std::string_view bytes, PickleValues& values) : bytes_(bytes), values_(values) {}

  PickleRef run() {
    for (;;) {
      opcode_at_ = at_;
      const unsigned char opcode = byte();
      if (opcode == '.') return pop();
      const bool known = push_number(opcode) || push_text(opcode) || push_container(opcode) || fill_container(opcode) ||
                         move_on_stack(opcode) || use_memo(opcode) || call(opcode) || frame(opcode);
      if (!known) fail("opcode " + std::to_string(opcode) + " is not one of tensors and plain values");
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConvertError("damaged or unsupported pickle, at its byte " + std::to_string(opcode_at_) + ": " + what);
  }

  // Bytes.

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) fail("it ends in the middle of an instruction");
    const std::string_view taken = bytes_.substr(at_, static_cast<size_t>(count));
    at_ += taken.size();
    return taken;
  }

  template <typename Unsigned>
  Unsigned number() {
    return load_little_endian<Unsigned>(reinterpret_cast<const unsigned char*>(take(sizeof(Unsigned)).data()));
  }

  unsigned char byte() { return number<unsigned char>(); }

  std::string_view line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("a name is cut off");
    const std::string_view text = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  // The stack. Values below the newest mark are out of reach until the mark is popped.

  void push(PickleRef ref) { stack_.push_back(ref); }

  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }

  PickleRef top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("the stack is empty");
    return stack_.back();
  }

  /// Pops the newest mark; the span is what was above it, valid until drop().
  PickleSpan above_mark() {
    if (marks_.empty()) fail("there is no mark");
    const uint32_t mark = marks_.back();
    marks_.pop_back();
    return {stack_.data() + mark, stack_.size() - mark};
  }

  void drop(size_t count) { stack_.resize(stack_.size() - count); }

  // Opcodes, in groups; each returns whether `opcode` is of the group.

  bool push_number(unsigned char opcode) {
    switch (opcode) {
      case 'J': push(values_.add_integer(static_cast<int32_t>(number<uint32_t>()))); return true;
      case 'K': push(values_.add_integer(byte())); return true;
      case 'M': push(values_.add_integer(number<uint16_t>())); return true;
      case 0x88: push(values_.add_integer(1)); return true;
      case 0x89: push(values_.add_integer(0)); return true;
      case 0x8a: push(long_integer(take(byte()))); return true;
      case 0x8b: push(long_integer(take(number<uint32_t>()))); return true;
      case 'G': push(values_.add_real(big_endian_real(take(8)))); return true;
      case 'N': push(values_.add_opaque()); return true;
      default: return false;
    }
  }

  static double big_endian_real(std::string_view bytes) {
    uint64_t bits = 0;
    for (const char byte : bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
    return same_bits<double>(bits);
  }

  /// Little-endian two's complement of any length. More than 64 bits is nothing that a tensor can need.
  PickleRef long_integer(std::string_view digits) {
    if (digits.size() > 8) return values_.add_opaque();
    const bool negative = !digits.empty() && (static_cast<unsigned char>(digits.back()) & 0x80) != 0;
    unsigned char wide[8];
    for (size_t i = 0; i < 8; ++i) {
      wide[i] = i < digits.size() ? static_cast<unsigned char>(digits[i]) : (negative ? 0xff : 0);
    }
    return values_.add_integer(same_bits<int64_t>(load_little_endian<uint64_t>(wide)));
  }

  bool push_text(unsigned char opcode) {
    switch (opcode) {
      case 'U':  // str of Python 2, as is the next
      case 0x8c: push(values_.add_text(take(byte()))); return true;
      case 'T':
      case 'X': push(values_.add_text(take(number<uint32_t>()))); return true;
      case 0x8d: push(values_.add_text(take(number<uint64_t>()))); return true;
      case 'C': push_bytes(take(byte())); return true;
      case 'B': push_bytes(take(number<uint32_t>())); return true;
      case 0x8e:
      case 0x96: push_bytes(take(number<uint64_t>())); return true;
      default: return false;
    }
  }

  void push_bytes(std::string_view bytes) { push(values_.add_text(bytes, PickleKind::kBytes)); }

  bool push_container(unsigned char opcode) {
    switch (opcode) {
      case ')': push(values_.add_tuple({})); return true;
      case ']':
      case 0x8f: push(values_.add_list()); return true;
      case '}': push(values_.add_dict()); return true;
      case 't': make_tuple(above_mark()); return true;
      case 0x85:
      case 0x86:
      case 0x87: make_tuple(topmost(opcode - 0x84u)); return true;
      case 0x91:
        drop(above_mark().count);
        push(values_.add_list());
        return true;
      default: return false;
    }
  }

  PickleSpan topmost(size_t count) {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count) fail("the stack is empty");
    return {stack_.data() + stack_.size() - count, count};
  }

  void make_tuple(PickleSpan items) {
    const PickleRef tuple = values_.add_tuple(items);
    drop(items.count);
    push(tuple);
  }

  bool fill_container(unsigned char opcode) {
    switch (opcode) {
      case 'a':
        pop();
        require_list();
        return true;
      case 'e':
      case 0x90:
        drop(above_mark().count);
        require_list();
        return true;
      case 's': set_items(topmost(2)); return true;
      case 'u': set_items(above_mark()); return true;
      default: return false;
    }
  }

  void require_list() const {
    const PickleKind kind = values_.kind(top());
    if (kind != PickleKind::kList && kind != PickleKind::kOpaque) fail("items are added to what is not a list");
  }

  void set_items(PickleSpan items) {
    if (items.count % 2 != 0) fail("a dictionary gets a key without a value");
    if (items.count == stack_.size()) fail("the stack is empty");
    const PickleRef dict = *(items.begin() - 1);
    const PickleKind kind = values_.kind(dict);
    if (kind == PickleKind::kDict) {
      values_.append_to_dict(dict, items);
    } else if (kind != PickleKind::kOpaque) {
      fail("keys are set in what is not a dictionary");
    }
    drop(items.count);
  }

  bool move_on_stack(unsigned char opcode) {
    switch (opcode) {
      case '(': marks_.push_back(static_cast<uint32_t>(stack_.size())); return true;
      case '2': push(top()); return true;
      case '1': drop(above_mark().count); return true;
      case '0':
        if (!marks_.empty() && marks_.back() == stack_.size()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return true;
      default: return false;
    }
  }

  bool use_memo(unsigned char opcode) {
    switch (opcode) {
      case 'q': remember(byte()); return true;
      case 'r': remember(number<uint32_t>()); return true;
      case 0x94: remember(memo_.size()); return true;
      case 'h': recall(byte()); return true;
      case 'j': recall(number<uint32_t>()); return true;
      default: return false;
    }
  }

  /// Python numbers the memo from 0 upwards, so an index beyond the pickle's length is not Python's.
  void remember(size_t index) {
    if (index > bytes_.size()) fail("memo index " + std::to_string(index) + " is out of range");
    if (index >= memo_.size()) memo_.resize(index + 1, kUnset);
    memo_[index] = top();
  }

  void recall(size_t index) {
    if (index >= memo_.size() || memo_[index] == kUnset) fail("memo " + std::to_string(index) + " was never set");
    push(memo_[index]);
  }

  bool frame(unsigned char opcode) {
    if (opcode == 0x80) {
      const unsigned protocol = byte();
      if (protocol > 5) fail("protocol " + std::to_string(protocol) + " is newer than 5, the newest known");
      return true;
    }
    if (opcode == 0x95) take(8);  // the frame's length, a hint for buffering
    return opcode == 0x95;
  }

  // Globals and calls.

  bool call(unsigned char opcode) {
    switch (opcode) {
      case 'c': {
        const std::string_view module = line();
        push_global(module, line());
        return true;
      }
      case 0x93: {
        const PickleRef name = pop();
        const PickleRef module = pop();
        push_global(text(module), text(name));
        return true;
      }
      case 'Q': push_storage(pop()); return true;
      case 'R':
      case 0x81: {
        const PickleRef arguments = pop();
        push_call(pop(), arguments);
        return true;
      }
      case 0x92: {
        pop();  // keyword arguments
        const PickleRef arguments = pop();
        push_call(pop(), arguments);
        return true;
      }
      case 'b': set_state(); return true;
      default: return false;
    }
  }

  std::string_view text(PickleRef ref) const {
    if (values_.kind(ref) != PickleKind::kText) fail("a name is not a string");
    return values_.text(ref);
  }

  void push_global(std::string_view module, std::string_view name) {
    PickleGlobal global{};
    if (!find_pickle_global(module, name, global)) refuse(std::string(module) + "." + std::string(name));
    push(values_.add_global(global));
  }

  [[noreturn]] void refuse(const std::string& global) const {
    // Every pickled torch.nn.Module carries its members of these two names.
    const bool whole_module =
        bytes_.find("_parameters") != std::string_view::npos && bytes_.find("_modules") != std::string_view::npos;
    if (whole_module) {
      throw ConvertError("the file holds a whole model object of class " + in_quotes(global) +
                         ", not only its weights; nothing was imported or executed. Save the weights alone: "
                         "torch.save(model.state_dict(), path)");
    }
    throw ConvertError("the file asks to import " + in_quotes(global) +
                       ": refused; nothing was imported or executed. Expected only tensors and plain values: save "
                       "the state_dict alone, with torch.save(model.state_dict(), path) or paddle.save");
  }

  void push_storage(PickleRef id) {
    if (values_.kind(id) != PickleKind::kTuple) fail("a persistent id is not a tuple");
    push(values_.add_storage(id));
  }

  void push_call(PickleRef callable, PickleRef arguments) {
    if (values_.kind(callable) != PickleKind::kGlobal) fail("it calls what is not a known function");
    if (values_.kind(arguments) != PickleKind::kTuple) fail("the arguments of a call are not a tuple");
    push(result_of(values_.global(callable), arguments));
  }

  PickleRef result_of(PickleGlobal function, PickleRef arguments) {
    const PickleSpan given = values_.tuple(arguments);
    switch (function.kind) {
      case GlobalKind::kDict: return values_.add_dict();
      case GlobalKind::kRebuildTensor:
      case GlobalKind::kRebuildTensorV2:
      case GlobalKind::kRebuildTensorV3:
      case GlobalKind::kRebuildQTensor: return values_.add_tensor(function, arguments);
      case GlobalKind::kRebuildParameter:
      case GlobalKind::kRebuildParameterWithState:
        if (given.count == 0 || values_.kind(given[0]) != PickleKind::kTensor) fail("a parameter has no tensor");
        return given[0];
      case GlobalKind::kRebuildFromType: return rebuild_from_type(given);
      case GlobalKind::kSize:
        if (given.count != 1 || values_.kind(given[0]) != PickleKind::kTuple) fail("torch.Size of no tuple");
        return given[0];
      case GlobalKind::kTuple:
        return given.count == 1 && values_.kind(given[0]) == PickleKind::kTuple ? given[0] : values_.add_opaque();
      case GlobalKind::kNumpyDtype: return numpy_dtype(given);
      case GlobalKind::kNumpyReconstruct: return values_.add_tensor(function, values_.add_opaque(), PickleKind::kArray);
      case GlobalKind::kNumpyFromBuffer: return values_.add_tensor(function, arguments, PickleKind::kArray);
      case GlobalKind::kCodecsEncode: return encoded(given);
      case GlobalKind::kHarmless: return values_.add_opaque();
      case GlobalKind::kStorageType:
      case GlobalKind::kDtype:
      case GlobalKind::kRebuildWrapper:
      case GlobalKind::kBytesOfTensor:
      case GlobalKind::kQScheme:
      case GlobalKind::kTensorType: break;
    }
    fail("it calls a type of torch that a state_dict only refers to");
  }

  /// (function, type, arguments, attributes). Only one level: functions that are themselves of this kind could
  /// nest without end.
  PickleRef rebuild_from_type(PickleSpan given) {
    if (wraps_bytes(given)) return bytes_of(values_.dict(given[3]));
    const bool well_formed = given.count == 4 && values_.kind(given[0]) == PickleKind::kGlobal &&
                             values_.global(given[0]).kind != GlobalKind::kRebuildFromType &&
                             values_.kind(given[1]) == PickleKind::kGlobal &&
                             values_.global(given[1]).kind == GlobalKind::kTensorType &&
                             values_.kind(given[2]) == PickleKind::kTuple;
    if (!well_formed) fail("unexpected arguments of torch._tensor._rebuild_from_type_v2");
    return result_of(values_.global(given[0]), given[2]);
  }

  bool wraps_bytes(PickleSpan given) const {
    const auto is = [&](size_t i, GlobalKind kind) {
      return values_.kind(given[i]) == PickleKind::kGlobal && values_.global(given[i]).kind == kind;
    };
    return given.count == 4 && is(0, GlobalKind::kRebuildWrapper) && is(1, GlobalKind::kBytesOfTensor) &&
           values_.kind(given[3]) == PickleKind::kDict;
  }

  PickleRef bytes_of(PickleSpan attributes) const {
    for (size_t i = 0; i + 1 < attributes.count; i += 2) {
      const bool named = values_.kind(attributes[i]) == PickleKind::kText && values_.text(attributes[i]) == "elem";
      if (named && values_.kind(attributes[i + 1]) == PickleKind::kTensor) return attributes[i + 1];
    }
    fail("a tensor of torchrec has no elements");
  }

  /// ("f4", align, copy). The byte order comes with the state.
  PickleRef numpy_dtype(PickleSpan given) {
    const bool named = given.count > 0 && values_.kind(given[0]) == PickleKind::kText;
    const DTypeInfo* info = named ? find_dtype(&DTypeInfo::numpy, values_.text(given[0])) : nullptr;
    return info != nullptr ? values_.add_numpy_dtype(info->dtype) : values_.add_opaque();
  }

  PickleRef encoded(PickleSpan given) {
    const bool latin1 = given.count == 2 && values_.kind(given[0]) == PickleKind::kText &&
                        values_.kind(given[1]) == PickleKind::kText && values_.text(given[1]) == "latin1";
    return latin1 ? values_.add_text(values_.text(given[0]), PickleKind::kLatin1) : values_.add_opaque();
  }

  /// (version, byte order, ...)
  bool is_big_endian(PickleRef dtype_state) const {
    if (values_.kind(dtype_state) != PickleKind::kTuple) return false;
    const PickleSpan items = values_.tuple(dtype_state);
    return items.count > 1 && values_.kind(items[1]) == PickleKind::kText && values_.text(items[1]) == ">";
  }

  /// Attributes, such as state_dict's _metadata: not needed but for NumPy's arrays and types.
  void set_state() {
    const PickleRef state = pop();
    const PickleKind kind = values_.kind(top());
    if (kind == PickleKind::kArray) return values_.set_array_state(top(), state);
    if (kind == PickleKind::kNumpyDtype) {
      if (is_big_endian(state)) values_.set_big_endian(top());
      return;
    }
    if (kind != PickleKind::kDict && kind != PickleKind::kOpaque && kind != PickleKind::kTensor) {
      fail("it sets attributes of what has none");
    }
  }

  std::string_view bytes_;
  PickleValues& values_;
  size_t at_ = 0;
  size_t opcode_at_ = 0;
  std::vector<PickleRef> stack_;
  std::vector<uint32_t> marks_;
  std::vector<PickleRef> memo_;
};

}  // namespace

PickleRef parse_pickle(std::string_view bytes, PickleValues& values) {
  // Positions are kept in 32 bits.
  if (bytes.size() > 0xfffffff0u) throw ConvertError("the pickle is larger than 4 GiB");
  return Machine(bytes, values).run();
}

}  // namespace mmoe::converter
