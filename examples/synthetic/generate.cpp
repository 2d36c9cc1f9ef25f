// Two regression tasks whose relation is set by one number: the data of Ma et al., KDD 2018, section 3.2.
//
// The twin of generate.py, which says what the numbers are: both give the same ones, to the bit. Therefore nothing
// of <cmath> but sqrt and floor is used, which IEEE 754 defines, and no multiply-add may be fused
// (-ffp-contract=off, which a compiler of ISO C++ for x86-64 has by itself).
#include <algorithm>
#include <array>
#include <cerrno>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

static_assert(FLT_EVAL_METHOD == 0, "arithmetic wider than double would give other numbers than generate.py");

namespace {

using std::uint64_t;

constexpr uint64_t kGamma = 0x9E3779B97F4A7C15;  // SplitMix64's step, Steele et al., OOPSLA 2014
enum StreamNumber : uint64_t { kDirections, kInputs, kNoise };

constexpr double kLn2 = 0.6931471805599453, kSqrt2 = 1.4142135623730951, kPi = 3.141592653589793;
constexpr double kInverseTwoPi = 0.15915494309189535;
constexpr std::array<double, 8> kLogSeries = {1.0,     1.0 / 3,  1.0 / 5,  1.0 / 7,
                                              1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15};  // atanh(s) / s in s^2
constexpr std::array<double, 7> kSinSeries = {1.0,          -1.0 / 6,        1.0 / 120,       -1.0 / 5040,
                                              1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800};
constexpr std::array<double, 8> kCosSeries = {1.0,         -1.0 / 2,       1.0 / 24,        -1.0 / 720,
                                              1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200};

// ------------------------------------------------------------------------------------------------ numbers

uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

/// series[0] + series[1] z + ..., by Horner's rule.
template <std::size_t Terms>
double polynomial(const std::array<double, Terms>& series, double z) {
  double value = z * series[Terms - 1];
  for (std::size_t i = Terms - 2; i > 0; --i) value = (value + series[i]) * z;
  return value + series[0];
}

/// -2 ln((high + 1/2) / 2^32).
double minus_two_ln(std::uint32_t high) {
  const double value = high + 0.5;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const double exponent = static_cast<double>(bits >> 52) - (1023 + 32 - 0.5);  // mantissas are around sqrt(2)
  bits = (bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1023} << 52);
  double mantissa;
  std::memcpy(&mantissa, &bits, sizeof mantissa);
  const double s = (mantissa - kSqrt2) / (mantissa + kSqrt2);
  return exponent * (-2 * kLn2) - s * 4 * polynomial(kLogSeries, s * s);
}

struct SinCos {
  double sine, cosine;
};

/// Of an angle between 0 and pi / 4.
SinCos sin_cos(double theta) {
  const double z = theta * theta;
  return {polynomial(kSinSeries, z) * theta, polynomial(kCosSeries, z)};
}

/// The sine, from the series above after a reduction to an eighth of the circle.
double sin_of_any(double angle) {
  const double turns = angle * kInverseTwoPi;
  const double eighths = (turns - std::floor(turns)) * 8;
  const int octant = static_cast<int>(std::floor(eighths)) & 7;
  const double part = eighths - std::floor(eighths);
  const SinCos both = sin_cos((octant & 1 ? 1 - part : part) * (kPi / 4));
  const double value = (octant + 1) & 2 ? both.cosine : both.sine;
  return octant & 4 ? -value : value;
}

double round_to(double value, int bits) {
  const double scale = static_cast<double>(uint64_t{1} << bits);
  return std::floor(value * scale + 0.5) / scale;
}

/// Random words and normal numbers of one purpose, each found by its index.
class Stream {
 public:
  Stream(uint64_t seed, StreamNumber number) : key_(mix(mix(seed + kGamma) + (number + 1) * kGamma)) {}

  /// Box and Muller: the word's upper half gives the radius; of the lower half, three bits choose an eighth of the
  /// circle and the others an angle within it.
  std::array<double, 2> normals(uint64_t index) const {
    const uint64_t word = mix(key_ + (index + 1) * kGamma);
    const double radius = std::sqrt(minus_two_ln(static_cast<std::uint32_t>(word >> 32)));
    const SinCos both = sin_cos((static_cast<double>(word & 0x1FFFFFFF) + 0.5) * (kPi / 4 / (1 << 29)));
    const bool swap = (word >> 31) & 1;
    const double first = (swap ? both.sine : both.cosine) * radius;
    const double second = (swap ? both.cosine : both.sine) * radius;
    return {(word >> 30) & 1 ? -first : first, (word >> 29) & 1 ? -second : second};
  }

 private:
  uint64_t key_;
};

// ------------------------------------------------------------------------------------------------ tasks

