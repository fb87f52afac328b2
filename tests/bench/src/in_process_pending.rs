//! The framework alone, with very many pending requests: what `pending` measures over the wire, without the wire.

use lowerdeck_client::load::Stopwatch;
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::ids::{CallId, FileId, RequestId};
use lowerdeck_framework::io::{FormatIo, SendOptions};
use lowerdeck_framework::memory::OutputMemory;

use crate::in_process::UpperStack;
use crate::pending::{AMONG, HELD, closes_of, heading};
use crate::report::{Report, RowReport};
use crate::run::Options;
use crate::statistics::Sample;

/// Cancels of one round.
const CANCELS: usize = 1000;

/// Measures cancels and closes, each in turn with the same where little else is pending.
pub fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (cancels, closes) = (options.wants_some("in-process-cancel-"), options.wants_some("in-process-close-"));
    if !cancels && !closes {
        return Ok(());
    }
    let (mut many, mut few) = (Crowd::new()?, Crowd::new()?);
    for among in AMONG {
        many.grow(among);
        if !cancels {
            continue;
        }
        few.grow(AMONG[0]);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            ours.push(many.cancel_some());
            theirs.push(few.cancel_some());
        }
        let (id, title) = (format!("in-process-cancel-{among}"), format!("in-process, cancel one of {among} pending"));
        report.rows.push(RowReport::new(heading(id, title, "ns", "one of 1,000 pending"), ours, theirs));
    }
    for held in HELD.into_iter().filter(|_| closes) {
        let mut alone = Crowd::new()?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            ours.push(many.close_some(held)?);
            theirs.push(alone.close_some(held)?);
        }
        let id = format!("in-process-close-{held}");
        let title = format!("in-process, close a file with {held} of 1,000,000 pending");
        let row = RowReport::new(heading(id, title, "ns", "nothing else is pending"), ours, theirs);
        let per_request = row.lowerdeck.median / held as f64;
        report.rows.push(row.with("ns_per_request", per_request));
    }
    Ok(())
}

/// A stack whose driver keeps reads, with requests pending on one file.
struct Crowd {
    on: UpperStack,
    file: FileId,
    pending: Vec<RequestId>,
}

impl Crowd {
    fn new() -> anyhow::Result<Crowd> {
        let mut on = UpperStack::new("passthrough / echo")?;
        let file = on.file()?;
        Ok(Crowd { on, file, pending: Vec::new() })
    }

    /// Sends a read of one byte for `file`, which nothing completes.
    fn park(&mut self, file: FileId) -> RequestId {
        let output = Some(OutputMemory { size: 1, window: None, contents: None });
        let io = FormatIo::Read { output, device_offset: Some(0) };
        let on = &mut self.on;
        let number = on.new_number();
        let request = on.stack.request_created(on.upper, number, true);
        on.stack.format_requested(on.upper, request, Some(file), io);
        on.stack.send_requested(Now::default(), on.upper, request, SendOptions::default());
        on.run();
        request
    }

    fn grow(&mut self, pending: u64) {
        while (self.pending.len() as u64) < pending {
            let request = self.park(self.file);
            self.pending.push(request);
        }
    }

    /// Nanoseconds from a cancel to the deletion of its request, of requests from all over; as many are sent again.
    fn cancel_some(&mut self) -> f64 {
        let pending = self.pending.len();
        let count = CANCELS.min(pending / 2);
        let begun = Stopwatch::start();
        for number in 0..count {
            let at = (number * 619 + 1) * pending / 1000 % self.pending.len();
            let request = self.pending.swap_remove(at);
            self.on.stack.cancel_requested(Now::default(), self.on.upper, request);
            self.on.run();
            self.on.stack.delete_requested(self.on.upper, request);
        }
        let nanos = begun.elapsed().as_secs_f64() * 1e9 / count as f64;
        self.grow(pending as u64);
        nanos
    }

    /// The middle of a few closes.
    fn close_some(&mut self, held: u64) -> anyhow::Result<f64> {
        let times = (0..closes_of(held)).map(|_| self.close_one(held)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Sample::of(times).median)
    }

    /// Nanoseconds from the Close of a new file with `held` requests to the deletion of the last of them.
    fn close_one(&mut self, held: u64) -> anyhow::Result<f64> {
        let file = self.on.file()?;
        let requests: Vec<_> = (0..held).map(|_| self.park(file)).collect();
        let call = CallId(self.on.new_number());
        let begun = Stopwatch::start();
        self.on.stack.close_requested(Now::default(), self.on.upper, file, call);
        self.on.run();
        for request in requests {
            self.on.stack.delete_requested(self.on.upper, request);
        }
        self.on.run();
        Ok(begun.elapsed().as_secs_f64() * 1e9)
    }
}
