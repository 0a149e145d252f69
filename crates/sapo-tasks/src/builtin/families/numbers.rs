//! Numbers below 100: lists of them, and sentences with one or two.

use rand_chacha::ChaCha8Rng;

use super::*;

fn number_list(rng: &mut ChaCha8Rng) -> Vec<u32> {
    let n = draw::length(rng, 3, 4);
    draw::numbers(rng, n)
}

fn largest_number(rng: &mut ChaCha8Rng) -> Example {
    let list = number_list(rng);
    let largest = list.iter().copied().fold(0, u32::max);
    Example::new(draw::as_text(&list).join(" "), largest.to_string())
}

fn smallest_number(rng: &mut ChaCha8Rng) -> Example {
    let list = number_list(rng);
    let smallest = list.iter().copied().fold(u32::MAX, u32::min);
    Example::new(draw::as_text(&list).join(" "), smallest.to_string())
}

fn rising_or_falling(rng: &mut ChaCha8Rng) -> Example {
    let mut list = number_list(rng);
    list.sort_unstable();
    let rising = draw::coin(rng);
    if !rising {
        list.reverse();
    }
    Example::new(draw::as_text(&list).join(" "), if rising { "rising" } else { "falling" })
}

fn next_number(rng: &mut ChaCha8Rng) -> Example {
    let number = draw::between(rng, 1, 98);
    let name = draw::pick(rng, words::NAMES);
    let city = draw::city(rng);
    let input = match draw::between(rng, 0, 2) {
        0 => format!("{name} took bus {number} to {city}."),
        1 => format!("{name} lives in house {number} in {city}."),
        _ => format!("In {city}, {name} sat on chair {number}."),
    };
    Example::new(input, (number + 1).to_string())
}

fn number_parity(rng: &mut ChaCha8Rng) -> Example {
    let even = draw::coin(rng);
    let number = 2 * draw::between(rng, 1, 49) - u32::from(!even);
    let name = draw::pick(rng, words::NAMES);
    let object = draw::pick(rng, &words::objects());
    let color = draw::pick(rng, words::COLORS);
    let input = match draw::between(rng, 0, 1) {
        0 => format!("{name} paid {number} dollars for the {color} {object}."),
        _ => format!("The {color} {object} of {name} has number {number}."),
    };
    Example::new(input, if even { "even" } else { "odd" })
}

fn number_over_fifty(rng: &mut ChaCha8Rng) -> Example {
    let over = draw::coin(rng);
    let number = if over { draw::between(rng, 51, 99) } else { draw::between(rng, 1, 50) };
    let name = draw::pick(rng, words::NAMES);
    let city = draw::city(rng);
    let input = match draw::between(rng, 0, 2) {
        0 => format!("{name} won {number} games in {city}."),
        1 => format!("There are {number} people with {name} in {city}."),
        _ => format!("In {city}, {name} sold {number} books."),
    };
    Example::new(input, if over { "yes" } else { "no" })
}

