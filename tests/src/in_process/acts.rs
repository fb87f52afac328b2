//! One act of a race. It only brings its event to the stack; when the stack runs is the race's affair.

use lowerdeck_framework::ids::Level;
use lowerdeck_framework::io::SendOptions;

use super::InProcess;
use crate::backend::{Act, Deed, SentIoAction};
use crate::handles::PeerAct;

impl InProcess {
    /// Does it, without letting the stack run.
    pub(super) fn apply(&mut self, act: &Act) -> Deed {
        match act {
            Act::Close(file) => {
                let file = self.file(*file);
                Deed::Begun(self.ask(|stack, now, upper, call| stack.close_requested(now, upper, file, call)))
            }
            Act::Send(request) => {
                let request = self.request(*request);
                Deed::Sent(self.stack.send_requested(self.now, self.upper, request, SendOptions::default()))
            }
            Act::Cancel(request) => {
                let request = self.request(*request);
                Deed::Cancelled(self.stack.cancel_requested(self.now, self.upper, request))
            }
            Act::Start => {
                Deed::Begun(self.ask(|stack, now, upper, call| stack.target_start_requested(now, upper, None, call)))
            }
            Act::Stop => {
                let action = Some(SentIoAction::LeavePending);
                Deed::Begun(self.ask(|stack, now, upper, call| {
                    stack.target_stop_requested(now, upper, None, action, None, call);
                }))
            }
            Act::Remove => {
                Deed::Begun(self.ask(|stack, now, upper, call| stack.target_remove_requested(now, upper, None, call)))
            }
            Act::Advance(ticks) => {
                self.let_pass(*ticks);
                self.stack.step(self.now);
                Deed::Advanced
            }
            Act::PeerWrites(handle, message) => {
                self.host.peer(self.handles[handle], PeerAct::Write(message.clone()));
                Deed::Written
            }
            Act::Control(layer, command) => {
                let reply = self.stack.driver_controlled(self.now, Level(*layer), command);
                Deed::Replied(reply.unwrap_or_else(|problem| problem.to_string()))
            }
        }
    }
}
