//! What words mean: kinds of things, opposites, plurals, countries, colors.

use rand_chacha::ChaCha8Rng;

use super::*;
use crate::builtin::draw::Scene;

const KINDS: [(&str, &[&str]); 4] =
    [("animal", words::ANIMALS), ("food", words::FOODS), ("tool", words::TOOLS), ("color", words::COLORS)];

fn kind_of_last(rng: &mut ChaCha8Rng) -> Example {
    let (kind, members) = draw::pick(rng, &KINDS);
    let n = draw::length(rng, 3, 4);
    let last = draw::pick(rng, members);
    let mut list = draw::list_without(rng, &[last], n);
    list.push(last);
    Example::new(list.join(" "), kind)
}

fn same_kind(rng: &mut ChaCha8Rng) -> Example {
    let kinds = draw::several(rng, &KINDS, 2);
    let same = draw::coin(rng);
    let mut list = draw::several(rng, kinds[0].1, 3);
    if !same {
        list[draw::length(rng, 0, 2)] = draw::pick(rng, kinds[1].1);
    }
    Example::new(list.join(" "), if same { "yes" } else { "no" })
}

fn which_is_food(rng: &mut ChaCha8Rng) -> Example {
    let adjectives: Vec<_> = words::OPPOSITES.iter().flat_map(|(one, other)| [*one, *other]).collect();
    let adjectives = draw::several(rng, &adjectives, 2);
    let food = draw::pick(rng, words::FOODS);
    let other = draw::pick(rng, &[words::ANIMALS.to_vec(), words::objects()].concat());
    let food_first = draw::coin(rng);
    let (a, b) = if food_first { (food, other) } else { (other, food) };
    Example::new(
        format!("A: {} {a} B: {} {b}", adjectives[0], adjectives[1]),
        if food_first { "A" } else { "B" },
    )
}

fn opposite(rng: &mut ChaCha8Rng) -> Example {
    let (one, other) = draw::pick(rng, words::OPPOSITES);
    let (said, wanted) = if draw::coin(rng) { (one, other) } else { (other, one) };
    let object = draw::pick(rng, &words::objects());
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let input = match draw::between(rng, 0, 2) {
        0 => format!("The {object} in {city} is {said}."),
        1 => format!("{name} has {} {said} {object}.", draw::article(said)),
        _ => format!("In {city}, {name} saw {} {said} {object}.", draw::article(said)),
    };
    Example::new(input, wanted)
}

fn plural(rng: &mut ChaCha8Rng) -> Example {
    let nouns = [words::ANIMALS, words::VEHICLES].concat();
    let noun = draw::pick(rng, &nouns);
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let input = match draw::between(rng, 0, 1) {
        0 => format!("{name} saw one {noun} in {city}."),
        _ => format!("There is one {noun} with {name} in {city}."),
    };
    let ending = if noun.ends_with(['s', 'x']) { "es" } else { "s" };
    Example::new(input, format!("{noun}{ending}"))
}

fn country_of_city(rng: &mut ChaCha8Rng) -> Example {
    let scene = Scene::draw(rng);
    Example::new(scene.told(rng), scene.city.1)
}

fn city_or_country(rng: &mut ChaCha8Rng) -> Example {
    let (city, country) = draw::pick(rng, words::CAPITALS);
    let is_city = draw::coin(rng);
    let place = if is_city { city } else { country };
    let scene = Scene::draw(rng);
    let (name, past, thing) = (scene.name, scene.verb.1, scene.thing());
    let input = match draw::between(rng, 0, 1) {
        0 => format!("{name} {past} {thing} in {place}."),
        _ => format!("In {place}, {name} {past} {thing}."),
    };
    Example::new(input, if is_city { "city" } else { "country" })
}

