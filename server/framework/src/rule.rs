//! The rules a verdict can name: id, sentence, and what the driver's author should do.
//!
//! The ids are those of the UMDF 1 rule book; a finding or driver stop without one does not exist.

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $sentence:literal, $advice:literal;)*) => {
        /// A rule that something broke.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule { $(#[doc = $sentence] $name,)* }

        impl Rule {
            /// Every rule that has a verdict.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];

            /// The rule's id in the rule book.
            pub const fn id(self) -> &'static str {
                match self { $(Rule::$name => $id,)* }
            }

            /// What was broken.
            pub const fn sentence(self) -> &'static str {
                match self { $(Rule::$name => $sentence,)* }
            }

            /// What to do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Rule::$name => $advice,)* }
            }
        }
    };
}

rules! {
    Cls17 = "CLS-17", "a driver-created file was closed twice",
        "call Close once and drop the pointer afterwards";
    File13 = "FILE-13", "a driver failed a create that the driver below had completed with success",
        "fail a forwarded create only with the lower driver's failure";
    Fht20 = "FHT-20", "a driver closed the handle under a file-handle target",
        "delete the target first, and close its handle when DeleteWdfObject has returned";
    Fwd6 = "FWD-6", "a layer was to be told of a cleanup or close for a file whose create it never saw",
        "make OnCreateFile forward every create, or declare that the device does not forward";
    Ioc13 = "IOC-13", "a driver that declared deferred retrieval of buffers asked for a memory of its request",
        "call RetrieveInputBuffer or RetrieveOutputBuffer, or declare that buffers are copied immediately";
    Obj13 = "OBJ-13", "a driver completed a request without releasing the memory it had asked it for",
        "release what GetInputMemory and GetOutputMemory gave before completing the request";
    Obj16 = "OBJ-16", "a driver completed a request whose memory a request of its own is still formatted with",
        "format the own request again, reuse it or delete it before completing the request whose memory it was lent";
    Obj23 = "OBJ-23", "a driver was unloaded while it still referred to an object",
        "release every reference before the driver is unloaded";
    Que10 = "QUE-10", "a driver began a Stop, Drain or Purge of a queue while another was in progress",
        "wait until the queue's present operation has ended, or call Start first";
    Pnp14 = "PNP-14", "I/O was outstanding on a file that the framework keeps for a driver when the driver's device was removed",
        "cancel what was sent on such a target and wait for it, at the latest in OnSelfManagedIoCleanup";
    Que14 = "QUE-14", "a driver acknowledged the stop of a request about which OnIoStop had not asked it, or requeued one that it does not own or that is marked cancelable",
        "call StopAcknowledge only in answer to OnIoStop, and UnmarkCancelable before it";
    Req3 = "REQ-3", "a driver completed a request that it had created itself",
        "end a driver-created request with DeleteWdfObject";
    Req4 = "REQ-4", "a driver deleted a request that is still outstanding",
        "wait for OnCompletion before deleting the request";
    Req11 = "REQ-11", "a driver sent a request that was already outstanding",
        "wait for OnCompletion, then reuse and format the request before sending it again";
    Req39 = "REQ-39", "a driver completed a request with more Information than the buffer holds",
        "report at most the length of the request's buffer";
    Req42 = "REQ-42", "a driver reused a request that is still outstanding",
        "wait for OnCompletion before reusing the request";
    Req44 = "REQ-44", "a driver lost a received request without completing or keeping it",
        "complete, forward or queue every received request exactly once";
    Req47 = "REQ-47", "a driver marked requests of one queue cancelable with different OnCancel callback objects",
        "use one cancel callback object for all requests of a queue";
    Req50 = "REQ-50", "a driver completed a request whose cancellation was under way before OnCancel was entered",
        "leave the request to OnCancel once UnmarkCancelable has answered ERROR_OPERATION_ABORTED";
    Req54 = "REQ-54", "a driver completed a request that it no longer owns, or that is still marked cancelable",
        "call UnmarkCancelable first, and complete each request once";
    Stop1 = "STOP-1", "a driver-created file was still open after the removal callbacks of its creator had returned",
        "close every file and wait for its requests, at the latest in OnSelfManagedIoCleanup";
    Stop10 = "STOP-10", "the handle of a file-handle target was still open when its device was removed",
        "delete the target and close the handle, at the latest in OnSelfManagedIoCleanup";
    Stop8 = "STOP-8", "a driver did not get on with a PnP or power transition, a cancel, a cleanup or a close in time",
        "return from callbacks, honour cancels, and complete what OnIoStop asks about, within the limit";
    Stop9 = "STOP-9", "a driver panicked in a callback",
        "fix the driver; its stack was stopped, no other stack was touched";
    Syn6 = "SYN-6", "a driver released its device's lock without having acquired it",
        "call ReleaseLock once for each AcquireLock, and only for those";
    Tgt15 = "TGT-15", "a driver called FormatUsingCurrentType on a request it had created",
        "format a driver-created request with FormatRequestForRead, Write or Ioctl";
    Tgt26 = "TGT-26", "a driver waited for sent I/O in a request handler or in OnCompletion",
        "stop the target with WaitForSentIoToComplete outside of request callbacks, or leave the sent I/O pending";
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}
