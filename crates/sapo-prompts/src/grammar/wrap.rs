//! Remarks around a whole instruction, for one about which nothing else is known.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::frames::even_pairs;
use super::language::Language;

/// Openings and closings that may stand around an instruction of one language; an empty one adds nothing.
struct Remarks {
    openings: &'static [&'static str],
    closings: &'static [&'static str],
    /// Those that forbid reasons, which some instructions ask for.
    forbidding: &'static [&'static str],
    /// What may stand right before the instruction, where it begins with one of `verbs`.
    leads: &'static [&'static str],
    verbs: &'static [&'static str],
    /// What ends a sentence.
    stop: &'static str,
    /// What stands between two sentences.
    space: &'static str,
}

/// Stored results depend on every text here, letter for letter, and on its place.
const ENGLISH: Remarks = Remarks {
    openings: &[
        "",
        "Please do the following.",
        "You are an expert annotator.",
        "Read the instruction with care and follow it.",
        "Here is your task.",
        "We need your help with a short task.",
        "You are a helpful assistant who follows instructions exactly.",
        "The task below comes with one text.",
        "Kindly help with this request.",
        "Task:",
        "Work through the text step by step, but write down only the result.",
        "Imagine that you are asked this in an exam.",
    ],
    closings: &[
        "",
        "Answer with nothing else.",
        "Thank you.",
        "Do not explain your answer.",
        "Keep to the requested form.",
        "Give the answer alone, without further comment.",
        "Think first, then answer once.",
        "The text follows.",
    ],
    forbidding: &[
        "Work through the text step by step, but write down only the result.",
        "Answer with nothing else.",
        "Do not explain your answer.",
        "Give the answer alone, without further comment.",
    ],
    leads: &[""],
    verbs: &[],
    stop: ".",
    space: " ",
};

const CHINESE: Remarks = Remarks {
    openings: &[
        "",
        "请完成下面的任务。",
        "你是一名专业的标注员。",
        "请仔细阅读以下要求，并按要求作答。",
        "你的任务如下。",
        "需要你帮忙完成一项简短的任务。",
        "你是一位严格按照要求回答问题的助手。",
        "麻烦你处理下面的请求。",
        "任务：",
        "请先认真阅读文本，再写出结果。",
        "假设这是一道考试题。",
    ],
    closings: &[
        "",
        "不要输出其他内容。",
        "谢谢。",
        "不需要解释。",
        "请严格按照要求的格式作答。",
        "请只给出答案，不要添加评论。",
        "请先思考，再作答。",
        "请认真对待。",
    ],
    forbidding: &["不要输出其他内容。", "不需要解释。", "请只给出答案，不要添加评论。"],
    leads: &["", "请", "你需要", "现在请你"],
    verbs: &[
        "判断", "选择", "写", "回答", "总结", "概括", "翻译", "生成", "给出", "阅读", "找出", "提取", "根据",
        "将", "把", "对", "从", "分类", "计算", "改写", "输出", "识别", "预测", "比较", "解释", "描述",
    ],
    stop: "。",
    space: "",
};

/// Marks that belong to no language.
const NEUTRAL: Remarks = Remarks {
    openings: &["", "1.", "<task>", "(1/1)", "[1]"],
    closings: &["", "</task>", "(1/1)", "[1]"],
    forbidding: &[],
    leads: &[""],
    verbs: &[],
    stop: "",
    space: " ",
};

/// Up to `count` distinct English wordings around any instruction, none equal to it: each holds the whole instruction
/// letter for letter (so also its label words) between an opening and a closing. Fewer come back where no more can be
/// made; none for a blank instruction.
pub fn wrap(instruction: &str, count: usize, seed: u64) -> Vec<String> {
    wrapped(instruction, &ENGLISH, false, seed).take(count).collect()
}

/// All wordings around an instruction in the remarks of its own language, in an order drawn by `seed`; with `reasons`,
/// without those that forbid reasons.
pub(super) fn wrap_in(
    language: Language,
    instruction: &str,
    reasons: bool,
    seed: u64,
) -> impl Iterator<Item = String> {
    let remarks = match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
        Language::Other => &NEUTRAL,
    };
    wrapped(instruction, remarks, reasons, seed)
}

