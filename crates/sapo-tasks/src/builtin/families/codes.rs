//! Codes such as `KX-42-red` and records of keys and values: one part out of several.

use rand_chacha::ChaCha8Rng;

use super::*;

/// Letters, digits and a color in any order, so that no part is known by its place.
struct Code {
    letters: String,
    digits: u32,
    color: &'static str,
}

impl Code {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let letters = (0..2).map(|_| char::from(b'A' + draw::between(rng, 0, 25) as u8)).collect();
        Self { letters, digits: draw::between(rng, 10, 99), color: draw::pick(rng, words::COLORS) }
    }

    fn told(&self, rng: &mut ChaCha8Rng) -> String {
        let parts = vec![self.letters.clone(), self.digits.to_string(), self.color.to_owned()];
        draw::mixed_list(rng, parts, Vec::new()).join("-")
    }
}

fn code_color(rng: &mut ChaCha8Rng) -> Example {
    let code = Code::draw(rng);
    Example::new(code.told(rng), code.color)
}

fn code_letters(rng: &mut ChaCha8Rng) -> Example {
    let code = Code::draw(rng);
    let told = code.told(rng);
    Example::new(told, code.letters)
}

fn code_digits(rng: &mut ChaCha8Rng) -> Example {
    let code = Code::draw(rng);
    Example::new(code.told(rng), code.digits.to_string())
}

struct Record {
    name: &'static str,
    city: &'static str,
    food: &'static str,
    pet: &'static str,
}

impl Record {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self {
            name: draw::pick(rng, words::NAMES),
            city: draw::city(rng),
            food: draw::pick(rng, words::FOODS),
            pet: draw::pick(rng, words::ANIMALS),
        }
    }

    fn told(&self, rng: &mut ChaCha8Rng) -> String {
        let fields =
            [("name", self.name), ("city", self.city), ("food", self.food), ("pet", self.pet)].to_vec();
        let fields = draw::mixed_list(rng, fields, Vec::new());
        fields.into_iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("; ")
    }
}

fn record_city(rng: &mut ChaCha8Rng) -> Example {
    let record = Record::draw(rng);
    Example::new(record.told(rng), record.city)
}