fn older_person(rng: &mut ChaCha8Rng) -> Example {
    let names = draw::several(rng, words::NAMES, 2);
    let ages = draw::numbers(rng, 2);
    let input = match draw::between(rng, 0, 1) {
        0 => format!("{} is {} and {} is {}.", names[0], ages[0], names[1], ages[1]),
        _ => format!("{}, {} years old, met {}, {} years old.", names[0], ages[0], names[1], ages[1]),
    };
    Example::new(input, if ages[0] > ages[1] { "first" } else { "second" })
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "largest-number",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: NUMBER,
        labels: &[],
        original: "In this task, you are given a list of numbers. Your job is to output the largest number of the list.",
        pretraining_cores: &[
            "write the largest number of the list",
            "output the biggest number",
            "give the number that is greater than all the others",
            "return the highest number in the list",
            "find the number with the greatest value",
            "name the maximum of the numbers",
            "compare the numbers and write the largest",
            "pick the largest of these numbers",
            "report the number that beats all the others",
            "select the item with the highest value",
        ],
        pretraining_sentences: &[
            "Which number is the biggest of all?",
            "What is the maximum?",
            "Take the number that exceeds all the others and write it.",
        ],
        held_out_cores: &[
            "write the greatest of the numbers",
            "pick the number that no other number is bigger than",
            "report the maximum value of the list",
            "say which number is the highest of all",
            "select the top number",
            "name the number that beats the rest in size",
            "give the biggest value that appears in the list",
            "look for the largest value and copy it",
        ],
        sentences: &[
            "Which of these numbers is the largest?",
            "What is the highest value in the list?",
            "You are the judge of a contest in which the most points win. Give the points of the winner.",
            "Biggest number only.",
            "Begin with the first number. Whenever a later one is bigger, take that instead. Write the one you hold \
             at the end.",
            "Out of all the numbers in the list, we would like to receive the one that is not exceeded by any other.",
        ],
        generate: largest_number,
    },
    Family {
        name: "smallest-number",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: NUMBER,
        labels: &[],
        original: "In this task, you are given a list of numbers. Your job is to output the smallest number of the list.",
        pretraining_cores: &[
            "write the smallest number of the list",
            "output the least of the numbers",
            "give the number that is smaller than all the others",
            "return the lowest number in the list",
            "find the number with the smallest value",
            "name the minimum of the numbers",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "write the lowest of the numbers",
            "pick the number that no other number is smaller than",
            "report the minimum value of the list",
            "say which number is the least of all",
            "select the bottom number",
            "name the number that all the rest beat in size",
            "give the smallest value that appears in the list",
            "look for the lowest value and copy it",
        ],
        sentences: &[
            "Which of these numbers is the smallest?",
            "What is the lowest value in the list?",
            "You are a shopper who takes the cheapest offer. The list holds the prices; give the one that you would \
             pay.",
            "Smallest number only.",
            "Begin with the first number. Whenever a later one is smaller, take that instead. Write the one you hold \
             at the end.",
            "Out of all the numbers in the list, we would like to receive the one that exceeds no other.",
        ],
        generate: smallest_number,
    },
    Family {
        name: "next-number",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: NUMBER,
        labels: &[],
        original: "In this task, you are given a sentence with one number. Your job is to output the number that comes \
                   next when counting.",
        pretraining_cores: &[
            "find the number in the sentence and write the number after it",
            "add one to the number in the sentence",
            "output the number of the sentence plus one",
            "count one step up from the number and write the result",
            "give the number that follows the one in the sentence",
            "return the next bigger number",
            "report the number that comes after the one written here",
            "state how much it is if one is added to the number",
        ],
        pretraining_sentences: &[
            "What number do you get when you add one?",
            "Which number follows the one that is written in the sentence?",
            "Look for the number and count up by one.",
        ],
        held_out_cores: &[
            "make the number in the sentence one bigger and write it",
            "give the number that is one more than the one you read",
            "say which number comes next after the one in the sentence",
            "increase the number by one and return it",
            "take the number from the sentence, add one, and report the sum",
            "count on by one from the number that appears",
            "output what you get when one is added to the number",
            "name the number that stands right behind the given one when you count",
        ],
        sentences: &[
            "Which number comes after the one in the sentence?",
            "What is the number of the sentence plus one?",
            "You are a child who learns to count. Read the number in the sentence and call out the one that is next.",
            "Number plus one.",
            "First find the number. Then count one further. Write what you reach.",
            "The sentence holds exactly one number, and what we ask you for is the number that is greater than it \
             by one.",
        ],
        generate: next_number,
    },
    Family {
        name: "number-parity",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only even or odd as your answer.",
        labels: &["even", "odd"],
        original: "In this task, you are given a sentence with one number. Decide whether the number is even or odd.",
        pretraining_cores: &[
            "say whether the number in the sentence is even or odd",
            "write even or odd for the number",
            "decide if the number is odd or even",
            "find the number and tell if it is even or odd",
            "label the number as even or odd",
            "output even if two divides the number and odd if it does not",
            "classify the number as even or odd",
            "determine whether the number is odd or even",
            "check the number and reply even or odd",
        ],
        pretraining_sentences: &[
            "Is it an even or an odd number?",
            "Does the sentence have an odd or an even number?",
            "If the number is even say even; if it is odd say odd.",
        ],
        held_out_cores: &[
            "classify the number of the sentence as odd or even",
            "choose between even and odd for the number that appears",
            "report even for a number that can be halved and odd for any other",
            "look at the last digit of the number and answer odd or even",
            "state if we have an even number or an odd number here",
            "determine which word fits the number, even or odd",
            "give the word odd for an odd number and the word even for an even one",
            "check the number and return the right word, even or odd",
        ],
        sentences: &[
            "Is the number in the sentence even or odd?",
            "Which is it, an odd number or an even number?",
            "You are a teacher who sorts numbers into two boxes, even and odd. Say the box for this one.",
            "Number: even or odd?",
            "Find the number. Try to share it between two people. If nothing is left over say even, else say odd.",
            "It is to be determined whether the number that the sentence holds belongs to the even ones or to the \
             odd ones.",
        ],
        generate: number_parity,
    },
    Family {
        name: "number-over-fifty",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given a sentence with one number. Answer yes if the number is bigger than 50, \
                   and no if it is not.",
        pretraining_cores: &[
            "answer yes if the number is bigger than 50 and no if it is not",
            "say yes or no: is the number in the sentence greater than 50",
            "output yes when the number is over 50, otherwise no",
            "write yes if the number is more than 50, else write no",
            "decide, yes or no, whether the number is higher than 50",
            "find the number and compare it with 50, then return yes if it is larger or no if not",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "reply with yes if the number is above 50 and with no if it is 50 or less",
            "tell, by yes or no, whether the sentence has a number larger than 50",
            "give yes for any number that exceeds 50 and no for the others",
            "check the number against 50, and say yes if it is the bigger one or no if it is not",
            "choose yes when the number goes beyond 50, and no when it does not",
            "report yes or no, as the number is or is not greater than 50",
            "put down no if the number is at most 50 and yes if it is more",
            "state with yes or no if the number beats 50",
        ],
        sentences: &[
            "Is the number in this sentence bigger than 50, yes or no?",
            "Does the sentence speak of more than 50? Reply yes or no.",
            "You are a guard who calls yes when a number is over 50 and no when it is not. Call out for this one.",
            "Over 50: yes. 50 or under: no.",
            "Find the number. Put 50 beside it. If the number is the larger of the two, say yes; if it is not, say no.",
            "It is to be determined whether the number that the sentence holds exceeds 50, which you should confirm \
             with yes or deny with no.",
        ],
        generate: number_over_fifty,
    },
    Family {
        name: "rising-or-falling",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only rising or falling as your answer.",
        labels: &["rising", "falling"],
        original: "In this task, you are given a list of numbers in order. Decide whether the numbers are rising or \
                   falling.",
        pretraining_cores: &[
            "say whether the numbers are rising or falling",
            "write rising or falling for the list",
            "decide if the numbers go up, which is rising, or down, which is falling",
            "tell if the list is falling or rising",
            "label the list of numbers as rising or falling",
            "output rising if every number is bigger than the one before it and falling if it is smaller",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the list as falling or rising",
            "choose between rising and falling for these numbers",
            "report rising for numbers that get larger and falling for numbers that get smaller",
            "compare the first number with the last and answer rising if the last is greater, or falling if it is not",
            "state if we have a rising list or a falling list here",
            "determine which word fits the numbers, rising or falling",
            "give the word falling when the values sink and the word rising when they climb",
            "check the direction of the list and return the right word, rising or falling",
        ],
        sentences: &[
            "Are the numbers rising or falling?",
            "Which way does the list go: is it falling or is it rising?",
            "You are a pilot who reads heights from a list. Report whether the plane is rising or falling.",
            "Numbers: rising or falling?",
            "Look at the first number. Look at the second. If the second is the larger one say rising, else say \
             falling.",
            "It is to be determined whether the numbers become larger from left to right, in which case they are \
             rising, or smaller, in which case they are falling.",
        ],
        generate: rising_or_falling,
    },
    Family {
        name: "older-person",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only first or second as your answer.",
        labels: &["first", "second"],
        original: "In this task, you are given a sentence about two people and their ages. Decide whether the first or \
                   the second person is older.",
        pretraining_cores: &[
            "say whether the first or the second person is older",
            "write first or second for the older person",
            "decide who is older, the first person or the second",
            "compare the two ages and answer first if the first is larger or second if it is not",
            "tell which person has more years, the first or the second",
            "output first if the person who is named first is older, otherwise second",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "choose between first and second for the one with the higher age",
            "report first when the opening name has the bigger age and second when the closing name has it",
            "determine which of the two people was born earlier, the first or the second",
            "state if the greater age belongs to the second or to the first person",
            "look at both ages and return the position of the larger, first or second",
            "pick the older of the two and give the word first or second for that person",
            "answer second if the person who is named last is older and first if not",
            "find out whose age is greater and reply with first or second",
        ],
        sentences: &[
            "Who is older, the first person or the second?",
            "Does the higher age belong to the first or to the second name in the sentence?",
            "You are a nurse who calls the older of two people to come in. Will it be the first or the second?",
            "Older person: first or second?",
            "Read the age of the first person. Read the age of the second person. Say who has more years, first or \
             second.",
            "Two people and their ages are given, and it is to be determined whether the one named first or the one \
             named second has lived longer.",
        ],
        generate: older_person,
    },
];
