/* What takes the time when chunks are decoded: LZ4, BloscLZ, shuffles and Zstandard. Every function returns the number of
   bytes that it made, or -1 for data that are damaged; none of them writes past `to + room`, or reads past `from + size`. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))

/* Bytes that may be copied in steps of 16 past the end of what is wanted, where there is room. */
static inline void copy16(uint8_t *to, const uint8_t *from) { wasm_v128_store(to, wasm_v128_load(from)); }

/* A match that begins `offset` bytes back and may overlap what it writes. */
static inline void copyMatch(uint8_t *to, size_t offset, size_t length, const uint8_t *limit) {
  const uint8_t *from = to - offset;
  if (offset >= 16 && to + length + 16 <= limit) {
    for (size_t i = 0; i < length; i += 16) copy16(to + i, from + i);
  } else if (offset == 1) {
    memset(to, *from, length);
  } else if (offset >= 8 && to + length + 8 <= limit) {
    for (size_t i = 0; i < length; i += 8) memcpy(to + i, from + i, 8);
  } else {
    for (size_t i = 0; i < length; i++) to[i] = from[i];
  }
}

/* A block of LZ4 (github.com/lz4/lz4, doc/lz4_Block_format.md). */
int EXPORT(lz4) lz4(uint8_t *to, size_t room, const uint8_t *from, size_t size) {
  uint8_t *d = to;
  const uint8_t *s = from, *end = from + size, *limit = to + room;
  while (s < end) {
    const unsigned token = *s++;
    size_t literals = token >> 4;
    if (literals == 15) {
      unsigned more;
      do {
        if (s >= end) return -1;
        more = *s++;
        literals += more;
      } while (more == 255);
    }
    if (literals > (size_t)(end - s) || literals > (size_t)(limit - d)) return -1;
    if (literals <= 16 && end - s >= 16 && limit - d >= 16) copy16(d, s);
    else memcpy(d, s, literals);
    s += literals;
    d += literals;
    /* The last sequence has no match. */
    if (s == end) break;
    if (end - s < 2) return -1;
    const size_t offset = s[0] | (s[1] << 8);
    s += 2;
    size_t length = token & 15;
    if (length == 15) {
      unsigned more;
      do {
        if (s >= end) return -1;
        more = *s++;
        length += more;
      } while (more == 255);
    }
    length += 4;
    if (offset == 0 || offset > (size_t)(d - to) || length > (size_t)(limit - d)) return -1;
    copyMatch(d, offset, length, limit);
    d += length;
  }
  return (int)(d - to);
}

/* BloscLZ, a form of FastLZ (github.com/Blosc/c-blosc, blosc/blosclz.c). */
int EXPORT(blosclz) blosclz(uint8_t *to, size_t room, const uint8_t *from, size_t size) {
  uint8_t *d = to;
  const uint8_t *s = from, *end = from + size, *limit = to + room;
  if (size == 0) return 0;
  unsigned control = *s++ & 31;
  for (;;) {
    if (control >= 32) {
      size_t length = (control >> 5) - 1, distance = (control & 31) << 8;
      unsigned code;
      if (length == 6) {
        do {
          if (s >= end) return -1;
          code = *s++;
          length += code;
        } while (code == 255);
      }
      if (s >= end) return -1;
      code = *s++;
      length += 3;
      if (code == 255 && distance == 31 << 8) {
        if (end - s < 2) return -1;
        distance = ((s[0] << 8) | s[1]) + 8191;
        s += 2;
      } else {
        distance += code;
      }
      distance++;
      if (distance > (size_t)(d - to) || length > (size_t)(limit - d)) return -1;
      copyMatch(d, distance, length, limit);
      d += length;
    } else {
      const size_t literals = control + 1;
      if (literals > (size_t)(end - s) || literals > (size_t)(limit - d)) return -1;
      memcpy(d, s, literals);
      d += literals;
      s += literals;
    }
    if (s >= end) return (int)(d - to);
    control = *s++;
  }
}

