//! How a request is put: frames for what is asked and what is given, and remarks around the whole.

use super::Manner;

/// How a clause, and what is given, stand in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// These words, then the clause; what is given has a sentence of its own.
    Alone(&'static str),
    /// As `Alone`, after the rules.
    Last(&'static str),
    /// These words, what is given, these words, the clause.
    Joined(&'static str, &'static str),
    /// These words and the clause, then these words and what is given.
    Swapped(&'static str, &'static str),
}

/// A frame for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) manner: Manner,
    pub(super) shape: Shape,
}

const fn alone(manner: Manner, before: &'static str) -> Form {
    Form { manner, shape: Shape::Alone(before) }
}

const fn last(before: &'static str) -> Form {
    Form { manner: Manner::Reminder, shape: Shape::Last(before) }
}

const fn joined(manner: Manner, before: &'static str, between: &'static str) -> Form {
    Form { manner, shape: Shape::Joined(before, between) }
}

const fn swapped(before: &'static str, between: &'static str) -> Form {
    Form { manner: Manner::Terse, shape: Shape::Swapped(before, between) }
}

pub(super) const FORMS: &[Form] = &[
    alone(Manner::Imperative, ""),
    alone(Manner::Polite, "Please "),
    alone(Manner::Polite, "Kindly "),
    alone(Manner::Polite, "I would like you to "),
    alone(Manner::Polite, "We would like you to "),
    alone(Manner::Polite, "We ask you to "),
    joined(Manner::Polite, "Given ", ", please "),
    joined(Manner::Polite, "You will be shown ", "; please "),
    alone(Manner::Duty, "Your task is to "),
    alone(Manner::Duty, "Your job is to "),
    alone(Manner::Duty, "The task is to "),
    alone(Manner::Duty, "Your assignment is to "),
    alone(Manner::Duty, "You need to "),
    alone(Manner::Duty, "You have to "),
    alone(Manner::Duty, "You are asked to "),
    alone(Manner::Duty, "You are expected to "),
    alone(Manner::Duty, "What you have to do is "),
    alone(Manner::Duty, "The goal is to "),
    alone(Manner::Duty, "It is your job to "),
    joined(Manner::Duty, "Given ", ", your task is to "),
    joined(Manner::Duty, "You will be given ", ", and your job is to "),
    joined(Manner::Duty, "You are shown ", ", and you are asked to "),
    joined(Manner::Duty, "You will see ", "; what you have to do is "),
    alone(Manner::Question, "Can you "),
    alone(Manner::Question, "Could you "),
    alone(Manner::Question, "Could you please "),
    alone(Manner::Question, "Would you "),
    alone(Manner::Question, "Are you able to "),
    joined(Manner::Question, "Given ", ", can you "),
    joined(Manner::Question, "You get ", "; could you "),
    alone(Manner::RolePlay, "As an expert, you are asked to "),
    alone(Manner::RolePlay, "Act as a careful expert and "),
    alone(Manner::RolePlay, "Imagine that you are a professional who has to "),
    alone(Manner::RolePlay, "You are an assistant whose only task is to "),
    alone(Manner::RolePlay, "As a specialist in this kind of work, "),
    joined(Manner::RolePlay, "You are an expert who is given ", " and has to "),
    joined(Manner::RolePlay, "Imagine that someone shows you ", " and asks you to "),
    alone(Manner::Stepwise, "First read everything carefully, then "),
    alone(Manner::Stepwise, "Take a close look at the input, and then "),
    alone(Manner::Stepwise, "Start by reading the input with care; after that, "),
    alone(Manner::Stepwise, "Go through the input once, and then "),
    joined(Manner::Stepwise, "First you are given ", "; then you have to "),
    joined(Manner::Stepwise, "You first receive ", "; after that, you need to "),
    alone(Manner::Terse, "Task: "),
    alone(Manner::Terse, "To do: "),
    alone(Manner::Terse, "Do the following: "),
    alone(Manner::Terse, "What to do: "),
    joined(Manner::Terse, "Input: ", ". Task: "),
    joined(Manner::Terse, "Given: ", ". To do: "),
    swapped("Task: ", "Input: "),
    swapped("To do: ", "Given: "),
    alone(Manner::ContextFirst, "For the input below, "),
    alone(Manner::ContextFirst, "Once you have read the input, "),
    alone(Manner::ContextFirst, "With the input in front of you, "),
    joined(Manner::ContextFirst, "Given ", ", "),
    joined(Manner::ContextFirst, "When you are given ", ", "),
    joined(Manner::ContextFirst, "Whenever you are shown ", ", "),
    last("With this in mind, "),
    last("Bearing this in mind, your task is to "),
    last("Now "),
    last("Taking this into account, please "),
];

