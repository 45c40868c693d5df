#pragma once
#include <stddef.h>
static inline void *memcpy(void *to, const void *from, size_t n) { return __builtin_memcpy(to, from, n); }
static inline void *memset(void *at, int value, size_t n) { return __builtin_memset(at, value, n); }
static inline void *memmove(void *to, const void *from, size_t n) { return __builtin_memmove(to, from, n); }
