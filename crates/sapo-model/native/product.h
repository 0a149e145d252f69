// The product of a linear layer, with its gradients, and the low-rank term of LoRA in the same node of the graph.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "loops.h"

namespace sapo {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// Whether f32 products on the CPU go to oneDNN instead of the BLAS that libtorch was linked with (runtime.rs decides).
// Atomic, for a thread may open a model while another computes with one.
inline std::atomic<bool>& products_by_onednn() {
    static std::atomic<bool> on{false};
    return on;
}

// Whether at::linear has only slow loops for these bf16 numbers: on an x86 CPU without AVX-512, but for a few vectors with
// a weight that is not transposed.
inline bool bf16_is_slow(const Tensor& x, const Tensor& w) {
    constexpr int64_t fewest_rows = 4;
    static const bool without_avx512 = level_name() == std::string("v2") || level_name() == std::string("v3");
    return without_avx512 && x.scalar_type() == at::kBFloat16 && x.device().is_cpu() &&
           (x.size(0) >= fewest_rows || !w.is_contiguous());
}

// A product of bf16 numbers computed in f32 and rounded once, by blocks of w that stay in the cache.
inline Tensor widened_product(const Tensor& x, const Tensor& w, const OptionalTensor& bias) {
    constexpr int64_t block_numbers = 1 << 20;
    const int64_t out = w.size(0), block = std::max<int64_t>(1, block_numbers / std::max<int64_t>(1, w.size(1)));
    const Tensor wide_x = x.to(at::kFloat);
    Tensor y = at::empty({x.size(0), out}, x.options());
    for (int64_t start = 0; start < out; start += block) {
        const int64_t count = std::min(block, out - start);
        const auto part = [&](const Tensor& whole) { return whole.narrow(0, start, count).to(at::kFloat); };
        y.narrow(1, start, count).copy_(at::linear(wide_x, part(w), bias ? OptionalTensor(part(*bias)) : std::nullopt));
    }
    return y;
}

// x w^T (+ bias): [N, in] and [out, in] to [N, out]. w may be a transposed view.
inline Tensor product(const Tensor& x, const Tensor& w, const OptionalTensor& bias = std::nullopt) {
    if (bf16_is_slow(x, w)) return widened_product(x, w, bias);
    const bool plain = !products_by_onednn() || !x.device().is_cpu() || x.scalar_type() != at::kFloat || x.numel() == 0;
    if (plain) return at::linear(x, w, bias);
    using Signature = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, std::string_view, c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                               .typed<Signature>();
    return op.call(x, w, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

// x W^T + bias + s (x' A^T) B^T, where x' is x or x after dropout.
struct LoraLinear : torch::autograd::Function<LoraLinear> {
    static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& w,
                          const OptionalTensor& bias, const OptionalTensor& dropped_x, const OptionalTensor& a,
                          const OptionalTensor& b, double scaling) {
        at::AutoDispatchBelowADInplaceOrView guard;
        Tensor y = product(x, w, bias), low;
        if (a) {
            low = product(dropped_x.value_or(x), *a);               // [N, r]
            y.addmm_(low, b->t(), /*beta=*/1, /*alpha=*/scaling);  // [N, out]
        }
        const Tensor none;
        context->save_for_backward({x, w, dropped_x.value_or(none), a.value_or(none), b.value_or(none), low});
        context->saved_data["has_bias"] = bias.has_value();
        context->saved_data["scaling"] = scaling;
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        const Tensor &x = saved[0], &w = saved[1], &dropped_x = saved[2], &a = saved[3], &b = saved[4], &low = saved[5];
        // needs_input_grad counts the tensors that forward was given, not its arguments
        size_t given = 0;
        const auto wanted = [&](bool present) { return present && context->needs_input_grad(given++); };
        const bool x_wanted = wanted(true), w_wanted = wanted(true);
        const bool bias_wanted = wanted(context->saved_data["has_bias"].toBool());
        const bool dropped_x_wanted = wanted(dropped_x.defined());
        const bool a_wanted = wanted(a.defined()), b_wanted = wanted(b.defined());

        const Tensor g = gradients[0].contiguous();  // [N, out]
        Tensor of_x, of_w, of_bias, of_dropped_x, of_a, of_b;
        if (x_wanted) of_x = product(g, w.t());
        if (w_wanted) of_w = product(g.t(), x.t());
        if (bias_wanted) of_bias = g.sum(0);
        if (a.defined()) {
            const double scaling = context->saved_data["scaling"].toDouble();
            const Tensor of_low = product(g, b.t()).mul_(scaling);  // [N, r]
            if (a_wanted) of_a = product(of_low.t(), (dropped_x.defined() ? dropped_x : x).t());
            if (b_wanted) of_b = product(g.t(), low.t()).mul_(scaling);
            if (dropped_x_wanted) of_dropped_x = product(of_low, a.t());
            if (x_wanted && !dropped_x.defined()) of_x.addmm_(of_low, a);
        }
        return {of_x, of_w, of_bias, of_dropped_x, of_a, of_b, Tensor()};
    }
};

}  // namespace sapo
