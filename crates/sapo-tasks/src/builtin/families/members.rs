//! Members of a list: which to keep, to change or to drop, and whether it holds one of a kind.

use itertools::Itertools;
use rand_chacha::ChaCha8Rng;

use super::*;

fn keep_animals(rng: &mut ChaCha8Rng) -> Example {
    let (kept, others) = (draw::length(rng, 1, 3), draw::length(rng, 2, 3));
    let animals = draw::several(rng, words::ANIMALS, kept);
    let others = draw::list_without(rng, words::ANIMALS, others);
    let list = draw::mixed_list(rng, animals, others);
    let kept: Vec<_> = list.iter().copied().filter(|word| words::ANIMALS.contains(word)).collect();
    Example::new(list.join(" "), kept.join(" "))
}

/// Words with one to `most` numbers among them.
fn words_and_numbers(rng: &mut ChaCha8Rng, most: usize) -> Vec<String> {
    let (count, others) = (draw::length(rng, 1, most), draw::length(rng, 2, 3));
    let numbers = draw::as_text(&draw::numbers(rng, count));
    let words = draw::list(rng, others).into_iter().map(str::to_owned).collect();
    draw::mixed_list(rng, numbers, words)
}

fn is_number(word: &str) -> bool {
    word.chars().all(|letter| letter.is_ascii_digit())
}

fn keep_numbers(rng: &mut ChaCha8Rng) -> Example {
    let list = words_and_numbers(rng, 3);
    let kept: Vec<_> = list.iter().filter(|word| is_number(word)).map(String::as_str).collect();
    Example::new(list.join(" "), kept.join(" "))
}

fn replace_numbers(rng: &mut ChaCha8Rng) -> Example {
    let list = words_and_numbers(rng, 2);
    let replaced: Vec<_> =
        list.iter().map(|word| if is_number(word) { "number" } else { word.as_str() }).collect();
    Example::new(list.join(" "), replaced.join(" "))
}

fn remove_repeats(rng: &mut ChaCha8Rng) -> Example {
    let (n, repeats) = (draw::length(rng, 3, 4), draw::length(rng, 1, 2));
    let once = draw::list(rng, n);
    let twice = draw::several(rng, &once, repeats);
    let list = draw::mixed_list(rng, once, twice);
    Example::new(list.join(" "), list.iter().unique().join(" "))
}

fn first_last_equal(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 6);
    let mut list = draw::list(rng, n);
    let equal = draw::coin(rng);
    if equal {
        list[n - 1] = list[0];
    }
    Example::new(list.join(" "), yes_or_no(equal))
}

