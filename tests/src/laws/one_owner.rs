//! Law Z5 from the trace: at any instant a packet is in one place, so what happens to it comes in one order.
//!
//! ```text
//!  Send ──► Io(L1) ──► Io(L2) ──► Done(L2) ──► OnCompletion(L1) ──► Done(L1) ──► OnCompletion(L0)
//! ```
//! At a file-handle target the host is in the place of a layer: `HostIo(L1)` gives it the packet of L1, `HostDone(L1)`
//! takes it back.
//!
//! Downwards a packet skips layers that see nothing of it, and `Done` without `Io` is a request that its queue or its
//! target ended. What may never be seen is a layer acting on a packet that is below it or that it has completed.

use crate::moment::Moment;

/// Where a packet is, as far as the trace has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Above any layer that could complete it: made, sent, or ended.
    Creator,
    /// This layer was the last to get it.
    At(u32),
    /// The host performs it for this layer.
    AtHostOf(u32),
    /// This layer has completed it; nobody above has heard of it.
    Climbing(u32),
}

/// The first moment that breaks the law for the packet of `request`, in words; L0 is its creator.
pub(super) fn broken(moments: &[Moment], request: &str) -> Option<String> {
    let mut place = Place::Creator;
    for moment in moments {
        let name = moment.name.as_str();
        let argument = if name == "Io" { moment.arguments.get(1) } else { moment.arguments.first() };
        if argument.is_none_or(|argument| argument != request) {
            continue;
        }
        let layer = moment.layer;
        let next = match (name, place) {
            ("Send", _) if layer == 0 && moment.status().is_some_and(|status| status.is_success()) => Place::Creator,
            ("Io", Place::Creator) => Place::At(layer),
            ("Io", Place::At(owner)) if owner <= layer => Place::At(layer),
            ("HostIo", Place::Creator) if layer == 0 => Place::AtHostOf(0),
            ("HostIo", Place::At(owner)) if owner == layer => Place::AtHostOf(layer),
            ("HostDone", Place::AtHostOf(owner)) if owner == layer => Place::Climbing(layer + 1),
            // It never came to the host: cancelled in the target, or the handle was closed.
            ("HostDone", Place::Creator) if layer == 0 => Place::Climbing(1),
            ("HostDone", Place::At(owner)) if owner == layer => Place::Climbing(layer + 1),
            ("OnCancel" | "OnIoCanceledOnQueue", Place::At(owner)) if owner == layer => place,
            ("Done", Place::Creator) => Place::Climbing(layer),
            ("Done", Place::At(owner)) if owner <= layer => Place::Climbing(layer),
            ("OnCompletion", Place::Climbing(below)) if layer < below => match layer {
                0 => Place::Creator,
                _ => Place::At(layer),
            },
            // A synchronous Send without `OnCompletion` gives the packet back itself (REQ-13).
            ("Send.returned", Place::Climbing(below)) if layer < below => Place::At(layer),
            ("Io" | "HostIo" | "HostDone" | "OnCancel" | "OnIoCanceledOnQueue" | "Done" | "OnCompletion", _) => {
                return Some(format!("{moment} while it was {place:?}"));
            }
            _ => place,
        };
        place = next;
    }
    None
}
