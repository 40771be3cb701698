//! From words to server blocks, directives and properties.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::line::{Directive, Line};
use super::words::Word;
use crate::problem::{Problem, ProblemKind};

/// A server block as it is written.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) keys: Vec<Word>,
    pub(super) directives: Vec<Directive>,
}

type Words = Peekable<IntoIter<Word>>;

/// Reads all server blocks. A file with a single one may leave out its braces.
///
/// # Errors
/// The first that can't be; what is behind it would only be guessed.
pub(super) fn blocks(words: Vec<Word>) -> Result<Vec<Block>, Problem> {
    let mut words = words.into_iter().peekable();
    let mut blocks = Vec::new();
    while words.peek().is_some() {
        let keys = keys(&mut words)?;
        let opened = words.next_if(Word::opens);
        let mut directives = Vec::new();
        loop {
            match words.next() {
                None => match &opened {
                    None => break,
                    Some(brace) => return Err(never_closed(brace)),
                },
                Some(word) if word.closes() => match &opened {
                    None => return Err(never_opened(&word)),
                    Some(_) => break,
                },
                Some(word) => directives.push(directive(word, &mut words)?),
            }
        }
        blocks.push(Block { keys, directives });
    }
    Ok(blocks)
}

/// The zones at the head of a block: on one line, or on several with commas between.
fn keys(words: &mut Words) -> Result<Vec<Word>, Problem> {
    let mut keys: Vec<Word> = Vec::new();
    let mut another = true;
    while let Some(mut word) = words.next_if(|next| !next.opens() && (another || !next.first)) {
        if word.closes() {
            return Err(never_opened(&word));
        }
        another = !word.literal && word.text.ends_with(',');
        if another {
            word.text.pop();
        }
        if !word.text.is_empty() {
            keys.push(word);
        }
    }
    match (keys.last(), words.peek()) {
        (Some(last), _) if another => Err(last.at.problem(
            ProblemKind::Syntax,
            "a comma stands behind the last zone; remove it, or add a zone",
        )),
        (None, Some(brace)) => Err(brace.at.problem(
            ProblemKind::Syntax,
            "a server block has no zone; write one before the \"{\", as in \". {\"",
        )),
        _ => Ok(keys),
    }
}

fn directive(name: Word, words: &mut Words) -> Result<Directive, Problem> {
    let line = line(name, None, words)?;
    let mut properties = Vec::new();
    if let Some(brace) = words.next_if(Word::opens) {
        loop {
            let Some(word) = words.next() else {
                return Err(never_closed(&brace));
            };
            if word.closes() {
                break;
            }
            properties.push(self::line(word, Some(&line), words)?);
            if let Some(deeper) = words.peek().filter(|next| next.opens()) {
                let text = "a property can't have a block of its own; remove it";
                return Err(deeper.at.problem(ProblemKind::Syntax, text));
            }
        }
    }
    Ok(Directive { line, properties })
}

/// A name and what stands behind it on its line.
fn line(name: Word, inside: Option<&Line>, words: &mut Words) -> Result<Line, Problem> {
    if name.opens() {
        let text = "a \"{\" stands where a name should be; remove it";
        return Err(name.at.problem(ProblemKind::Syntax, text));
    }
    let mut arguments = Vec::new();
    let argument = |next: &Word| !next.first && !next.opens() && !next.closes();
    while let Some(word) = words.next_if(argument) {
        arguments.push(word);
    }
    let inside = inside.map(|line| line.subject.clone());
    Ok(Line::new(name, arguments, inside))
}

fn never_closed(brace: &Word) -> Problem {
    let text = "the \"{\" here is never closed; add a \"}\"";
    brace.at.problem(ProblemKind::Syntax, text)
}

fn never_opened(brace: &Word) -> Problem {
    let text = "the \"}\" here closes nothing; remove it";
    brace.at.problem(ProblemKind::Syntax, text)
}
