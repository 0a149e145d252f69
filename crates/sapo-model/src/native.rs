//! The C++ of `native/`: operators with gradients of their own, fused AdamW, tensors over memory that Rust owns.
//!
//! Like tch's plain operators, those here panic where shapes or dtypes do not fit, which only a mistake in this
//! workspace can cause: weights are checked when they are loaded.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null;

use tch::{Kind, Tensor};
use torch_sys::C_tensor;

unsafe extern "C" {
    fn sapo_free_message(message: *mut c_char);
    fn sapo_cpu_level() -> *const c_char;
    fn sapo_flush_denormals() -> bool;
    fn sapo_products_by_onednn(on: bool);
    fn sapo_linear(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        dropped_x: *const C_tensor,
        a: *const C_tensor,
        b: *const C_tensor,
        scaling: f64,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_gather_rows(
        x: *const C_tensor,
        index: *const C_tensor,
        inverse: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_rms_norm(
        x: *const C_tensor,
        weight: *const C_tensor,
        eps: f64,
        offset: f64,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_rotate(
        x: *const C_tensor,
        cos: *const C_tensor,
        sin: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_swiglu(gate: *const C_tensor, up: *const C_tensor, out: *mut *mut C_tensor) -> *mut c_char;
    fn sapo_dropout(x: *const C_tensor, p: f64, out: *mut *mut C_tensor) -> *mut c_char;
    fn sapo_attention(
        q: *const C_tensor,
        k: *const C_tensor,
        v: *const C_tensor,
        query_counts: *const C_tensor,
        key_counts: *const C_tensor,
        position: *const C_tensor,
        window: i64,
        scale: f64,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_attention_after(
        prefix_k: *const C_tensor,
        prefix_v: *const C_tensor,
        q: *const C_tensor,
        k: *const C_tensor,
        v: *const C_tensor,
        query_counts: *const C_tensor,
        key_counts: *const C_tensor,
        position: *const C_tensor,
        window: i64,
        scale: f64,
        soft_cap: f64,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_attention_next(
        q: *const C_tensor,
        k: *const C_tensor,
        v: *const C_tensor,
        k_cache: *const C_tensor,
        v_cache: *const C_tensor,
        padding: *const C_tensor,
        column: i64,
        window: i64,
        scale: f64,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn sapo_backward_from(output: *const C_tensor, gradient: *const C_tensor) -> *mut c_char;
    fn sapo_adamw(
        parameters: *const *const C_tensor,
        gradients: *const *const C_tensor,
        first_moments: *const *const C_tensor,
        second_moments: *const *const C_tensor,
        count: usize,
        step: f64,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
    ) -> *mut c_char;
    fn sapo_generator_state(like: *const C_tensor, out: *mut *mut C_tensor) -> *mut c_char;
    fn sapo_set_generator_state(like: *const C_tensor, state: *const C_tensor) -> *mut c_char;
    fn sapo_from_memory(
        data: *mut c_void,
        shape: *const i64,
        dimensions: usize,
        dtype: c_int,
        release: extern "C" fn(*mut c_void),
        owner: *mut c_void,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
}

/// The low-rank term of a linear layer.
pub(crate) struct LowRankTerm<'a> {
    /// What the term reads where it is not the layer's input: the input after dropout.
    pub(crate) dropped_x: Option<&'a Tensor>,
    /// `[r, in]`
    pub(crate) a: &'a Tensor,
    /// `[out, r]`
    pub(crate) b: &'a Tensor,
    pub(crate) scaling: f64,
}

/// `x W^T + bias + scaling (x A^T) B^T`: `x` `[N, in]`, `weight` `[out, in]` (a transposed view will do) to `[N, out]`.
pub(crate) fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    low_rank: Option<LowRankTerm<'_>>,
) -> Tensor {
    let (dropped_x, a, b, scaling) = match &low_rank {
        Some(term) => (term.dropped_x, Some(term.a), Some(term.b), term.scaling),
        None => (None, None, None, 0.0),
    };
    // SAFETY: the pointers are of tensors that live through the call, or null where the callee allows it.
    made_by(|out| unsafe {
        sapo_linear(
            x.as_ptr(),
            weight.as_ptr(),
            pointer(bias),
            pointer(dropped_x),
            pointer(a),
            pointer(b),
            scaling,
            out,
        )
    })
}

/// Rows of `x` `[N, F]` by `index` `[M]`, -1 for a row of zeros; `inverse` `[N]` is where each row went, -1 for nowhere.
pub(crate) fn gather_rows(x: &Tensor, index: &Tensor, inverse: &Tensor) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe { sapo_gather_rows(x.as_ptr(), index.as_ptr(), inverse.as_ptr(), out) })
}

/// `x / rms(x) * (offset + weight)` over the last dimension.
pub(crate) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64, offset: f64) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe { sapo_rms_norm(x.as_ptr(), weight.as_ptr(), eps, offset, out) })
}

/// Turns the first `2 * half` dimensions of every head of `x` `[N, H, head_dim]` by angles whose cosines and sines are
/// `[N, half]` in f32.
pub(crate) fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe { sapo_rotate(x.as_ptr(), cos.as_ptr(), sin.as_ptr(), out) })
}

