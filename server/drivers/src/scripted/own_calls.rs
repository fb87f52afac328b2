//! What a script asks of its lower driver: requests and files of its own, and how their blocking calls return.

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::DriverCallResult;
use lowerdeck_framework::ids::{CallId, FileId, ReceivedId};
use lowerdeck_framework::io::FormatIo;
use lowerdeck_framework::memory::{InputMemory, OutputMemory};
use lowerdeck_framework::status::HResult;

use super::action::{OwnCallback, OwnIo, OwnSend};
use super::arguments::Completion;
use super::driver::ScriptedDriver;
use super::own::{MAX_OWN_REQUESTS, OwnCall, OwnRequest};
use crate::transfer;

impl ScriptedDriver {
    /// Sends a request of its own, on behalf of the present one if there is one; if that fails, so does a present one
    /// that waits for it.
    pub(super) fn send_own(
        &mut self,
        cx: &mut DriverContext<'_>,
        send: &OwnSend,
        file: Option<FileId>,
        present: Option<ReceivedId>,
    ) -> Result<(), HResult> {
        let sent = self.try_send_own(cx, send, file, present);
        let then = present.filter(|_| send.then_complete);
        if let (Err(status), Some(then)) = (sent, then) {
            self.finish_kept(cx, then, &Completion::of(status));
        }
        sent
    }

    fn try_send_own(
        &mut self,
        cx: &mut DriverContext<'_>,
        send: &OwnSend,
        file: Option<FileId>,
        present: Option<ReceivedId>,
    ) -> Result<(), HResult> {
        if self.own.requests.len() >= MAX_OWN_REQUESTS {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let file = match &send.file {
            Some(name) => self.file_named(cx, name),
            None => file,
        };
        let output = (send.length > 0).then(|| OutputMemory::empty(send.length));
        let io = match send.io {
            OwnIo::Read => FormatIo::Read { output, device_offset: None },
            OwnIo::Write => FormatIo::Write { input: own_input(send.length)?, device_offset: None },
            OwnIo::Ioctl(code) => FormatIo::DeviceControl { code, input: None, output },
            OwnIo::Flush => FormatIo::FlushBuffers,
            OwnIo::QueryInformation(class) => FormatIo::QueryInformation { class, output },
            OwnIo::SetInformation(class) => FormatIo::SetInformation { class, input: own_input(send.length)? },
        };
        let target = send.target.as_ref().map(|name| self.targets.on_handle(name)).transpose()?;
        let (number, callback) = (Some(send.number), send.callback != OwnCallback::After);
        let request = match send.parent {
            None => cx.create_request(number, callback),
            Some(parent) => {
                let parent = self.own.request(parent).ok_or(HResult::E_INVALIDARG)?;
                cx.create_child_request(number, callback, parent)?
            }
        };
        let mut status = match (target, send.memory) {
            (Some(target), None) => cx.format_request_for_handle(request, target, None, io),
            (Some(_), Some(_)) => HResult::E_INVALIDARG, // its memories are for the default target
            (None, Some(memory)) => self.format_own_with_memory(cx, request, file, send, memory, present),
            (None, None) => cx.format_request(request, file, io),
        };
        if send.callback != OwnCallback::Before {
            cx.set_completion_callback(request, send.callback == OwnCallback::After);
        }
        if status.is_success() {
            let options = send.options;
            status = match target {
                Some(target) => cx.send_request_to_handle(request, target, options),
                None => cx.send_request(request, options),
            };
        }
        if status.is_success() {
            let then = present.filter(|_| send.then_complete);
            self.own.requests.insert(request, OwnRequest { number: send.number, then });
            Ok(())
        } else {
            cx.delete_request(request);
            Err(status)
        }
    }

    /// A file of its own, else an upper driver's, by name.
    pub(super) fn file_named(&self, cx: &DriverContext<'_>, name: &str) -> Option<FileId> {
        self.own.file(name).or_else(|| self.own.sessions().find(|file| cx.file_name(*file) == name))
    }

    /// `CreateWdfFile`; its result comes with `on_call_returned`.
    pub(super) fn create_own(
        &mut self,
        cx: &mut DriverContext<'_>,
        name: &str,
        then: Option<ReceivedId>,
    ) -> Result<(), HResult> {
        if !self.own.has_room_for_file() {
            let status = HResult::STATUS_INSUFFICIENT_RESOURCES;
            if let Some(then) = then {
                self.finish_kept(cx, then, &Completion::of(status));
            }
            return Err(status);
        }
        let call = cx.create_wdf_file(Some(name));
        self.own.calls.insert(call, OwnCall::Create { name: name.to_owned(), then });
        Ok(())
    }

    /// Has the framework open a file of its own; its result comes with `on_call_returned`.
    pub(super) fn open_hidden(&mut self, cx: &mut DriverContext<'_>, name: &str) -> Result<(), HResult> {
        if !self.own.has_room_for_file() {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let call = cx.open_framework_file(Some(name));
        self.own.calls.insert(call, OwnCall::Create { name: name.to_owned(), then: None });
        Ok(())
    }

    /// Closes the latest file of its own with that name.
    pub(super) fn close_own(&mut self, cx: &mut DriverContext<'_>, name: &str) -> Result<(), HResult> {
        let file = self.own.file(name).ok_or(HResult::E_INVALIDARG)?;
        if !self.own.has_room_for_call() {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let call = cx.close_file(file);
        self.own.calls.insert(call, OwnCall::Close(file));
        Ok(())
    }

    /// A blocking call of its own has returned.
    pub(super) fn own_call_returned(&mut self, cx: &mut DriverContext<'_>, call: CallId, result: DriverCallResult) {
        match self.own.calls.remove(&call) {
            Some(OwnCall::Create { name, then }) => {
                let status = match result {
                    DriverCallResult::WdfFileCreated(Ok(file)) => {
                        self.own.files.push((name, file));
                        HResult::S_OK
                    }
                    DriverCallResult::WdfFileCreated(Err(status)) => {
                        self.notes.add(format!("create-file {name}: {status}"));
                        status
                    }
                    DriverCallResult::Closed | DriverCallResult::TargetChanged(_) => {
                        HResult::STATUS_INVALID_DEVICE_STATE
                    }
                };
                if let Some(kept) = then.and_then(|then| self.kept.remove(then)) {
                    self.finish(cx, kept, &Completion::of(status));
                }
            }
            Some(OwnCall::Target { word, name }) => {
                if let DriverCallResult::TargetChanged(status) = result {
                    self.target_call_returned(word, &name, status);
                }
            }
            Some(OwnCall::Close(file)) => self.own.files.retain(|(_, open)| *open != file),
            None => {}
        }
    }
}

/// A memory with `length` bytes of the pattern; NULL for none.
fn own_input(length: u64) -> Result<Option<InputMemory>, HResult> {
    let data = transfer::pattern(length)?;
    Ok((length > 0).then_some(InputMemory { data, window: None }))
}
