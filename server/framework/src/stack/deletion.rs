//! The tree of driver-created requests (OBJ-1): a request lives under its device or under another request of the same
//! driver, and does not outlive it. Nothing is deleted unless everything under it can be (REQ-4).

use crate::ids::{DeviceId, RequestId};
use crate::rule::Rule;
use crate::status::HResult;

use super::core::Core;

impl Core {
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
        self.requests[child].parent = Some(parent);
        self.requests[parent].children.push(child);
        Ok(child)
    }

    /// `DeleteWdfObject` of a driver-created request and of all under it (REQ-4, OBJ-1).
    pub(crate) fn delete_request(&mut self, creator: DeviceId, request: RequestId) -> HResult {
        if self.own_request(creator, request).is_none() {
            return HResult::E_INVALIDARG;
        }
        let family = self.family(request);
        if let Some(outstanding) = family.iter().find(|member| self.requests[**member].state.is_outstanding()) {
            self.violation(creator, Rule::Req4, None, Some(*outstanding));
            return HResult::STATUS_INVALID_DEVICE_REQUEST;
        }
        if let Some(parent) = self.requests[request].parent.and_then(|parent| self.requests.get_mut(parent)) {
            parent.children.retain(|child| *child != request);
        }
        // Descendants first: none outlives its parent.
        for member in family.into_iter().rev() {
            self.unpin(member);
            self.requests.remove(member);
        }
        HResult::S_OK
    }

    /// A request and all under it, each after its parent.
    fn family(&self, request: RequestId) -> Vec<RequestId> {
        let mut family = vec![request];
        let mut next = 0;
        while let Some(member) = family.get(next) {
            family.extend_from_slice(&self.requests[*member].children);
            next += 1;
        }
        family
    }
}
