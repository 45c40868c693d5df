// What of minih264 is compiled: one encoder per instance, its memory laid out once, with the conversion of RGB pixels to
// BT.709 in limited range before it. Built by build.mjs.

#define H264E_SVC_API 0
#define H264E_MAX_THREADS 0
#define H264E_ENABLE_DENOISE 0
#define MINIH264_IMPLEMENTATION
#include "minih264e.h"

#define EXPORT(name) __attribute__((export_name(name)))

static H264E_create_param_t sizes;
static H264E_run_param_t settings;
static H264E_io_yuv_t planes;
static H264E_persist_t *encoder;
static H264E_scratch_t *scratch;
static unsigned char *pixels, *coded;
static int inWidth, inHeight;

extern unsigned char __heap_base;
static unsigned char *end = &__heap_base;

static unsigned char *take(int bytes)
{
    unsigned char *at = (unsigned char *)(((unsigned long)end + 63) & ~63ul);
    end = at + bytes;
    return at;
}

// Returns where the pixels of a picture go, [height, width, channels]; 0 where memory does not reach.
EXPORT("open") unsigned char *openEncoder(int width, int height, int channels, int keyFrames, int quantizer, int speed)
{
    int persistent, temporary;
    inWidth = width;
    inHeight = height;
    sizes.width = (width + 1) & ~1;
    sizes.height = (height + 1) & ~1;
    sizes.gop = keyFrames;
    sizes.const_input_flag = 1;
    if (H264E_sizeof(&sizes, &persistent, &temporary)) return 0;
    encoder = (H264E_persist_t *)take(persistent);
    scratch = (H264E_scratch_t *)take(temporary);
    const int stride = (width + 15) & ~15, rows = (height + 15) & ~15;
    planes.yuv[0] = take(stride * rows);
    planes.yuv[1] = take(stride * rows / 4);
    planes.yuv[2] = take(stride * rows / 4);
    planes.stride[0] = stride;
    planes.stride[1] = planes.stride[2] = stride / 2;
    // One value more: pixels are read four bytes at a time.
    pixels = take(width * height * channels + 4);
    const unsigned long needed = ((unsigned long)end + 65535) / 65536, there = __builtin_wasm_memory_size(0);
    if (needed > there && __builtin_wasm_memory_grow(0, needed - there) == (unsigned long)-1) return 0;
    if (H264E_init(encoder, &sizes)) return 0;
    settings.qp_min = settings.qp_max = quantizer;
    settings.encode_speed = speed;
    return pixels;
}

// BT.709 in limited range, 16 bits after the point.
static inline int luma(int r, int g, int b)
{
    return (r * 11966 + g * 40254 + b * 4064 + (16 << 16) + 32768) >> 16;
}

// The pixel in premultiplied form: what is see-through is black.
static inline void over(const unsigned char *at, int channels, int *rgb)
{
    for (int c = 0; c < 3; c++) rgb[c] = channels == 4 ? (at[c] * at[3] + 127) / 255 : at[c];
}

static void convert(int channels)
{
    for (int y = 0; y < sizes.height; y += 2) {
        const unsigned char *rows[2] = {pixels + y * inWidth * channels,
                                        pixels + (y + 1 < inHeight ? y + 1 : y) * inWidth * channels};
        unsigned char *const lumas[2] = {planes.yuv[0] + y * planes.stride[0], planes.yuv[0] + (y + 1) * planes.stride[0]};
        unsigned char *const u = planes.yuv[1] + (y >> 1) * planes.stride[1];
        unsigned char *const v = planes.yuv[2] + (y >> 1) * planes.stride[2];
        for (int x = 0; x < sizes.width; x += 2) {
            const int left = x * channels, right = (x + 1 < inWidth ? x + 1 : x) * channels;
            int sum[3] = {0, 0, 0};
            for (int row = 0; row < 2; row++) {
                int a[3], b[3];
                over(rows[row] + left, channels, a);
                over(rows[row] + right, channels, b);
                lumas[row][x] = luma(a[0], a[1], a[2]);
                lumas[row][x + 1] = luma(b[0], b[1], b[2]);
                for (int c = 0; c < 3; c++) sum[c] += a[c] + b[c];
            }
            // Sums of four pixels: 18 bits after the point.
            u[x >> 1] = (sum[0] * -6596 + sum[1] * -22189 + sum[2] * 28784 + (128 << 18) + (1 << 17)) >> 18;
            v[x >> 1] = (sum[0] * 28784 + sum[1] * -26145 + sum[2] * -2639 + (128 << 18) + (1 << 17)) >> 18;
        }
    }
}

// Encodes what lies at `pixels`; returns the length of the stream's next part, with start codes; negative for a fault.
EXPORT("encode") int encode(int channels)
{
    int length;
    if (channels == 4) convert(4);
    else convert(3);
    const int fault = H264E_encode(encoder, scratch, &settings, &planes, &coded, &length);
    return fault ? -fault : length;
}

EXPORT("coded") unsigned char *codedAt(void) { return coded; }
