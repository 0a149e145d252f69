// Loops over rows of f32 or bf16 numbers. loops.cpp is compiled once for each level of x86-64 (build.rs) and once plainly
// elsewhere; `loops()` picks what this CPU can run.
#pragma once

#include <cstdint>

namespace sapo {

// A number format in memory: float, or the upper half of one (bf16).
struct Bf16 {
    uint16_t bits;
};

template <typename T>
struct LoopsOf {
    // y = x / rms(x) * (offset + w) for rows begin..end; keeps 1 / rms of each row
    void (*rms_norm)(const T* x, const T* w, float offset, float eps, T* y, float* inverse_rms, int64_t begin,
                     int64_t end, int64_t width);
    // of_x may be null; of_w, where it is not null, is added to
    void (*rms_norm_gradient)(const T* g, const T* x, const T* w, float offset, const float* inverse_rms, T* of_x,
                              float* of_w, int64_t begin, int64_t end, int64_t width);
    // turns the first 2 * half numbers of each head of `width`; cos and sin hold `half` numbers a row
    void (*rotate)(const T* x, int64_t row_stride, int64_t head_stride, const float* cos, const float* sin, float sign,
                   T* y, int64_t begin, int64_t end, int64_t heads, int64_t width, int64_t half);
    // y = silu(gate) * up
    void (*swiglu)(const T* gate, const T* up, T* y, int64_t begin, int64_t end);
    void (*swiglu_gradient)(const T* g, const T* gate, const T* up, T* of_gate, T* of_up, int64_t begin, int64_t end);
};

struct Loops {
    LoopsOf<float> f32;
    LoopsOf<Bf16> bf16;
};

const Loops& loops();

}  // namespace sapo
