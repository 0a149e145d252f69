//! Names a task's data by content, so that a run record can say which data it saw.

use sapo_files::checksum;
use sha2::{Digest, Sha256};

use crate::{Example, Language, Task, TaskKind, TaskStream};

/// Changes when the way of hashing does, so that hashes of different ways never meet.
const DOMAIN: &[u8] = b"sapo-task-v1";

impl Task {
    /// Lower-case hexadecimal SHA-256 over everything in the task: name, kind, language, instruction, suffix, labels, and
    /// every row of the three splits in order. Limiting a task changes it; how it is scored is no part of it.
    pub fn data_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        self.hash_into(&mut hash);
        checksum::hexadecimal(&hash.finalize())
    }

    fn hash_into(&self, hash: &mut Sha256) {
        let kind = match self.kind {
            TaskKind::Generation => "generation",
            TaskKind::Classification => "classification",
        };
        let language = match self.language {
            Language::English => "english",
            Language::Chinese => "chinese",
        };
        for text in [&self.name, kind, language, self.instruction.as_str()] {
            put(hash, text);
        }
        put_list(hash, self.suffix.as_slice());
        put_list(hash, &self.labels);
        for split in [&self.train, &self.dev, &self.test] {
            hash.update((split.len() as u64).to_le_bytes());
            split.iter().for_each(|example| put_example(hash, example));
        }
    }
}

impl TaskStream {
    /// Lower-case hexadecimal SHA-256 over the stream's name and the content of its tasks in order.
    pub fn data_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        put(&mut hash, &self.name);
        hash.update((self.tasks.len() as u64).to_le_bytes());
        self.tasks.iter().for_each(|task| task.hash_into(&mut hash));
        checksum::hexadecimal(&hash.finalize())
    }
}

fn put_example(hash: &mut Sha256, example: &Example) {
    put(hash, &example.input);
    put_list(hash, &example.targets);
}

fn put_list(hash: &mut Sha256, texts: &[String]) {
    hash.update((texts.len() as u64).to_le_bytes());
    texts.iter().for_each(|text| put(hash, text));
}

/// The length goes first, so that no two different tasks are one byte string.
fn put(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use sapo_prompts::Instruction;

    use super::*;

    fn task() -> Task {
        Task {
            name: "t".into(),
            kind: TaskKind::Generation,
            language: Language::English,
            instruction: Instruction::new("Say it."),
            suffix: None,
            labels: vec![],
            native_metric: None,
            train: vec![Example::new("a", "b")],
            dev: vec![],
            test: vec![],
        }
    }

    #[test]
    fn every_part_counts() {
        let changes: [fn(&mut Task); 10] = [
            |task| task.name.push('x'),
            |task| task.kind = TaskKind::Classification,
            |task| task.language = Language::Chinese,
            |task| task.instruction = Instruction::new("Say it"),
            |task| task.suffix = Some(String::new()),
            |task| task.labels.push("b".into()),
            |task| task.train[0] = Example::new("ab", ""),
            |task| task.train[0].targets.push("c".into()),
            |task| std::mem::swap(&mut task.train, &mut task.dev),
            |task| std::mem::swap(&mut task.train, &mut task.test),
        ];
        let mut hashes = vec![task().data_hash()];
        for change in changes {
            let mut changed = task();
            change(&mut changed);
            hashes.push(changed.data_hash());
        }
        let distinct: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), 11, "{hashes:?}");
        assert_eq!(hashes[0], task().data_hash());
        assert_eq!(hashes[0].len(), 64);
    }

    #[test]
    fn the_order_of_a_stream_counts() {
        let mut other = task();
        other.name = "u".into();
        let stream = |tasks: Vec<Task>| TaskStream { name: "s".into(), tasks }.data_hash();
        assert_ne!(stream(vec![task(), other.clone()]), stream(vec![other, task()]));
    }
}
