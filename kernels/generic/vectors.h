// Registers by clang's vectors, for processors that xsimd of Debian 12 does not know: RISC-V. The compiler turns each
// operation into instructions for as many lanes as it has, whatever the length of the machine's registers beyond that.
#pragma once

#include "kernels/generic/dots.h"
#include "kernels/generic/traits.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// The architecture with registers of so many floats.
template <std::size_t kLanes>
struct Vectors {};

template <class Number, std::size_t kLanes>
struct VectorOf {
  typedef Number Type __attribute__((vector_size(kLanes * sizeof(Number))));

  static Type load(const Number* from) {
    Type lanes;
    __builtin_memcpy(&lanes, from, sizeof lanes);
    return lanes;
  }
};

/// Floats in a register (traits.h says what is asked of it), or the whole numbers that a comparison makes of it.
template <std::size_t kLanes>
struct VectorRegister {
  static constexpr std::size_t size = kLanes;
  using Floats = typename VectorOf<float, kLanes>::Type;
  using Ints = typename VectorOf<std::int32_t, kLanes>::Type;

  VectorRegister() = default;
  VectorRegister(Floats its_lanes) : lanes(its_lanes) {}
  explicit VectorRegister(float x) : lanes(x - Floats{}) {}

  static VectorRegister load_unaligned(const float* from) { return VectorOf<float, kLanes>::load(from); }
  void store_unaligned(float* to) const { __builtin_memcpy(to, &lanes, sizeof lanes); }

  Floats lanes;
};
template <std::size_t kLanes>
struct VectorInts {
  typename VectorRegister<kLanes>::Ints lanes;
};

template <std::size_t kLanes>
inline VectorRegister<kLanes> operator+(const VectorRegister<kLanes>& x, const VectorRegister<kLanes>& y) {
  return x.lanes + y.lanes;
}
template <std::size_t kLanes>
inline VectorRegister<kLanes> operator-(const VectorRegister<kLanes>& x, const VectorRegister<kLanes>& y) {
  return x.lanes - y.lanes;
}
template <std::size_t kLanes>
inline VectorRegister<kLanes> operator*(const VectorRegister<kLanes>& x, const VectorRegister<kLanes>& y) {
  return x.lanes * y.lanes;
}
template <std::size_t kLanes>
inline VectorRegister<kLanes> operator-(const VectorRegister<kLanes>& x) {
  return -x.lanes;
}
template <std::size_t kLanes>
inline VectorInts<kLanes> operator<(const VectorRegister<kLanes>& x, const VectorRegister<kLanes>& y) {
  return {x.lanes < y.lanes};
}
template <std::size_t kLanes>
inline VectorInts<kLanes> operator<=(const VectorRegister<kLanes>& x, const VectorRegister<kLanes>& y) {
  return {x.lanes <= y.lanes};
}
template <std::size_t kLanes>
inline VectorRegister<kLanes> select(const VectorInts<kLanes>& mask, const VectorRegister<kLanes>& x,
                                     const VectorRegister<kLanes>& y) {
  return mask.lanes ? x.lanes : y.lanes;
}
/// Where the result is a normal number.
template <std::size_t kLanes>
inline VectorRegister<kLanes> ldexp(const VectorRegister<kLanes>& x, const VectorInts<kLanes>& exponent) {
  return x.lanes * reinterpret_cast<typename VectorRegister<kLanes>::Floats>((exponent.lanes + 127) << 23);
}
inline VectorRegister<4> zip_lo(const VectorRegister<4>& x, const VectorRegister<4>& y) {
  return __builtin_shufflevector(x.lanes, y.lanes, 0, 4, 1, 5);
}
inline VectorRegister<4> zip_hi(const VectorRegister<4>& x, const VectorRegister<4>& y) {
  return __builtin_shufflevector(x.lanes, y.lanes, 2, 6, 3, 7);
}

template <std::size_t kLanes>
struct Register<Vectors<kLanes>> {
  using Type = VectorRegister<kLanes>;
};

/// Sixteen stored numbers. An f16 as with SSE2 (x86.h): its exponent is right after a multiplication by 2^112.
template <std::size_t kLanes>
struct VectorWidening {
  using B = VectorRegister<kLanes>;
  using Floats = typename B::Floats;
  using Words = typename VectorOf<std::uint32_t, kLanes>::Type;

