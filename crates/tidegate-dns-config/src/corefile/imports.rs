//! Snippets and other files, put in the place of their `import`.

use std::collections::HashMap;
use std::sync::Arc;

use super::budget::{Budget, LARGEST_FILE};
use super::environment::{Env, substitute};
use super::words::{Word, words};
use crate::problem::{self, Problem, ProblemKind, Warning};

/// How deep imports in imports may go.
const DEEPEST: usize = 16;

/// The files that a Corefile may import.
pub trait Imports {
    /// The files that a pattern means, in order: one, or those that fit where it has a `*` or a
    /// `?`. A relative pattern begins at the directory of the file that it is in.
    ///
    /// # Errors
    /// They can't be read; the text says which, and why.
    fn matching(&self, pattern: &str, from: &str) -> Result<Vec<ImportedFile>, String>;
}

/// A file that is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Its name, as problems shall name it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// No files at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImports;

impl Imports for NoImports {
    fn matching(&self, _pattern: &str, _from: &str) -> Result<Vec<ImportedFile>, String> {
        Ok(Vec::new())
    }
}

/// All words of a file and of what it imports, without the snippets.
pub(super) struct Expansion<'a> {
    pub(super) imports: &'a dyn Imports,
    pub(super) env: &'a dyn Env,
    pub(super) budget: Budget,
    pub(super) warnings: Vec<Warning>,
    snippets: HashMap<String, Vec<Word>>,
    expanded: Vec<Word>,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(imports: &'a dyn Imports, env: &'a dyn Env) -> Self {
        Self {
            imports,
            env,
            budget: Budget::new(),
            warnings: Vec::new(),
            snippets: HashMap::new(),
            expanded: Vec::new(),
        }
    }

    /// The words of a file.
    ///
    /// # Errors
    /// Its words or its imports can't be.
    pub(super) fn of_file(&mut self, text: &str, name: &str) -> Result<Vec<Word>, Problem> {
        let words = self.read(text, name)?;
        self.expand(words, 0)?;
        Ok(std::mem::take(&mut self.expanded))
    }

    fn read(&mut self, text: &str, name: &str) -> Result<Vec<Word>, Problem> {
        let mut words = words(text, &Arc::from(name), &mut self.budget)?;
        for word in &mut words {
            let before = word.text.len();
            substitute(word, self.env, &mut self.warnings);
            if word.text.len() > before {
                self.budget.spend(word)?;
            }
        }
        Ok(words)
    }

    fn expand(&mut self, words: Vec<Word>, depth: usize) -> Result<(), Problem> {
        let mut open = 0_usize;
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            let opens_block = words.peek().is_some_and(Word::opens);
            if open == 0 && word.first && opens_block && is_snippet(&word) {
                words.next();
                self.define(&word, &mut words)?;
                continue;
            }
            if word.first && !word.literal && word.text == "import" {
                let pattern = words.next_if(|next| !next.first && !next.opens());
                let Some(pattern) = pattern.filter(|pattern| !pattern.text.is_empty()) else {
                    let text = "import: needs one argument; name a snippet or a file";
                    return Err(word.at.problem(ProblemKind::Syntax, text));
                };
                if words.peek().is_some_and(|next| !next.first) {
                    let text = "import: takes one argument only; remove what is behind it";
                    return Err(word.at.problem(ProblemKind::Syntax, text));
                }
                self.import(&pattern, depth)?;
                continue;
            }
            if word.opens() {
                open += 1;
            } else if word.closes() {
                open = open.saturating_sub(1);
            }
            self.expanded.push(word);
        }
        Ok(())
    }

    fn define(
        &mut self,
        name: &Word,
        words: &mut impl Iterator<Item = Word>,
    ) -> Result<(), Problem> {
        let mut body = Vec::new();
        let mut open = 1;
        for word in words {
            if word.opens() {
                open += 1;
            } else if word.closes() {
                open -= 1;
            }
            if open == 0 {
                let key = name.text[1..name.text.len() - 1].to_owned();
                if self.snippets.insert(key, body).is_some() {
                    let text = format!("the snippet {} is there twice; rename one", name.text);
                    return Err(name.at.problem(ProblemKind::Conflict, text));
                }
                return Ok(());
            }
            body.push(word);
        }
        let text = format!("the snippet {} isn't closed; add a \"}}\"", name.text);
        Err(name.at.problem(ProblemKind::Syntax, text))
    }

    fn import(&mut self, pattern: &Word, depth: usize) -> Result<(), Problem> {
        let name = &pattern.text;
        self.budget.spend_import(&pattern.at)?;
        if depth == DEEPEST {
            let text = format!(
                "import: {name:?} is {DEEPEST} imports deep; does a snippet or file import itself?"
            );
            return Err(pattern.at.problem(ProblemKind::Import, text));
        }
        if let Some(body) = self.snippets.get(name) {
            let body = body.clone();
            for word in &body {
                self.budget.spend(word)?;
            }
            return self.expand(body, depth + 1);
        }
        let problem = |text| pattern.at.problem(ProblemKind::Import, text);
        let files = (self.imports.matching(name, &pattern.at.file))
            .map_err(|reason| problem(format!("import: {reason}")))?;
        if files.is_empty() {
            if !name.contains(['*', '?']) {
                return Err(problem(format!(
                    "import: there is neither a snippet nor a file {name:?}; correct the name, or \
                     put the snippet above"
                )));
            }
            let text = format!("import: no file is like {name:?}");
            problem::warn(&mut self.warnings, pattern.at.place(), text);
        }
        for file in files {
            if file.text.len() > LARGEST_FILE {
                return Err(problem(format!(
                    "import: {} is larger than {LARGEST_FILE} bytes; make it smaller",
                    file.name
                )));
            }
            let words = self.read(&file.text, &file.name)?;
            self.expand(words, depth + 1)?;
        }
        Ok(())
    }
}

/// A key in parentheses is a snippet's name.
fn is_snippet(word: &Word) -> bool {
    !word.literal && word.text.len() > 2 && word.text.starts_with('(') && word.text.ends_with(')')
}
