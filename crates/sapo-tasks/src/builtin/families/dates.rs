//! Dates and days of the week.

use rand_chacha::ChaCha8Rng;

use super::*;

/// A day of two digits, so that no answer needs a zero that the input does not have.
struct Date {
    day: u32,
    month: usize,
    year: u32,
}

impl Date {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let month = draw::length(rng, 0, 11);
        Self::in_month(rng, month)
    }

    fn in_month(rng: &mut ChaCha8Rng, month: usize) -> Self {
        Self { day: draw::between(rng, 10, 28), month, year: draw::between(rng, 1990, 2019) }
    }

    fn month_name(&self) -> &'static str {
        words::MONTHS[self.month].0
    }

    fn told(&self, rng: &mut ChaCha8Rng) -> String {
        let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
        let date = format!("{} {} {}", self.day, self.month_name(), self.year);
        match draw::between(rng, 0, 2) {
            0 => format!("{name} was born on {date}."),
            1 => format!("On {date}, {name} came to {city}."),
            _ => format!("The party in {city} was on {date}."),
        }
    }
}

fn month_of_date(rng: &mut ChaCha8Rng) -> Example {
    let date = Date::draw(rng);
    Example::new(date.told(rng), date.month_name())
}

fn year_of_date(rng: &mut ChaCha8Rng) -> Example {
    let date = Date::draw(rng);
    Example::new(date.told(rng), date.year.to_string())
}

fn iso_date(rng: &mut ChaCha8Rng) -> Example {
    let date = Date::draw(rng);
    Example::new(date.told(rng), format!("{}-{:02}-{}", date.year, date.month + 1, date.day))
}

fn season_of_date(rng: &mut ChaCha8Rng) -> Example {
    let date = Date::draw(rng);
    Example::new(date.told(rng), words::MONTHS[date.month].1)
}

fn half_of_year(rng: &mut ChaCha8Rng) -> Example {
    let date = Date::draw(rng);
    Example::new(date.told(rng), if date.month < 6 { "first" } else { "second" })
}

