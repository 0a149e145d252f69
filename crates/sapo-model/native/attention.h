// Causal attention over sequences laid end to end, on the CPU: no padding, no scores that the mask would throw away.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <memory>

#include "loops.h"
#include "rows.h"

namespace sapo {

// Rows of B sequences laid end to end: q and out [M, heads, head_dim]; k, v [N, key_heads, head_dim]; of each sequence
// `query_counts` rows of q and `key_counts` rows of k; `position` [M] is each query's place among its sequence's keys,
// rising.
struct PackedRows {
    const Tensor &q, &k, &v, &out;
    const int64_t *queries, *keys, *position;
    int64_t sequences, key_heads, group, head_dim, most_keys = 0;
    std::vector<int64_t> first_query{0}, first_key{0};

    PackedRows(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out, const Tensor& query_counts,
               const Tensor& key_counts, const Tensor& position)
        : q(q), k(k), v(v), out(out), queries(query_counts.const_data_ptr<int64_t>()),
          keys(key_counts.const_data_ptr<int64_t>()), position(position.const_data_ptr<int64_t>()),
          sequences(query_counts.numel()), key_heads(k.size(1)), group(q.size(1) / k.size(1)), head_dim(q.size(2)) {
        for (int64_t i = 0; i < sequences; ++i) {
            first_query.push_back(first_query[i] + queries[i]);
            first_key.push_back(first_key[i] + keys[i]);
            most_keys = std::max(most_keys, keys[i]);
        }
    }

    // Where the results of a sequence's queries that read one key head begin in `out`.
    int64_t out_place(int64_t sequence, int64_t key_head) const {
        return first_query[sequence] * out.stride(0) + key_head * group * head_dim;
    }

    // One sequence's queries that read one key head: without prefix, soft cap and log_sum.
    template <typename At>
    auto task(const At& at_, int64_t sequence, int64_t key_head, int64_t window, double scale) const {
        const int64_t query = first_query[sequence], key = first_key[sequence], head = key_head * group;
        AttentionTask<std::remove_pointer_t<decltype(at_(q))>> task = {};
        task.q = at_(q) + query * q.stride(0) + head * q.stride(1);
        task.k = at_(k) + key * k.stride(0) + key_head * k.stride(1);
        task.v = at_(v) + key * v.stride(0) + key_head * v.stride(1);
        task.q_stride = q.stride(0), task.k_stride = k.stride(0), task.v_stride = v.stride(0);
        task.q_head_stride = q.stride(1);
        task.queries = queries[sequence], task.keys = keys[sequence], task.group = group, task.head_dim = head_dim;
        task.columns = padded(task.keys);
        task.position = position + query;
        task.window = window;
        task.scale = static_cast<float>(scale);
        task.out = at_(out) + out_place(sequence, key_head);
        task.out_stride = out.stride(0);
        return task;
    }
};

// The rows that a kernel can read as they lie: those of contiguous numbers.
inline Tensor rows_contiguous(const Tensor& x) { return x.stride(2) == 1 ? x : x.contiguous(); }

// Attention of the sequences, each by itself.
struct Attention : torch::autograd::Function<Attention> {
    static Tensor forward(AutogradContext* context, const Tensor& given_q, const Tensor& given_k, const Tensor& given_v,
                          const Tensor& query_counts, const Tensor& key_counts, const Tensor& position, int64_t window,
                          double scale) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const Tensor q = rows_contiguous(given_q), k = rows_contiguous(given_k), v = rows_contiguous(given_v);
        const Tensor out = at::empty({q.size(0), q.size(1), q.size(2)}, q.options());
        const Tensor log_sum = at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat));
        with_loops(q, [&](const auto& loops, const auto& at_) {
            each_task(at_, q, k, v, out, log_sum, query_counts, key_counts, position, window, scale,
                      [&](const auto& task, const Place&, float* scratch) { loops.attention(task, scratch); });
        });
        context->save_for_backward({q, k, v, out, log_sum, query_counts, key_counts, position});
        context->saved_data["window"] = window;
        context->saved_data["scale"] = scale;
        return out;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &log_sum = saved[4];
        const Tensor g = gradients[0].contiguous(), of_q = at::empty_like(out);
        // zeros: nobody writes to the keys of a sequence without queries
        const Tensor of_k = at::zeros({k.size(0), k.size(1), k.size(2)}, k.options()), of_v = at::zeros_like(of_k);
        with_loops(q, [&](const auto& loops, const auto& at_) {
            each_task(at_, q, k, v, out, log_sum, saved[5], saved[6], saved[7], context->saved_data["window"].toInt(),
                      context->saved_data["scale"].toDouble(),
                      [&](const auto& task, const Place& place, float* scratch) {
                          auto gradient = gradient_task(task);
                          gradient.g = at_(g) + place.out;
                          gradient.of_q = at_(of_q) + place.out;
                          gradient.of_k = at_(of_k) + place.key;
                          gradient.of_v = at_(of_v) + place.key;
                          gradient.of_stride = of_k.stride(0);
                          loops.attention_gradient(gradient, scratch);
                      });
        });
        return {of_q, of_k, of_v, Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
    }

