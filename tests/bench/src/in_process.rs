//! The framework alone: a request created, formatted, sent, completed and deleted, in one process and one thread.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;

use lowerdeck_client::load::Stopwatch;
use lowerdeck_drivers::definition::StackDefinition;
use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::effect::{CallResult, Effect};
use lowerdeck_framework::ids::{CallId, DeviceId, FileId};
use lowerdeck_framework::io::{FormatIo, SendOptions};
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::memory::InputMemory;
use lowerdeck_framework::stack::{Stack, StackConfig, UpperConfig};
use lowerdeck_framework::verifier::VerifierMode;

use crate::report::{Report, RowReport, Section};
use crate::run::Options;

/// Requests between two looks at the clock.
const ROUNDS_PER_LOOK: u64 = 1000;

/// Pass-through layers that one more is measured by.
const FURTHER_LAYERS: usize = 4;

/// Measures one layer, and what each further one adds.
pub fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    if !options.wants("in-process-one") && !options.wants("in-process-further") {
        return Ok(());
    }
    let (mut one, mut further) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let top = Bench::new(0)?.measure(options.duration());
        let deep = Bench::new(FURTHER_LAYERS)?.measure(options.duration());
        one.push(top);
        further.push((deep - top) / FURTHER_LAYERS as f64);
    }
    let title = "in-process, one layer";
    report.rows.push(RowReport::absolute(Section::Work, "in-process-one", title, "ns", one, (250.0, 400.0)));
    let title = "in-process, each further pass-through layer";
    report.rows.push(RowReport::absolute(Section::Work, "in-process-further", title, "ns", further, (60.0, 100.0)));
    Ok(())
}

/// A started stack with one upper driver.
pub struct UpperStack {
    pub stack: Stack,
    pub upper: DeviceId,
    pub effects: Vec<Effect>,
    number: u64,
}

impl UpperStack {
    /// The stack that `expression` says.
    pub fn new(expression: &str) -> anyhow::Result<UpperStack> {
        let drivers = expression.parse::<StackDefinition>().context("the expression")?.build(0)?;
        let mut stack = Stack::new(StackConfig {
            drivers,
            verifier: VerifierMode::Strict,
            method_neither: Default::default(),
            trace_capacity: 16_384,
            findings_capacity: 16,
            scheduler: None,
            dispatcher: Default::default(),
            critical_operation_ticks: lowerdeck_framework::stack::CRITICAL_OPERATION_TICKS,
        })?;
        let now = Now::default();
        let upper = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        stack.run(now);
        Ok(UpperStack { stack, upper, effects: Vec::new(), number: 0 })
    }

    /// A number that was not used: of a call, a file, a request.
    pub fn new_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Runs the stack, and leaves what it yields in `effects`.
    pub fn run(&mut self) {
        self.effects.clear();
        self.stack.run(Now::default());
        self.stack.take_effects(&mut self.effects);
    }

    /// A new file.
    pub fn file(&mut self) -> anyhow::Result<FileId> {
        let number = self.new_number();
        let call = CallId(number);
        self.stack.create_requested(Now::default(), self.upper, number, u128::from(number), None, call);
        self.run();
        let opened = self.effects.drain(..).find_map(|effect| match effect {
            Effect::ReturnCall { result: CallResult::WdfFileCreated(created), .. } => Some(created),
            _ => None,
        });
        let Some(Ok(file)) = opened else { bail!("the file did not open: {opened:?}") };
        Ok(file)
    }
}

/// A stack with one file and what is sent for it.
struct Bench {
    on: UpperStack,
    file: FileId,
    io: FormatIo,
}

impl Bench {
    /// `null` under so many pass-through layers.
    fn new(pass_through: usize) -> anyhow::Result<Bench> {
        let mut on = UpperStack::new(&("passthrough / ".repeat(pass_through) + "null"))?;
        let file = on.file()?;
        let input = Some(InputMemory { data: Bytes::from_static(&[0x5A; 64]), window: None });
        let io = FormatIo::DeviceControl { code: IoControlCode(0x8000_2000), input, output: None };
        Ok(Bench { on, file, io })
    }

    /// One request from create to delete.
    fn round(&mut self) {
        let (on, now) = (&mut self.on, Now::default());
        let number = on.new_number();
        let request = on.stack.request_created(on.upper, number, true);
        black_box(on.stack.format_requested(on.upper, request, Some(self.file), self.io.clone()));
        black_box(on.stack.send_requested(now, on.upper, request, SendOptions::default()));
        on.run();
        black_box(&on.effects);
        on.stack.delete_requested(on.upper, request);
    }

    /// Nanoseconds of a round, over about `duration`.
    fn measure(&mut self, duration: Duration) -> f64 {
        let begun = Stopwatch::start();
        let mut rounds = 0;
        while begun.elapsed() < duration {
            (0..ROUNDS_PER_LOOK).for_each(|_| self.round());
            rounds += ROUNDS_PER_LOOK;
        }
        black_box(self.file);
        begun.elapsed().as_secs_f64() * 1e9 / rounds as f64
    }
}
