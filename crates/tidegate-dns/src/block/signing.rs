//! Signed questions and replies (RFC 8945, CoreDNS's `tsig`).

use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::tsig::{TSIG, TsigAlgorithm, TsigError, make_tsig_record};
use hickory_proto::rr::{Name, Record, TSigResponseContext, TSigner};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};
use tidegate_dns_wire::{Code, HEADER, Kind, LowerName, Query, Reply};

/// How far the clocks of client and server may be apart, in seconds (RFC 8945, 10).
const FUDGE: u16 = 300;

/// The keys of a server block, and what has to be signed.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) zones: Vec<LowerName>,
    pub(super) signers: Vec<TSigner>,
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
pub(super) enum Verdict {
    /// There is none, and none is needed.
    Unsigned,
    /// It is good; replies are signed like this.
    Signed(Box<Signature>),
    /// It isn't; this is the reply.
    Refused(Vec<u8>),
}

/// How the replies to a question are signed.
pub(super) struct Signature {
    signer: TSigner,
    id: u16,
    /// The code of the message before, the question's at first.
    previous: Vec<u8>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// A key as it is configured; `None` if nobody here can compute that algorithm.
    pub(super) fn signer(name: &str, algorithm: TsigAlgorithm, secret: Vec<u8>) -> Option<TSigner> {
        let name = Name::from_ascii(name).ok()?;
        TSigner::new(secret, algorithm, name, FUDGE).ok()
    }

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
    pub(super) fn check(&self, query: &Query<'_>) -> Verdict {
        if !query.is_signed {
            if !self.require(query) {
                return Verdict::Unsigned;
            }
            let mut out = Vec::new();
            Reply::refuse(query, Code::REFUSED, &mut out);
            return Verdict::Refused(out);
        }
        let refused = |context: TSigResponseContext| {
            let mut out = Vec::new();
            Reply::refuse(query, Code::NOT_AUTHORITATIVE, &mut out);
            let record = context.sign(&out).ok();
            if let Some(record) = record.and_then(|record| octets_of(&record)) {
                append(&mut out, &record);
            }
            Verdict::Refused(out)
        };
        let id = u16::from_be_bytes([query.header()[0], query.header()[1]]);
        let now = seconds_since_1970();
        let Some(name) = name_of_key(query.packet()) else {
            let mut out = Vec::new();
            Reply::refuse_header(query.packet(), Code::FORMAT_ERROR, &mut out);
            return Verdict::Refused(out);
        };
        let mut signers = self.signers.iter();
        let Some(signer) = signers.find(|signer| *signer.signer_name() == name) else {
            return refused(TSigResponseContext::unknown_key(id, now, name));
        };
        let verified = signer.verify_message_byte(query.packet(), None, true);
        let Ok((code, time, _)) = verified else {
            let context = TSigResponseContext::bad_signature(id, now, signer.clone());
            return refused(context);
        };
        if now.abs_diff(time) > u64::from(FUDGE) {
            let error = Some(TsigError::BadTime);
            return refused(TSigResponseContext::new(
                id,
                time,
                signer.clone(),
                code,
                error,
            ));
        }
        Verdict::Signed(Box::new(Signature {
            signer: signer.clone(),
            id,
            previous: code,
        }))
    }
}

impl Signature {
    /// Signs the messages of a reply, each with the one before (RFC 8945, 5.3.1). One that leaves no
    /// room for its signature makes way for one without records, upon which the client comes back
    /// over TCP (RFC 8945, 5.3).
    pub(super) fn sign(mut self, query: &Query<'_>, messages: &mut [Vec<u8>]) {
        for (index, message) in messages.iter_mut().enumerate() {
            if message.is_empty() {
                // A limit on replies has taken it back.
                continue;
            }
            let mut signature = self.of_message(index, message);
            let octets = signature.as_ref().map_or(0, |(_, record)| record.len());
            if message.len() + octets > query.longest_reply() {
                cut(query, message);
                signature = self.of_message(index, message);
            }
            // A key that has verified the question can sign the reply; without a signature the
            // client would refuse it in any case.
            let Some((code, record)) = signature else {
                message.clear();
                continue;
            };
            self.previous = code;
            append(message, &record);
        }
    }

    /// The code of a message, and the record that carries it.
    fn of_message(&self, index: usize, message: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let now = seconds_since_1970();
        let algorithm = self.signer.algorithm().clone();
        let none = Vec::new;
        let stub = TSIG::new(algorithm, now, FUDGE, none(), self.id, None, none());
        let octets = match index {
            0 => self
                .signer
                .encode_response_tbs(&self.previous, message, &stub)
                .ok()?,
            _ => self.later_octets(message, now),
        };
        let code = self.signer.sign(&octets).ok()?;
        let record = make_tsig_record(
            self.signer.signer_name().clone(),
            stub.set_mac(code.clone()),
        );
        Some((code, octets_of(&record)?))
    }

    /// What is signed of all messages but the first: the code before, the message, the times.
    fn later_octets(&self, message: &[u8], now: u64) -> Vec<u8> {
        let length = u16::try_from(self.previous.len()).unwrap_or(u16::MAX);
        let mut octets = length.to_be_bytes().to_vec();
        octets.extend(&self.previous);
        octets.extend(message);
        octets.extend(&now.to_be_bytes()[2..]);
        octets.extend(FUDGE.to_be_bytes());
        octets
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

fn octets_of(record: &Record<TSIG>) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    record.emit(&mut BinEncoder::new(&mut octets)).ok()?;
    Some(octets)
}

/// Adds a TSIG record at the end of a message.
fn append(message: &mut Vec<u8>, record: &[u8]) {
    message.extend(record);
    if let Some(count) = message.get_mut(HEADER - 2..HEADER) {
        let more = u16::from_be_bytes([count[0], count[1]]).saturating_add(1);
        count.copy_from_slice(&more.to_be_bytes());
    }
}

fn name_of_key(packet: &[u8]) -> Option<Name> {
    let signature = Message::from_vec(packet).ok()?.signature?;
    Some(signature.name)
}

fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
