//! Short sentences: who, what, where, in which color, and what kind of sentence it is.

use rand_chacha::ChaCha8Rng;

use super::*;
use crate::builtin::draw::Scene;

fn name_in_sentence(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    Example::new(scene.told(rng), scene.name)
}

fn city_in_sentence(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    Example::new(scene.told(rng), scene.city.0)
}

fn color_in_sentence(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    Example::new(scene.told(rng), scene.color)
}

fn object_in_sentence(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    Example::new(scene.told(rng), scene.object)
}

/// Questions stand without their mark, so that the words have to be read.
fn question_or_statement(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    let (name, (base, past), thing, city) = (scene.name, scene.verb, scene.thing(), scene.city.0);
    let question = draw::coin(rng);
    let input = match (question, draw::between(rng, 0, 2)) {
        (true, 0) => format!("Did {name} {base} {thing} in {city}"),
        (true, 1) => format!("Where will {name} {base} {thing}"),
        (true, _) => format!("Who {past} {thing} in {city}"),
        (false, 0) => format!("{name} {past} {thing} in {city}"),
        (false, 1) => format!("In {city} {name} will {base} {thing}"),
        (false, _) => format!("Now {name} has {thing} in {city}"),
    };
    Example::new(input, if question { "question" } else { "statement" })
}

fn past_or_future(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    let (name, (base, past), thing, city) = (scene.name, scene.verb, scene.thing(), scene.city.0);
    let is_past = draw::coin(rng);
    let input = match (is_past, draw::between(rng, 0, 2)) {
        (true, 0) => format!("{name} {past} {thing} in {city}."),
        (true, 1) => format!("Yesterday {name} {past} {thing}."),
        (true, _) => format!("{name} and I {past} {thing} in {city}."),
        (false, 0) => format!("{name} will {base} {thing} in {city}."),
        (false, 1) => format!("Tomorrow {name} will {base} {thing}."),
        (false, _) => format!("{name} and I will {base} {thing} in {city}."),
    };
    Example::new(input, if is_past { "past" } else { "future" })
}

