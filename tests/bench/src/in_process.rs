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

/// Requests between two looks at the clock.
const ROUNDS_PER_LOOK: u64 = 1000;

/// A started stack with one upper driver and one file.
pub struct Bench {
    stack: Stack,
    upper: DeviceId,
    file: FileId,
    format: FormatIo,
    effects: Vec<Effect>,
    number: u64,
}

impl Bench {
    /// `null` under so many pass-through layers.
    pub fn new(pass_through: usize) -> anyhow::Result<Bench> {
        let expression = "passthrough / ".repeat(pass_through) + "null";
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
        stack.create_requested(now, upper, 1, 1, None, CallId(1));
        stack.run(now);
        let mut effects = Vec::new();
        stack.take_effects(&mut effects);
        let opened = effects.drain(..).find_map(|effect| match effect {
            Effect::ReturnCall { result: CallResult::WdfFileCreated(created), .. } => Some(created),
            _ => None,
        });
        let Some(Ok(file)) = opened else { bail!("the file did not open: {opened:?}") };
        let input = Some(InputMemory { data: Bytes::from_static(&[0x5A; 64]), window: None });
        let io = FormatIo::DeviceControl { code: IoControlCode(0x8000_2000), input, output: None };
        Ok(Bench { stack, upper, file, format: io, effects, number: 1 })
    }

    /// One request from create to delete.
    pub fn round(&mut self) {
        let now = Now::default();
        self.number += 1;
        let request = self.stack.request_created(self.upper, self.number, true);
        black_box(self.stack.format_requested(self.upper, request, Some(self.file), self.format.clone()));
        black_box(self.stack.send_requested(now, self.upper, request, SendOptions::default()));
        self.stack.run(now);
        self.stack.take_effects(&mut self.effects);
        black_box(&self.effects);
        self.effects.clear();
        self.stack.delete_requested(self.upper, request);
    }

    /// Nanoseconds of a round, over about `duration`.
    pub fn measure(&mut self, duration: Duration) -> f64 {
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
