//! Reviews, moods, topics and tones: what a short text is like as a whole.

use rand_chacha::ChaCha8Rng;

use super::*;

fn goods() -> Vec<&'static str> {
    [words::objects(), words::FOODS.to_vec()].concat()
}

fn sentiment(rng: &mut ChaCha8Rng) -> Example {
    let positive = draw::coin(rng);
    let adjectives = draw::several(rng, if positive { words::GOOD } else { words::BAD }, 2);
    let (feels, city) = (if positive { "love" } else { "hate" }, draw::city(rng));
    let thing = draw::pick(rng, &goods());
    let name = draw::pick(rng, words::NAMES);
    let input = match draw::between(rng, 0, 3) {
        0 => format!("The {thing} from {city} is {} and {}.", adjectives[0], adjectives[1]),
        1 => format!("{name} says the {thing} is {}.", adjectives[0]),
        2 => format!("I {feels} this {} {thing} from {city}.", adjectives[0]),
        _ => format!(
            "What {} {} {thing}, {name} and I {feels} it.",
            draw::article(adjectives[0]),
            adjectives[0]
        ),
    };
    Example::new(input, if positive { "positive" } else { "negative" })
}

fn buy_again(rng: &mut ChaCha8Rng) -> Example {
    let satisfied = draw::coin(rng);
    let kept = ["works well", "lasts long", "is worth the money", "does the job"];
    let broke = ["broke at once", "fell apart", "is a waste of money", "never works"];
    let verdict = draw::pick(rng, if satisfied { &kept } else { &broke });
    let thing = draw::pick(rng, &words::objects());
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let input = match draw::between(rng, 0, 2) {
        0 => format!("{name} bought a new {thing} in {city}, it {verdict}."),
        1 => format!("The {thing} that {name} got {verdict}."),
        _ => format!("My {thing} from {city} {verdict}, says {name}."),
    };
    Example::new(input, if satisfied { "yes" } else { "no" })
}

fn mood(rng: &mut ChaCha8Rng) -> Example {
    const MOODS: [(&str, [&str; 4]); 3] = [
        ("happy", ["smiled", "laughed", "danced", "cheered"]),
        ("sad", ["cried", "wept", "sighed", "mourned"]),
        ("angry", ["shouted", "yelled", "cursed", "raged"]),
    ];
    let (mood, signs) = draw::pick(rng, &MOODS);
    let signs = draw::several(rng, &signs, 2);
    let spot = draw::pick(rng, &["station", "market", "school", "park", "office", "hotel"]);
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let input = match draw::between(rng, 0, 2) {
        0 => format!("{name} {} at the {spot} in {city}.", signs[0]),
        1 => format!("At the {spot}, {name} {} and {}.", signs[0], signs[1]),
        _ => format!("In {city}, {name} {} and {} at the {spot}.", signs[0], signs[1]),
    };
    Example::new(input, mood)
}

fn topic(rng: &mut ChaCha8Rng) -> Example {
    let topic = draw::pick(rng, &["sport", "food", "weather", "travel"]);
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let day = draw::pick(rng, &[words::WEEKDAYS, words::WEEKEND].concat());
    let first = draw::coin(rng);
    let input = match topic {
        "sport" => {
            let game = draw::pick(rng, &["tennis", "football", "hockey", "golf"]);
            if first {
                format!("{name} played {game} in {city} on {day}.")
            } else {
                format!("On {day} {name} won the {game} match in {city}.")
            }
        }
        "food" => {
            let foods = draw::several(rng, words::FOODS, 2);
            if first {
                format!("{name} ate {} with {} in {city} on {day}.", foods[0], foods[1])
            } else {
                format!("On {day} {name} cooked {} and {}.", foods[0], foods[1])
            }
        }
        "weather" => {
            let sky = draw::several(rng, &["rain", "snow", "wind", "fog", "storm"], 2);
            if first {
                format!("{name} saw {} and {} in {city} on {day}.", sky[0], sky[1])
            } else {
                format!("On {day} there was {} over {city}, says {name}.", sky[0])
            }
        }
        _ => {
            let papers = draw::several(rng, &["ticket", "passport", "map", "suitcase"], 2);
            if first {
                format!("{name} took a {} and a {} to {city} on {day}.", papers[0], papers[1])
            } else {
                format!("On {day} {name} packed a {} for the flight to {city}.", papers[0])
            }
        }
    };
    Example::new(input, topic)
}

