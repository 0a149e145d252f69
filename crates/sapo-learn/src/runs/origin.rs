use sapo_lab::CellContext;
use sapo_model::{LanguageModel, model_name, runtime};

/// Adds to a cell's provenance what a run is made with: libtorch, what multiplies, the model, and how many inputs were cut.
pub fn note_origin(context: &CellContext, model: &LanguageModel, inputs_shortened: usize) {
    context.annotate("torch_version", runtime::TORCH_VERSION);
    context.annotate("matmul_library", runtime::matmul_library().name());
    context.annotate("model", model_name(model.path()));
    context.annotate("model_parameters", model.parameter_count());
    context.annotate("inputs_shortened", inputs_shortened);
}
