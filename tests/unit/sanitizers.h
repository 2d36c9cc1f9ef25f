// Which sanitizers a test is built with: g++ defines macros, clang has features.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MMOE_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define MMOE_THREAD_SANITIZER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define MMOE_ADDRESS_SANITIZER
#endif
#ifdef __SANITIZE_THREAD__
#define MMOE_THREAD_SANITIZER
#endif
