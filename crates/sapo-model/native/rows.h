// Operations on rows, each one pass over memory with a gradient of its own: on the CPU in f32 and bf16 by the loops of
// loops.cpp, elsewhere by libtorch's operators.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstring>
#include <limits>

#include "loops.h"

namespace sapo {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

inline bool has_loops(const Tensor& x) {
    return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

// Calls `work` with the loops of the tensor's dtype and a function that gives a tensor's memory.
template <typename Work>
void with_loops(const Tensor& like, const Work& work) {
    if (like.scalar_type() == at::kFloat)
        work(loops().f32, [](const Tensor& t) { return static_cast<float*>(t.data_ptr()); });
    else
        work(loops().bf16, [](const Tensor& t) { return static_cast<Bf16*>(t.data_ptr()); });
}

constexpr int64_t GRAIN = 32768;  // numbers that are worth a thread

template <typename Work>
void over_rows(int64_t rows, int64_t width, const Work& work) {
    at::parallel_for(0, rows, std::max<int64_t>(1, GRAIN / std::max<int64_t>(1, width)), work);
}

inline int64_t rows_of(const Tensor& x) { return x.numel() / std::max<int64_t>(1, x.size(-1)); }

// ---- rows by index, -1 for a row of zeros; the index names no row twice -----------------------------------------------

inline Tensor gathered(const Tensor& x, const Tensor& index) {
    if (!x.device().is_cpu())
        return x.index_select(0, index.clamp_min(0)).masked_fill_(index.lt(0).unsqueeze(-1), 0);
    const Tensor source = x.contiguous();
    const int64_t rows = index.numel(), width = source.size(1), bytes = width * source.element_size();
    Tensor out = at::empty({rows, width}, source.options());
    const int64_t* from = index.const_data_ptr<int64_t>();
    const char* in = static_cast<const char*>(source.const_data_ptr());
    char* to = static_cast<char*>(out.mutable_data_ptr());
    over_rows(rows, width, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            if (from[row] < 0)
                std::memset(to + row * bytes, 0, bytes);
            else
                std::memcpy(to + row * bytes, in + from[row] * bytes, bytes);
        }
    });
    return out;
}

// x [N, F] to [M, F]; `inverse` [N] is where each row went, -1 for nowhere.
struct GatherRows : torch::autograd::Function<GatherRows> {
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& index, const Tensor& inverse) {
        at::AutoDispatchBelowADInplaceOrView guard;
        context->save_for_backward({inverse});
        return gathered(x, index);
    }
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        return {gathered(gradients[0], context->get_saved_variables()[0]), Tensor(), Tensor()};
    }
};

// ---- RMSNorm: x / rms(x) * (offset + weight) over the last dimension --------------------------------------------------

struct RmsNorm : torch::autograd::Function<RmsNorm> {
    static Tensor forward(AutogradContext* context, const Tensor& given, const Tensor& weight, double eps,
                          double offset) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const Tensor x = given.contiguous();
        const int64_t width = x.size(-1), rows = rows_of(x);
        const Tensor y = at::empty_like(x), inverse_rms = at::empty({rows}, x.options().dtype(at::kFloat));
        with_loops(x, [&](const auto& loops, const auto& at_) {
            over_rows(rows, width, [&](int64_t begin, int64_t end) {
                loops.rms_norm(at_(x), at_(weight), offset, eps, at_(y), inverse_rms.data_ptr<float>(), begin, end, width);
            });
        });
        context->save_for_backward({x, weight, inverse_rms});
        context->saved_data["offset"] = offset;
        return y;
    }
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        const Tensor &x = saved[0], &weight = saved[1], &inverse_rms = saved[2];
        const Tensor g = gradients[0].contiguous();
        const float offset = static_cast<float>(context->saved_data["offset"].toDouble());
        const int64_t width = x.size(-1), rows = rows_of(x);
        Tensor of_x, of_w;
        if (context->needs_input_grad(0)) of_x = at::empty_like(x);
        // a fixed share of the rows for each thread: the sum must not depend on which thread was free
        const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows));
        if (context->needs_input_grad(1)) of_w = at::zeros({parts, width}, x.options().dtype(at::kFloat));
        with_loops(x, [&](const auto& loops, const auto& at_) {
            at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
                for (int64_t part = first; part < last; ++part)
                    loops.rms_norm_gradient(at_(g), at_(x), at_(weight), offset, inverse_rms.data_ptr<float>(),
                                            of_x.defined() ? at_(of_x) : nullptr,
                                            of_w.defined() ? of_w.data_ptr<float>() + part * width : nullptr,
                                            rows * part / parts, rows * (part + 1) / parts, width);
            });
        });
        if (of_w.defined()) of_w = of_w.sum(0).to(weight.scalar_type());
        return {of_x, of_w, Tensor(), Tensor()};
    }
};

inline Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps, double offset) {
    if (has_loops(x)) return RmsNorm::apply(x, weight, eps, offset);
    const Tensor wide = x.to(at::kFloat);
    const Tensor normed = wide * at::rsqrt(wide.pow(2).mean(-1, true) + eps);
    return (normed * (weight.to(at::kFloat) + offset)).to(x.scalar_type());
}

