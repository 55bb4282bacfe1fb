//! Command words next to a tag: remove, help, stop, start.

use super::tokens::{Kind, Token};
use super::words::Roles;

/// What a command word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Remove,
    Help,
    Stop,
    Start,
}

impl Command {
    fn of(roles: Roles) -> Option<Self> {
        [
            (Roles::REMOVE, Self::Remove),
            (Roles::HELP, Self::Help),
            (Roles::STOP, Self::Stop),
            (Roles::START, Self::Start),
        ]
        .into_iter()
        .find_map(|(role, command)| roles.any(role).then_some(command))
    }
}

/// How far before a command a negation turns it off: `I don't want to remove`.
const NEGATION_REACH: usize = 3;
/// How many small words may stand between a command and its tag.
const FILLER_REACH: usize = 5;

/// Finds the commands of a text.
pub(super) struct Commands<'a, 't> {
    tokens: &'a [Token<'t>],
    /// Tokens that belong to a quantity or to a command found before.
    taken: Vec<bool>,
}

/// What stands next to a tag.
enum Step {
    /// Go on past it.
    Past,
    /// A word that may stand between.
    Filler(Roles),
    /// A command.
    Found(Command),
    /// The end of the sentence.
    Break,
    /// Nothing behind it counts.
    End,
    /// Another word.
    Word,
}

