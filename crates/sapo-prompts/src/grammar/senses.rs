//! The senses of the verbs of requests: which verbs may stand in for which, and when.

/// Verbs of one meaning, where all conditions hold.
pub(super) struct Sense {
    /// The verbs that it may replace.
    pub(super) from: &'static [&'static str],
    /// The verbs, in base form, that may stand in for them.
    pub(super) to: &'static [&'static str],
    pub(super) when: &'static [When],
}

/// A condition on what follows a verb.
pub(super) enum When {
    /// The next word is one of these.
    Next(&'static [&'static str]),
    /// One of these stands somewhere in it.
    Holds(&'static [&'static str]),
    /// None of these stands in it.
    Lacks(&'static [&'static str]),
    /// The object's head noun is one of these.
    Object(&'static [&'static str]),
}
use When::{Holds, Lacks, Next, Object};

const WHETHER: &[&str] = &["whether", "if"];
const WH: &[&str] = &["which", "what", "who", "whom", "whose", "where", "when", "how", "why"];
pub(super) const DETERMINERS: &[&str] = &[
    "the", "a", "an", "all", "any", "every", "each", "one", "its", "their", "your", "this", "that", "these",
    "those", "both", "two", "three", "four", "five", "given",
];
const ALL: &[&str] = &["all", "any", "every", "each"];

#[rustfmt::skip]
const AMOUNTS: &[&str] = &[
    "number", "sum", "total", "value", "result", "difference", "product", "average", "length", "amount",
    "mean",
];
#[rustfmt::skip]
const PICKED: &[&str] = &[
    "word", "words", "phrase", "phrases", "sentence", "sentences", "option", "term", "terms", "name", "names",
    "character", "characters", "entity", "entities", "element", "elements", "item", "items", "keyword",
    "keywords", "error", "errors", "mistake", "mistakes", "noun", "nouns", "span", "title",
];
const QUESTIONS: &[&str] = &["question", "questions"];
const SUMMARIES: &[&str] = &["summary", "summaries", "description", "overview", "abstract"];
const TITLES: &[&str] = &["title", "titles", "headline", "headlines", "heading", "caption"];
#[rustfmt::skip]
const TEXTS: &[&str] = &[
    "sentence", "sentences", "story", "stories", "paragraph", "question", "questions", "response",
    "responses", "reply", "dialogue", "conversation", "poem", "review", "paraphrase", "continuation",
    "ending", "statement", "example", "examples", "tweet", "email", "definition", "hypothesis",
];
const ANSWERS: &[&str] =
    &["answer", "answers", "explanation", "explanations", "reason", "reasons", "justification"];
const VERDICTS: &[&str] =
    &["rating", "score", "label", "labels", "number", "category", "list", "value", "version"];

/// What may be written about, but not what may be picked out.
const INDEFINITE: &[&str] = &["a", "an", "one", "two", "three", "four", "five", "some", "several", "another"];

