//! Two acts at once: two RPCs, or one message with both submissions, or one of each.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::submission;
use tokio::task::JoinHandle;
use tonic::Status;

use super::road::reply_of;
use super::{Wire, messages, session};
use crate::backend::{Act, Call, Deed};

impl Wire {
    /// Both acts, and what they gave. What can be submitted goes in one message, where there is a queue pair.
    pub(super) fn at_once(&mut self, acts: [Act; 2]) -> [Deed; 2] {
        let seen = self.seen;
        let calls = acts.each_ref().map(|act| self.submittable(act));
        let is_submitted = calls.each_ref().map(Option::is_some);
        let batch: Vec<_> = calls.into_iter().flatten().collect();
        let mut number = match self.queue() {
            Some((queue, server)) if !batch.is_empty() => queue.submit(server, seen, batch),
            _ => 0,
        };
        let mut tasks = Vec::new();
        for (act, is_submitted) in acts.iter().zip(is_submitted) {
            tasks.push((!is_submitted).then(|| self.beside(act.clone())));
        }
        let mut tasks = tasks.into_iter();
        acts.map(|act| match tasks.next().flatten() {
            Some(task) => match self.server.run(task) {
                Ok(deed) => deed.unwrap_or_else(|status| panic!("{status:?}")),
                Err(panicked) => panic!("{panicked}"),
            },
            None => {
                number += 1;
                self.deed(&act, number - 1)
            }
        })
    }

    /// An act that is no submission, on its way.
    fn beside(&self, act: Act) -> JoinHandle<Result<Deed, Status>> {
        match act {
            Act::PeerWrites(handle, message) => {
                let peer = self.held.peer(handle).clone();
                self.server.spawn(async move {
                    peer.write(&message);
                    Ok(Deed::Written)
                })
            }
            act => self.server.spawn(session::act(self.clients.clone(), self.stack.clone(), act)),
        }
    }

    /// The act as a submission, if it is one on this road.
    fn submittable(&mut self, act: &Act) -> Option<submission::Call> {
        self.queue()?;
        match *act {
            Act::Close(file) => Some(submission::Call::Close(v1::CloseRequest { file_id: self.file(file) })),
            Act::Send(request) => Some(submission::Call::SendRequest(messages::send(request, 0, 0))),
            Act::Cancel(request_id) => Some(submission::Call::Cancel(v1::CancelRequest { request_id })),
            _ => None,
        }
    }

    /// What the submission of `act` under `number` gave.
    fn deed(&mut self, act: &Act, number: u64) -> Deed {
        if let Act::Close(_) = act {
            self.closed(number);
            return Deed::Begun(Call(u64::MAX));
        }
        let (queue, server) = self.stream().expect("whoever submitted has a stream");
        let answer = queue.answer(server, number);
        let deed = match act {
            Act::Send(_) => reply_of::<v1::SendRequestRequest>(answer).map(|sent| Deed::Sent(HResult(sent.hresult))),
            _ => reply_of::<v1::CancelRequest>(answer)
                .map(|reply| Deed::Cancelled(messages::cancel_answer(reply.answer()))),
        };
        deed.unwrap_or_else(|refusal| panic!("{refusal}"))
    }
}