impl<'a, 't> Commands<'a, 't> {
    pub(super) fn new(tokens: &'a [Token<'t>], quantities: &[super::quantity::Quantity]) -> Self {
        let mut taken = vec![false; tokens.len()];
        for quantity in quantities {
            for slot in taken.iter_mut().take(quantity.end).skip(quantity.start) {
                *slot = true;
            }
        }
        Self { tokens, taken }
    }

    /// The command next to the tag at `at`: in front of it, else behind it. A command counts once.
    pub(super) fn next_to(&mut self, at: usize) -> Option<Command> {
        let (command, word) = self.in_front_of(at).or_else(|| self.behind(at))?;
        if let Some(slot) = self.taken.get_mut(word) {
            *slot = true;
        }
        Some(command)
    }

    /// The command that is all there is in the text, small words and mentions aside.
    pub(super) fn alone(&self) -> Option<Command> {
        self.only_command(0..self.tokens.len()).map(|(command, _)| command)
    }

    fn step(&self, at: usize) -> Step {
        let Some(token) = self.tokens.get(at) else { return Step::End };
        match token.kind {
            Kind::Tag(_) | Kind::ForeignTag => Step::End,
            Kind::Break => Step::Break,
            Kind::Link(_) | Kind::Mention | Kind::Comma => Step::Past,
            Kind::Word(..) if self.taken.get(at).is_some_and(|taken| *taken) => Step::Past,
            Kind::Word(_, roles) => match Command::of(roles) {
                _ if roles.any(Roles::NEGATION) => Step::End,
                Some(command) => Step::Found(command),
                None if roles.any(Roles::FILLER) => Step::Filler(roles),
                None => Step::Word,
            },
        }
    }

    fn roles(&self, at: usize) -> Roles {
        self.tokens.get(at).map(Token::roles).unwrap_or_default()
    }

    fn in_front_of(&self, tag: usize) -> Option<(Command, usize)> {
        let mut fillers = 0;
        let mut from = false;
        for at in (0..tag).rev() {
            match self.step(at) {
                Step::Past => {}
                Step::Filler(roles) => {
                    fillers += 1;
                    from |= roles.any(Roles::FROM);
                    if fillers > FILLER_REACH {
                        return None;
                    }
                }
                Step::Found(command) => {
                    return self.counts_in_front(command, at).then_some((command, at));
                }
                Step::Break if fillers == 0 => return self.only_command(self.sentence_start(at)..at),
                Step::Word if from => return self.taken_from(at),
                Step::Break | Step::End | Step::Word => return None,
            }
        }
        None
    }

    /// `stop`, `help` and the like in front of a tag begin their sentence: `bus stop #AcmeCart` is none.
    fn counts_in_front(&self, command: Command, at: usize) -> bool {
        if self.roles(at).any(Roles::ALONE) {
            return self.is_alone(at);
        }
        !self.is_negated(at) && (command == Command::Remove || self.begins_clause(at))
    }

    fn behind(&self, tag: usize) -> Option<(Command, usize)> {
        let mut fillers = 0;
        for at in tag + 1..self.tokens.len() {
            match self.step(at) {
                Step::Past => {}
                Step::Filler(_) => {
                    fillers += 1;
                    if fillers > FILLER_REACH {
                        return None;
                    }
                }
                Step::Found(command) => {
                    let denied = self.roles(at + 1).any(Roles::NEGATION);
                    let counts = !self.roles(at).any(Roles::ALONE) || self.is_alone(at);
                    return (counts && !denied).then_some((command, at));
                }
                Step::Break if fillers == 0 => {
                    return self.only_command(at + 1..self.sentence_end(at + 1));
                }
                Step::Break | Step::End | Step::Word => return None,
            }
        }
        None
    }

    /// `take the red one out of my #AcmeCart`: the verb in the sentence up to `last`.
    fn taken_from(&self, last: usize) -> Option<(Command, usize)> {
        let verb = Roles::REMOVE.and(Roles::TAKE);
        let at = (self.sentence_start(last)..=last)
            .rev()
            .find(|at| self.roles(*at).any(verb) && !self.roles(*at).any(Roles::ALONE))?;
        (!self.is_negated(at)).then_some((Command::Remove, at))
    }

    fn is_negated(&self, at: usize) -> bool {
        (self.sentence_start(at)..at).rev().take(NEGATION_REACH).any(|at| self.roles(at).any(Roles::NEGATION))
    }

    /// Whether only small words stand between the last pause and the word at `at`.
    fn begins_clause(&self, at: usize) -> bool {
        for before in (0..at).rev() {
            match self.step(before) {
                Step::Filler(_) => {}
                Step::Past
                    if !matches!(self.tokens.get(before).map(|token| &token.kind), Some(Kind::Comma)) => {}
                Step::Past | Step::Break | Step::End => return true,
                Step::Word | Step::Found(_) => return false,
            }
        }
        true
    }

    /// Whether the command at `at` is the only word of its sentence, small words and tags aside.
    fn is_alone(&self, at: usize) -> bool {
        let start = (0..at).rev().find(|at| self.is_break(*at)).map_or(0, |at| at + 1);
        let end = (at..self.tokens.len()).find(|at| self.is_break(*at)).unwrap_or(self.tokens.len());
        self.only_command(start..end).is_some()
    }

    /// The command in `range`, if it is its only word, small words aside.
    fn only_command(&self, range: std::ops::Range<usize>) -> Option<(Command, usize)> {
        let mut found = None;
        for at in range {
            if self.roles(at).any(Roles::NEGATION) {
                return None;
            }
            match self.step(at) {
                Step::Found(command) if found.is_none() => found = Some((command, at)),
                Step::Found(_) | Step::Word => return None,
                Step::Past | Step::Filler(_) | Step::Break | Step::End => {}
            }
        }
        found
    }

    fn is_break(&self, at: usize) -> bool {
        matches!(self.tokens.get(at).map(|token| &token.kind), Some(Kind::Break))
    }

    fn is_boundary(&self, at: usize) -> bool {
        matches!(self.step(at), Step::Break | Step::End) && !self.roles(at).any(Roles::NEGATION)
    }

    /// The first token of the sentence that the token at `at` belongs to or ends.
    fn sentence_start(&self, at: usize) -> usize {
        (0..at).rev().find(|at| self.is_boundary(*at)).map_or(0, |at| at + 1)
    }

    /// Behind the last token of the sentence that begins at `at`.
    fn sentence_end(&self, at: usize) -> usize {
        (at..self.tokens.len()).find(|at| self.is_boundary(*at)).unwrap_or(self.tokens.len())
    }
}
