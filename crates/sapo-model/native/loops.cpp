// Compiled several times with different instruction sets: includes nothing whose inline functions other files share, or
// the linker could keep a version that this CPU cannot run.

#include "loops.h"

#include <math.h>
#include <string.h>

namespace sapo {
namespace {

constexpr int64_t LANES = 16;

inline float wide(float x) { return x; }

inline float wide(Bf16 x) {
    const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
    float out;
    memcpy(&out, &bits, 4);
    return out;
}

template <typename T>
T narrow(float x);

template <>
inline float narrow<float>(float x) {
    return x;
}

// to the nearest, ties to even; not a number stays not a number
template <>
inline Bf16 narrow<Bf16>(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return {static_cast<uint16_t>(x != x ? 0x7fc0 : rounded)};
}

// e^x to about two units in the last place, without branches and calls, so that loops over it vectorise (Cephes' expf)
inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;  // rounds to the nearest integer
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    memcpy(&bits, &p, 4);
    bits += static_cast<int32_t>(n) << 23;
    memcpy(&p, &bits, 4);
    return p;
}

// In 16 partial sums: the compiler may not reorder a single one.
template <typename Term>
inline float sum_over(int64_t n, const Term& term) {
    float lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int64_t j = 0; j < LANES; ++j) lanes[j] += term(i + j);
    float sum = 0;
    for (; i < n; ++i) sum += term(i);
    for (int64_t j = 0; j < LANES; ++j) sum += lanes[j];
    return sum;
}

template <typename T>
void rms_norm(const T* x, const T* w, float offset, float eps, T* y, float* inverse_rms, int64_t begin, int64_t end,
              int64_t width) {
    for (int64_t row = begin; row < end; ++row) {
        const T* in = x + row * width;
        T* out = y + row * width;
        const float squares = sum_over(width, [&](int64_t i) { return wide(in[i]) * wide(in[i]); });
        const float inverse = 1.0f / sqrtf(squares / static_cast<float>(width) + eps);
        inverse_rms[row] = inverse;
        for (int64_t i = 0; i < width; ++i) out[i] = narrow<T>(wide(in[i]) * inverse * (offset + wide(w[i])));
    }
}

template <typename T>
void rms_norm_gradient(const T* g, const T* x, const T* w, float offset, const float* inverse_rms, T* of_x, float* of_w,
                       int64_t begin, int64_t end, int64_t width) {
    for (int64_t row = begin; row < end; ++row) {
        const T *gradient = g + row * width, *in = x + row * width;
        const float inverse = inverse_rms[row];
        if (of_x) {
            T* out = of_x + row * width;
            const float along = sum_over(
                width, [&](int64_t i) { return wide(gradient[i]) * (offset + wide(w[i])) * wide(in[i]); });
            const float pull = along * inverse * inverse / static_cast<float>(width);
            for (int64_t i = 0; i < width; ++i)
                out[i] = narrow<T>(inverse * (wide(gradient[i]) * (offset + wide(w[i])) - wide(in[i]) * pull));
        }
        if (of_w)
            for (int64_t i = 0; i < width; ++i) of_w[i] += wide(gradient[i]) * wide(in[i]) * inverse;
    }
}

template <typename T>
void rotate(const T* x, int64_t row_stride, int64_t head_stride, const float* cos, const float* sin, float sign, T* y,
            int64_t begin, int64_t end, int64_t heads, int64_t width, int64_t half) {
    for (int64_t row = begin; row < end; ++row) {
        const float *c = cos + row * half, *s = sin + row * half;
        for (int64_t head = 0; head < heads; ++head) {
            const T* in = x + row * row_stride + head * head_stride;
            T* out = y + (row * heads + head) * width;
            for (int64_t i = 0; i < half; ++i) {
                const float first = wide(in[i]), second = wide(in[i + half]);
                out[i] = narrow<T>(first * c[i] - sign * second * s[i]);
                out[i + half] = narrow<T>(second * c[i] + sign * first * s[i]);
            }
            for (int64_t i = 2 * half; i < width; ++i) out[i] = in[i];
        }
    }
}

template <typename T>
void swiglu(const T* gate, const T* up, T* y, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
        const float z = wide(gate[i]);
        y[i] = narrow<T>(z / (1.0f + exponential(-z)) * wide(up[i]));
    }
}

template <typename T>
void swiglu_gradient(const T* g, const T* gate, const T* up, T* of_gate, T* of_up, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
        const float z = wide(gate[i]), gradient = wide(g[i]);
        const float sigmoid = 1.0f / (1.0f + exponential(-z));
        of_up[i] = narrow<T>(gradient * z * sigmoid);
        of_gate[i] = narrow<T>(gradient * wide(up[i]) * sigmoid * (1.0f + z * (1.0f - sigmoid)));
    }
}

template <typename T>
constexpr LoopsOf<T> OF = {rms_norm<T>, rms_norm_gradient<T>, rotate<T>, swiglu<T>, swiglu_gradient<T>};

}  // namespace

extern const Loops SAPO_LOOPS;
const Loops SAPO_LOOPS = {OF<float>, OF<Bf16>};

}  // namespace sapo
