//! One close with what is around it, and the judgement of every request.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use tokio::task::{JoinHandle, JoinSet};

use super::super::calls::{read_at, write_at};
use super::super::peer::Peer;
use super::super::win32::{INVALID_HANDLE, NO_DATA, OK, OPERATION_ABORTED, Openable, PIPE_CONNECTED, file, pipe};
use super::plan::{Act, Manner, Plan, Wish};
use crate::event_feed::EventFeed;
use crate::refusal::granted;
use crate::upper::{self, DeviceClient, Upper};

/// What the handle is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pipe,
    File,
}

/// Where writes go in a file, beyond what is read.
const WRITTEN_AT: i64 = 4096;
/// WDF_REQUEST_SEND_OPTION_SYNCHRONOUS.
const SYNCHRONOUS: u32 = 0x2;

/// What stays over all closes.
pub struct Table {
    kind: Kind,
    events: EventFeed,
    /// A target on a handle that stays, for requests that are lent the other one.
    beside: String,
}

/// The requests of one close that were accepted.
type Accepted = BTreeMap<u64, Wish>;

/// A handle with what is at its other end.
struct Opened {
    handle: String,
    target: String,
    peer: Option<Peer>,
}

/// Opens an object whose bytes are `says`: of a pipe, the peer has them.
async fn open(kind: Kind, upper: &Upper, places: (PathBuf, PathBuf), name: &str, says: &[u8]) -> Opened {
    let (files, pipes) = places;
    let object = match kind {
        Kind::Pipe => pipe(name).object(),
        Kind::File => {
            std::fs::write(files.join(name), says).expect("the root takes files");
            file(name).object()
        }
    };
    let (handle, target) = upper.open_with_target(object).await;
    let peer = (kind == Kind::Pipe).then(|| Peer::of(&pipes, name));
    if peer.is_some() {
        assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
    }
    Opened { handle, target, peer }
}

async fn stop(upper: &Upper, target_id: &str) {
    let action = v1::SentIoAction::LeaveSentIoPending.into();
    let message = v1::StopTargetRequest { target_id: target_id.to_owned(), action, ..Default::default() };
    assert_eq!(granted(upper.device().stop_target(message).await).hresult, OK);
}

async fn start(mut device: DeviceClient, target_id: String) -> Option<u64> {
    assert_eq!(granted(device.start_target(v1::StartTargetRequest { target_id }).await).hresult, OK);
    None
}

async fn cancel(mut device: DeviceClient, request_id: u64) -> Option<u64> {
    granted(device.cancel(v1::CancelRequest { request_id }).await);
    None
}

/// Sends a request as it is wished. None when it is sent, its id when it is not: it was cancelled before.
async fn send(mut device: DeviceClient, request_id: u64, manner: Manner, format: v1::Format) -> Option<u64> {
    let hresult = if manner == Manner::Formatted {
        let message = v1::SendRequestRequest { request_id, options: None, target_id: format.target_id };
        granted(device.send_request(message).await).hresult
    } else {
        let options = upper::options(if manner == Manner::Synchronous { SYNCHRONOUS } else { 0 }, 0);
        let message = v1::FormatAndSendRequest { request_id, format: Some(format), options, retain: false };
        granted(device.format_and_send(message).await).hresult
    };
    let was_cancelled = hresult == OPERATION_ABORTED && manner == Manner::Formatted;
    assert!(hresult == OK || was_cancelled, "the target accepts it: {hresult:#x}, {manner:?}");
    was_cancelled.then_some(request_id)
}

impl Table {
    pub async fn new(upper: &Upper, kind: Kind) -> Table {
        let (_, beside) = upper.open_with_target(pipe("beside")).await;
        Table { kind, events: upper.events_after(0).await, beside }
    }

    /// The format of `wish`: a read takes what the object `says` and no more, a write is of the same bytes.
    fn format(&self, wish: Wish, target: &str, says: &[u8]) -> v1::Format {
        let format =
            if wish.reads { read_at(target, says.len() as u64, 0) } else { write_at(target, says, WRITTEN_AT) };
        if wish.lent {
            v1::Format { target_id: self.beside.clone(), file_id: target.to_owned(), ..format }
        } else {
            format
        }
    }

    /// Closes one handle as `seed` has it; gives the status of every request.
    pub async fn play(&mut self, server: &Server, upper: &Arc<Upper>, point: u64, seed: u64) -> Vec<u32> {
        let plan = Plan::new(seed);
        let old = format!("old {point}");
        let places = (server.files_root(), server.pipe_directory());
        let opened = open(self.kind, upper, places, &format!("at-{point}"), old.as_bytes()).await;
        if plan.is_stopped {
            stop(upper, &opened.target).await;
        }
        let (accepted, young) = self.act(server, upper, &plan, &opened, point).await;
        let statuses = self.judge(upper, accepted, &old, &plan).await;
        let late = Wish { manner: Manner::Sent, reads: true, lent: false };
        for late in [late, Wish { reads: false, ..late }, Wish { lent: true, ..late }] {
            let format = self.format(late, &opened.target, old.as_bytes());
            assert_eq!(upper.ended(&mut self.events, format).await, (INVALID_HANDLE, 0, vec![]), "{plan:?}");
        }
        // Nothing of what was meant for the newcomer is gone, and nothing came to it that was not.
        let new = format!("new {point}");
        let brought = upper.ended(&mut self.events, read_at(&young.target, 64, 0)).await;
        assert_eq!(brought, (OK, new.len() as u64, new.into_bytes()));
        assert!(young.peer.is_none_or(|peer| !peer.has_message()), "a stray write: {plan:?}");
        for target in [&opened.target, &young.target] {
            upper.delete_target(target).await;
        }
        assert_eq!(upper.close_handle(&young.handle).await, OK);
        statuses
    }

