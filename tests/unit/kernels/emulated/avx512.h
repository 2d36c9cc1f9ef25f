// Included before a set for AVX-512 is compiled once more as NAME_emulated, by way of without_avx512.py.
#pragma once

#include <immintrin.h>

#define avx512 avx512_emulated
#define avx512vnni avx512vnni_emulated