struct Options {
  std::string output, labels;
  uint64_t rows = 10000, first_row = 0, seed = 1, dim = 100, sines = 3;
  double cosine = 0.5, scale = 1, noise = 0.1;
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

class Tasks {
 public:
  explicit Tasks(const Options& options)
      : options_(options), pairs_((options.dim + 1) / 2), inputs_(options.seed, kInputs), noise_(options.seed, kNoise) {
    const Stream stream(options.seed, kDirections);
    u1_ = normal_vector(stream, 0);
    u2_ = normal_vector(stream, pairs_);
    const double length = std::sqrt(dot(u1_, u1_));
    for (double& value : u1_) value /= length;
    const double along = dot(u1_, u2_);
    for (std::size_t i = 0; i < u2_.size(); ++i) u2_[i] -= u1_[i] * along;
    const double rest = std::sqrt(dot(u2_, u2_));
    for (double& value : u2_) value = round_to(value / rest, 24);
    for (double& value : u1_) value = round_to(value, 24);
  }

  /// x of a row: [dim].
  void inputs(uint64_t row, std::vector<double>& x) const {
    for (uint64_t pair = 0; pair < pairs_; ++pair) {
      const auto values = inputs_.normals(row * pairs_ + pair);
      x[2 * pair] = round_to(values[0], 20);
      if (2 * pair + 1 < options_.dim) x[2 * pair + 1] = round_to(values[1], 20);
    }
  }

  std::array<double, 2> labels(uint64_t row, const std::vector<double>& x) const {
    const double a = dot(u1_, x), b = dot(u2_, x);  // exact
    const double cosine = options_.cosine;
    const std::array<double, 2> linear = {a * options_.scale,
                                          (a * cosine + b * std::sqrt(1 - cosine * cosine)) * options_.scale};
    const auto noise = noise_.normals(row);
    std::array<double, 2> y{};
    for (std::size_t task = 0; task < 2; ++task) {
      y[task] = linear[task];
      for (uint64_t i = 0; i < options_.sines; ++i) {
        y[task] += sin_of_any(linear[task] * static_cast<double>(i + 1) + static_cast<double>(i * i));
      }
      y[task] += noise[task] * options_.noise;
    }
    return y;
  }

 private:
  std::vector<double> normal_vector(const Stream& stream, uint64_t first_pair) const {
    std::vector<double> values;
    for (uint64_t pair = 0; pair < pairs_; ++pair) {
      for (double value : stream.normals(first_pair + pair)) values.push_back(value);
    }
    values.resize(options_.dim);
    return values;
  }

  Options options_;
  uint64_t pairs_;
  Stream inputs_, noise_;
  std::vector<double> u1_, u2_;
};

// ------------------------------------------------------------------------------------------------ files

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// A table of float32 numbers, as CSV or .npy by the name's ending. It has its name once it is whole.
class Table {
 public:
  Table(const std::string& path, uint64_t rows, const std::vector<std::string>& columns)
      : path_(path), part_(path + ".part"), npy_(ends_with(path, ".npy")) {
    errno = 0;
    file_.open(part_, std::ios::binary);
    if (!file_) fail("cannot be written");
    if (npy_) {
      write_npy_header(rows, columns.size());
    } else {
      for (std::size_t i = 0; i < columns.size(); ++i) file_ << (i == 0 ? "" : ",") << columns[i];
      file_ << '\n';
    }
  }

  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    if (!finished_) std::remove(part_.c_str());
  }

  void add(const std::vector<float>& row) {
    line_.clear();
    for (float value : row) npy_ ? append_bytes(value) : append_text(value);
    if (!npy_) line_.back() = '\n';
    file_.write(line_.data(), static_cast<std::streamsize>(line_.size()));
    if (!file_) fail("writing failed");
  }

  void finish() {
    file_.close();
    if (!file_ || std::rename(part_.c_str(), path_.c_str()) != 0) fail("writing failed");
    finished_ = true;
  }

 private:
  [[noreturn]] void fail(const std::string& what) {
    const std::string reason = errno != 0 ? std::string(": ") + std::strerror(errno) : "";
    std::remove(part_.c_str());  // a constructor that throws has no destructor
    throw std::runtime_error(path_ + ": " + what + reason);
  }

  void write_npy_header(uint64_t rows, uint64_t columns) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                         std::to_string(columns) + "), }";
    constexpr std::size_t kPrefix = 10, kAlignment = 64;
    while ((kPrefix + header.size() + 1) % kAlignment != 0) header += ' ';
    header += '\n';
    file_.write("\x93NUMPY\x01\x00", 8);
    file_.put(static_cast<char>(header.size() & 255)).put(static_cast<char>(header.size() >> 8));
    file_ << header;
  }

  void append_bytes(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) line_ += static_cast<char>((bits >> shift) & 255);
  }

  void append_text(float value) {
    char text[32];
    line_.append(text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.9g,", static_cast<double>(value))));
  }

  std::string path_, part_, line_;
  bool npy_, finished_ = false;
  std::ofstream file_;
};

