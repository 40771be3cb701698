//! From a packet to its reply: the zone first, other servers for everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::ResponseCode;

use crate::counters::Counters;
use crate::forward::Forwarder;
use crate::live_zone::LiveZone;
use crate::waiting::{Missing, Waiting};
use crate::wire::{self, Request, Transport, Unanswerable};
use crate::zone::rotate_addresses;

/// Answers packets, whatever way they came.
#[derive(Debug)]
pub(crate) struct Responder {
    pub(crate) zone: LiveZone,
    pub(crate) forwarder: Forwarder,
    pub(crate) counters: Arc<Counters>,
    turn: AtomicUsize,
}

/// What is to be done about a packet.
#[derive(Debug)]
pub(crate) enum Response {
    /// Send this.
    Ready(Vec<u8>),
    /// Send what comes of this.
    Waiting(Box<Waiting>),
    /// Send nothing.
    Nothing,
}

impl Responder {
    pub(crate) fn new(zone: LiveZone, forwarder: Forwarder, counters: Arc<Counters>) -> Self {
        Self {
            zone,
            forwarder,
            counters,
            turn: AtomicUsize::new(0),
        }
    }

    /// Answers what the cluster knows at once and says what remains to be waited for.
    pub(crate) fn begin(self: &Arc<Self>, packet: &[u8], transport: Transport) -> Response {
        let request = match Request::read(packet, transport) {
            Ok(request) => request,
            Err(Unanswerable::Ignored) => {
                self.counters.ignored.increment();
                return Response::Nothing;
            }
            Err(Unanswerable::Malformed(reply)) => {
                self.counters.malformed.increment();
                return Response::Ready(reply);
            }
            Err(Unanswerable::Unsupported(reply)) => {
                self.counters.unsupported.increment();
                return Response::Ready(reply);
            }
        };
        let missing = match self.zone.answer(&request.question()) {
            None => Missing::Everything(packet.to_owned()),
            Some(mut answer) => {
                self.counters.zone_answers.increment();
                match answer.continues_at.take() {
                    Some(name) => Missing::Rest {
                        answer: Box::new(answer),
                        name,
                    },
                    None => {
                        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                        rotate_addresses(&mut answer.answers, turn);
                        return Response::Ready(wire::reply(&request, &answer, false));
                    }
                }
            }
        };
        let Some(admission) = self.forwarder.admit() else {
            self.counters.forward_refusals.increment();
            return Response::Ready(wire::refuse(&request, ResponseCode::Refused));
        };
        self.counters.forwarded.increment();
        let responder = Arc::clone(self);
        Response::Waiting(Box::new(Waiting {
            responder,
            request,
            admission,
            missing,
        }))
    }
}
