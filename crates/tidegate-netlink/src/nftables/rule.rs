//! Rules: statements that a packet goes through one after another.

use std::fmt;

use super::{Expression, Family, Field, Reject, Statement, Test, Verdict};

/// A rule. It is built like a sentence: `rule().when(…).goto("reject")`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The steps in order.
    pub statements: Vec<Statement>,
}

/// A rule without statements, to be continued.
pub fn rule() -> Rule {
    Rule::default()
}

impl Rule {
    /// Continues with a statement.
    #[must_use]
    pub fn then(mut self, statement: Statement) -> Self {
        self.statements.push(statement);
        self
    }

    /// Continues only for packets that pass a test.
    #[must_use]
    pub fn when(self, left: Expression, test: Test) -> Self {
        self.then(Statement::Match(left, test))
    }

    /// Continues with all that another rule asks and does.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self
    }

    /// Sends packets through a chain for good.
    #[must_use]
    pub fn goto(self, chain: impl Into<String>) -> Self {
        self.then(Statement::Verdict(Verdict::Goto(chain.into())))
    }

    /// Sends packets through a chain, from which they come back.
    #[must_use]
    pub fn jump(self, chain: impl Into<String>) -> Self {
        self.then(Statement::Verdict(Verdict::Jump(chain.into())))
    }

    /// Lets packets go back to where the chain was called from.
    #[must_use]
    pub fn back(self) -> Self {
        self.then(Statement::Verdict(Verdict::Return))
    }

    /// Drops packets.
    #[must_use]
    pub fn drop(self) -> Self {
        self.then(Statement::Verdict(Verdict::Drop))
    }

    /// Refuses packets with an answer.
    #[must_use]
    pub fn reject(self, family: Family, answer: Reject) -> Self {
        self.then(Statement::Reject(family, answer))
    }

    /// Sends connections to an address and port.
    #[must_use]
    pub fn dnat(self, family: Family, target: Expression) -> Self {
        self.then(Statement::Dnat(family, target))
    }

    /// Gives connections this host's address as their source.
    #[must_use]
    pub fn masquerade(self) -> Self {
        self.then(Statement::Masquerade)
    }
}

impl fmt::Display for Rule {
    /// Prints the rule as `nft list` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for (index, statement) in self.statements.iter().enumerate() {
            // A TCP reset implies that the packet is one of TCP, so `nft` doesn't print that test.
            let next = self.statements.get(index + 1);
            if is_protocol_test(statement)
                && matches!(next, Some(Statement::Reject(_, Reject::TcpReset)))
            {
                continue;
            }
            write!(f, "{space}{statement}")?;
            space = " ";
        }
        Ok(())
    }
}

fn is_protocol_test(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Match(Expression::Field(Field::PROTOCOL), Test::Is(_))
    )
}
