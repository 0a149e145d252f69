//! Gradients of the training loss, with all activations kept or with one a block kept and the others computed again.

use tch::{Device, Kind, Tensor};

use crate::attention::Memory;
use crate::native::backward_from;
use crate::{Batch, LanguageModel};

impl LanguageModel {
    /// Adds the gradient of `factor` times the summed loss of the target tokens to what is trainable, and returns the sum
    /// in nats, before the factor.
    ///
    /// With `checkpointing` only what each block reads is kept, and its inside is computed a second time on the way back:
    /// the same gradient for a third more time and, in a deep model, a fraction of the memory.
    ///
    /// # Source
    /// Chen et al. 2016 (arXiv 1604.06174)
    pub fn backward(&self, batch: &Batch, factor: f64, checkpointing: bool) -> f64 {
        let nll = |hidden: &Tensor| self.nll_of(hidden, batch).sum(Kind::Float);
        self.backward_of(batch, factor, true, checkpointing, &nll)
    }

    /// The same for any number that `of` makes of the hidden states `[M, D]` which predict the target tokens; dropout
    /// acts, and moves libtorch's random state, only where `train` is set.
    pub(crate) fn backward_of(
        &self,
        batch: &Batch,
        factor: f64,
        train: bool,
        checkpointing: bool,
        of: &dyn Fn(&Tensor) -> Tensor,
    ) -> f64 {
        if checkpointing {
            return self.backward_by_block(batch, factor, train, of);
        }
        let sum = of(&self.decoder().hidden_of(&batch.sequences, &batch.asked, train));
        (&sum * factor).backward();
        sum.double_value(&[])
    }

    fn backward_by_block(
        &self,
        batch: &Batch,
        factor: f64,
        train: bool,
        of: &dyn Fn(&Tensor) -> Tensor,
    ) -> f64 {
        let decoder = self.decoder();
        let forward = decoder.forward(&batch.sequences, Some(&batch.asked), train);
        let dropout = train.then(|| DropoutSeeds::draw(self.device()));
        let forward_block = |block: usize, input: &Tensor| {
            if let Some(dropout) = &dropout {
                dropout.enter(block);
            }
            forward.block(block, input, Memory::None)
        };
        let embed = || decoder.embed(&batch.sequences.ids, &batch.sequences.positions);
        let inputs = tch::no_grad(|| {
            let mut inputs = vec![embed()];
            for block in 0..decoder.blocks.len() {
                let read = forward_block(block, &inputs[block]);
                inputs.push(read);
            }
            inputs
        });

        let mut inputs = inputs.into_iter().rev();
        let Some(last) = inputs.next() else { return 0.0 };
        let last = last.set_requires_grad(true);
        let sum = of(&decoder.norm.forward(&last));
        (&sum * factor).backward();
        let mut gradient = last.grad();
        for (block, input) in (0..decoder.blocks.len()).rev().zip(inputs) {
            let input = input.set_requires_grad(true);
            backward_from(&forward_block(block, &input), &gradient);
            gradient = input.grad();
        }
        let embedded = embed();
        if embedded.requires_grad() {
            backward_from(&embedded, &gradient);
        }
        if let Some(dropout) = dropout {
            dropout.leave();
        }
        sum.double_value(&[])
    }
}

/// Makes a block drop the same numbers each time it is computed within one step.
struct DropoutSeeds(i64);

impl DropoutSeeds {
    /// From the generator of the device that dropout is drawn on: its state is what is kept of a training under way
    /// ([`crate::native::generator_state`]), so it has to decide all that is dropped.
    fn draw(device: Device) -> Self {
        Self(Tensor::randint(i64::from(i32::MAX), [1], (Kind::Int64, device)).int64_value(&[0]) << 16)
    }

    fn enter(&self, block: usize) {
        tch::manual_seed(self.0 + block as i64 + 1);
    }

    /// Lets the random state go on where a next step draws seeds of its own.
    fn leave(&self) {
        tch::manual_seed(self.0);
    }
}