fn weekend_or_weekday(rng: &mut ChaCha8Rng) -> Example {
    let weekend = draw::coin(rng);
    let day = draw::pick(rng, if weekend { words::WEEKEND } else { words::WEEKDAYS });
    let (name, city) = (draw::pick(rng, words::NAMES), draw::city(rng));
    let object = draw::pick(rng, &words::objects());
    let input = match draw::between(rng, 0, 2) {
        0 => format!("On {day}, {name} found a new {object} in {city}."),
        1 => format!("{name} will come to {city} on {day} with the {object}."),
        _ => format!("{name} sold the {object} on {day}."),
    };
    Example::new(input, if weekend { "weekend" } else { "weekday" })
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "month-of-date",
        kind: TaskKind::Generation,
        role: Role::Pretraining,
        suffix: WORD,
        labels: &[],
        original: "In this task, you are given a sentence with a date. Your job is to output the month of the date.",
        pretraining_cores: &[
            "write the month of the date",
            "output the month in the sentence",
            "find the date and copy its month",
            "say in which month it was",
            "return the name of the month",
            "tell which month the date falls in",
            "extract the month of the date",
            "identify the month",
            "report which month is written here",
        ],
        pretraining_sentences: &[
            "What month is it?",
            "Which month is mentioned?",
            "You are a clerk. Look at the date and tell the month.",
        ],
        held_out_cores: &[
            "name the month that appears in the sentence",
            "give the word between the day and the year",
            "pick out the month from the date",
            "report the month in which it happened",
            "copy the part of the date that is a month",
            "identify the month when this took place",
            "say what month the sentence mentions",
            "extract the month",
        ],
        sentences: &[
            "In which month was it?",
            "Which month does the date have?",
            "You are a clerk who sorts letters by month. Write down the month for this one.",
            "Month only.",
            "Find the date. Leave out the day and the year. Write what remains.",
            "The sentence holds one date, and what we ask you for is the month that is written in it.",
        ],
        generate: month_of_date,
    },
    Family {
        name: "year-of-date",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: NUMBER,
        labels: &[],
        original: "In this task, you are given a sentence with a date. Your job is to output the year of the date.",
        pretraining_cores: &[
            "write the year of the date",
            "output the year in the sentence",
            "find the date and copy its year",
            "say in which year it was",
            "return the number of the year",
            "tell which year the date falls in",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "name the year that appears in the sentence",
            "give the number behind the month",
            "pick out the year from the date",
            "report the year in which it happened",
            "copy the part of the date that is a year",
            "identify the year when this took place",
            "say what year the sentence mentions",
            "extract the year",
        ],
        sentences: &[
            "In which year was it?",
            "Which year does the date have?",
            "You are a historian who sorts events by year. Write down the year for this one.",
            "Year only.",
            "Find the date. Leave out the day and the month. Write what remains.",
            "The sentence holds one date, and what we ask you for is the year that is written in it.",
        ],
        generate: year_of_date,
    },
    Family {
        name: "iso-date",
        kind: TaskKind::Generation,
        role: Role::Stream,
        suffix: "Directly output only the date as your answer.",
        labels: &[],
        original: "In this task, you are given a sentence with a date. Your job is to output the date in the form \
                   YYYY-MM-DD, that is the year, the month and the day as numbers.",
        pretraining_cores: &[
            "write the date in the form YYYY-MM-DD",
            "output the date as year, month and day in numbers with a dash between them",
            "find the date and change it to YYYY-MM-DD",
            "give the year first, then the month as a number, then the day, as YYYY-MM-DD",
            "return the date in numbers, year first, day last, with dashes",
            "turn the date of the sentence into the ISO form YYYY-MM-DD",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "rewrite the date as YYYY-MM-DD",
            "put the date into numbers, in the order year, month, day, joined by dashes",
            "convert the date to the ISO form, year-month-day in digits",
            "report the date with digits alone, from the year down to the day, with dashes",
            "copy the date in such a way that it reads YYYY-MM-DD",
            "express the date in the style YYYY-MM-DD",
            "say the date as a computer stores it, that is as YYYY-MM-DD",
            "give the date in ISO style, with a number for the month and dashes between the parts",
        ],
        sentences: &[
            "What is the date in the form YYYY-MM-DD?",
            "How does a computer write this date, with the year first, the number of the month second and the day \
             third, joined by dashes?",
            "You are a clerk who types every date as YYYY-MM-DD. Type the date of this sentence.",
            "Date as YYYY-MM-DD.",
            "Find the date. Write the year. Add a dash and the number of the month. Add a dash and the day.",
            "The sentence holds one date, which we would like to receive in the international form, namely year, \
             month and day in digits with dashes in between.",
        ],
        generate: iso_date,
    },
    Family {
        name: "season-of-date",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only spring, summer, autumn or winter as your answer.",
        labels: &["spring", "summer", "autumn", "winter"],
        original: "In this task, you are given a sentence with a date. Decide whether the date falls in spring, summer, \
                   autumn or winter, where spring begins in March, summer in June, autumn in September and winter in \
                   December.",
        pretraining_cores: &[
            "say whether the date is in spring, summer, autumn or winter",
            "write the season of the date, which is spring, summer, autumn or winter",
            "decide if the month belongs to spring, summer, autumn or winter",
            "tell which season it was: spring, summer, autumn or winter",
            "label the date with one of spring, summer, autumn and winter",
            "find the month and output its season as spring, summer, autumn or winter",
            "classify the month as spring, summer, autumn or winter",
            "determine the season, which is spring, summer, autumn or winter",
            "sort the date by season: spring, summer, autumn or winter",
        ],
        pretraining_sentences: &[
            "Is the date in spring, summer, autumn or winter?",
            "What season is it: winter, spring, summer or autumn?",
            "You are a teacher. Which of spring, summer, autumn and winter fits the month?",
        ],
        held_out_cores: &[
            "classify the date as winter, autumn, summer or spring",
            "choose between spring, summer, autumn and winter for the time of the year",
            "report the season of the month, with one word out of summer, winter, spring and autumn",
            "sort the date under spring, summer, autumn or winter",
            "state in what season this took place: autumn, winter, spring or summer",
            "determine which word fits the date, spring, summer, autumn or winter",
            "look at the month and return its season, summer, spring, winter or autumn",
            "pick the right season for the sentence from winter, spring, summer and autumn",
        ],
        sentences: &[
            "In which season was it: spring, summer, autumn or winter?",
            "What time of the year does the date fall in, winter, summer, autumn or spring?",
            "You are a gardener who thinks in seasons. Say whether this was in spring, summer, autumn or winter.",
            "Season: spring, summer, autumn or winter?",
            "Find the month of the date. Think of the weather in that month. Say spring, summer, autumn or winter.",
            "It is to be determined to which of the four seasons spring, summer, autumn and winter the date in the \
             sentence belongs.",
        ],
        generate: season_of_date,
    },
    Family {
        name: "half-of-year",
        kind: TaskKind::Classification,
        role: Role::Stream,
        suffix: "Directly output only first or second as your answer.",
        labels: &["first", "second"],
        original: "In this task, you are given a sentence with a date. Decide whether the date is in the first or the \
                   second half of the year.",
        pretraining_cores: &[
            "say whether the date is in the first or the second half of the year",
            "write first or second for the half of the year",
            "decide if the month belongs to the first half of the year or to the second",
            "tell in which half of the year it was, the first or the second",
            "output first for a month from January to June and second for a month from July to December",
            "find the month and answer first if it is before July, otherwise second",
        ],
        pretraining_sentences: &[],
        held_out_cores: &[
            "choose between first and second for the half of the year that the date falls in",
            "report first if the date comes before July and second if it does not",
            "determine which half of the year the month is part of, the first or the second",
            "state if this took place in the second or in the first six months of the year",
            "look at the month and return its half of the year, first or second",
            "cut the year in two halves and give the one with the date, first or second",
            "answer second if the month comes after June and first if not",
            "find out if the year was half over, and reply second if it was or first if it was not",
        ],
        sentences: &[
            "Was it in the first or in the second half of the year?",
            "Which half of the year does the date belong to, the second or the first?",
            "You are a clerk with one box for each half of the year. Say whether this date goes into the first or the \
             second box.",
            "Half of the year: first or second?",
            "Find the month of the date. Count the months up to it. If there are six or fewer say first, else say \
             second.",
            "It is to be determined whether the date in the sentence belongs to the first six months of its year or \
             to the second six.",
        ],
        generate: half_of_year,
    },
    Family {
        name: "weekend-or-weekday",
        kind: TaskKind::Classification,
        role: Role::Pretraining,
        suffix: "Directly output only weekend or weekday as your answer.",
        labels: &["weekend", "weekday"],
        original: "In this task, you are given a sentence with a day. Decide whether the day is part of the weekend or a \
                   weekday.",
        pretraining_cores: &[
            "say whether the day is weekend or weekday",
            "write weekend or weekday for the day in the sentence",
            "decide if the day is a weekday or part of the weekend",
            "tell if it was on the weekend or on a weekday",
            "label the day as weekend or weekday",
            "output weekend for Saturday and Sunday and weekday for every other day",
            "classify the day of the sentence as weekend or weekday",
            "determine whether people rest or work on this day, weekend or weekday",
            "check the day and reply weekday or weekend",
        ],
        pretraining_sentences: &[
            "Is it a weekend or a weekday?",
            "Does the day fall on the weekend or is it a weekday?",
            "If people work on this day say weekday; if they stay at home say weekend.",
        ],
        held_out_cores: &[
            "classify the day as weekday or weekend",
            "choose between weekend and weekday for the day that appears",
            "report weekday when people go to work and weekend when they stay at home",
            "answer weekend if the day is Saturday or Sunday and weekday if it is not",
            "state if this falls on a weekday or on the weekend",
            "determine which word fits the day, weekend or weekday",
            "find the day of the week and return weekend or weekday",
            "give the word weekday for Monday to Friday and the word weekend for the rest",
        ],
        sentences: &[
            "Is the day in the sentence a weekday or part of the weekend?",
            "Which is it, weekend or weekday?",
            "You are a teacher who works on every weekday and rests on the weekend. Say which one this day is.",
            "Day: weekend or weekday?",
            "Find the day. If it is Saturday or Sunday say weekend; if it is any other day say weekday.",
            "It is to be determined whether the day that the sentence mentions is counted as weekend or as weekday.",
        ],
        generate: weekend_or_weekday,
    },
];
