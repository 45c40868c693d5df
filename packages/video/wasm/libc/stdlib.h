#pragma once
#include <stddef.h>
static inline int abs(int x) { return x < 0 ? -x : x; }