/// `silu(gate) * up`.
pub(crate) fn swiglu(gate: &Tensor, up: &Tensor) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe { sapo_swiglu(gate.as_ptr(), up.as_ptr(), out) })
}

/// `x / (1 - p)`, or 0 with probability `p`, which is at least 0 and less than 1. On the CPU one number of libtorch's
/// generator decides what is dropped, the same at every level and number of threads.
pub fn dropout(x: &Tensor, p: f64) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe { sapo_dropout(x.as_ptr(), p, out) })
}

/// Which queries and keys of [`attention`] belong together; all on the CPU.
#[derive(Debug)]
pub(crate) struct Sharing {
    /// `[B]`: queries of each sequence
    pub(crate) query_counts: Tensor,
    /// `[B]`: keys of each sequence
    pub(crate) key_counts: Tensor,
    /// `[M]`: each query's place among its sequence's keys, rising
    pub(crate) position: Tensor,
}

/// Causal attention on the CPU, in f32 or bf16, over sequences laid end to end: `q` `[M, heads, head_dim]`, `k` and `v`
/// `[N, key_heads, head_dim]` to `[M, heads, head_dim]`; a query reads the `window` last keys up to its own place.
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    of: &Sharing,
    window: Option<i64>,
    scale: f64,
) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe {
        sapo_attention(
            q.as_ptr(),
            k.as_ptr(),
            v.as_ptr(),
            of.query_counts.as_ptr(),
            of.key_counts.as_ptr(),
            of.position.as_ptr(),
            window.unwrap_or(NO_WINDOW),
            scale,
            out,
        )
    })
}

/// The same, without gradients, where every sequence goes on from one prefix: each of its queries reads the prefix's
/// keys and values, `[P, key_heads, head_dim]` each, before its own. Places in `of` leave the prefix out, `window` counts
/// it.
pub(crate) fn attention_after(
    (prefix_k, prefix_v): (&Tensor, &Tensor),
    (q, k, v): (&Tensor, &Tensor, &Tensor),
    of: &Sharing,
    window: Option<i64>,
    scale: f64,
    soft_cap: Option<f64>,
) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call.
    made_by(|out| unsafe {
        sapo_attention_after(
            prefix_k.as_ptr(),
            prefix_v.as_ptr(),
            q.as_ptr(),
            k.as_ptr(),
            v.as_ptr(),
            of.query_counts.as_ptr(),
            of.key_counts.as_ptr(),
            of.position.as_ptr(),
            window.unwrap_or(NO_WINDOW),
            scale,
            soft_cap.unwrap_or(0.0),
            out,
        )
    })
}

/// More tokens than any sequence has.
const NO_WINDOW: i64 = i32::MAX as i64;

/// Keys and values of the tokens read so far, `[B, key_heads, capacity, head_dim]`, with `padding` `[B]` empty columns at
/// the beginning.
pub(crate) struct Cached<'a> {
    pub(crate) keys: &'a Tensor,
    pub(crate) values: &'a Tensor,
    pub(crate) padding: &'a Tensor,
}

/// Attention on the CPU, without gradients, of one new token of every sequence, whose keys and values go into `column`
/// first: `q` `[B, heads, head_dim]`, `k` and `v` `[B, key_heads, head_dim]` to `[B, heads, head_dim]`.
pub(crate) fn attention_next(
    (q, k, v): (&Tensor, &Tensor, &Tensor),
    cached: &Cached<'_>,
    column: i64,
    window: Option<i64>,
    scale: f64,
) -> Tensor {
    // SAFETY: the pointers are of tensors that live through the call; the callee writes into the caches alone.
    made_by(|out| unsafe {
        sapo_attention_next(
            q.as_ptr(),
            k.as_ptr(),
            v.as_ptr(),
            cached.keys.as_ptr(),
            cached.values.as_ptr(),
            cached.padding.as_ptr(),
            column,
            window.unwrap_or(NO_WINDOW),
            scale,
            out,
        )
    })
}

/// Adds `gradient`, that of the loss by `output`, on to the leaves that `output` was computed from.
pub(crate) fn backward_from(output: &Tensor, gradient: &Tensor) {
    // SAFETY: the pointers are of tensors that live through the call.
    panic_with(unsafe { sapo_backward_from(output.as_ptr(), gradient.as_ptr()) });
}