fn record_food(rng: &mut ChaCha8Rng) -> Example {
    let record = Record::draw(rng);
    Example::new(record.told(rng), record.food)
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "code-color",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a code of three parts. Your job is to output the part that is a color.",
        pretraining_cores: &[
            "write the color in the code",
            "output the part of the code that is a color",
            "find the color in the code and copy it",
            "give the color that the code holds",
            "return the code's color without its letters and digits",
            "take the code apart and name its color",
            "extract the color of the code",
            "pick the part that is a color",
            "identify which part is a color and report it",
        ],
        pretraining_sentences: &[
            "What color does the code hold?",
            "Which of the three parts is a color?",
            "Skip the letters and the number and write the color.",
        ],
        held_out_cores: &[
            "name the color that appears in the code",
            "pick out the color from the code",
            "report which color is part of the code",
            "say what color the code contains",
            "identify the color inside the code",
            "keep only the color of the code",
            "drop the letters and the digits and show the color",
            "extract the code's color word",
        ],
        sentences: &[
            "Which color is in the code?",
            "What is left of the code when its letters and digits are taken away?",
            "You are a worker in a store where each box has a code with a color in it. Read out the color.",
            "Color of code only.",
            "Cut the code at its dashes. Look at the three parts. Write the one that is a color.",
            "The code is made of letters, digits and a color, and what we ask you for is the last of these three \
             things.",
        ],
        generate: code_color,
    },
    Family {
        name: "code-letters",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: "Directly output only the letters as your answer.",
        labels: &[],
        original: "In this task, you are given a code of three parts. Your job is to output the two capital letters of \
                   the code.",
        pretraining_cores: &[
            "write the two capital letters of the code",
            "output the part of the code that is made of big letters",
            "find the pair of capital letters in the code and copy it",
            "give the two letters that the code holds",
            "return the code's letters without its digits and color",
            "take the code apart and show its capital letters",
            "extract the capital letters",
            "pick the part that has two letters",
            "identify the big letters of the code and report them",
        ],
        pretraining_sentences: &[
            "What capital letters does the code hold?",
            "Which of the three parts has two capital letters?",
            "Skip the number and the color and write the letters.",
        ],
        held_out_cores: &[
            "name the two big letters that appear in the code",
            "pick out the capital letters from the code",
            "report which pair of letters is part of the code",
            "say what two capitals the code contains",
            "identify the two letters inside the code",
            "keep only the capital letters of the code",
            "drop the digits and the color and show the letters",
            "extract the code's pair of letters",
        ],
        sentences: &[
            "Which two capital letters are in the code?",
            "What is left of the code when its digits and its color are taken away?",
            "You are a worker in a store where each box has a code with two capital letters. Read the letters out.",
            "Letters of code only.",
            "Cut the code at its dashes. Look at the three parts. Write the one with two capital letters.",
            "The code is made of digits, a color and two capital letters, and what we ask you for is the last of \
             these three things.",
        ],
        generate: code_letters,
    },
    Family {
        name: "code-digits",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: NUMBER,
        labels: &[],
        original: "In this task, you are given a code of three parts. Your job is to output the number in the code.",
        pretraining_cores: &[
            "write the number in the code",
            "output the part of the code that is made of digits",
            "find the digits in the code and copy them",
            "give the number that the code holds",
            "return the code's digits without its letters and color",
            "take the code apart and show its number",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "name the number that appears in the code",
            "pick out the digits from the code",
            "report which number is part of the code",
            "say what digits the code contains",
            "identify the two digits inside the code",
            "keep only the number of the code",
            "drop the letters and the color and show the digits",
            "extract the code's number",
        ],
        sentences: &[
            "Which number is in the code?",
            "What is left of the code when its letters and its color are taken away?",
            "You are a worker in a store where each box has a code with a number. Read the number out.",
            "Digits of code only.",
            "Cut the code at its dashes. Look at the three parts. Write the one with digits.",
            "The code is made of letters, a color and a number, and what we ask you for is the last of these three \
             things.",
        ],
        generate: code_digits,
    },
    Family {
        name: "record-city",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a record with the fields name, city, food and pet. Your job is to output \
                   the value of the field city.",
        pretraining_cores: &[
            "write the value of the field city",
            "output the city of the record",
            "find the key city and copy its value",
            "give the city that the record holds",
            "return what stands behind city in the record",
            "say where the person of the record lives",
            "extract the value of city",
            "look up the entry city and report it",
            "identify the city among the fields",
        ],
        pretraining_sentences: &[
            "What city does the record say?",
            "Which city is written behind the key city?",
            "Check the fields for city and write its value.",
        ],
        held_out_cores: &[
            "name the city that appears in the record",
            "look up city in the record and report what it says",
            "pick out the city from the fields",
            "read the field city and give its value",
            "tell which city belongs to the person in the record",
            "identify the place in the record",
            "copy the entry that comes after the key city",
            "extract the city from the record",
        ],
        sentences: &[
            "Which city is in the record?",
            "What is the value that belongs to the key city?",
            "You are a postman who must know where to go. Read the city from the record.",
            "Field city, value only.",
            "Go through the fields until you come to city. Write what follows it.",
            "The record has several fields with one value each, and what we ask you for is the value that is given \
             for the city.",
        ],
        generate: record_city,
    },
    Family {
        name: "record-food",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a record with the fields name, city, food and pet. Your job is to output \
                   the value of the field food.",
        pretraining_cores: &[
            "write the value of the field food",
            "output the food of the record",
            "find the key food and copy its value",
            "give the food that the record holds",
            "return what stands behind food in the record",
            "say what the person of the record eats",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "name the food that appears in the record",
            "look up food in the record and report what it says",
            "pick out the food from the fields",
            "read the field food and give its value",
            "tell which food belongs to the person in the record",
            "identify the dish in the record",
            "copy the entry that comes after the key food",
            "extract the food from the record",
        ],
        sentences: &[
            "Which food is in the record?",
            "What is the value that belongs to the key food?",
            "You are a cook who must know what to bring. Read the food from the record.",
            "Field food, value only.",
            "Go through the fields until you come to food. Write what follows it.",
            "The record has several fields with one value each, and what we ask you for is the value that is given \
             for the food.",
        ],
        generate: record_food,
    },
];