/// The first sense that fits is taken.
#[rustfmt::skip]
pub(super) const SENSES: &[Sense] = &[
    sense(
        &["classify", "categorize", "categorise", "sort", "group"],
        &["classify", "categorize", "sort"],
        &[Holds(&[" into "]), Lacks(&[" if ", " whether "])],
    ),
    sense(&["classify", "label", "tag", "mark"], &["classify", "label", "tag"], &[Holds(&[" as "])]),
    sense(&["classify", "categorize", "categorise"], &["classify", "categorize"], &[Next(DETERMINERS)]),
    sense(
        &["determine", "decide", "judge", "establish", "find out", "figure out", "work out", "tell", "identify"],
        &["determine", "decide", "judge", "establish", "find out", "work out"],
        &[Next(WHETHER)],
    ),
    sense(&["check", "verify"], &["check", "verify", "find out", "determine"], &[Next(WHETHER)]),
    sense(&["assess", "evaluate"], &["assess", "evaluate", "judge"], &[Next(WHETHER)]),
    sense(&["indicate", "say", "state", "specify"], &["indicate", "say", "state", "specify"], &[Next(WHETHER)]),
    sense(&["indicate", "say", "state", "specify"], &["indicate", "say", "state", "specify"], &[Next(WH)]),
    sense(
        &["determine", "decide", "identify", "find out", "figure out", "work out", "establish"],
        &["determine", "decide", "find out", "work out", "establish", "figure out"],
        &[Next(WH)],
    ),
    sense(
        &["identify", "find", "locate", "spot"],
        &["identify", "find", "locate", "pick out", "spot"],
        &[Next(ALL)],
    ),
    sense(
        &["find", "determine", "calculate", "compute", "work out", "count", "figure out"],
        &["find", "determine", "work out", "calculate"],
        &[Next(&["the"]), Object(AMOUNTS), Lacks(&[" most ", " correct "])],
    ),
    sense(&["count"], &["work out", "find out", "determine"], &[Next(&["how"])]),
    sense(
        &["find", "identify", "spot"],
        &["find", "identify", "pick out", "spot"],
        &[Next(DETERMINERS), Object(PICKED)],
    ),
    sense(
        &["identify", "determine", "find", "establish"],
        &["identify", "determine", "find", "establish"],
        &[Next(DETERMINERS)],
    ),
    sense(
        &["choose", "select", "pick"],
        &["choose", "select", "pick", "decide on"],
        &[Next(DETERMINERS), Lacks(&[" either "])],
    ),
    sense(
        &["choose", "select", "pick"],
        &["choose", "select", "pick"],
        &[Next(&["from", "only", "exactly", "among", "out"])],
    ),
    sense(&["extract"], &["extract", "pull out", "pick out", "find"], &[Next(DETERMINERS)]),
    sense(
        &["summarize", "summarise"],
        &["sum up", "write a summary of", "give a summary of", "provide a summary of", "produce a summary of"],
        &[Next(DETERMINERS), Lacks(&[" into ", " as ", " to "])],
    ),
    sense(
        &["translate"],
        &["give a translation of", "provide a translation of", "write a translation of"],
        &[Next(DETERMINERS)],
    ),
    sense(
        &["paraphrase", "rephrase", "reword"],
        &["paraphrase", "rephrase", "reword", "restate"],
        &[Next(DETERMINERS)],
    ),
    sense(&["rewrite"], &["reword", "rephrase"], &[Next(DETERMINERS)]),
    sense(
        &["simplify"],
        &["write a simpler version of", "give a simpler version of", "produce a simpler version of"],
        &[Next(DETERMINERS)],
    ),
    sense(&["solve"], &["work out", "find the solution to", "give the solution to"], &[Next(DETERMINERS)]),
    sense(
        MAKING,
        &["write", "generate", "produce", "create", "compose", "provide", "give"],
        &[Next(INDEFINITE), Object(SUMMARIES)],
    ),
    sense(
        MAKING,
        &["write", "generate", "produce", "create", "suggest", "provide", "come up with"],
        &[Next(INDEFINITE), Object(TITLES)],
    ),
    sense(
        MAKING,
        &["write", "generate", "produce", "create", "compose", "come up with"],
        &[Next(INDEFINITE), Object(TEXTS)],
    ),
    sense(CREATING, &["generate", "create", "produce", "write"], &[Next(&["the"]), Object(SUMMARIES)]),
    sense(CREATING, &["generate", "create", "produce", "write"], &[Next(&["the"]), Object(TITLES)]),
    sense(MAKING, &["write", "give", "provide", "output"], &[Object(&["name", "names"])]),
    sense(MAKING, &["write", "give", "provide", "produce", "come up with"], &[Object(ANSWERS)]),
    sense(MAKING, &["provide", "give", "produce", "generate", "output"], &[Object(VERDICTS)]),
    sense(&["generate", "produce"], &["generate", "produce"], &[]),
    sense(&["create", "construct", "build"], &["create", "construct", "produce"], &[Next(DETERMINERS)]),
    sense(&["provide", "output", "return"], &["provide", "output", "return"], &[Next(DETERMINERS)]),
    sense(
        &["answer"],
        &["give an answer to", "provide an answer to", "respond to", "reply to"],
        &[Next(DETERMINERS), Object(&["question"])],
    ),
    sense(&["answer"], &["give answers to", "provide answers to", "respond to"], &[Object(QUESTIONS)]),
    sense(&["answer", "respond", "reply"], &["answer", "respond", "reply"], &[Next(&["with"])]),
    sense(&["respond", "reply"], &["respond", "reply"], &[Next(&["to"])]),
    sense(
        &["detect", "recognize", "recognise"],
        &["detect", "recognize", "identify", "spot"],
        &[Next(DETERMINERS)],
    ),
    sense(&["rate", "score", "grade"], &["rate", "score", "grade"], &[Holds(&[" on a scale", " from "])]),
    sense(&["evaluate", "assess", "judge"], &["evaluate", "assess", "judge"], &[Next(DETERMINERS)]),
    sense(&["calculate", "compute"], &["calculate", "compute", "work out", "determine"], &[Next(DETERMINERS)]),
    sense(&["list"], &["list", "write down", "name"], &[Next(DETERMINERS)]),
    sense(
        &["convert", "transform", "change", "turn"],
        &["convert", "transform", "change", "turn"],
        &[Holds(&[" into "])],
    ),
    sense(&["remove", "delete"], &["remove", "delete", "take out"], &[Next(DETERMINERS)]),
    sense(&["sort", "arrange", "order"], &["sort", "arrange", "order"], &[Next(DETERMINERS), Lacks(&[" from "])]),
    sense(
        &["modify", "alter", "change"],
        &["modify", "alter", "change"],
        &[Next(DETERMINERS), Lacks(&[" to ", " from "])],
    ),
    sense(&["read"], &["go through", "read through"], &[Next(DETERMINERS)]),
    sense(&["analyze", "analyse", "examine"], &["examine", "study", "look closely at"], &[Next(DETERMINERS)]),
    sense(&["correct", "fix"], &["correct", "fix"], &[Next(DETERMINERS)]),
    sense(&["complete", "finish"], &["complete", "finish"], &[Next(DETERMINERS)]),
    sense(&["explain"], &["say", "state"], &[Next(&["why"])]),
    sense(&["indicate"], &["state", "specify"], &[Next(DETERMINERS)]),
    sense(&["infer", "deduce"], &["infer", "deduce", "work out"], &[Next(DETERMINERS)]),
    sense(&["suggest", "propose"], &["suggest", "propose"], &[Next(DETERMINERS)]),
];

#[rustfmt::skip]
const MAKING: &[&str] = &[
    "write", "generate", "produce", "create", "compose", "provide", "give", "craft", "come up with",
    "construct", "make", "formulate", "draft",
];

const CREATING: &[&str] = &["generate", "create", "compose", "craft", "construct", "formulate"];

const fn sense(from: &'static [&'static str], to: &'static [&'static str], when: &'static [When]) -> Sense {
    Sense { from, to, when }
}
