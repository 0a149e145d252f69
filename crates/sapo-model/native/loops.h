// Loops over rows of f32 or bf16 numbers. loops.cpp is compiled once for each level of x86-64 (build.rs) and once plainly
// elsewhere; `loops()` picks what this CPU can run.
#pragma once

#include <cstdint>

namespace sapo {

// A number format in memory: float, or the upper half of one (bf16).
struct Bf16 {
    uint16_t bits;
};

// Causal attention of the query heads that share one key head, within one sequence.
template <typename T>
struct AttentionTask {
    const T *q, *k, *v;           // rows of head_dim numbers, `*_stride` apart
    int64_t q_stride, k_stride, v_stride, q_head_stride;
    int64_t queries, keys, group, head_dim;
    int64_t prefix;               // keys before these, which `widen_keys` has left in the scratch memory
    int64_t columns;              // room for all keys there, a multiple of 32
    const int64_t* position;      // of each query: it reads the keys up to there
    int64_t window;               // and no more than so many, the prefix included
    float scale;
    float soft_cap;               // scores go through soft_cap * tanh(score / soft_cap); 0 for none; has no gradient
    T* out;                       // rows and heads as those of contiguous q
    int64_t out_stride;
    float* log_sum;               // [queries, group], out_stride / head_dim apart: of the exponentials of the scores;
                                  // null where no gradient will ask
};

// What its gradient needs and gives besides.
template <typename T>
struct AttentionGradientTask {
    AttentionTask<T> forward;
    const T* g;                   // by the output, laid out as it
    T *of_q, *of_k, *of_v;        // of_q laid out as the output; of_k and of_v `of_stride` apart
    int64_t of_stride;
};

// Attention of one query for each of `group` heads over keys and values that lie in a cache, [keys, head_dim] each.
template <typename T>
struct NextTask {
    const T *q, *k, *v;
    int64_t keys, group, head_dim;
    float scale;
    T* out;  // like q: heads side by side
};

// Numbers of scratch memory that attention or its gradient takes; that of a next token takes `keys + head_dim`.
constexpr int64_t ATTENTION_ROWS = 64;
inline int64_t padded(int64_t n) { return (n + 31) / 32 * 32; }
inline int64_t attention_scratch(int64_t keys, int64_t head_dim) {
    return 6 * padded(keys) * padded(head_dim) + 2 * ATTENTION_ROWS * padded(keys) + 4 * ATTENTION_ROWS * padded(head_dim);
}

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
    // y = x * scale, or 0 where the number that `seed` gives to the place is less than `threshold`; of such a number all
    // 32-bit values are equally likely
    void (*dropout)(const T* x, uint64_t seed, uint32_t threshold, float scale, T* y, int64_t begin, int64_t end);
    // leaves a task's keys and values in the scratch memory, as the prefix of tasks that follow
    void (*widen_keys)(const AttentionTask<T>& task, float* scratch);
    void (*attention)(const AttentionTask<T>& task, float* scratch);
    void (*attention_gradient)(const AttentionGradientTask<T>& task, float* scratch);
    void (*attention_next)(const NextTask<T>& task, float* scratch);
};

struct Loops {
    LoopsOf<float> f32;
    LoopsOf<Bf16> bf16;
};

const Loops& loops();

// Of the loops in use: v2, v3 or v4 of x86-64, v1 elsewhere.
const char* level_name();

}  // namespace sapo
