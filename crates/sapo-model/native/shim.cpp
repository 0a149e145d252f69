// What tch does not reach: autograd functions of our own, fused AdamW, tensors over memory that Rust owns.
// Every function returns null, or a message for Rust to free; results go through `out`.

#include <ATen/ATen.h>

#include <cstring>
#include <exception>
#include <mutex>
#include <string>

#include "attention.h"
#include "product.h"
#include "rows.h"

using at::Tensor;

namespace {

char* message_of(const std::string& text) {
    char* copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy) std::memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
}

template <typename Work>
char* guarded(const Work& work) {
    try {
        work();
        return nullptr;
    } catch (const c10::Error& error) {
        return message_of(error.what_without_backtrace());
    } catch (const std::exception& error) {
        return message_of(error.what());
    } catch (...) {
        return message_of("an exception without a message");
    }
}

std::optional<Tensor> optional(const Tensor* tensor) {
    return tensor ? std::optional<Tensor>(*tensor) : std::nullopt;
}

std::vector<Tensor> list(Tensor* const* tensors, size_t count) {
    std::vector<Tensor> copied;
    copied.reserve(count);
    for (size_t i = 0; i < count; ++i) copied.push_back(*tensors[i]);
    return copied;
}

}  // namespace

extern "C" {

void sapo_free_message(char* message) { std::free(message); }

const char* sapo_cpu_level() { return sapo::level_name(); }

// Of this thread and of those that it starts from now on.
bool sapo_flush_denormals() { return at::globalContext().setFlushDenormal(true); }

void sapo_products_by_onednn(bool on) { sapo::products_by_onednn() = on; }

char* sapo_linear(const Tensor* x, const Tensor* weight, const Tensor* bias, const Tensor* dropped_x, const Tensor* a,
                  const Tensor* b, double scaling, Tensor** out) {
    return guarded([&] {
        *out = new Tensor(sapo::LoraLinear::apply(*x, *weight, optional(bias), optional(dropped_x), optional(a),
                                                  optional(b), scaling));
    });
}

char* sapo_gather_rows(const Tensor* x, const Tensor* index, const Tensor* inverse, Tensor** out) {
    return guarded([&] { *out = new Tensor(sapo::GatherRows::apply(*x, *index, *inverse)); });
}

char* sapo_rms_norm(const Tensor* x, const Tensor* weight, double eps, double offset, Tensor** out) {
    return guarded([&] { *out = new Tensor(sapo::rms_norm(*x, *weight, eps, offset)); });
}

char* sapo_rotate(const Tensor* x, const Tensor* cos, const Tensor* sin, Tensor** out) {
    return guarded([&] { *out = new Tensor(sapo::rotate(*x, *cos, *sin)); });
}

char* sapo_swiglu(const Tensor* gate, const Tensor* up, Tensor** out) {
    return guarded([&] { *out = new Tensor(sapo::swiglu(*gate, *up)); });
}

char* sapo_dropout(const Tensor* x, double p, Tensor** out) {
    return guarded([&] { *out = new Tensor(sapo::dropout(*x, p)); });
}

char* sapo_attention(const Tensor* q, const Tensor* k, const Tensor* v, const Tensor* query_counts,
                     const Tensor* key_counts, const Tensor* position, int64_t window, double scale, Tensor** out) {
    return guarded([&] {
        *out = new Tensor(sapo::Attention::apply(*q, *k, *v, *query_counts, *key_counts, *position, window, scale));
    });
}

char* sapo_attention_after(const Tensor* prefix_k, const Tensor* prefix_v, const Tensor* q, const Tensor* k,
                           const Tensor* v, const Tensor* query_counts, const Tensor* key_counts, const Tensor* position,
                           int64_t window, double scale, double soft_cap, Tensor** out) {
    return guarded([&] {
        *out = new Tensor(sapo::attention_after(*prefix_k, *prefix_v, *q, *k, *v, *query_counts, *key_counts, *position,
                                                window, scale, soft_cap));
    });
}

char* sapo_attention_next(const Tensor* q, const Tensor* k, const Tensor* v, const Tensor* k_cache, const Tensor* v_cache,
                          const Tensor* padding, int64_t column, int64_t window, double scale, Tensor** out) {
    return guarded([&] {
        *out = new Tensor(sapo::attention_next(*q, *k, *v, *k_cache, *v_cache, *padding, column, window, scale));
    });
}

// Adds the gradient of the loss by `output` on to the leaves that `output` was computed from.
char* sapo_backward_from(const Tensor* output, const Tensor* gradient) {
    return guarded([&] { output->backward(*gradient); });
}

// One step of AdamW over a list of tensors of one dtype and device; `step` counts from 1.
char* sapo_adamw(Tensor* const* parameters, Tensor* const* gradients, Tensor* const* first_moments,
                 Tensor* const* second_moments, size_t count, double step, double learning_rate, double beta1,
                 double beta2, double weight_decay, double eps) {
    return guarded([&] {
        const at::NoGradGuard no_gradients;
        if (count == 0) return;
        const Tensor steps = at::full({}, step, parameters[0]->options().dtype(at::kFloat).requires_grad(false));
        at::_fused_adamw_(list(parameters, count), list(gradients, count), list(first_moments, count),
                          list(second_moments, count), {}, std::vector<Tensor>(count, steps), learning_rate, beta1,
                          beta2, weight_decay, eps, /*amsgrad=*/false, /*maximize=*/false);
    });
}

// The state of the generator of the device that `like` is on: bytes, on the CPU.
char* sapo_generator_state(const Tensor* like, Tensor** out) {
    return guarded([&] {
        at::Generator generator = at::globalContext().defaultGenerator(like->device());
        const std::lock_guard<std::mutex> lock(generator.mutex());
        *out = new Tensor(generator.get_state());
    });
}

char* sapo_set_generator_state(const Tensor* like, const Tensor* state) {
    return guarded([&] {
        at::Generator generator = at::globalContext().defaultGenerator(like->device());
        const std::lock_guard<std::mutex> lock(generator.mutex());
        generator.set_state(*state);
    });
}

// A CPU tensor over `data`, which `release(owner)` gives back when the last tensor over it is gone.
char* sapo_from_memory(void* data, const int64_t* shape, size_t dimensions, int dtype, void (*release)(void*),
                       void* owner, Tensor** out) {
    return guarded([&] {
        const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
        *out = new Tensor(at::from_blob(
            data, at::IntArrayRef(shape, dimensions), [release, owner](void*) { release(owner); }, options));
    });
}

}  // extern "C"
