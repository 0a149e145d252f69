// Compiled several times with different instruction sets: includes nothing whose inline functions other files share, or
// the linker could keep a version that this CPU cannot run.

#include "loops.h"

#include <math.h>
#include <string.h>

namespace sapo {
namespace {

// One vector register of f32, and how many rows of two of them a product keeps in registers.
#if defined(__AVX512F__)
constexpr int64_t LANES = 16, TILE_ROWS = 8;
#elif defined(__AVX2__)
constexpr int64_t LANES = 8, TILE_ROWS = 6;
#else
constexpr int64_t LANES = 4, TILE_ROWS = 6;
#endif
typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

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
    return x != x ? x : p;
}

// In partial sums: the compiler may not reorder a single one.
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
        // a row too large to square becomes not a number: as zeros it would hide that training has diverged
        const float inverse = squares - squares + 1.0f / sqrtf(squares / static_cast<float>(width) + eps);
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

// 32 well-mixed bits of the seed and a place: two rounds of a permutation (C. Wellons' lowbias32) with half of the seed
// before each. Nothing is carried from one place to the next, so the loop vectorises and threads can share it.
inline uint32_t mixed(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

template <typename T>
void dropout(const T* x, uint64_t seed, uint32_t threshold, float scale, T* y, int64_t begin, int64_t end) {
    const uint32_t low = static_cast<uint32_t>(seed), high = static_cast<uint32_t>(seed >> 32);
    for (int64_t i = begin; i < end; ++i) {
        const uint32_t drawn = mixed(mixed(static_cast<uint32_t>(i) ^ low) ^ high);
        y[i] = narrow<T>(drawn < threshold ? 0.0f : wide(x[i]) * scale);
    }
}

// ---- small products --------------------------------------------------------------------------------------------------

// A [m, k] with any strides, B [k, n] and C [m, n] with rows of contiguous numbers, n a multiple of 2 * LANES.
struct Left {
    const float* data;
    int64_t row, column;
};

template <int64_t ROWS, bool ADD>
inline void product_tile(int64_t k, Left a, const float* b, int64_t b_stride, float* c, int64_t c_stride) {
    Vector sums[ROWS][2];
    for (int64_t i = 0; i < ROWS; ++i)
        for (int64_t j = 0; j < 2; ++j)
            sums[i][j] = ADD ? *reinterpret_cast<const Vector*>(c + i * c_stride + j * LANES) : Vector{};
    for (int64_t step = 0; step < k; ++step) {
        const Vector first = *reinterpret_cast<const Vector*>(b + step * b_stride);
        const Vector second = *reinterpret_cast<const Vector*>(b + step * b_stride + LANES);
        for (int64_t i = 0; i < ROWS; ++i) {
            const float x = a.data[i * a.row + step * a.column];
            sums[i][0] += x * first;
            sums[i][1] += x * second;
        }
    }
    for (int64_t i = 0; i < ROWS; ++i)
        for (int64_t j = 0; j < 2; ++j) *reinterpret_cast<Vector*>(c + i * c_stride + j * LANES) = sums[i][j];
}

template <int64_t ROWS, bool ADD>
void product_rows(int64_t rows, int64_t n, int64_t k, Left a, const float* b, int64_t b_stride, float* c,
                  int64_t c_stride) {
    if constexpr (ROWS > 0) {
        if (rows != ROWS) return product_rows<ROWS - 1, ADD>(rows, n, k, a, b, b_stride, c, c_stride);
        for (int64_t j = 0; j < n; j += 2 * LANES) product_tile<ROWS, ADD>(k, a, b + j, b_stride, c + j, c_stride);
    }
}

// C = A B, or C += A B.
template <bool ADD>
void product(int64_t m, int64_t n, int64_t k, Left a, const float* b, int64_t b_stride, float* c, int64_t c_stride) {
    for (int64_t i = 0; i < m; i += TILE_ROWS) {
        const int64_t rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
        product_rows<TILE_ROWS, ADD>(rows, n, k, {a.data + i * a.row, a.row, a.column}, b, b_stride, c + i * c_stride,
                                     c_stride);
    }
}

// ---- attention -------------------------------------------------------------------------------------------------------

// rows of numbers as f32, times a factor, each filled up with zeros to `to_stride`
template <typename T>
void widen(const T* from, int64_t from_stride, int64_t rows, int64_t width, float factor, float* to, int64_t to_stride) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t i = 0; i < width; ++i) to[row * to_stride + i] = factor * wide(from[row * from_stride + i]);
        for (int64_t i = width; i < to_stride; ++i) to[row * to_stride + i] = 0;
    }
}

// the same, turned: [width, to_stride], of which `columns` are filled
template <typename T>
void widen_turned(const T* from, int64_t from_stride, int64_t rows, int64_t width, float* to, int64_t columns,
                  int64_t to_stride) {
    for (int64_t i = 0; i < width; ++i)
        for (int64_t row = rows; row < columns; ++row) to[i * to_stride + row] = 0;
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0; i < width; ++i) to[i * to_stride + row] = wide(from[row * from_stride + i]);
}