void generate(const Options& options) {
  const Tasks tasks(options);
  std::vector<std::string> columns;
  for (uint64_t i = 1; i <= options.dim; ++i) columns.push_back("x" + std::to_string(i));
  const std::vector<std::string> label_columns = {"y1", "y2"};
  std::optional<Table> separate;
  if (options.labels.empty()) {
    columns.insert(columns.end(), label_columns.begin(), label_columns.end());
  } else {
    separate.emplace(options.labels, options.rows, label_columns);
  }
  Table table(options.output, options.rows, columns);

  std::vector<double> x(options.dim);
  std::vector<float> row(columns.size()), labels(2);
  for (uint64_t i = 0; i < options.rows; ++i) {
    tasks.inputs(options.first_row + i, x);
    const auto y = tasks.labels(options.first_row + i, x);
    for (std::size_t j = 0; j < x.size(); ++j) row[j] = static_cast<float>(x[j]);
    for (std::size_t task = 0; task < 2; ++task) labels[task] = static_cast<float>(y[task]);
    if (!separate) std::copy(labels.begin(), labels.end(), row.end() - 2);
    table.add(row);
    if (separate) separate->add(labels);
  }
  table.finish();
  if (separate) separate->finish();
}

// ------------------------------------------------------------------------------------------------ command line

constexpr const char* kHelp = R"(usage: synthetic_data -o FILE [options]

Two regression tasks on the same x, as Ma et al., KDD 2018, section 3.2, make them: w1 = c u1 and
w2 = c (p u1 + sqrt(1 - p^2) u2) with orthogonal unit vectors u1, u2; x of d normal numbers;
y_k = w_k.x + sum over i = 1 ... m of sin(i w_k.x + (i - 1)^2) + noise.

  -o, --output FILE   x1 ... xd; and y1, y2 without --labels. A name in .npy or .csv chooses the format
      --labels FILE   y1, y2, in a file of their own
      --rows N        how many (default 10000)
      --first-row N   number of the first: rows of a seed can be made in parts (default 0)
      --seed N        of u1, u2, x and the noise (default 1)
      --dim N         d, 2 to 4096 (default 100)
      --cosine P      p, -1 to 1 (default 0.5)
      --scale C       c (default 1)
      --sines N       m, 0 to 1000 (default 3)
      --noise S       standard deviation (default 0.1)
  -h, --help          this text
)";

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

uint64_t integer(const std::string& name, const std::string& text, uint64_t least, uint64_t most) {
  errno = 0;
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || errno != 0 || value < least || value > most) {
    throw UsageError(name + ": '" + text + "' is not a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return value;
}

double real(const std::string& name, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= least && value <= most)) {
    char range[64];
    std::snprintf(range, sizeof range, "%g to %g", least, most);
    throw UsageError(name + ": '" + text + "' is not a number from " + range);
  }
  return value;
}

/// Takes `text` for the option, or returns false if there is none of that name.
bool set(Options& options, const std::string& name, const std::string& text) {
  constexpr uint64_t kMostRows = uint64_t{1} << 40;
  if (name == "-o" || name == "--output") return options.output = text, true;
  if (name == "--labels") return options.labels = text, true;
  if (name == "--rows") return options.rows = integer(name, text, 1, kMostRows), true;
  if (name == "--first-row") return options.first_row = integer(name, text, 0, kMostRows), true;
  if (name == "--seed") return options.seed = integer(name, text, 0, UINT64_MAX), true;
  if (name == "--dim") return options.dim = integer(name, text, 2, 4096), true;
  if (name == "--sines") return options.sines = integer(name, text, 0, 1000), true;
  if (name == "--cosine") return options.cosine = real(name, text, -1, 1), true;
  if (name == "--scale") return options.scale = real(name, text, -1000, 1000), true;
  if (name == "--noise") return options.noise = real(name, text, 0, 1000), true;
  return false;
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    const std::string value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (!set(options, name, value)) throw UsageError("unknown option '" + name + "'");
  }
  if (options.output.empty()) throw UsageError("--output is missing");
  for (const std::string& path : {options.output, options.labels}) {
    if (!path.empty() && !ends_with(path, ".npy") && !ends_with(path, ".csv")) {
      throw UsageError(path + ": the name must end in .csv or .npy");
    }
  }
  if (options.output == options.labels) throw UsageError("--output and --labels are the same file");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const std::string& argument : arguments) {
    if (argument == "-h" || argument == "--help") return std::cout << kHelp, 0;
  }
  try {
    generate(parse(arguments));
  } catch (const UsageError& error) {
    std::cerr << "error: " << error.what() << "; --help lists the options\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