fn formal_or_casual(rng: &mut ChaCha8Rng) -> Example {
    let formal = draw::coin(rng);
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let object = draw::pick(rng, &words::objects());
    let opening = draw::pick(rng, if formal { &["Dear", "Honored"] } else { &["Hey", "Yo"] });
    let input = match (formal, draw::between(rng, 0, 1)) {
        (true, 0) => format!("{opening} {name}, I would kindly ask for the {object} from {city}."),
        (true, _) => format!("{opening} {name}, we thank you for the {object} from {city}."),
        (false, 0) => format!("{opening} {name}, gimme the {object} from {city}."),
        (false, _) => format!("{opening} {name}, cool {object} from {city}, buddy."),
    };
    Example::new(input, if formal { "formal" } else { "casual" })
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "sentiment",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only positive or negative as your answer.",
        labels: &["positive", "negative"],
        original: "In this task, you are given a short review. Decide whether the review is positive or negative.",
        pretraining_cores: &[
            "say whether the review is positive or negative",
            "write positive or negative for the review",
            "decide if the opinion is negative or positive",
            "tell if the text is positive or negative",
            "label the feeling of the review as positive or negative",
            "output positive if the review praises the thing and negative if it complains",
            "classify the opinion as positive or negative",
            "determine whether the writer likes the thing, positive, or not, negative",
            "judge the review and reply positive or negative",
        ],
        pretraining_sentences: &[
            "Is the opinion positive or negative?",
            "How does the writer feel, positive or negative?",
            "If the review is good say positive; if it is bad say negative.",
        ],
        held_out_cores: &[
            "classify the review as negative or positive",
            "choose between positive and negative for the opinion in the text",
            "report positive when the writer likes the thing and negative when the writer does not",
            "answer negative if the words are bad and positive if they are good",
            "state if we have a positive review here or a negative one",
            "determine which word fits the review, positive or negative",
            "give the word positive for praise and the word negative for blame",
            "judge the mood of the writer and return positive or negative",
        ],
        sentences: &[
            "Is this review positive or negative?",
            "Which is it, a negative opinion or a positive one?",
            "You are the owner of a shop who reads what people write. Sort this text under positive or negative.",
            "Review: positive or negative?",
            "Read the review. If the writer is pleased say positive; if the writer is not say negative.",
            "It is to be determined whether the opinion that the text expresses about the thing is a positive or a \
             negative one.",
        ],
        generate: sentiment,
    },
    Family {
        name: "buy-again",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given a short text about a thing that somebody bought. Answer yes if the thing \
                   is good enough to buy it again, and no if it is not.",
        pretraining_cores: &[
            "answer yes if one should buy the thing again and no if not",
            "say yes or no: is the thing good enough to buy it again",
            "output yes when the thing in the text does its work, otherwise no",
            "write yes if the review makes you want the thing, else write no",
            "decide, yes or no, whether the thing is worth buying again",
            "read what happened to the thing and return yes if it was good or no if it was bad",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "reply with yes if the owner is pleased with the thing and with no if not",
            "tell, by yes or no, whether people should buy such a thing again",
            "give yes for a thing that is good to have and no for a bad one",
            "check how good the thing is, and say yes to buying it again or no",
            "choose yes when the text praises the thing, and no when it complains",
            "report yes or no, as you would or would not buy this thing again",
            "put down no if the thing is useless and yes if it is fine",
            "state with yes or no if the owner got a good thing",
        ],
        sentences: &[
            "Would you buy this thing again, yes or no?",
            "Is it a good idea to get one more of these? Reply yes or no.",
            "You are a friend who is asked for advice in a shop: say yes if the thing should be bought again and no if \
             it should not.",
            "Good thing, buy again: yes. Bad thing: no.",
            "Read the text. If the owner can be pleased with the thing say yes; if the owner cannot, say no.",
            "It is to be determined whether the text speaks in favor of buying the thing once more, which you should \
             confirm with yes or deny with no.",
        ],
        generate: buy_again,
    },
    Family {
        name: "mood",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only happy, sad or angry as your answer.",
        labels: &["happy", "sad", "angry"],
        original: "In this task, you are given a sentence about a person. Decide whether the person is happy, sad or \
                   angry.",
        pretraining_cores: &[
            "say whether the person is happy, sad or angry",
            "write happy, sad or angry for the person in the sentence",
            "decide if the person feels sad, angry or happy",
            "tell if this is a happy, a sad or an angry person",
            "label the mood of the person as happy, sad or angry",
            "output the feeling of the person, which is happy, sad or angry",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the mood in the sentence as angry, happy or sad",
            "choose between happy, sad and angry for the person",
            "report how the person feels, with happy, sad or angry",
            "find out from the sentence if somebody is sad, happy or angry",
            "state which feeling the person shows: happy, angry or sad",
            "determine which word fits the person, happy, sad or angry",
            "look at what the person did and return the mood, angry, sad or happy",
            "judge the feeling and give one of the words happy, sad and angry",
        ],
        sentences: &[
            "How does the person feel, happy, sad or angry?",
            "Is the person in the sentence angry, sad or happy?",
            "You are a doctor who watches how people feel. Note down happy, sad or angry for this person.",
            "Mood: happy, sad or angry?",
            "Read what the person did. Ask yourself how somebody feels who does so. Say happy, sad or angry.",
            "It is to be determined from what the person does whether the mood of the person should be called happy, \
             sad or angry.",
        ],
        generate: mood,
    },
    Family {
        name: "topic",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only sport, food, weather or travel as your answer.",
        labels: &["sport", "food", "weather", "travel"],
        original: "In this task, you are given a sentence. Decide whether its topic is sport, food, weather or travel.",
        pretraining_cores: &[
            "say whether the sentence is about sport, food, weather or travel",
            "write the topic of the sentence, which is sport, food, weather or travel",
            "decide if the topic is sport, food, weather or travel",
            "tell what the sentence speaks of: sport, food, weather or travel",
            "label the sentence with one of sport, food, weather and travel",
            "output the subject of the sentence as sport, food, weather or travel",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the sentence as travel, weather, food or sport",
            "choose between sport, food, weather and travel for the theme of the text",
            "report the topic, with one word out of food, sport, travel and weather",
            "sort the sentence under sport, food, weather or travel",
            "state which subject the text deals with: weather, travel, sport or food",
            "determine which word fits the sentence, sport, food, weather or travel",
            "find the theme and return it as food, travel, weather or sport",
            "pick the right topic for the text from travel, sport, food and weather",
        ],
        sentences: &[
            "What is the sentence about: sport, food, weather or travel?",
            "Which topic does it belong to, weather, food, travel or sport?",
            "You work for a newspaper and put each line on one of four pages: sport, food, weather or travel. Name \
             the page for this line.",
            "Topic: sport, food, weather or travel?",
            "Read the sentence. Look for the words that give it away. Say sport, food, weather or travel.",
            "It is to be determined which of the four subjects sport, food, weather and travel the sentence is \
             concerned with.",
        ],
        generate: topic,
    },
    Family {
        name: "formal-or-casual",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only formal or casual as your answer.",
        labels: &["formal", "casual"],
        original: "In this task, you are given a message to a person. Decide whether the tone of the message is formal or \
                   casual.",
        pretraining_cores: &[
            "say whether the message is formal or casual",
            "write formal or casual for the tone of the text",
            "decide if the message sounds casual or formal",
            "tell if this is a formal or a casual message",
            "label the tone of the message as formal or casual",
            "output formal if the writer is polite and casual if the writer talks as to a friend",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the message as casual or formal",
            "choose between formal and casual for the way the text is written",
            "report formal when the words are polite and casual when they are loose",
            "answer casual if a friend writes so and formal if an office writes so",
            "state if we have a formal message here or a casual one",
            "determine which word fits the tone, formal or casual",
            "look at how the message opens and return formal or casual",
            "judge the style of the writer and give the word casual or the word formal",
        ],
        sentences: &[
            "Is this message formal or casual?",
            "Which tone does the writer take, a casual or a formal one?",
            "You are the secretary of an office who sorts letters by their tone. Put this one under formal or casual.",
            "Tone: formal or casual?",
            "Read the message. If it is polite and stiff say formal; if it is easy and friendly say casual.",
            "It is to be determined whether the manner in which the message addresses the person has to be called \
             formal or casual.",
        ],
        generate: formal_or_casual,
    },
];