template <typename T>
void narrow_rows(const float* from, int64_t from_stride, int64_t rows, int64_t width, float factor, T* to,
                 int64_t to_stride) {
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0; i < width; ++i)
            to[row * to_stride + i] = narrow<T>(factor * from[row * from_stride + i]);
}

// Some queries, in order, and the keys that at least one of them reads: from a multiple of 32 on.
struct Block {
    int64_t first, rows, from, to;

    template <typename T>
    Block(const AttentionTask<T>& task, int64_t first_query) : first(first_query) {
        rows = task.queries - first < ATTENTION_ROWS ? task.queries - first : ATTENTION_ROWS;
        const int64_t oldest = task.prefix + task.position[first] + 1 - task.window;
        from = oldest > 0 ? oldest / 32 * 32 : 0;
        to = task.prefix + task.position[first + rows - 1] + 1;
    }
    int64_t columns() const { return padded(to - from); }
};

// Which of a block's columns its row may read.
template <typename T>
void readable(const AttentionTask<T>& task, const Block& block, int64_t row, int64_t* from, int64_t* to) {
    const int64_t position = task.prefix + task.position[block.first + row], oldest = position + 1 - task.window;
    *from = (oldest > 0 ? oldest : 0) - block.from;
    *to = position + 1 - block.from;
}

inline void zero_outside(float* row, int64_t from, int64_t to, int64_t columns) {
    for (int64_t j = 0; j < from; ++j) row[j] = 0;
    for (int64_t j = to; j < columns; ++j) row[j] = 0;
}

// keys turned [head_dim, columns], then values [columns, width], those of the prefix first
template <typename T>
void widen_keys(const AttentionTask<T>& task, float* scratch) {
    const int64_t width = padded(task.head_dim), all = task.prefix + task.keys;
    float *turned_k = scratch, *v = turned_k + task.head_dim * task.columns;
    widen_turned(task.k, task.k_stride, task.keys, task.head_dim, turned_k + task.prefix, padded(all) - task.prefix,
                 task.columns);
    widen(task.v, task.v_stride, task.keys, task.head_dim, 1.0f, v + task.prefix * width, width);
}

template <typename T>
void attention(const AttentionTask<T>& task, float* scratch) {
    const int64_t width = padded(task.head_dim), keys = task.columns;
    const float* turned_k = scratch;                   // [head_dim, keys]
    const float* v = turned_k + task.head_dim * keys;  // [keys, width]
    float* q = scratch + (task.head_dim + width) * keys;  // [ATTENTION_ROWS, width]
    float* out = q + ATTENTION_ROWS * width;
    float* scores = out + ATTENTION_ROWS * width;  // [ATTENTION_ROWS, keys]
    widen_keys(task, scratch);
    for (int64_t head = 0; head < task.group; ++head) {
        for (int64_t first = 0; first < task.queries; first += ATTENTION_ROWS) {
            const Block block(task, first);
            const int64_t columns = block.columns();
            widen(task.q + first * task.q_stride + head * task.q_head_stride, task.q_stride, block.rows, task.head_dim,
                  task.scale, q, width);
            product<false>(block.rows, columns, task.head_dim, {q, width, 1}, turned_k + block.from, keys, scores, keys);
            float sums[ATTENTION_ROWS];
            for (int64_t i = 0; i < block.rows; ++i) {
                float* row = scores + i * keys;
                int64_t from, to;
                readable(task, block, i, &from, &to);
                if (task.soft_cap > 0)
                    for (int64_t j = from; j < to; ++j) row[j] = task.soft_cap * tanhf(row[j] / task.soft_cap);
                float largest = row[from];
                for (int64_t j = from; j < to; ++j) largest = row[j] > largest ? row[j] : largest;
                for (int64_t j = from; j < to; ++j) row[j] = exponential(row[j] - largest);
                sums[i] = sum_over(to - from, [&](int64_t j) { return row[from + j]; });
                zero_outside(row, from, to, columns);
                if (task.log_sum)
                    task.log_sum[(first + i) * (task.out_stride / task.head_dim) + head] = largest + logf(sums[i]);
            }
            product<false>(block.rows, width, block.to - block.from, {scores, keys, 1}, v + block.from * width, width, out,
                           width);
            for (int64_t i = 0; i < block.rows; ++i)
                narrow_rows(out + i * width, width, 1, task.head_dim, 1.0f / sums[i],
                            task.out + (first + i) * task.out_stride + head * task.head_dim, 0);
        }
    }
}

