//! Places in a list of words: what stands where, and lists with something moved or left out.

use rand_chacha::ChaCha8Rng;

use super::*;

fn first_word(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 6);
    let list = draw::list(rng, n);
    Example::new(list.join(" "), list[0])
}

fn last_word(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 6);
    let list = draw::list(rng, n);
    Example::new(list.join(" "), list[n - 1])
}

fn second_word(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 6);
    let list = draw::list(rng, n);
    Example::new(list.join(" "), list[1])
}

fn drop_first(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 3, 5);
    let list = draw::list(rng, n);
    Example::new(list.join(" "), list[1..].join(" "))
}

fn drop_last(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 3, 5);
    let list = draw::list(rng, n);
    Example::new(list.join(" "), list[..n - 1].join(" "))
}

fn reverse_three(rng: &mut ChaCha8Rng) -> Example {
    let list = draw::list(rng, 3);
    Example::new(list.join(" "), [list[2], list[1], list[0]].join(" "))
}

fn swap_ends(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 5);
    let list = draw::list(rng, n);
    let mut swapped = list.clone();
    swapped.swap(0, n - 1);
    Example::new(list.join(" "), swapped.join(" "))
}

fn word_after_stop(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 6);
    let mut list = draw::list(rng, n);
    let at = draw::length(rng, 0, n - 1);
    list.insert(at, "stop");
    Example::new(list.join(" "), list[at + 1])
}