    /// Sends what is sent before, then lets the acts go, in their order but without waiting for one another.
    async fn act(
        &self,
        server: &Server,
        upper: &Arc<Upper>,
        plan: &Plan,
        opened: &Opened,
        point: u64,
    ) -> (Accepted, Opened) {
        let old = format!("old {point}");
        let format = |wish: &Wish| self.format(*wish, &opened.target, old.as_bytes());
        let mut accepted = Accepted::new();
        let mut numbers = Vec::new();
        for wish in &plan.wishes {
            let number = match wish.manner {
                Manner::Sent => upper.send(format(wish)).await,
                Manner::Formatted => {
                    let request_id = upper.object().await;
                    let message = v1::FormatRequestRequest { request_id, format: Some(format(wish)) };
                    assert_eq!(granted(upper.device().format_request(message).await).hresult, OK);
                    request_id
                }
                Manner::Beside | Manner::Synchronous => upper.number(),
            };
            accepted.insert(number, *wish);
            numbers.push(number);
        }
        let mut calls = JoinSet::new();
        let mut closing = None;
        for (pause, act) in &plan.acts {
            for _ in 0..*pause {
                tokio::task::yield_now().await;
            }
            match act {
                Act::Close => closing = Some(self.close(server, upper, &opened.handle, point)),
                Act::Send(wish) => {
                    let wanted = plan.wishes[*wish];
                    drop(calls.spawn(send(upper.device(), numbers[*wish], wanted.manner, format(&wanted))));
                }
                Act::Cancel(wish) => drop(calls.spawn(cancel(upper.device(), numbers[*wish]))),
                Act::Start => drop(calls.spawn(start(upper.device(), opened.target.clone()))),
                Act::Say => {
                    if let Some(peer) = &opened.peer {
                        let _ = peer.try_send(old.as_bytes()); // the close may have been quicker
                    }
                }
            }
        }
        let young = closing.expect("every plan has a close").await.expect("a call does not panic");
        // A target that is stopped would keep the calls that wait.
        if plan.is_stopped {
            start(upper.device(), opened.target.clone()).await;
        }
        while let Some(call) = calls.join_next().await {
            if let Some(unsent) = call.expect("a call does not panic") {
                accepted.remove(&unsent);
            }
        }
        (accepted, young)
    }

    /// Closes, and opens another object at once: a pipe of the same name, or another file.
    fn close(&self, server: &Server, upper: &Arc<Upper>, handle: &str, point: u64) -> JoinHandle<Opened> {
        let (handle, upper, kind) = (handle.to_owned(), Arc::clone(upper), self.kind);
        let places = (server.files_root(), server.pipe_directory());
        let name = if kind == Kind::Pipe { format!("at-{point}") } else { format!("beside-{point}") };
        server.spawn(async move {
            assert_eq!(upper.close_handle(&handle).await, OK);
            let new = format!("new {point}");
            let young = open(kind, &upper, places, &name, new.as_bytes()).await;
            if let Some(peer) = &young.peer {
                peer.send(new.as_bytes());
            }
            young
        })
    }

    /// Waits until each of `outstanding` has completed, once, and as it may.
    async fn judge(&mut self, upper: &Upper, mut outstanding: Accepted, old: &str, plan: &Plan) -> Vec<u32> {
        let (mut statuses, mut last) = (Vec::new(), 0);
        while !outstanding.is_empty() {
            let (sequence, completion) = self.events.completion().await;
            let v1::RequestCompleted { request_id, hresult, data, .. } = completion;
            let wish = outstanding.remove(&request_id);
            let wish = wish.unwrap_or_else(|| panic!("request {request_id} completed again: {plan:?}"));
            let shown = || format!("{wish:?} ended with {hresult:#x} and {data:?} in {plan:?}");
            match hresult {
                OK if wish.reads => assert_eq!(data, old.as_bytes(), "{}", shown()),
                OK => assert!(data.is_empty(), "{}", shown()),
                OPERATION_ABORTED | INVALID_HANDLE | NO_DATA => assert!(data.is_empty(), "{}", shown()),
                _ => panic!("{}", shown()),
            }
            statuses.push(hresult);
            last = sequence;
        }
        upper.acknowledge(last).await;
        statuses
    }

    /// Reads on to the newest event: no request has completed a second time.
    pub async fn nothing_came_twice(&mut self, upper: &Upper) {
        let newest = upper.view().await.last_event_sequence;
        while self.events.last() < newest {
            let event = self.events.event().await;
            let completed = matches!(event.body, Some(v1::event::Body::RequestCompleted(_)));
            assert!(!completed, "{event:?}");
        }
    }
}
