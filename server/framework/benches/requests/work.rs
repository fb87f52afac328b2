//! What is measured: each kind of work, done so many times after a set-up that does not depend on how many.

use std::mem::ManuallyDrop;

use lowerdeck_framework::driver::Driver;
use lowerdeck_framework::ids::{FileId, RequestId};

use crate::drivers::{Completing, Filter, Holding};
use crate::upper::Upper;

/// Requests that run before anything is measured: they fill the trace and let every table reach its size.
const WARM_UP: usize = 1000;

/// One kind of operation.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// A request created, formatted, sent, completed by the function driver and deleted.
    CreateToDelete {
        /// Filters above the function driver.
        filters: usize,
    },
    /// The middle of that: a formatted request sent and completed.
    SendToComplete {
        /// Filters above the function driver.
        filters: usize,
    },
    /// A request cancelled that the function driver holds, and completed by it.
    Cancel {
        /// Requests held when the first is cancelled.
        pending: usize,
    },
    /// A file closed, its requests completed cancelled and deleted, up to its end.
    Close {
        /// Requests held for that file.
        of_file: usize,
        /// Requests held for another one.
        of_others: usize,
    },
}

impl Work {
    /// Does it `times` times, of `times_max` that it is set up for.
    pub fn run(self, times: usize, times_max: usize) {
        match self {
            Work::CreateToDelete { filters } => create_to_delete(filters, times),
            Work::SendToComplete { filters } => send_to_complete(filters, times, times_max),
            Work::Cancel { pending } => cancel(pending, times, times_max),
            Work::Close { of_file, of_others } => close(of_file, of_others, times, times_max),
        }
    }
}

/// The stack is left to the end of the process: taking down what was not measured is not to be measured either.
fn on(filters: usize, function: Box<dyn Driver>) -> ManuallyDrop<Upper> {
    let mut drivers: Vec<Box<dyn Driver>> = Vec::new();
    drivers.resize_with(filters, || Box::new(Filter));
    drivers.push(function);
    ManuallyDrop::new(Upper::on(drivers))
}

fn create_to_delete(filters: usize, times: usize) {
    let mut upper = on(filters, Box::new(Completing));
    let file = upper.file();
    for _ in 0..WARM_UP + times {
        let request = upper.formatted(file);
        upper.send(request, 1);
        upper.delete(request);
    }
}

fn send_to_complete(filters: usize, times: usize, times_max: usize) {
    let mut upper = on(filters, Box::new(Completing));
    let file = upper.file();
    let requests: Vec<RequestId> = (0..WARM_UP + times_max).map(|_| upper.formatted(file)).collect();
    for request in &requests[..WARM_UP + times] {
        upper.send(*request, 1);
    }
}

fn cancel(pending: usize, times: usize, times_max: usize) {
    assert!(times_max <= pending, "{times_max} of {pending} cannot be cancelled");
    let mut upper = on(0, Box::new(Holding::default()));
    let file = upper.file();
    let requests = held(&mut upper, file, pending);
    // From all over, so that neither the oldest nor the newest has an advantage.
    for request in requests.iter().step_by(pending / times_max).take(times) {
        upper.cancel(*request);
    }
}

fn close(of_file: usize, of_others: usize, times: usize, times_max: usize) {
    let mut upper = on(0, Box::new(Holding::default()));
    let other = upper.file();
    held(&mut upper, other, of_others);
    let mut files = Vec::new();
    for _ in 0..times_max {
        let file = upper.file();
        files.push((file, held(&mut upper, file, of_file)));
    }
    for (file, requests) in &files[..times] {
        upper.close(*file, requests);
    }
}

fn held(upper: &mut Upper, file: FileId, count: usize) -> Vec<RequestId> {
    let hold = |_| {
        let request = upper.formatted(file);
        upper.send(request, 0);
        request
    };
    (0..count).map(hold).collect()
}