fn wrapped(
    instruction: &str,
    remarks: &'static Remarks,
    reasons: bool,
    seed: u64,
) -> impl Iterator<Item = String> {
    let original = instruction.trim();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut openings, mut closings) = (remarks.openings.to_vec(), remarks.closings.to_vec());
    openings.shuffle(&mut rng);
    closings.shuffle(&mut rng);
    let leads =
        if remarks.verbs.iter().any(|verb| original.starts_with(verb)) { remarks.leads } else { &[""] };
    let pairs = if original.is_empty() { (0, 0) } else { (openings.len(), closings.len()) };
    even_pairs(pairs.0, pairs.1)
        .map(move |(opening, closing)| (openings[opening], closings[closing]))
        .filter(|pair| *pair != ("", ""))
        .filter(move |(opening, closing)| {
            !(reasons && [opening, closing].iter().any(|remark| remarks.forbidding.contains(remark)))
        })
        .enumerate()
        .map(move |(at, (opening, closing))| {
            remarks.around(opening, leads[at % leads.len()], original, closing)
        })
}

impl Remarks {
    fn around(&self, opening: &str, lead: &str, original: &str, closing: &str) -> String {
        // Without a stop, the closing would run into the instruction's last sentence.
        let ends_open = original.chars().last().is_some_and(char::is_alphanumeric);
        let stop = if ends_open && !closing.is_empty() { self.stop } else { "" };
        let stopped = format!("{lead}{original}{stop}");
        let parts = [opening, &stopped, closing].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(self.space)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_wrapping_keeps_the_instruction_and_says_when_it_has_no_more() {
        let original = "Say {yes} or {no}: is it raining";
        let texts = wrap(original, 20, 3);
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 20);
        assert_eq!(texts, wrap(original, 20, 3));
        assert!(texts.iter().all(|text| text.contains(original) && text != original));
        assert_eq!(wrap(original, 10_000, 3).len(), ENGLISH.openings.len() * ENGLISH.closings.len() - 1);
        assert!(wrap("  ", 5, 3).is_empty());
    }

    /// Stored results depend on these.
    #[test]
    fn wrappings_are_the_same_for_ever() {
        let expected = [
            "You are an expert annotator. Say it. Keep to the requested form.",
            "Kindly help with this request. Say it",
            "You are a helpful assistant who follows instructions exactly. Say it. Answer with nothing else.",
            "Please do the following. Say it. Think first, then answer once.",
        ];
        assert_eq!(wrap("Say it", 4, 0), expected);
    }

    #[test]
    fn chinese_is_wrapped_in_chinese_and_other_languages_in_marks() {
        let chinese: Vec<_> = wrap_in(Language::Chinese, "判断态度，输出A或者B", false, 0).collect();
        assert_eq!(chinese.len(), CHINESE.openings.len() * CHINESE.closings.len() - 1);
        assert!(chinese.iter().all(|text| !text.contains(' ') && text.contains("判断态度，输出A或者B")));
        assert!(chinese.iter().any(|text| text.ends_with("输出A或者B。谢谢。")), "{chinese:?}");
        assert!(chinese.iter().any(|text| text.contains("请判断")), "{chinese:?}");
        let noun = wrap_in(Language::Chinese, "文本的态度是A还是B？", false, 0);
        assert!(noun.into_iter().all(|text| !text.contains("请文本")));
        let reasons: Vec<_> = wrap_in(Language::Chinese, "回答并说明理由。", true, 0).collect();
        assert!(reasons.len() > 20 && reasons.iter().all(|text| !text.contains("不需要解释")));
        let german: Vec<_> = wrap_in(Language::Other, "Fasse den Text zusammen.", false, 0).collect();
        assert!(german.contains(&"<task> Fasse den Text zusammen. </task>".to_owned()), "{german:?}");
    }
}