private:
    // Where a task's rows begin in contiguous tensors like the output and like the keys.
    struct Place {
        int64_t out, key;
    };

    template <typename T>
    static AttentionGradientTask<T> gradient_task(const AttentionTask<T>& forward) {
        return {forward, nullptr, nullptr, nullptr, nullptr, 0};
    }

    // Calls `work` for every key head of every sequence.
    template <typename At, typename Work>
    static void each_task(const At& at_, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out,
                          const Tensor& log_sum, const Tensor& query_counts, const Tensor& key_counts,
                          const Tensor& position, int64_t window, double scale, const Work& work) {
        const PackedRows rows(q, k, v, out, query_counts, key_counts, position);
        at::parallel_for(0, rows.sequences * rows.key_heads, 1, [&](int64_t begin, int64_t end) {
            const std::unique_ptr<float[]> scratch(new float[attention_scratch(rows.most_keys, rows.head_dim)]);
            for (int64_t index = begin; index < end; ++index) {
                const int64_t sequence = index / rows.key_heads, key_head = index % rows.key_heads;
                if (rows.queries[sequence] == 0) continue;
                auto task = rows.task(at_, sequence, key_head, window, scale);
                const int64_t query = rows.first_query[sequence];
                task.log_sum = log_sum.data_ptr<float>() + query * q.size(1) + key_head * rows.group;
                const int64_t key = (rows.first_key[sequence] * rows.key_heads + key_head) * rows.head_dim;
                work(task, Place{rows.out_place(sequence, key_head), key}, scratch.get());
            }
        });
    }
};

// The same where every sequence goes on from one prefix, whose keys and values [P, key_heads, head_dim] each of its
// queries reads before the sequence's own; with a soft cap on the scores where it is not 0. Without gradients.
inline Tensor attention_after(const Tensor& given_prefix_k, const Tensor& given_prefix_v, const Tensor& given_q,
                              const Tensor& given_k, const Tensor& given_v, const Tensor& query_counts,
                              const Tensor& key_counts, const Tensor& position, int64_t window, double scale,
                              double soft_cap) {
    const at::NoGradGuard no_gradients;
    const Tensor prefix_k = rows_contiguous(given_prefix_k), prefix_v = rows_contiguous(given_prefix_v);
    const Tensor q = rows_contiguous(given_q), k = rows_contiguous(given_k), v = rows_contiguous(given_v);
    const Tensor out = at::empty({q.size(0), q.size(1), q.size(2)}, q.options());
    const PackedRows rows(q, k, v, out, query_counts, key_counts, position);
    const int64_t prefix = prefix_k.size(0), most_keys = prefix + rows.most_keys;
    with_loops(q, [&](const auto& loops, const auto& at_) {
        // head by head, so that the prefix is widened once a head and thread
        at::parallel_for(0, rows.key_heads * rows.sequences, 1, [&](int64_t begin, int64_t end) {
            const std::unique_ptr<float[]> scratch(new float[attention_scratch(most_keys, rows.head_dim)]);
            int64_t widened_head = -1;
            for (int64_t index = begin; index < end; ++index) {
                const int64_t sequence = index % rows.sequences, key_head = index / rows.sequences;
                if (rows.queries[sequence] == 0) continue;
                auto task = rows.task(at_, sequence, key_head, window, scale);
                task.columns = padded(most_keys);
                task.soft_cap = static_cast<float>(soft_cap);
                if (key_head != widened_head) {
                    auto of_prefix = task;
                    of_prefix.k = at_(prefix_k) + key_head * prefix_k.stride(1);
                    of_prefix.v = at_(prefix_v) + key_head * prefix_v.stride(1);
                    of_prefix.k_stride = prefix_k.stride(0), of_prefix.v_stride = prefix_v.stride(0);
                    of_prefix.keys = prefix;
                    loops.widen_keys(of_prefix, scratch.get());
                    widened_head = key_head;
                }
                task.prefix = prefix;
                loops.attention(task, scratch.get());
            }
        });
    });
    return out;
}

// Attention of one new token of every sequence, whose keys and values go into `column` of the caches first: q
// [B, heads, head_dim], k and v [B, key_heads, head_dim], caches [B, key_heads, capacity, head_dim] whose first
// `padding` [B] columns are empty. Without gradients.
inline Tensor attention_next(const Tensor& given_q, const Tensor& given_k, const Tensor& given_v, const Tensor& k_cache,
                             const Tensor& v_cache, const Tensor& padding, int64_t column, int64_t window, double scale) {
    const at::NoGradGuard no_gradients;
    const Tensor q = given_q.contiguous(), k = given_k.contiguous(), v = given_v.contiguous(), out = at::empty_like(q);
    const int64_t sequences = q.size(0), key_heads = k.size(1), head_dim = q.size(2), group = q.size(1) / key_heads;
    const int64_t bytes = head_dim * q.element_size();
    const int64_t* empty = padding.const_data_ptr<int64_t>();
    with_loops(q, [&](const auto& loops, const auto& at_) {
        using T = std::remove_pointer_t<decltype(at_(q))>;
        const int64_t grain = std::max<int64_t>(1, GRAIN / std::max<int64_t>(1, column * head_dim * group));
        at::parallel_for(0, sequences * key_heads, grain, [&](int64_t begin, int64_t end) {
            const std::unique_ptr<float[]> scratch(new float[column + 1 + head_dim]);
            for (int64_t index = begin; index < end; ++index) {
                T* keys = at_(k_cache) + index * k_cache.stride(1);
                T* values = at_(v_cache) + index * v_cache.stride(1);
                std::memcpy(keys + column * head_dim, at_(k) + index * head_dim, bytes);
                std::memcpy(values + column * head_dim, at_(v) + index * head_dim, bytes);
                const int64_t first = std::max(empty[index / key_heads], column + 1 - window);
                NextTask<T> task;
                task.q = at_(q) + index * group * head_dim;
                task.k = keys + first * head_dim, task.v = values + first * head_dim;
                task.keys = column + 1 - first, task.group = group, task.head_dim = head_dim;
                task.scale = static_cast<float>(scale);
                task.out = at_(out) + index * group * head_dim;
                loops.attention_next(task, scratch.get());
            }
        });
    });
    return out;
}

}  // namespace sapo