template <typename T>
void attention_gradient(const AttentionGradientTask<T>& task, float* scratch) {
    const AttentionTask<T>& forward = task.forward;
    const int64_t width = padded(forward.head_dim), keys = forward.columns, head_dim = forward.head_dim;
    float* turned_k = scratch;                     // [head_dim, keys]
    float* turned_v = turned_k + head_dim * keys;  // [head_dim, keys]
    float* k = turned_v + head_dim * keys;         // [keys, width]
    float* of_k = k + forward.keys * width;        // [keys, width]
    float* of_v = of_k + forward.keys * width;     // [keys, width]
    float* q = of_v + forward.keys * width;        // [ATTENTION_ROWS, width]
    float* g = q + ATTENTION_ROWS * width;
    float* of_q = g + ATTENTION_ROWS * width;
    float* weights = of_q + ATTENTION_ROWS * width;       // [ATTENTION_ROWS, keys]
    float* of_weights = weights + ATTENTION_ROWS * keys;  // [ATTENTION_ROWS, keys]
    widen_turned(forward.k, forward.k_stride, forward.keys, head_dim, turned_k, keys, keys);
    widen_turned(forward.v, forward.v_stride, forward.keys, head_dim, turned_v, keys, keys);
    widen(forward.k, forward.k_stride, forward.keys, head_dim, 1.0f, k, width);
    memset(of_k, 0, 2 * forward.keys * width * sizeof(float));
    for (int64_t head = 0; head < forward.group; ++head) {
        for (int64_t first = 0; first < forward.queries; first += ATTENTION_ROWS) {
            const Block block(forward, first);
            const int64_t columns = block.columns(), read = block.to - block.from;
            const int64_t place = first * forward.out_stride + head * head_dim;
            widen(forward.q + first * forward.q_stride + head * forward.q_head_stride, forward.q_stride, block.rows,
                  head_dim, forward.scale, q, width);
            widen(task.g + place, forward.out_stride, block.rows, head_dim, 1.0f, g, width);
            product<false>(block.rows, columns, head_dim, {q, width, 1}, turned_k + block.from, keys, weights, keys);
            product<false>(block.rows, columns, head_dim, {g, width, 1}, turned_v + block.from, keys, of_weights, keys);
            for (int64_t i = 0; i < block.rows; ++i) {
                float *row = weights + i * keys, *of_row = of_weights + i * keys;
                int64_t from, to;
                readable(forward, block, i, &from, &to);
                const float log_sum = forward.log_sum[(first + i) * (forward.out_stride / head_dim) + head];
                for (int64_t j = from; j < to; ++j) row[j] = exponential(row[j] - log_sum);
                zero_outside(row, from, to, columns);
                zero_outside(of_row, from, to, columns);
            }
            product<true>(read, width, block.rows, {weights, 1, keys}, g, width, of_v + block.from * width, width);
            for (int64_t i = 0; i < block.rows; ++i) {
                const float* row = weights + i * keys;
                float* of_row = of_weights + i * keys;
                const float mean = sum_over(columns, [&](int64_t j) { return row[j] * of_row[j]; });
                for (int64_t j = 0; j < columns; ++j) of_row[j] = row[j] * (of_row[j] - mean);
            }
            product<false>(block.rows, width, read, {of_weights, keys, 1}, k + block.from * width, width, of_q, width);
            product<true>(read, width, block.rows, {of_weights, 1, keys}, q, width, of_k + block.from * width, width);
            narrow_rows(of_q, width, block.rows, head_dim, forward.scale, task.of_q + place, forward.out_stride);
        }
    }
    narrow_rows(of_k, width, forward.keys, head_dim, 1.0f, task.of_k, task.of_stride);
    narrow_rows(of_v, width, forward.keys, head_dim, 1.0f, task.of_v, task.of_stride);
}

template <typename T>
void attention_next(const NextTask<T>& task, float* scratch) {
    float *weights = scratch, *sums = weights + task.keys;
    for (int64_t head = 0; head < task.group; ++head) {
        const T* q = task.q + head * task.head_dim;
        float largest = -INFINITY, sum = 0;
        for (int64_t j = 0; j < task.keys; ++j) {
            const T* k = task.k + j * task.head_dim;
            weights[j] = task.scale * sum_over(task.head_dim, [&](int64_t i) { return wide(q[i]) * wide(k[i]); });
            largest = weights[j] > largest ? weights[j] : largest;
        }
        for (int64_t j = 0; j < task.keys; ++j) weights[j] = exponential(weights[j] - largest);
        for (int64_t i = 0; i < task.head_dim; ++i) sums[i] = 0;
        for (int64_t j = 0; j < task.keys; ++j) {
            const T* v = task.v + j * task.head_dim;
            const float weight = weights[j];
            sum += weight;
            for (int64_t i = 0; i < task.head_dim; ++i) sums[i] += weight * wide(v[i]);
        }
        narrow_rows(sums, 0, 1, task.head_dim, 1.0f / sum, task.out + head * task.head_dim, 0);
    }
}

template <typename T>
constexpr LoopsOf<T> OF = {rms_norm<T>, rms_norm_gradient<T>, rotate<T>, swiglu<T>, swiglu_gradient<T>,
                           dropout<T>, widen_keys<T>, attention<T>, attention_gradient<T>,
                           attention_next<T>};

}  // namespace

extern const Loops SAPO_LOOPS;
const Loops SAPO_LOOPS = {OF<float>, OF<Bf16>};

}  // namespace sapo