fn word_before_stop(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 4, 6);
    let mut list = draw::list(rng, n);
    let at = draw::length(rng, 1, n);
    list.insert(at, "stop");
    Example::new(list.join(" "), list[at - 1])
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "first-word",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a list of words. Your job is to output the first word of the list.",
        pretraining_cores: &[
            "write the first word of the list",
            "output the word that opens the list",
            "give the word that the list begins with",
            "return the leading word of the list",
            "find the word at the start of the list",
            "name the initial word",
            "copy the word that stands at the front",
            "report the word that appears first",
            "pick the word that stands before the others",
            "take the item that starts the list and write it",
        ],
        pretraining_sentences: &[
            "Which word comes first?",
            "What is the word at the beginning of the list?",
            "You are a clerk. Tell us the word with which the list starts.",
        ],
        held_out_cores: &[
            "write the opening word of the list",
            "give the starting word of the list",
            "name the word that leads the list",
            "return the word that comes before all the others",
            "copy the word found at the very beginning",
            "output whatever word is in front of the rest",
            "report the word in position one",
            "say which word heads the row of words",
            "repeat the earliest word and leave out the rest",
        ],
        sentences: &[
            "Which word does the list start with?",
            "What is the first thing written in this list of words?",
            "You are a librarian who notes only how a list begins. Note the word that this one begins with.",
            "Start at the left side, take one word, ignore what follows.",
            "First word only.",
            "Several words are written one after another in the text; the one that we would like to receive from you \
             is the one that stands before every other.",
        ],
        generate: first_word,
    },
    Family {
        name: "last-word",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a list of words. Your job is to output the last word of the list.",
        pretraining_cores: &[
            "write the last word of the list",
            "output the word that closes the list",
            "give the word that the list ends with",
            "return the final word of the list",
            "find the word at the end of the list",
            "name the closing word",
            "copy the word that stands at the back",
            "report the word that appears last",
            "pick the item that stands behind the others",
            "state how the list ends by giving its last word",
        ],
        pretraining_sentences: &[
            "Which word comes last?",
            "What is the word at the end of the list?",
            "Ignore all words until you come to the end, then write the one there.",
        ],
        held_out_cores: &[
            "write the ending word of the list",
            "give the word with nothing after it",
            "name the word that finishes the list",
            "return the word that comes after all the others",
            "copy the word found at the very end",
            "output whatever word is behind the rest",
            "report the word in the final position",
            "say which word shuts the row of words",
            "repeat the latest word and leave out the rest",
        ],
        sentences: &[
            "Which word does the list end with?",
            "What is the last thing written in this list of words?",
            "You are a guard who stands at the back of the line. Name the word that is standing there with you.",
            "Go to the right side, take one word, ignore what came before.",
            "Last word only.",
            "Several words are written one after another in the text; the one that we would like to receive from you \
             is the one that no other word follows.",
        ],
        generate: last_word,
    },
    Family {
        name: "second-word",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a list of words. Your job is to output the second word of the list.",
        pretraining_cores: &[
            "write the second word of the list",
            "output the word that comes right after the first one",
            "give word number two of the list",
            "return the word in the second place",
            "find the word that follows the opening word",
            "name the word in position two",
            "copy the word next to the first word",
            "report the item that appears second",
            "skip the first word and pick the one behind it",
        ],
        pretraining_sentences: &[
            "Which word stands in the second place?",
            "What is the item behind the opening word?",
            "Ignore the first word and write the one that comes then.",
        ],
        held_out_cores: &[
            "write the word that stands second in the list",
            "give the word in place number two",
            "name the word that follows the first word",
            "return the word right behind the leading word",
            "copy the word that you read after the initial one",
            "output the neighbor of the first word",
            "report which word holds the second position",
            "skip one word and write the next one",
            "pass over the opening word and say the one that comes then",
        ],
        sentences: &[
            "Which word is second in the list?",
            "What comes directly after the first word of the list?",
            "You are the judge of a race, and the words came in as they are listed. Who was in second place?",
            "Leave out the first word, take the next, ignore what follows.",
            "Second word only.",
            "Several words are written one after another in the text; the one that we would like to receive from you \
             is the one with exactly one word before it.",
        ],
        generate: second_word,
    },
    Family {
        name: "drop-first",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words. Your job is to output the list without its first word.",
        pretraining_cores: &[
            "write the list without its first word",
            "copy every word except the first one",
            "remove the opening word and give the rest of the list",
            "drop the first word and return all the others",
            "leave out the word at the start and output what follows",
            "repeat the list from the second word to the end",
            "delete the first item and state what remains",
            "cut away the opening word and report the remaining words",
        ],
        pretraining_sentences: &[
            "Which words come after the first one?",
            "What remains of the list without its first word?",
            "You are a cook. Throw the first word away and write the others.",
        ],
        held_out_cores: &[
            "write all words but the first",
            "delete the leading word and show the remaining ones",
            "cut the first word off and copy the others in order",
            "give everything that follows the initial word",
            "skip the word at the front and write the rest",
            "return the list minus its starting word",
            "output the words that come after the first one",
            "throw away the word that begins the list and keep the rest",
        ],
        sentences: &[
            "What is left of the list when its first word is taken away?",
            "Which words remain, in order, after the first one is gone?",
            "You are a cook who peels lists: take off the word in front and serve the rest.",
            "List minus first word.",
            "First strike out the word at the beginning. Then copy all that is still there.",
            "We would like to have the same list again, in the same order, but with the word that opens it missing.",
        ],
        generate: drop_first,
    },
    Family {
        name: "drop-last",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words. Your job is to output the list without its last word.",
        pretraining_cores: &[
            "write the list without its last word",
            "copy every word except the last one",
            "remove the closing word and give the rest of the list",
            "drop the final word and return all the others",
            "leave out the word at the end and output what stands before it",
            "repeat the list but stop before the last word",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "write all words but the last",
            "delete the final word and show the remaining ones",
            "cut the last word off and copy the others in order",
            "give everything that comes before the closing word",
            "skip the word at the back and write the rest",
            "return the list minus its ending word",
            "output the words that stand in front of the last one",
            "throw away the word that ends the list and keep the rest",
        ],
        sentences: &[
            "What is left of the list when its last word is taken away?",
            "Which words remain, in order, after the final one is gone?",
            "You are a tailor who shortens lists: cut one word off at the back and hand over the rest.",
            "List minus last word.",
            "First strike out the word at the end. Then copy all that is still there.",
            "We would like to have the same list again, in the same order, but with the word that closes it missing.",
        ],
        generate: drop_last,
    },
    Family {
        name: "reverse-three",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of three words. Your job is to output the words in reverse order.",
        pretraining_cores: &[
            "write the words in reverse order",
            "output the list from the last word to the first",
            "turn the order of the three words around",
            "give the words backwards, starting with the last one",
            "return the list read from right to left",
            "reverse the list of words",
            "report the three items in the order from the end to the beginning",
            "state the list backwards",
        ],
        pretraining_sentences: &[
            "How does the list look from the end to the beginning?",
            "What are the three words in reverse order?",
            "Go through the list from the end and write each word.",
        ],
        held_out_cores: &[
            "write the list back to front",
            "copy the words in the opposite order",
            "give the final word, then the middle one, then the opening one",
            "flip the list so that its end comes first",
            "read the words from the end to the start and write them so",
            "output the three words in backward order",
            "repeat the words from the last to the first",
            "turn the list around and show it",
        ],
        sentences: &[
            "What does the list look like when it is read from its end?",
            "How would the three words stand if their order were turned around?",
            "You are a mirror for lists: show this one from right to left.",
            "Words backwards.",
            "Start with the third word, go on with the second and finish with the first.",
            "We would like to see the same three words once more, but so that the one that was last is now first and \
             the one that was first is now last.",
        ],
        generate: reverse_three,
    },
    Family {
        name: "swap-ends",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given a list of words. Your job is to output the list with its first and last \
                   words exchanged; all the other words stay in their places.",
        pretraining_cores: &[
            "swap the first and the last word of the list",
            "write the list with its first and last words exchanged",
            "copy the list but let the first word and the last word change places",
            "exchange the two words at the ends and keep the middle",
            "put the last word first and the first word last, with the rest as it is",
            "trade the opening word for the closing word and return the list",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "let the words at both ends of the list trade places",
            "write the list again with the opening and the closing word swapped",
            "switch the initial word with the final word and leave the middle alone",
            "move the first word to the end and the last word to the start, the middle stays",
            "output the list after its outer two words have changed places",
            "begin with the last word, copy the middle, end with the first word",
            "exchange the leading word and the ending word only",
            "give the same list, but with the two outside words the other way around",
        ],
        sentences: &[
            "What does the list look like once its first and last words have changed places?",
            "How does the list read when the word in front and the word at the back are exchanged?",
            "You are a coach: the first player and the last player of the row swap seats, all others stay. Read out \
             the new row.",
            "Swap both ends, keep middle.",
            "Take the last word and write it first. Then copy the words in the middle. Finish with the word that was \
             first.",
            "We would like to see the list once more in such a form that only the two words at its ends have been \
             exchanged with each other.",
        ],
        generate: swap_ends,
    },
    Family {
        name: "word-after-stop",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a list of words that contains the word stop. Your job is to output the \
                   word that comes directly after the word stop.",
        pretraining_cores: &[
            "write the word after the word stop",
            "output the word that comes right after stop",
            "give the word that follows stop",
            "return the next word behind the word stop",
            "find stop in the list and name the word after it",
            "copy the word on the right of stop",
            "pick the word that appears directly behind stop",
            "check where stop is and report the word that follows it",
        ],
        pretraining_sentences: &[
            "What comes after stop?",
            "Which word stands right after the word stop?",
            "Skip all words until stop, then take the next one.",
        ],
        held_out_cores: &[
            "write the word directly behind stop",
            "name the word that stands next after stop",
            "look for the word stop and give its right neighbor",
            "say which word comes once stop is over",
            "output the one word that is written just after stop",
            "return the word that stop is followed by",
            "report what you read right after the word stop",
            "go to the word stop, move one place on and copy that word",
        ],
        sentences: &[
            "Which word follows the word stop?",
            "What is the next word once you have passed stop?",
            "You are a train driver. After the sign that says stop there is one more word; read it out.",
            "Word after stop.",
            "First find the word stop. Then take the word to its right.",
            "Somewhere in the list there is the word stop, and what we ask you for is the word that is found \
             immediately behind it.",
        ],
        generate: word_after_stop,
    },
    Family {
        name: "word-before-stop",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a list of words that contains the word stop. Your job is to output the \
                   word that comes directly before the word stop.",
        pretraining_cores: &[
            "write the word before the word stop",
            "output the word that comes right before stop",
            "give the word that stop follows",
            "return the word in front of the word stop",
            "find stop in the list and name the word before it",
            "copy the word on the left of stop",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "write the word directly in front of stop",
            "name the word that stands just before stop",
            "look for the word stop and give its left neighbor",
            "say which word is the last one until stop comes",
            "output the one word that leads up to stop",
            "return the word that has stop behind it",
            "report what you read right before the word stop",
            "go to the word stop, move one place back and copy that word",
        ],
        sentences: &[
            "Which word does the word stop follow?",
            "What is the last word that you read before you come to stop?",
            "You are a train driver. There is one word before the sign that says stop; read it out.",
            "Word before stop.",
            "First find the word stop. Then take the word to its left.",
            "Somewhere in the list there is the word stop, and what we ask you for is the word that is found \
             immediately in front of it.",
        ],
        generate: word_before_stop,
    },
];
