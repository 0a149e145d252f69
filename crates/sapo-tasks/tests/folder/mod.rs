//! Small copies of published layouts.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part of it

/// A folder with files in it.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// A task of the paper.
pub(crate) const NI_TASK: &str = "task195_sentiment140_classification";

/// Its file as Super-NaturalInstructions has it, with `count` instances.
pub(crate) fn ni_task(count: usize) -> String {
    let label = |i: usize| if i.is_multiple_of(2) { "positive" } else { "negative" };
    let row =
        |i| format!("{{\"id\": \"task195-{i}\", \"input\": \"tweet {i}\", \"output\": [\"{}\"]}}", label(i));
    format!(
        "{{\"Contributors\": [\"A\"], \"Categories\": [\"Sentiment\"], \"Definition\": [\"Say positive or negative.\"], \
         \"Positive Examples\": [{{\"input\": \"x\", \"output\": \"y\", \"explanation\": \"z\"}}], \
         \"Instances\": [{}], \"Instance License\": [\"Unknown\"]}}",
        (0..count).map(row).collect::<Vec<_>>().join(", ")
    )
}

/// One row of some tasks as TRACE has them.
pub(crate) const TRACE_ROWS: [(&str, &str); 4] = [
    (
        "FOMC",
        "[{\"prompt\": \"What is the monetary policy stance for the following text? A. dovish, B. hawkish, C. neutral. \
         Choose one from A, B and C.\\nText:\\nRates\\nrise.\\nStance:\", \"answer\": \"B\"}]",
    ),
    (
        "C-STANCE",
        "[{\"prompt\": \"判断以下文本对指定对象的态度，选择一项：A.支持，B.反对，C.中立。输出A，B或者C。\\n文本：\\n好\\n对象：\\n雨\\n态度：\", \
         \"answer\": \"A\"}]",
    ),
    (
        "ScienceQA",
        "[{\"prompt\": \"Choose an answer for the following question and give your reasons.\\n\\nQuestion:\\nWhy?\\n\\n\
         Choices:\\nA. x\\nB. y\\n\\nAnswer:\", \"answer\": \"A\\nBecause.\"}]",
    ),
    ("Py150", "[{\"prompt\": \"<s> import os <EOL>\", \"answer\": \"import sys\"}]"),
];
