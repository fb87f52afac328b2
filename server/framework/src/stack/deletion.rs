//! `DeleteWdfObject` (OBJ-4), and the tree of driver-created requests (OBJ-1): a request lives under its device or under
//! another request of the same driver, and does not outlive it. Nothing is deleted unless everything under it can be
//! (REQ-4).
//!
//! What a driver may delete is what it has created, files excepted: those are ended with `Close` (CLS-16).

use crate::ids::{DeviceId, FileId, RequestId};
use crate::object_calls::WdfObject;
use crate::rule::Rule;
use crate::status::HResult;

use super::core::Core;

impl Core {
    /// The table of section OBJ: may the driver delete it?
    pub(crate) fn delete_wdf_object(&mut self, device: DeviceId, object: WdfObject) -> HResult {
        let denied_if = |known| if known { HResult::ERROR_ACCESS_DENIED } else { HResult::E_INVALIDARG };
        match object {
            WdfObject::Driver | WdfObject::Device | WdfObject::DefaultTarget => HResult::ERROR_ACCESS_DENIED,
            WdfObject::File(file) => self.delete_file(device, file),
            WdfObject::Received(received) => {
                denied_if(self.received.get(received).is_some_and(|received| received.receiver == device))
            }
            WdfObject::Request(request) => self.delete_request(device, request),
            WdfObject::Memory(memory) => self.delete_memory(device, memory),
        }
    }

    /// A file is closed, not deleted (CLS-16); it stays as usable as it is.
    pub(crate) fn delete_file(&self, device: DeviceId, file: FileId) -> HResult {
        let has_object = self
            .files
            .get(file)
            .is_some_and(|entry| entry.creator == device || entry.layers.iter().any(|layer| layer.device == device));
        if has_object { HResult::ERROR_ACCESS_DENIED } else { HResult::E_INVALIDARG }
    }

    /// `CreateRequest` under another request of the same driver (REQ-1).
    ///
    /// # Errors
    /// `E_INVALIDARG` when there is no such parent.
    pub(crate) fn create_child_request(
        &mut self,
        creator: DeviceId,
        number: Option<u64>,
        callback: bool,
        parent: RequestId,
    ) -> Result<RequestId, HResult> {
        self.own_request(creator, parent).ok_or(HResult::E_INVALIDARG)?;
        let child = self.create_request(creator, number, callback);
        self.requests[child].family.get_or_insert_default().parent = Some(parent);
        self.requests[parent].family.get_or_insert_default().children.push(child);
        Ok(child)
    }

    /// `DeleteWdfObject` of a driver-created request and of all under it (REQ-4, OBJ-1).
    pub(crate) fn delete_request(&mut self, creator: DeviceId, request: RequestId) -> HResult {
        let Some(entry) = self.own_request(creator, request) else { return HResult::E_INVALIDARG };
        // The usual request has no family: it costs no list.
        if entry.family.is_none() && !entry.state.is_outstanding() {
            self.delete_one(request);
            return HResult::S_OK;
        }
        let family = self.family(request);
        if let Some(outstanding) = family.iter().find(|member| self.requests[**member].state.is_outstanding()) {
            self.violation(creator, Rule::Req4, None, Some(*outstanding));
            return HResult::STATUS_INVALID_DEVICE_REQUEST;
        }
        let parent = self.requests[request].family.as_ref().and_then(|family| family.parent);
        if let Some(family) = parent.and_then(|parent| self.requests.get_mut(parent)?.family.as_mut()) {
            family.children.retain(|child| *child != request);
        }
        // Descendants first: none outlives its parent.
        family.into_iter().rev().for_each(|member| self.delete_one(member));
        HResult::S_OK
    }

    fn delete_one(&mut self, request: RequestId) {
        self.delete_memories_of(request);
        self.let_go_of(request); // last: with a leaving driver's last file all its requests go
        if let Some(io) = self.requests.remove(request).and_then(|request| request.io) {
            self.spares.keep(io);
        }
    }

    /// A request and all under it, each after its parent.
    fn family(&self, request: RequestId) -> Vec<RequestId> {
        let mut family = vec![request];
        let mut next = 0;
        while let Some(member) = family.get(next) {
            family.extend(self.requests[*member].family.iter().flat_map(|family| &family.children));
            next += 1;
        }
        family
    }
}
