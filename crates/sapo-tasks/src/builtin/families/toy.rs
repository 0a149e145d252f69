//! A toy language of 24 made-up words, which a model can know only from having been taught.

use rand_chacha::ChaCha8Rng;

use super::*;

fn toy_words(rng: &mut ChaCha8Rng, count: usize) -> Vec<(&'static str, &'static str)> {
    let all = [words::TOY_ANIMALS, words::TOY_FOODS, words::TOY_COLORS].concat();
    draw::several(rng, &all, count)
}

fn joined(parts: impl Iterator<Item = &'static str>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

fn translate_phrase(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 2, 3);
    let phrase = toy_words(rng, n);
    Example::new(
        joined(phrase.iter().map(|(toy, _)| *toy)),
        joined(phrase.iter().map(|(_, english)| *english)),
    )
}

fn translate_last(rng: &mut ChaCha8Rng) -> Example {
    let n = draw::length(rng, 3, 4);
    let phrase = toy_words(rng, n);
    Example::new(joined(phrase.iter().map(|(toy, _)| *toy)), phrase[n - 1].1)
}

fn toy_animal_or_food(rng: &mut ChaCha8Rng) -> Example {
    let animal = draw::coin(rng);
    let (toy, _) = draw::pick(rng, if animal { words::TOY_ANIMALS } else { words::TOY_FOODS });
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let color = draw::pick(rng, words::COLORS);
    let input = match draw::between(rng, 0, 1) {
        0 => format!("{name} saw one {color} {toy} in {city}."),
        _ => format!("In {city}, {name} found the {color} {toy}."),
    };
    Example::new(input, if animal { "animal" } else { "food" })
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "translate-phrase",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORDS,
        labels: &[],
        original: "In this task, you are given some words of the toy language Zibi. Your job is to translate all of them \
                   into English, in their order.",
        pretraining_cores: &[
            "translate the Zibi words into English",
            "write the English words for the Zibi words",
            "give the meaning of every Zibi word in English",
            "output the list in English instead of Zibi",
            "turn each Zibi word into its English word",
            "return the English translation of the whole list",
            "report the English meaning of the list",
            "state how the Zibi words read in English",
            "exchange each Zibi word for its English word",
        ],
        pretraining_sentences: &[
            "What is this list in English?",
            "How do you say these Zibi words in English?",
            "Somebody wrote in Zibi. Say it in English.",
        ],
        held_out_cores: &[
            "put all the Zibi words into English",
            "say in English what the Zibi words mean",
            "exchange every word of Zibi for the English word with the same meaning",
            "write down the list after translating it from Zibi",
            "report what each of the Zibi words is in English",
            "copy the list, but in English and not in Zibi",
            "name the English meaning of all the words, one after another",
            "read the Zibi text and repeat it in English",
        ],
        sentences: &[
            "What do the Zibi words mean in English?",
            "How does the whole list read in English?",
            "You are a guide for guests who speak no Zibi. Tell them in English what all the words mean.",
            "Zibi to English, all words.",
            "Take the Zibi words one by one. For each, write the English word. Keep the order.",
            "The list is written in the toy language Zibi, and what we ask you for is the meaning of all its words \
             in English, in the same order.",
        ],
        generate: translate_phrase,
    },
    Family {
        name: "translate-last",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given some words of the toy language Zibi. Your job is to translate only the last \
                   one into English.",
        pretraining_cores: &[
            "translate the last Zibi word into English",
            "write the English word for the Zibi word at the end",
            "give the meaning of the final Zibi word in English",
            "output the last word in English instead of Zibi",
            "turn the Zibi word that closes the list into its English word",
            "return the English translation of the last word alone",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "put the closing Zibi word into English",
            "say in English what the last Zibi word means",
            "exchange the final word of Zibi for the English word with the same meaning and write that one alone",
            "leave out all words but the last and translate that from Zibi",
            "report what the ending Zibi word is in English",
            "copy the word at the end, but in English and not in Zibi",
            "name the English meaning of the word with nothing after it",
            "read the Zibi word in the final place and repeat it in English",
        ],
        sentences: &[
            "What does the last Zibi word mean in English?",
            "Which English word has the meaning of the Zibi word at the end?",
            "You are a guide for guests who speak no Zibi. They heard only the last word; tell them in English what it \
             means.",
            "Last word, Zibi to English.",
            "Go to the end of the list. Take the Zibi word there. Write it in English.",
            "The list is written in the toy language Zibi, and what we ask you for is the meaning in English of the \
             word that closes it, and of no other.",
        ],
        generate: translate_last,
    },
    Family {
        name: "toy-animal-or-food",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only animal or food as your answer.",
        labels: &["animal", "food"],
        original: "In this task, you are given a sentence with one word of the toy language Zibi. Decide whether the Zibi \
                   word means an animal or a food.",
        pretraining_cores: &[
            "say whether the Zibi word is an animal or a food",
            "write animal or food for the Zibi word",
            "decide if the Zibi word in the sentence means a food or an animal",
            "find the Zibi word and tell if it is an animal or a food",
            "label the word of Zibi as animal or food",
            "output animal if the Zibi word means an animal and food if it means something to eat",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the Zibi word as food or animal",
            "choose between animal and food for the meaning of the Zibi word",
            "report animal when the Zibi word is a living creature and food when it is something to eat",
            "answer food if the Zibi word can be cooked and eaten, or animal if it can run or fly",
            "state if the word that is not English is an animal or a food",
            "determine which label fits the Zibi word, animal or food",
            "translate the Zibi word for yourself and return its kind, animal or food",
            "pick the right category for the Zibi word, food or animal",
        ],
        sentences: &[
            "Does the Zibi word mean an animal or a food?",
            "Which is it that the Zibi word stands for, a food or an animal?",
            "You are a guide who knows Zibi. Tell your guests whether the Zibi word is an animal or a food.",
            "Zibi word: animal or food?",
            "Find the word that is not English. Think of what it means in Zibi. Say animal or food.",
            "It is to be determined whether the one Zibi word in the sentence is what speakers of Zibi call an animal \
             or a food.",
        ],
        generate: toy_animal_or_food,
    },
];
