//! Where memory is short, libtorch's allocators throw, and tch's plain operators panic with what they throw.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::ModelError;

/// Does `work`, in which libtorch may find no memory: an error instead of a panic. Any other panic goes on.
///
/// # Errors
/// [`ModelError::OutOfMemory`]. What `work` was changing may be half changed.
pub fn catch_out_of_memory<T>(work: impl FnOnce() -> T) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        match refusal(text) {
            Some(refusal) => ModelError::OutOfMemory(refusal),
            None => resume_unwind(panic),
        }
    })
}

/// What an allocator said, if `text` is that it has no memory: the sentence that names how much was asked for.
pub(crate) fn refusal(text: &str) -> Option<String> {
    /// How the allocators of the CPU and of CUDA begin.
    const BEGINNINGS: [&str; 3] = [
        "DefaultCPUAllocator: can't allocate memory",
        "DefaultCPUAllocator: not enough memory",
        "CUDA out of memory",
    ];
    let start = BEGINNINGS.iter().find_map(|beginning| text.find(beginning))?;
    let told = text[start..].split(['\n', '\\']).next().unwrap_or_default();
    let end =
        told.find(" bytes.").map(|at| at + " bytes".len()).or_else(|| told.find("iB.").map(|at| at + 2));
    Some(told[..end.unwrap_or(told.len())].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn a_tensor_that_no_memory_holds_is_an_error() {
        // 2^59 bytes are beyond the address space of any machine
        let huge = || Tensor::zeros([1 << 57], (Kind::Float, Device::Cpu));
        let error = catch_out_of_memory(huge).unwrap_err();
        let ModelError::OutOfMemory(said) = &error else { panic!("{error}") };
        assert!(said.ends_with("you tried to allocate 576460752303423488 bytes"), "{said}");
        let refused = Tensor::f_zeros([1 << 57], (Kind::Float, Device::Cpu)).map_err(ModelError::from);
        assert!(matches!(refused, Err(ModelError::OutOfMemory(_))));
    }

    #[test]
    fn cuda_says_it_in_its_own_words() {
        let said = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB";
        assert_eq!(refusal(said).unwrap(), "CUDA out of memory. Tried to allocate 2.00 GiB");
        assert_eq!(refusal("size mismatch"), None);
    }

    #[test]
    fn another_panic_goes_on() {
        let other = catch_unwind(|| catch_out_of_memory(|| panic!("size mismatch")));
        assert!(other.is_err());
    }
}