// ---- rotary positions, half-rotated layout: x [N, H, head_dim], cos and sin [N, half] in f32 --------------------------

// The first 2 * half dimensions of a head turn, by the negative angle for the gradient; the others stay.
inline Tensor rotated(const Tensor& given, const Tensor& cos, const Tensor& sin, float sign) {
    const Tensor x = given.stride(2) == 1 ? given : given.contiguous();
    const int64_t rows = x.size(0), heads = x.size(1), width = x.size(2), half = cos.size(1);
    const Tensor y = at::empty({rows, heads, width}, x.options());
    with_loops(x, [&](const auto& loops, const auto& at_) {
        over_rows(rows, heads * width, [&](int64_t begin, int64_t end) {
            loops.rotate(at_(x), x.stride(0), x.stride(1), cos.data_ptr<float>(), sin.data_ptr<float>(), sign, at_(y),
                         begin, end, heads, width, half);
        });
    });
    return y;
}

struct Rotate : torch::autograd::Function<Rotate> {
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& cos, const Tensor& sin) {
        at::AutoDispatchBelowADInplaceOrView guard;
        context->save_for_backward({cos, sin});
        return rotated(x, cos, sin, 1.0f);
    }
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        return {rotated(gradients[0], saved[0], saved[1], -1.0f), Tensor(), Tensor()};
    }
};

inline Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin) {
    if (has_loops(x)) return Rotate::apply(x, cos, sin);
    const int64_t half = cos.size(1), rest = x.size(2) - 2 * half;
    const Tensor c = cos.unsqueeze(1).to(x.scalar_type()), s = sin.unsqueeze(1).to(x.scalar_type());
    const Tensor first = x.narrow(2, 0, half), second = x.narrow(2, half, half);
    return at::cat({first * c - second * s, second * c + first * s, x.narrow(2, 2 * half, rest)}, 2);
}

// ---- SwiGLU: silu(gate) * up ------------------------------------------------------------------------------------------

struct SwiGlu : torch::autograd::Function<SwiGlu> {
    static Tensor forward(AutogradContext* context, const Tensor& given_gate, const Tensor& given_up) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const Tensor gate = given_gate.contiguous(), up = given_up.contiguous(), y = at::empty_like(gate);
        with_loops(gate, [&](const auto& loops, const auto& at_) {
            at::parallel_for(0, gate.numel(), GRAIN, [&](int64_t begin, int64_t end) {
                loops.swiglu(at_(gate), at_(up), at_(y), begin, end);
            });
        });
        context->save_for_backward({gate, up});
        return y;
    }
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        const Tensor &gate = saved[0], &up = saved[1];
        const Tensor g = gradients[0].contiguous(), of_gate = at::empty_like(gate), of_up = at::empty_like(up);
        with_loops(gate, [&](const auto& loops, const auto& at_) {
            at::parallel_for(0, gate.numel(), GRAIN, [&](int64_t begin, int64_t end) {
                loops.swiglu_gradient(at_(g), at_(gate), at_(up), at_(of_gate), at_(of_up), begin, end);
            });
        });
        return {of_gate, of_up};
    }
};

inline Tensor swiglu(const Tensor& gate, const Tensor& up) {
    return has_loops(gate) ? SwiGlu::apply(gate, up) : at::silu(gate) * up;
}

// ---- dropout: x / (1 - p), or 0 with probability p --------------------------------------------------------------------

// libtorch draws a mask number by number, in one thread; here its generator gives one seed, of which every place follows.
struct Dropout : torch::autograd::Function<Dropout> {
    static Tensor dropped(const Tensor& given, int64_t seed, double p) {
        const Tensor x = given.contiguous(), y = at::empty_like(x);
        const auto threshold = static_cast<uint32_t>(p * 4294967296.0);
        const auto scale = static_cast<float>(1.0 / (1.0 - p));
        with_loops(x, [&](const auto& loops, const auto& at_) {
            at::parallel_for(0, x.numel(), GRAIN, [&](int64_t begin, int64_t end) {
                loops.dropout(at_(x), static_cast<uint64_t>(seed), threshold, scale, at_(y), begin, end);
            });
        });
        return y;
    }
    static Tensor forward(AutogradContext* context, const Tensor& x, int64_t seed, double p) {
        at::AutoDispatchBelowADInplaceOrView guard;
        context->saved_data["seed"] = seed;
        context->saved_data["p"] = p;
        return dropped(x, seed, p);
    }
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const int64_t seed = context->saved_data["seed"].toInt();
        return {dropped(gradients[0], seed, context->saved_data["p"].toDouble()), Tensor(), Tensor()};
    }
};

// p in [0, 1).
inline Tensor dropout(const Tensor& x, double p) {
    if (!has_loops(x)) return at::dropout(x, p, true);
    const Tensor seed = at::empty({1}, at::kLong).random_(std::numeric_limits<int64_t>::min(), std::optional<int64_t>());
    return Dropout::apply(x, seed.item<int64_t>(), p);
}

}  // namespace sapo