/* Undoes a byte shuffle: the first bytes of all values, then the second ones; bytes behind the last whole value stay. */
int EXPORT(unshuffle) unshuffle(uint8_t *to, const uint8_t *from, size_t length, size_t size) {
  const size_t count = length / size;
  size_t i = 0;
  if (size == 2) {
    const uint8_t *low = from, *high = from + count;
    for (; i + 16 <= count; i += 16) {
      const v128_t a = wasm_v128_load(low + i), b = wasm_v128_load(high + i);
      wasm_v128_store(to + 2 * i, wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
      wasm_v128_store(to + 2 * i + 16, wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
    }
  } else if (size == 4) {
    for (; i + 16 <= count; i += 16) {
      v128_t plane[4], pair[4];
      for (int k = 0; k < 4; k++) plane[k] = wasm_v128_load(from + k * count + i);
      for (int k = 0; k < 2; k++) {
        pair[k] = wasm_i8x16_shuffle(plane[2 * k], plane[2 * k + 1], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        pair[2 + k] = wasm_i8x16_shuffle(plane[2 * k], plane[2 * k + 1], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      }
      for (int half = 0; half < 2; half++) {
        const v128_t a = pair[2 * half], b = pair[2 * half + 1];
        wasm_v128_store(to + 4 * i + 32 * half, wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
        wasm_v128_store(to + 4 * i + 32 * half + 16, wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15));
      }
    }
  }
  for (size_t k = 0; k < size; k++)
    for (size_t j = i; j < count; j++) to[j * size + k] = from[k * count + j];
  memcpy(to + count * size, from + count * size, length - count * size);
  return (int)length;
}

/* Undoes a bit shuffle (github.com/kiyo-masui/bitshuffle) as Blosc does it: of every byte of a value the lowest bits of all
   values, then the next ones; where the number of values is no multiple of eight nothing was moved. */
int EXPORT(unshuffleBits) unshuffleBits(uint8_t *to, const uint8_t *from, size_t length, size_t size) {
  const size_t count = length / size;
  if (count % 8) {
    memcpy(to, from, length);
    return (int)length;
  }
  const size_t groups = count / 8;
  for (size_t byte = 0; byte < size; byte++) {
    const uint8_t *plane = from + byte * 8 * groups;
    for (size_t group = 0; group < groups; group++) {
      uint64_t x = 0, t;
      for (int row = 0; row < 8; row++) x |= (uint64_t)plane[row * groups + group] << (8 * row);
      /* An 8 x 8 transpose of bits (Hacker's Delight, 7-3). */
      t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aaull;
      x ^= t ^ (t << 7);
      t = (x ^ (x >> 14)) & 0x0000cccc0000ccccull;
      x ^= t ^ (t << 14);
      t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0ull;
      x ^= t ^ (t << 28);
      uint8_t *out = to + group * 8 * size + byte;
      for (int row = 0; row < 8; row++) out[row * size] = (uint8_t)(x >> (8 * row));
    }
  }
  memcpy(to + count * size, from + count * size, length - count * size);
  return (int)length;
}

/* Zstandard: the decoder of Meta (BSD), with its context in static memory. */
#define ZSTD_STATIC_LINKING_ONLY
#define XXH_NAMESPACE ZSTD_
#define ZSTD_DISABLE_ASM 1
#define ZSTD_LEGACY_SUPPORT 0
#define ZSTD_TRACE 0
#define ZSTD_STRIP_ERROR_STRINGS
#define DYNAMIC_BMI2 0
#define DEBUGLEVEL 0
#include "lib/common/entropy_common.c"
#include "lib/common/fse_decompress.c"
#include "lib/common/zstd_common.c"
#include "lib/common/error_private.c"
#include "lib/common/xxhash.c"
#include "lib/decompress/zstd_ddict.c"
#include "lib/decompress/huf_decompress.c"
#include "lib/decompress/zstd_decompress_block.c"
#include "lib/decompress/zstd_decompress.c"

static char workspace[192 * 1024] __attribute__((aligned(16)));

int EXPORT(zstd) zstd(uint8_t *to, size_t room, const uint8_t *from, size_t size) {
  static ZSTD_DCtx *context;
  if (!context) context = ZSTD_initStaticDCtx(workspace, sizeof workspace);
  if (!context) return -1;
  const size_t made = ZSTD_decompressDCtx(context, to, room, from, size);
  return ZSTD_isError(made) ? -1 : (int)made;
}