/// Whether a list of four to six words holds one of `kind`.
fn contains(rng: &mut ChaCha8Rng, kind: &[&'static str]) -> Example {
    let n = draw::length(rng, 4, 6);
    let mut list = draw::list_without(rng, kind, n);
    let holds = draw::coin(rng);
    if holds {
        list[draw::length(rng, 0, n - 1)] = draw::pick(rng, kind);
    }
    Example::new(list.join(" "), yes_or_no(holds))
}

fn yes_or_no(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}

fn contains_animal(rng: &mut ChaCha8Rng) -> Example {
    contains(rng, words::ANIMALS)
}

fn contains_food(rng: &mut ChaCha8Rng) -> Example {
    contains(rng, words::FOODS)
}

fn contains_name(rng: &mut ChaCha8Rng) -> Example {
    contains(rng, words::NAMES)
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "keep-animals",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words, some of which are animals. Your job is to output only \
                   the animals, in the order of the list.",
        pretraining_cores: &[
            "write only the animals of the list",
            "keep the animals and remove all other words",
            "output every animal in the list in its order",
            "copy the words that are animals",
            "return the list with nothing but its animals",
            "find all animals in the list and write them down",
            "select all the animals that appear in the list",
            "delete the things and report the animals",
            "skip the words that are not animals and write the others",
        ],
        pretraining_sentences: &[
            "What animals appear in this list?",
            "Some of these words are animals; write only those.",
            "You are a guard. Ignore whatever is not an animal and list the animals.",
        ],
        held_out_cores: &[
            "drop every word that is not an animal",
            "give the animals and leave out the rest",
            "pick out the animals from the list",
            "list each word that names an animal",
            "show which animals appear, one after another",
            "delete all words except the animals",
            "report the living creatures in the list and ignore the things",
            "select the words for animals and skip the others",
        ],
        sentences: &[
            "Which animals are in the list?",
            "What is left when every word that is no animal is taken away?",
            "You are the keeper of a zoo, and only animals may come in. Read out the ones in this list.",
            "Animals only, same order.",
            "Go through the list word by word. Write a word down if it is an animal; skip it if it is not.",
            "Out of all the words that the list is made of, we would like to receive those that stand for an animal, \
             in the order in which they appear.",
        ],
        generate: keep_animals,
    },
    Family {
        name: "keep-numbers",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words and numbers. Your job is to output only the numbers, in \
                   the order of the list.",
        pretraining_cores: &[
            "write only the numbers of the list",
            "keep the numbers and remove all the words",
            "output every number in the list in its order",
            "copy the items that are numbers",
            "return the list with nothing but its numbers",
            "find all numbers in the list and write them down",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "drop every item that is not a number",
            "give the numbers and leave out the rest",
            "pick out the numbers from the list",
            "list each item that is made of digits",
            "show which numbers appear, one after another",
            "delete all words so that the numbers remain",
            "report the digits in the list and ignore the words",
            "select the numbers and skip the other items",
        ],
        sentences: &[
            "Which numbers are in the list?",
            "What is left when every word that is no number is taken away?",
            "You are a bank clerk, and you care about numbers alone. Read out the ones in this list.",
            "Numbers only, same order.",
            "Go through the list item by item. Write an item down if it is a number; skip it if it is a word.",
            "Out of all the items that the list is made of, we would like to receive those that are written with \
             digits, in the order in which they appear.",
        ],
        generate: keep_numbers,
    },
    Family {
        name: "replace-numbers",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words and numbers. Your job is to copy the list, writing the \
                   word number in place of every number.",
        pretraining_cores: &[
            "copy the list and write the word number for every number in it",
            "replace each number in the list with the word number",
            "write the list again with the word number in the place of all numbers",
            "return the list after every number has become the word number",
            "output the list but put the word number where a number stands",
            "change all numbers into the word number and keep the other words",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "repeat the list, saying number whenever there are digits",
            "hide every number of the list behind the word number",
            "give the list with its digits exchanged for the word number",
            "copy all words as they are, but turn any number into the word number",
            "swap every number for the word number and leave the words alone",
            "write down the list so that the word number stands for each number",
            "show the list with the word number in each position that held digits",
            "remove the digits, put the word number there and return everything",
        ],
        sentences: &[
            "What does the list look like when each number is replaced by the word number?",
            "How does the list read if you say number instead of the digits?",
            "You are a clerk who must keep all numbers secret. Copy the list, with the word number covering each one.",
            "Same list, every number becomes the word number.",
            "Go through the list item by item. If it is a word, copy it; if it is a number, write the word number.",
            "We would like to have the list once more with all of its words unchanged, while in the place of any \
             number there should be the word number.",
        ],
        generate: replace_numbers,
    },
    Family {
        name: "remove-repeats",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words in which some words appear twice. Your job is to output \
                   the list without the repeats, keeping each word where it first appears.",
        pretraining_cores: &[
            "write each word of the list only once",
            "remove the words that repeat an earlier word",
            "copy the list without repeats",
            "output every different word once, in the order of the list",
            "drop a word if it has been in the list before",
            "return the list with no word in it twice",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "delete the second copy of any word in the list",
            "give the different words of the list in order",
            "keep the first of equal words and leave out the other",
            "list the words so that none of them appears twice",
            "skip each word that you have already written",
            "show the list after its repeats are gone",
            "cut out all copies and report what remains",
            "write down a word when it is new and ignore it when it comes back",
        ],
        sentences: &[
            "Which different words does the list hold, in order?",
            "What is left of the list when nothing may appear twice?",
            "You are a guard at a door: every word may enter one time, and its copy is sent away. Read out who came in.",
            "No repeats, same order.",
            "Go through the list word by word. Write a word down if it is new; skip it if you have it already.",
            "We would like to have the list once more in such a form that any word which appears more than one time \
             is kept at its first place and nowhere else.",
        ],
        generate: remove_repeats,
    },
    Family {
        name: "first-last-equal",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given a list of words. Answer yes if the first word and the last word are the \
                   same, and no if they are different.",
        pretraining_cores: &[
            "answer yes if the first and the last word are the same and no if they are different",
            "say yes or no: does the list begin and end with the same word",
            "output yes when the opening word equals the closing word, otherwise no",
            "write yes if the last word repeats the first one, else write no",
            "decide, yes or no, whether the two words at the ends are equal",
            "compare the first word with the last and return yes if they match or no if not",
            "check if the list ends with the word that it starts with and reply yes or no",
            "determine whether both ends of the list have the same word, yes or no",
        ],
        pretraining_sentences: &[
            "Do the first word and the last word agree, yes or no?",
            "Is the word at the end the same as the word at the start? Say yes or no.",
            "If the ends of the list differ say no; if they are the same say yes.",
        ],
        held_out_cores: &[
            "reply with yes if both ends of the list are the same word and with no if they are not",
            "tell, by yes or no, whether the final word is equal to the initial word",
            "give yes for a list that ends as it begins and no for any other",
            "check if the list starts and finishes with one and the same word, and say yes or no",
            "choose yes when the leading and the ending word match, and no when they differ",
            "report yes or no, as the first word comes back at the end or does not",
            "put down no if the outer words differ and yes if they agree",
            "state with yes or no if the first and final words are equal",
        ],
        sentences: &[
            "Are the first and the last word of the list the same, yes or no?",
            "Does this list end with the very word that it began with? Reply yes or no.",
            "You are a referee who compares the two ends of a row: call yes if they are equal and no if they differ.",
            "Ends equal: yes. Ends different: no.",
            "Look at the first word. Look at the last word. If they are one word, say yes; if they are two, say no.",
            "It is to be determined whether the word that opens the list is also the word that closes it, which you \
             should confirm with yes or deny with no.",
        ],
        generate: first_last_equal,
    },
    Family {
        name: "contains-animal",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given a list of words. Answer yes if there is an animal in the list, and no if \
                   there is none.",
        pretraining_cores: &[
            "answer yes if the list has an animal in it and no if it has none",
            "say yes or no: is there an animal in the list",
            "output yes when one of the words is an animal, otherwise no",
            "write yes if any word names an animal, else write no",
            "decide, yes or no, whether the list contains an animal",
            "look for an animal in the list and return yes if you find one or no if not",
            "check if some word is an animal and reply with yes or no",
            "determine whether an animal appears among these words, yes or no",
        ],
        pretraining_sentences: &[
            "Does an animal appear in this list, yes or no?",
            "Are there animals among the words? Reply with yes or no.",
            "If some word is an animal say yes; if no word is one say no.",
        ],
        held_out_cores: &[
            "reply with yes if an animal appears among the words and with no if not",
            "tell, by yes or no, whether some word of the list is an animal",
            "give yes for a list that holds an animal and no for a list without animals",
            "check the list for animals, and say yes or no",
            "choose yes when an animal is present, and no when all words are other things",
            "report yes or no, as the list does or does not name an animal",
            "put down no if none of the words is an animal and yes if one is",
            "state with yes or no if you can find a living creature in the list",
        ],
        sentences: &[
            "Is any of these words an animal, yes or no?",
            "Does this list have an animal in it? Reply yes or no.",
            "You are the keeper of a zoo who looks for lost animals: call yes if one is in the list and no if there \
             is none.",
            "Animal in list: yes. No animal: no.",
            "Go through the words one by one. If you meet an animal, say yes; if you meet none, say no.",
            "It is to be determined whether at least one of the words stands for an animal, which you should confirm \
             with yes or deny with no.",
        ],
        generate: contains_animal,
    },
    Family {
        name: "contains-food",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given a list of words. Answer yes if there is a food in the list, and no if \
                   there is none.",
        pretraining_cores: &[
            "answer yes if the list has a food in it and no if it has none",
            "say yes or no: is there a food in the list",
            "output yes when one of the words is a food, otherwise no",
            "write yes if any word names something to eat, else write no",
            "decide, yes or no, whether the list contains a food",
            "look for a food in the list and return yes if you find one or no if not",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "reply with yes if a food appears among the words and with no if not",
            "tell, by yes or no, whether some word of the list is a food",
            "give yes for a list that holds something to eat and no for a list without food",
            "check the list for foods, and say yes or no",
            "choose yes when a food is present, and no when all words are other things",
            "report yes or no, as the list does or does not name a food",
            "put down no if none of the words is a food and yes if one is",
            "state with yes or no if you can find anything for a meal in the list",
        ],
        sentences: &[
            "Is any of these words a food, yes or no?",
            "Does this list have something to eat in it? Reply yes or no.",
            "You are a hungry cook who looks for food: call yes if some is in the list and no if there is none.",
            "Food in list: yes. No food: no.",
            "Go through the words one by one. If you meet a food, say yes; if you meet none, say no.",
            "It is to be determined whether at least one of the words stands for something that people eat, which \
             you should confirm with yes or deny with no.",
        ],
        generate: contains_food,
    },
    Family {
        name: "contains-name",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given a list of words. Answer yes if the name of a person is in the list, and \
                   no if there is none.",
        pretraining_cores: &[
            "answer yes if the list has a name of a person in it and no if it has none",
            "say yes or no: is there a person in the list",
            "output yes when one of the words is a name, otherwise no",
            "write yes if any word is the name of a person, else write no",
            "decide, yes or no, whether the list contains a name",
            "look for a person in the list and return yes if you find one or no if not",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "reply with yes if a name appears among the words and with no if not",
            "tell, by yes or no, whether some word of the list is a person",
            "give yes for a list that holds somebody's name and no for a list without names",
            "check the list for people, and say yes or no",
            "choose yes when a person is present, and no when all words are things or animals",
            "report yes or no, as the list does or does not name a person",
            "put down no if none of the words is a name and yes if one is",
            "state with yes or no if you can find a man or a woman in the list",
        ],
        sentences: &[
            "Is any of these words the name of a person, yes or no?",
            "Does this list have somebody's name in it? Reply yes or no.",
            "You are a detective who looks for people: call yes if a person is in the list and no if there is none.",
            "Name in list: yes. No name: no.",
            "Go through the words one by one. If you meet a person, say yes; if you meet none, say no.",
            "It is to be determined whether at least one of the words is what a person is called, which you should \
             confirm with yes or deny with no.",
        ],
        generate: contains_name,
    },
];