fn warm_or_cool(rng: &mut ChaCha8Rng) -> Example {
    let warm = draw::coin(rng);
    let color = draw::pick(rng, if warm { words::WARM_COLORS } else { words::COOL_COLORS });
    let scene = Scene { color, ..Scene::draw(rng) };
    Example::new(scene.told(rng), if warm { "warm" } else { "cool" })
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "kind-of-last",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only animal, food, tool or color as your answer.",
        labels: &["animal", "food", "tool", "color"],
        original: "In this task, you are given a list of words. Decide whether the last word is an animal, a food, a tool \
                   or a color.",
        pretraining_cores: &[
            "say whether the last word is an animal, a food, a tool or a color",
            "write the kind of the last word, which is animal, food, tool or color",
            "decide if the word that closes the list is an animal, a food, a tool or a color",
            "look at the last word and tell its kind: animal, food, tool or color",
            "label the final word with one of animal, food, tool and color",
            "output the category of the word at the end, animal, food, tool or color",
            "classify the final word as animal, food, tool or color",
            "determine what group the last word fits: animal, food, tool or color",
            "sort the word at the end by its kind: animal, food, tool or color",
        ],
        pretraining_sentences: &[
            "Is the last word an animal, a food, a tool or a color?",
            "Which category does the final word belong to: animal, food, tool or color?",
            "If the last word can be eaten say food; otherwise say animal, tool or color.",
        ],
        held_out_cores: &[
            "classify the last word as color, tool, food or animal",
            "choose between animal, food, tool and color for the closing word of the list",
            "report the kind of the final word, with one word out of food, color, animal and tool",
            "sort the word at the end under animal, food, tool or color",
            "state what the list ends with: a tool, an animal, a color or a food",
            "determine which label fits the last word, animal, food, tool or color",
            "take the ending word and return its category, food, animal, tool or color",
            "pick the right category for the word in the final place from tool, color, food and animal",
        ],
        sentences: &[
            "What is the last word: an animal, a food, a tool or a color?",
            "Which kind of thing does the list end with, a color, a tool, a food or an animal?",
            "You are a clerk with four boxes: animal, food, tool and color. Say in which one the last word goes.",
            "Last word: animal, food, tool or color?",
            "Go to the end of the list. Take the word there. Say whether it is an animal, a food, a tool or a color.",
            "It is to be determined to which of the four kinds animal, food, tool and color the word that closes the \
             list belongs.",
        ],
        generate: kind_of_last,
    },
    Family {
        name: "same-kind",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: YES_NO,
        labels: &["yes", "no"],
        original: "In this task, you are given three words. Answer yes if all of them are of the same kind (animals, \
                   foods, tools or colors), and no if one is of another kind.",
        pretraining_cores: &[
            "answer yes if all words are of the same kind and no if they are not",
            "say yes or no: do the three words belong to the same kind of thing",
            "output yes when the words are all animals, all foods, all tools or all colors, otherwise no",
            "write yes if every word has the same category, else write no",
            "decide, yes or no, whether the words are of one kind",
            "look for a word of another kind and return no if you find one or yes if not",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "reply with yes if the words share one category and with no if one differs",
            "tell, by yes or no, whether the three words are things of the same kind",
            "give yes for words that all fit together and no if there is one of a different kind",
            "check if the list mixes kinds of things, and say no if it does or yes if it does not",
            "choose yes when the category of all three is the same, and no when it is not",
            "report yes or no, as the words do or do not belong to one group",
            "put down no if some word is of another sort than the rest and yes if none is",
            "state with yes or no if the three are all of one kind",
        ],
        sentences: &[
            "Are these words all of the same kind, yes or no?",
            "Do the three words belong in one group, such as animals or tools? Reply yes or no.",
            "You are a teacher who looks for the word that does not fit: say no if there is such a word and yes if all \
             fit.",
            "One kind: yes. Mixed kinds: no.",
            "Name the kind of each word for yourself. If you have named the same kind three times, say yes; if not, \
             say no.",
            "It is to be determined whether the three words are without exception members of one and the same \
             category, which you should confirm with yes or deny with no.",
        ],
        generate: same_kind,
    },
    Family {
        name: "which-is-food",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only A or B as your answer.",
        labels: &["A", "B"],
        original: "In this task, you are given two options, A and B. Decide whether A or B is the option with a food.",
        pretraining_cores: &[
            "write A or B for the option that is a food",
            "say which of A and B is a food",
            "decide if the food is A or B",
            "find the food and answer with its letter, A or B",
            "output A if the option A is something to eat, otherwise B",
            "choose the food from the options A and B",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "tell which option can be eaten, A or B",
            "pick the one that is a food and return its letter, B or A",
            "report the letter A or the letter B, whichever stands before the food",
            "select from A and B what belongs on a plate",
            "compare A with B and give the letter of the food",
            "determine behind which letter there is a food, A or B",
            "state if option B or option A has the food",
            "reply with the letter of the option that names a food, which is A or B",
        ],
        sentences: &[
            "Which of the two is a food, A or B?",
            "Can you eat A or can you eat B?",
            "You are a hungry cook with two boxes, A and B. Say which one has the food in it.",
            "Food: A or B?",
            "Read option A. Read option B. Say A if the first is a food; say B if the second is.",
            "Exactly one of the options A and B names something that people eat, and what we ask you for is the \
             letter of that option.",
        ],
        generate: which_is_food,
    },
    Family {
        name: "opposite",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence that says what a thing is like. Your job is to output the \
                   opposite of the adjective in the sentence.",
        pretraining_cores: &[
            "write the opposite of the adjective",
            "output the word that means the opposite of the adjective in the sentence",
            "find the adjective and give its opposite",
            "say what the thing would be if it were the other way around",
            "return the opposite of the word that describes the thing",
            "turn the adjective around and write the opposite word",
            "state the opposite of how the thing is",
            "report the word that means the contrary of the adjective",
            "pick the adjective and exchange it for its opposite",
        ],
        pretraining_sentences: &[
            "Which word is the opposite of the adjective?",
            "How would the thing be if it were the opposite?",
            "If it is hot write cold, if it is big write small, and so on for any adjective.",
        ],
        held_out_cores: &[
            "name the opposite of what the thing is like",
            "give the word with the contrary meaning of the adjective",
            "exchange the adjective for its opposite and report that word",
            "look for the word that describes the object and say its opposite",
            "write the adjective that stands against the one in the sentence",
            "tell what the thing is not, using the opposite of its adjective",
            "pick out the adjective and reverse its meaning",
            "state the opposite for the quality of the thing",
        ],
        sentences: &[
            "What is the opposite of the adjective in the sentence?",
            "Which word means the contrary of how the thing is described?",
            "You are a child who always says the opposite. Read how the thing is and answer with one word.",
            "Opposite of adjective only.",
            "Find the word that tells how the thing is. Think of the word that is against it. Write that one.",
            "The sentence describes an object by an adjective, and what we ask you for is the adjective with the \
             opposite meaning.",
        ],
        generate: opposite,
    },
    Family {
        name: "plural",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence in which the word one stands before a noun. Your job is to \
                   output the plural of the noun.",
        pretraining_cores: &[
            "write the plural of the noun after one",
            "output the word behind one in the form for many",
            "find the thing of which there is one and give its plural",
            "say what the thing is called if there are two of them",
            "return the plural of what was counted in the sentence",
            "turn the noun that follows one into its plural",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "name the noun after one as if there were many",
            "give the form that the counted noun has when there is more than one",
            "exchange the noun behind one for its plural and report it",
            "look for the word one and say the next word in the plural",
            "write the counted noun with its ending for many",
            "tell how the noun would be written after the word two",
            "pick out the thing that is there one time and make a plural of it",
            "state the plural for the word right after one",
        ],
        sentences: &[
            "What is the plural of the noun that stands after the word one?",
            "How is the counted thing called when there are several?",
            "You are a teacher of grammar: the pupil says one of a thing, and you answer with the same word for many.",
            "Noun after one, plural only.",
            "Find the word one. Take the noun behind it. Write the form that you would use after two.",
            "The sentence speaks of a single animal or thing, and what we ask you for is the word that would be used \
             for several of the kind.",
        ],
        generate: plural,
    },
    Family {
        name: "country-of-city",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence that mentions a city. Your job is to output the country in which \
                   the city lies.",
        pretraining_cores: &[
            "write the country of the city in the sentence",
            "output the country where it happened",
            "find the city and give its country",
            "say in which country the city is",
            "return the name of the country that the city belongs to",
            "tell which country has this city as its capital",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "name the country around the city of the sentence",
            "give the land in which the city lies",
            "pick out the city and report its country",
            "look for the place and write the country it is part of",
            "identify the country of the story from its city",
            "say of what country this is the capital city",
            "tell in what country the person was at that time",
            "state the country for the city that appears",
        ],
        sentences: &[
            "In which country is the city of the sentence?",
            "Which country did it happen in?",
            "You are a pilot who must know over which country to fly to reach the city. Write down the country.",
            "Country of city only.",
            "Find the city. Think of a map. Write the country in which you see the city.",
            "The sentence mentions the capital of a country, and what we ask you for is the name of this country.",
        ],
        generate: country_of_city,
    },
    Family {
        name: "city-or-country",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only city or country as your answer.",
        labels: &["city", "country"],
        original: "In this task, you are given a sentence that mentions a place. Decide whether the place is a city or a \
                   country.",
        pretraining_cores: &[
            "say whether the place in the sentence is a city or a country",
            "write city or country for the place",
            "decide if the place is a country or a city",
            "find the place and tell if it is a city or a country",
            "label the place as city or country",
            "output city if it happened in a city and country if only the country is named",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the place as country or city",
            "choose between city and country for the place that appears",
            "report city when a city is mentioned and country when a country is mentioned",
            "answer country if the place is a whole land and city if it is a town",
            "state if the sentence names a city or a country",
            "determine which word fits the place, city or country",
            "look where the person was and return city or country",
            "pick the right word for the location, country or city",
        ],
        sentences: &[
            "Is the place in the sentence a city or a country?",
            "Which is it, a country or a city?",
            "You are a teacher with a map who asks about places. Say whether this one is a city or a country.",
            "Place: city or country?",
            "Find the place. If it has streets and one mayor say city; if it has many towns say country.",
            "It is to be determined whether the place where it happened is called a city or a country.",
        ],
        generate: city_or_country,
    },
    Family {
        name: "warm-or-cool",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only warm or cool as your answer.",
        labels: &["warm", "cool"],
        original: "In this task, you are given a sentence with a color. Decide whether the color is warm (red, orange, \
                   yellow, gold) or cool (blue, green, teal, gray).",
        pretraining_cores: &[
            "say whether the color in the sentence is warm or cool",
            "write warm or cool for the color",
            "decide if the color of the thing is cool or warm",
            "find the color and tell if it is warm or cool",
            "label the color as warm or cool",
            "output warm for a color like red or yellow and cool for a color like blue or green",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "classify the color as cool or warm",
            "choose between warm and cool for the color that appears",
            "report warm when the color is like fire and cool when it is like water",
            "answer cool if the thing is painted in a cool color and warm if it is not",
            "state if we have a warm color here or a cool one",
            "determine which word fits the color of the object, warm or cool",
            "look at the color and return warm or cool",
            "pick the right word for the color of the item, cool or warm",
        ],
        sentences: &[
            "Is the color in the sentence warm or cool?",
            "Which is it, a cool color or a warm one?",
            "You are a painter with one box for warm colors and one for cool colors. Say warm or cool for this color.",
            "Color: warm or cool?",
            "Find the color. If it makes you think of fire say warm; if it makes you think of water say cool.",
            "It is to be determined whether the color that the object has is counted among the warm or among the cool \
             ones.",
        ],
        generate: warm_or_cool,
    },
];
