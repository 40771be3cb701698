//! `rewrite [continue|stop] name [MATCH] FROM TO [answer ...]`, on one line or in a block.

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use super::super::words::Word;
use crate::config::{AnswerField, AnswerRewrite, NameMatch, RewriteRule, Then};
use crate::problem::Problem;

/// What CoreDNS rewrites beside names.
const OTHER_FIELDS: [&str; 7] = ["class", "type", "ttl", "rcode", "edns0", "cname", "unset"];

const MATCHES: [(&str, NameMatch); 5] = [
    ("exact", NameMatch::Exact),
    ("prefix", NameMatch::Prefix),
    ("suffix", NameMatch::Suffix),
    ("substring", NameMatch::Substring),
    ("regex", NameMatch::Regex),
];

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<RewriteRule, Problem> {
    let line = &directive.line;
    // The lines of a block are one rule, as if they were one line.
    let mut words: Vec<&str> = line.arguments.iter().map(text).collect();
    for property in &directive.properties {
        words.push(&property.name);
        words.extend(property.arguments.iter().map(text));
    }
    let mut words = words.as_slice();
    let then = match words.first().map(|word| word.to_ascii_lowercase()) {
        Some(word) if word == "stop" || word == "continue" => {
            words = &words[1..];
            if word == "stop" {
                Then::Stop
            } else {
                Then::Continue
            }
        }
        _ => Then::Stop,
    };
    let Some((field, arguments)) = words.split_first() else {
        let text = "a rule is missing; write rewrite name FROM TO";
        return Err(line.invalid(text));
    };
    match field.to_ascii_lowercase().as_str() {
        "name" => {}
        "answer" => {
            let text = "a rule must begin with a name, and the answer behind it; add one";
            return Err(line.invalid(text));
        }
        other if OTHER_FIELDS.contains(&other) => {
            let text = format!("rewriting {other} is not supported, only name; remove the rule");
            return Err(line.unsupported(text));
        }
        other => {
            let text = format!("there is no field {other:?}; rewrite a name");
            return Err(line.invalid(text));
        }
    }
    let rule = name_rule(line, then, arguments)?.normalized();
    reader.spend_patterns(line, 1 + rule.answers.len())?;
    reader.check(directive, |report| rule.check(report));
    Ok(rule)
}

fn text(word: &Word) -> &str {
    &word.text
}

fn name_rule(line: &Line, then: Then, arguments: &[&str]) -> Result<RewriteRule, Problem> {
    let (matching, from, to, options) = match arguments {
        [from, to] => (NameMatch::Exact, from, to, [].as_slice()),
        [matching, from, to, options @ ..] => {
            let matching = line.choice(&matching.to_ascii_lowercase(), &MATCHES)?;
            (matching, from, to, options)
        }
        _ => {
            let text = "arguments are missing; write rewrite name [MATCH] FROM TO";
            return Err(line.invalid(text));
        }
    };
    let mut rule = RewriteRule {
        then,
        matching,
        from: (*from).to_owned(),
        to: (*to).to_owned(),
        answer_auto: false,
        answers: Vec::new(),
    };
    answer_options(line, options, &mut rule)?;
    Ok(rule)
}

/// `answer auto`, `answer name FROM TO` and `answer value FROM TO`, any number of them.
fn answer_options(
    line: &Line,
    mut options: &[&str],
    rule: &mut RewriteRule,
) -> Result<(), Problem> {
    while let [keyword, after @ ..] = options {
        if *keyword != "answer" {
            let text = format!("{keyword:?} is too much; write answer before an option");
            return Err(line.invalid(text));
        }
        options = match after {
            ["auto", rest @ ..] => {
                rule.answer_auto = true;
                rest
            }
            [field @ ("name" | "value"), from, to, rest @ ..] => {
                rule.answers.push(AnswerRewrite {
                    field: if *field == "name" {
                        AnswerField::Name
                    } else {
                        AnswerField::Value
                    },
                    from: (*from).to_owned(),
                    to: (*to).to_owned(),
                });
                rest
            }
            _ => {
                let text = "behind answer is neither auto, nor name FROM TO, nor value FROM TO; \
                            correct it";
                return Err(line.invalid(text));
            }
        };
    }
    Ok(())
}