  static void panel_row(F16, const std::uint16_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanelWidth / kLanes; ++r) {
      const Words halves = words(from + r * kLanes);
      const Floats magnitude = reinterpret_cast<Floats>((halves & 0x7fff) << 13) * 0x1p112f;
      to[r] = reinterpret_cast<Floats>(reinterpret_cast<Words>(magnitude) | (halves & 0x8000) << 16);
    }
  }
  static void panel_row(BF16, const std::uint16_t* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanelWidth / kLanes; ++r)
      to[r] = reinterpret_cast<Floats>(words(from + r * kLanes) << 16);
  }
  static void panel_row(I8, const std::int8_t* from, B* to) { convert(from, to); }
  static void panel_row(U8, const std::uint8_t* from, B* to) { convert(from, to); }

 private:
  static Words words(const std::uint16_t* from) {
    return __builtin_convertvector((VectorOf<std::uint16_t, kLanes>::load(from)), Words);
  }
  template <class Number>
  static void convert(const Number* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanelWidth / kLanes; ++r) {
      to[r] = __builtin_convertvector((VectorOf<Number, kLanes>::load(from + r * kLanes)), Floats);
    }
  }
};

/// An input's weights of a panel side by side, widened to 16 bits. Two products of bytes fit these; then they are added
/// to sums of 32 bits. Of those an output has two, since a compiler would first add what goes to one: that takes
/// instructions of another width, between which the processor has to be told each time.
template <std::size_t kLanes>
struct VectorDots : OneQuad {
  using Words = typename VectorOf<std::int32_t, kPanelWidth>::Type;
  using Halves = typename VectorOf<std::int16_t, kPanelWidth>::Type;
  struct Int {
    Words first, second;
  };
  using Input = const std::int8_t*;
  struct Weights {
    Halves of[4];  // inputs
  };
  static constexpr std::size_t kSums = 1;
  // Of 32 registers a row's sums take four, or eight of 128 bits; the weights of four inputs as many.
  static constexpr std::size_t kAccumulators = kLanes == 4 ? 2 : 5;
  static constexpr std::size_t kMaxRows = kAccumulators;
  static constexpr std::uint8_t kFlip = 0;
  static constexpr bool kRowsFirst = true;

  static MMOE_INLINE Int start(const std::int32_t*) { return {Words{}, Words{}}; }
  template <bool>
  static MMOE_INLINE Weights load(const std::int8_t* quad) {
    Words bytes;
    __builtin_memcpy(&bytes, quad, sizeof bytes);
    const Halves low = __builtin_convertvector(bytes, Halves), high = __builtin_convertvector(bytes >> 16, Halves);
    return {{low << 8 >> 8, low >> 8, high << 8 >> 8, high >> 8}};
  }
  template <bool>
  static MMOE_INLINE Input broadcast(const std::int8_t* quad) {
    return quad;
  }
  template <bool>
  static MMOE_INLINE Int add(Int sum, Weights w, Input x) {
    const Halves first = w.of[0] * std::int16_t{x[0]} + w.of[1] * std::int16_t{x[1]};
    const Halves second = w.of[2] * std::int16_t{x[2]} + w.of[3] * std::int16_t{x[3]};
    return {sum.first + __builtin_convertvector(first, Words), sum.second + __builtin_convertvector(second, Words)};
  }
  static MMOE_INLINE void store(Int sum, float* to) {
    const auto floats = __builtin_convertvector(sum.first + sum.second, VectorRegister<kPanelWidth>::Floats);
    __builtin_memcpy(to, &floats, sizeof floats);
  }
};

template <class Arch>
struct VectorTraits;

template <std::size_t kLanes>
struct VectorTraits<Vectors<kLanes>> : BaseTraits<Vectors<kLanes>> {
  using B = VectorRegister<kLanes>;
  using Widening = VectorWidening<kLanes>;
  using Dots = VectorDots<kLanes>;
  using Quad = VectorRegister<4>;
  static constexpr std::size_t kRegisters = 32;

  static B multiply_add(const B& x, const B& y, const B& z) {
    return __builtin_elementwise_fma(x.lanes, y.lanes, z.lanes);
  }
  static B divide(const B& x, const B& y) { return x.lanes / y.lanes; }
  /// NaN becomes 0: the conversion of what is no number is undefined.
  static VectorInts<kLanes> to_int(const B& x) {
    return {__builtin_convertvector(select(x <= x, x, B(0.0f)).lanes, typename B::Ints)};
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