/// Constants of one step of [`adamw_step`].
#[derive(Debug, Clone, Copy)]
pub struct AdamWStep {
    /// Number of this step, from 1.
    pub step: i32,
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// One fused step of AdamW on parameters of one dtype and device, in place.
///
/// # Source
/// `torch.optim.AdamW(fused=True)`
pub fn adamw_step(
    parameters: &[&Tensor],
    gradients: &[&Tensor],
    first_moments: &[&Tensor],
    second_moments: &[&Tensor],
    constants: AdamWStep,
) {
    let AdamWStep { step, learning_rate, beta1, beta2, weight_decay, eps } = constants;
    let pointers = |tensors: &[&Tensor]| tensors.iter().map(|tensor| tensor.as_ptr()).collect::<Vec<_>>();
    let (p, g, m, v) =
        (pointers(parameters), pointers(gradients), pointers(first_moments), pointers(second_moments));
    assert!(p.len() == g.len() && p.len() == m.len() && p.len() == v.len(), "AdamW: lists of one length");
    // SAFETY: four lists of one length, of tensors that live through the call.
    let message = unsafe {
        sapo_adamw(
            p.as_ptr(),
            g.as_ptr(),
            m.as_ptr(),
            v.as_ptr(),
            p.len(),
            f64::from(step),
            learning_rate,
            beta1,
            beta2,
            weight_decay,
            eps,
        )
    };
    panic_with(message);
}

/// The state of libtorch's generator of random numbers for the device that `like` is on, which draws the dropout there.
///
/// # Source
/// `torch.get_rng_state`, `torch.cuda.get_rng_state`
pub fn generator_state(like: &Tensor) -> Vec<u8> {
    // SAFETY: a tensor that lives through the call.
    let state = made_by(|out| unsafe { sapo_generator_state(like.as_ptr(), out) });
    let mut bytes = vec![0; state.numel()];
    state.copy_data_u8(&mut bytes, state.numel());
    bytes
}

/// Puts back a state that [`generator_state`] gave for the same kind of device.
pub fn set_generator_state(like: &Tensor, state: &[u8]) {
    let state = Tensor::from_slice(state);
    // SAFETY: two tensors that live through the call.
    panic_with(unsafe { sapo_set_generator_state(like.as_ptr(), state.as_ptr()) });
}

/// A CPU tensor over `data`, which stays alive, with `owner`, until the last tensor over it is gone.
///
/// # Safety
/// `data` points to enough memory for `shape` in `kind`, aligned for it, writable, and owned by `owner`.
pub(crate) unsafe fn tensor_over<Owner: Send + Sync>(
    data: *mut u8,
    shape: &[i64],
    kind: Kind,
    owner: std::sync::Arc<Owner>,
) -> Tensor {
    extern "C" fn release<Owner>(owner: *mut c_void) {
        // SAFETY: made by `Arc::into_raw` below, and released once.
        drop(unsafe { std::sync::Arc::from_raw(owner.cast::<Owner>().cast_const()) });
    }
    let owner = std::sync::Arc::into_raw(owner).cast_mut().cast::<c_void>();
    made_by(|out| {
        // SAFETY: as the caller promises.
        unsafe {
            sapo_from_memory(
                data.cast(),
                shape.as_ptr(),
                shape.len(),
                scalar_type(kind),
                release::<Owner>,
                owner,
                out,
            )
        }
    })
}

/// ATen's number of a dtype, which tch keeps to itself.
fn scalar_type(kind: Kind) -> c_int {
    match kind {
        Kind::Half => 5,
        Kind::Double => 7,
        Kind::BFloat16 => 15,
        _ => 6, // Kind::Float: weights have no other dtype
    }
}

/// The level of x86-64 whose loops run, see [`crate::runtime`].
pub(crate) fn cpu_level() -> &'static str {
    // SAFETY: a C string that lives as long as the process.
    unsafe { CStr::from_ptr(sapo_cpu_level()) }.to_str().unwrap_or_default()
}

/// Numbers below the normal range of floats count as zero, in this thread and in those that it starts; whether the
/// processor can.
pub(crate) fn flush_denormals() -> bool {
    // SAFETY: sets a flag of the processor for this thread.
    unsafe { sapo_flush_denormals() }
}

/// Whether f32 products on the CPU go to oneDNN, see [`crate::runtime`].
pub(crate) fn products_by_onednn(on: bool) {
    // SAFETY: sets a flag.
    unsafe { sapo_products_by_onednn(on) }
}

fn pointer(tensor: Option<&Tensor>) -> *const C_tensor {
    tensor.map_or(null(), Tensor::as_ptr)
}

fn made_by(call: impl FnOnce(*mut *mut C_tensor) -> *mut c_char) -> Tensor {
    let mut out = std::ptr::null_mut();
    panic_with(call(&mut out));
    // SAFETY: without a message, `out` is a new tensor that this one owns.
    unsafe { Tensor::from_ptr(out) }
}

fn panic_with(message: *mut c_char) {
    if !message.is_null() {
        // SAFETY: a message is a C string that is ours to free.
        let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
        unsafe { sapo_free_message(message) };
        panic!("libtorch: {}", text.lines().next().unwrap_or_default());
    }
}
