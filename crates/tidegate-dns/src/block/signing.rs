//! Which questions have to be signed, and the signatures of replies (CoreDNS's `tsig`).

use tidegate_dns_wire::{Code, Kind, LowerName, Query, Reply};
use tidegate_tsig::{Key, Signer};

use crate::clock::seconds_since_1970;

/// The keys of a server block, and what has to be signed.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) zones: Vec<LowerName>,
    pub(super) keys: Vec<Key>,
    pub(super) required: Required,
}

/// Which questions have to be signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Required {
    #[default]
    None,
    All,
    Kinds(Vec<Kind>),
}

/// What a question's signature is worth.
pub(super) enum Verdict<'k> {
    /// There is none, and none is needed.
    Unsigned,
    /// It is good; this signs the replies.
    Signed(Signer<'k>),
    /// It isn't; this is the reply.
    Refused(Vec<u8>),
}

impl Keys {
    /// Whether a question has to be signed.
    #[inline]
    pub(super) fn require(&self, query: &Query<'_>) -> bool {
        let is_wanted = match &self.required {
            Required::None => return false,
            Required::All => true,
            Required::Kinds(kinds) => kinds.contains(&query.kind),
        };
        let mut zones = self.zones.iter();
        is_wanted && zones.any(|zone| query.name.labels_before(zone).is_some())
    }

    /// Looks at the signature of a question.
    pub(super) fn check(&self, query: &Query<'_>) -> Verdict<'_> {
        let mut out = Vec::new();
        let Some(at) = query.signature else {
            if !self.require(query) {
                return Verdict::Unsigned;
            }
            Reply::refuse(query, Code::REFUSED, &mut out);
            return Verdict::Refused(out);
        };
        match tidegate_tsig::check(query.packet(), at, &self.keys, seconds_since_1970()) {
            Ok(signer) => Verdict::Signed(signer),
            Err(refusal) => {
                tracing::debug!(name = %query.name, fault = %refusal.fault, "a question is refused");
                Reply::refuse(query, refusal.code(), &mut out);
                // What names the client chose for its key may leave no room to repeat them.
                if out.len() + refusal.octets() <= query.longest_reply() {
                    refusal.sign(&mut out);
                }
                Verdict::Refused(out)
            }
        }
    }
}

/// Signs the messages of a reply. One that leaves no room for its signature makes way for one
/// without records, upon which the client comes back over TCP (RFC 8945, 5.3).
pub(super) fn sign(mut signer: Signer<'_>, query: &Query<'_>, messages: &mut [Vec<u8>]) {
    for message in messages {
        if message.is_empty() {
            // A limit on replies has taken it back.
            continue;
        }
        if message.len() + signer.octets() > query.longest_reply() {
            cut(query, message);
        }
        signer.sign(message, seconds_since_1970());
    }
}

/// Leaves of a reply what says that it was cut off.
fn cut(query: &Query<'_>, message: &mut Vec<u8>) {
    let code = message.get(3).map_or(0, |octet| u16::from(octet & 0x0f));
    message.clear();
    let mut reply = Reply::to(query, message);
    reply.set_code(Code(code));
    reply.set_truncated();
    reply.finish();
}