/// A sentence that brings in what is given: these words, the noun phrase, a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) before: &'static str,
    pub(super) agrees: Agrees,
}

/// With what a sentence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agrees {
    Always,
    One,
    Many,
}

const fn offer(before: &'static str, agrees: Agrees) -> Offer {
    Offer { before, agrees }
}

pub(super) const OFFERS: &[Offer] = &[
    offer("You are given ", Agrees::Always),
    offer("You will be given ", Agrees::Always),
    offer("You will see ", Agrees::Always),
    offer("You will be shown ", Agrees::Always),
    offer("You are presented with ", Agrees::Always),
    offer("In this task, you get ", Agrees::Always),
    offer("For this task, you are provided with ", Agrees::Always),
    offer("You receive ", Agrees::Always),
    offer("The input consists of ", Agrees::Always),
    offer("Below you will find ", Agrees::Always),
    offer("In what follows, you will find ", Agrees::Always),
    offer("The input is ", Agrees::One),
    offer("Here is ", Agrees::One),
    offer("Below is ", Agrees::One),
    offer("Here are ", Agrees::Many),
    offer("Below are ", Agrees::Many),
];

/// A remark before or after the whole, with the manner that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) text: &'static str,
    pub(super) manner: Manner,
    /// Whether it forbids reasons, which some tasks ask for.
    pub(super) forbids_reasons: bool,
}

const fn remark(text: &'static str, manner: Manner) -> Remark {
    Remark { text, manner, forbids_reasons: false }
}

const fn bare(text: &'static str) -> Remark {
    Remark { text, manner: Manner::Reminder, forbids_reasons: true }
}

pub(super) const OPENINGS: &[Remark] = &[
    remark("Here is a task for you.", Manner::Duty),
    remark("Consider the following task.", Manner::Duty),
    remark("You are an expert annotator.", Manner::RolePlay),
    remark("You are a helpful assistant who follows instructions exactly.", Manner::RolePlay),
    remark("Imagine that you are asked this in an exam.", Manner::RolePlay),
    remark("We need your help with a short task.", Manner::Polite),
    remark("Please help with this request.", Manner::Polite),
    remark("Read the instruction with care and follow it.", Manner::Stepwise),
    remark("Pay close attention to every word of this.", Manner::Stepwise),
];

pub(super) const CLOSINGS: &[Remark] = &[
    remark("Thank you.", Manner::Polite),
    remark("Your help is appreciated.", Manner::Polite),
    remark("Think first, then answer once.", Manner::Stepwise),
    remark("Take your time before you answer.", Manner::Stepwise),
    remark("Follow this instruction exactly.", Manner::Reminder),
    remark("Be careful and precise.", Manner::Reminder),
    remark("Keep to the requested form.", Manner::Reminder),
    bare("Do not explain your answer."),
    bare("Write nothing else."),
    bare("Give the answer alone, without further comment."),
];

/// What may lead in the rules that follow a request.
pub(super) const NOTES: &[&str] = &["Please note:", "Keep in mind:", "Note:", "Important:"];

/// Clauses that a question may complete.
pub(super) const QUESTION_CLAUSES: &[(&str, &str)] = &[
    ("answer", "answer this question: "),
    ("respond", "respond to this query: "),
    ("work out", "work out the answer: "),
    ("write down", "write down the answer: "),
    ("consider", "consider this and reply: "),
    ("settle", "settle the following question: "),
    ("decide", "decide on the answer: "),
    ("find", "find the answer to the question that follows: "),
    ("say", "say what the answer is: "),
];