fn person_or_thing(rng: &mut ChaCha8Rng) -> Example {
    let person = draw::coin(rng);
    let names = draw::several(rng, words::NAMES, 2);
    let objects = draw::several(rng, &words::objects(), 3);
    // The words behind the first hold a person and things alike: only the first one tells.
    let rest = draw::mixed_list(rng, vec![names[1]], objects[1..].to_vec());
    let first = if person { names[0] } else { objects[0] };
    Example::new(format!("{first} {}", rest.join(" ")), if person { "person" } else { "thing" })
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "name-in-sentence",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence about a person. Your job is to output the name of the person.",
        pretraining_cores: &[
            "write the name of the person in the sentence",
            "output the person that the sentence is about",
            "find the name in the sentence and copy it",
            "say who did it",
            "return the name of the person",
            "tell which person the sentence speaks of",
            "identify the person in the sentence",
            "extract the name",
            "report who appears in the sentence",
            "pick the word that says who it was",
        ],
        pretraining_sentences: &[
            "Who did it?",
            "Which person is mentioned in the sentence?",
            "Somebody is named in this sentence. Who is it?",
        ],
        held_out_cores: &[
            "name the person who appears in the sentence",
            "give the word that is somebody's name",
            "pick out the person from the sentence",
            "report who is mentioned in the sentence",
            "copy the name that you read in the sentence",
            "identify the man or woman of the story",
            "say what the person is called",
            "extract the name of the person who acts",
        ],
        sentences: &[
            "Who is the sentence about?",
            "What is the person in the sentence called?",
            "You are a detective who wants to know who was there. Write down the name.",
            "Person's name only.",
            "Read the sentence. Ask yourself who did something. Write that name.",
            "The sentence reports what somebody did, and what we ask you for is the name of this person.",
        ],
        generate: name_in_sentence,
    },
    Family {
        name: "city-in-sentence",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence about something that happened in a city. Your job is to \
                   output the city.",
        pretraining_cores: &[
            "write the city of the sentence",
            "output the place where it happened",
            "find the city in the sentence and copy it",
            "say where it took place",
            "return the name of the city",
            "tell in which city the sentence is set",
            "identify the place in the sentence",
            "extract the city",
            "report in what city somebody was",
        ],
        pretraining_sentences: &[
            "In which city was it?",
            "What place is mentioned?",
            "Where was the person of the sentence?",
        ],
        held_out_cores: &[
            "name the city that appears in the sentence",
            "give the word that is a place",
            "pick out the city from the sentence",
            "report which town is mentioned in the sentence",
            "copy the name of the place that you read in the sentence",
            "identify the location of the story",
            "say in what place this went on",
            "extract the city where the person was",
        ],
        sentences: &[
            "Where did it happen?",
            "Which city does the sentence mention?",
            "You are a detective who wants to know the place. Write down the city.",
            "City only.",
            "Read the sentence. Ask yourself where it took place. Write that city.",
            "The sentence reports what somebody did, and what we ask you for is the city in which it was done.",
        ],
        generate: city_in_sentence,
    },
    Family {
        name: "color-in-sentence",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence about a thing with a color. Your job is to output the color.",
        pretraining_cores: &[
            "write the color in the sentence",
            "output the color of the thing",
            "find the color in the sentence and copy it",
            "say which color the object has",
            "return the word for the color",
            "tell what color the sentence mentions",
            "identify the color of the object",
            "extract the color",
            "state which color the item has",
        ],
        pretraining_sentences: &[
            "Which color does the object have?",
            "What color is mentioned?",
            "You are a painter. How would you paint the thing of the sentence? Name the color.",
        ],
        held_out_cores: &[
            "name the color that appears in the sentence",
            "give the word that is a color",
            "pick out the color from the sentence",
            "report how the thing is painted",
            "copy the color that you read in the sentence",
            "identify the color of the item in the story",
            "say what the object looks like in color",
            "extract the color word",
        ],
        sentences: &[
            "What color is the thing?",
            "Which color does the sentence mention?",
            "You are a painter who wants to know which color to mix. Write it down.",
            "Color only.",
            "Read the sentence. Look for the thing. Write its color.",
            "The sentence speaks of an object, and what we ask you for is the color that this object has.",
        ],
        generate: color_in_sentence,
    },
    Family {
        name: "object-in-sentence",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence about a person and a thing. Your job is to output the thing, \
                   without its color.",
        pretraining_cores: &[
            "write the thing in the sentence without its color",
            "output the object that the sentence is about",
            "find the object in the sentence and copy it",
            "say what thing the person had",
            "return the word for the thing alone",
            "tell which object the sentence mentions",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "name the object that appears in the sentence",
            "give the word that is a thing and no color",
            "pick out the item from the sentence",
            "report what the person dealt with, without the color",
            "copy the thing that you read behind the color",
            "identify the object of the story",
            "say what was handled, leaving its color out",
            "extract the item that comes with the color",
        ],
        sentences: &[
            "What thing is the sentence about, not counting its color?",
            "Which object does the sentence mention?",
            "You are a clerk who keeps a list of things, not of colors. Write down the thing in this sentence.",
            "Object only, no color.",
            "Read the sentence. Look for the color. Write the object that has it.",
            "The sentence reports what somebody did with an object, and what we ask you for is this object, by one \
             word, without its color.",
        ],
        generate: object_in_sentence,
    },
    Family {
        name: "question-or-statement",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only question or statement as your answer.",
        labels: &["question", "statement"],
        original: "In this task, you are given a sentence without its last mark. Decide whether it is a question or a \
                   statement.",
        pretraining_cores: &[
            "say whether the sentence is a question or a statement",
            "write question or statement for the sentence",
            "decide if the sentence is a statement or a question",
            "tell if this is a question or a statement",
            "label the sentence as question or statement",
            "output question if the sentence asks something and statement if it tells something",
            "classify the text as question or statement",
            "determine whether somebody asks or tells something, with question or statement",
            "check which label fits, statement or question",
        ],
        pretraining_sentences: &[
            "Is it a question or is it a statement?",
            "Does somebody ask here, which is a question, or tell, which is a statement?",
            "If the sentence asks say question; if not say statement.",
        ],
        held_out_cores: &[
            "classify the sentence as statement or question",
            "choose between question and statement for the text",
            "report question when somebody wants to know a thing and statement when somebody reports it",
            "answer statement if the sentence tells and question if it asks",
            "state if we have a question here or a statement",
            "determine which word fits the sentence, question or statement",
            "give the word question for asking and the word statement for telling",
            "check how the sentence begins and return the right word, question or statement",
        ],
        sentences: &[
            "Is this sentence a question or a statement?",
            "Which is it, a statement or a question?",
            "You are a printer who must know which mark to set at the end. Say question or statement.",
            "Sentence: question or statement?",
            "Read the sentence. If an answer to it is expected say question, else say statement.",
            "It is to be determined whether the sentence asks for something, which makes it a question, or reports \
             something, which makes it a statement.",
        ],
        generate: question_or_statement,
    },
    Family {
        name: "past-or-future",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only past or future as your answer.",
        labels: &["past", "future"],
        original: "In this task, you are given a sentence. Decide whether it speaks about the past or about the future.",
        pretraining_cores: &[
            "say whether the sentence is about the past or the future",
            "write past or future for the sentence",
            "decide if the sentence speaks of the future or of the past",
            "tell if this is past or future",
            "label the time of the sentence as past or future",
            "output past if it has happened and future if it has not happened yet",
            "classify the sentence as past or future",
            "determine whether it was in the past or will be in the future",
            "check the time and reply past or future",
        ],
        pretraining_sentences: &[
            "Was it in the past or will it be in the future?",
            "Is this the future or the past?",
            "If it is done say past; if it will come say future.",
        ],
        held_out_cores: &[
            "classify the time of the sentence as future or past",
            "choose between past and future for the text",
            "report past when the thing is done and future when it is still to be done",
            "answer future if the sentence tells what will be and past if it tells what was",
            "state if the sentence lies in the past or in the future",
            "determine which word fits the verb, past or future",
            "give the word past for what is over and the word future for what is to come",
            "check the verb and return the right word, past or future",
        ],
        sentences: &[
            "Is the sentence about the past or about the future?",
            "When does it happen, in the future or in the past?",
            "You are a teacher who asks for the time of the verb. Say past or future.",
            "Time: past or future?",
            "Read the sentence. If it is over say past; if it is still to come say future.",
            "It is to be determined whether what the sentence speaks of belongs to the past or to the future.",
        ],
        generate: past_or_future,
    },
    Family {
        name: "person-or-thing",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only person or thing as your answer.",
        labels: &["person", "thing"],
        original: "In this task, you are given a list of words. Decide whether the first word is the name of a person \
                   or a thing.",
        pretraining_cores: &[
            "say whether the first word is a person or a thing",
            "write person or thing for the first word of the list",
            "decide if the word that opens the list is a thing or a person",
            "look at the first word and tell if it is a person or a thing",
            "label the opening word as person or thing",
            "output person if the list begins with a name and thing if it begins with an object",
            "classify the opening word as person or thing",
            "determine whether somebody or something comes first, person or thing",
        ],
        pretraining_sentences: &[
            "Is a person or a thing named first?",
            "What is the first word, person or thing?",
            "If the first word is somebody say person; if not say thing.",
        ],
        held_out_cores: &[
            "classify the first word as thing or person",
            "choose between person and thing for the leading word of the list",
            "report person when a name comes first and thing when an object comes first",
            "answer thing if the list starts with an object and person if it starts with a name",
            "state if the list opens with a person or with a thing",
            "determine which word fits the start of the list, person or thing",
            "take the initial word and return person if somebody is called so, otherwise thing",
            "check the word at the front and give the right label, person or thing",
        ],
        sentences: &[
            "Is the first word of the list a person or a thing?",
            "What does the list begin with, a thing or a person?",
            "You are a guard who looks only at whatever is first in the line. Say person or thing.",
            "First word: person or thing?",
            "Take the first word. If it is a name say person; if it is an object say thing.",
            "It is to be determined whether the word that opens the list is what a person is called or what a thing \
             is called.",
        ],
        generate: person_or_thing,
    },
];
