//! The lab bench: stacks from the outside. Needs no session.

use std::time::Duration;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::lab_service_client::LabServiceClient;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

use crate::error::Error;
use crate::limits;

/// A bench on one server. Cheap to clone. Every call is made once: what is plugged twice gives the same answer, so a
/// caller may repeat what was interrupted, except for `control_driver`, `advance_clock` and `rebalance_stack`. Where a
/// stack is named, `NAME@n` is the n-th life of a shared stack that was restarted or plugged again (STOP-7).
#[derive(Debug, Clone)]
pub struct Lab {
    client: LabServiceClient<Channel>,
}

/// The verifier's record of a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Findings in order of their numbers.
    pub findings: Vec<v1::Finding>,
    /// The driver stop that ended the stack, if one did.
    pub driver_stop: Option<v1::DriverStop>,
}

/// A stack's trace as it grows.
#[derive(Debug)]
pub struct TraceStream {
    stream: Streaming<v1::FollowTraceResponse>,
}

impl Lab {
    /// A bench on the server of this channel.
    pub fn new(channel: Channel) -> Lab {
        let client = LabServiceClient::new(channel);
        Lab { client: client.max_decoding_message_size(limits::MESSAGE_BYTES) }
    }

    /// All templates, shared stacks and instances.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_stacks(&self) -> Result<Vec<v1::StackSummary>, Error> {
        let mut stacks = Vec::new();
        let mut page_token = String::new();
        loop {
            let message = v1::ListStacksRequest { page_size: limits::PAGE_SIZE, page_token };
            let page = self.client.clone().list_stacks(message).await;
            let page = answer("ListStacks", page)?;
            stacks.extend(page.stacks);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(stacks);
            }
        }
    }

    /// One stack with its layers, top first.
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, or as every call.
    pub async fn describe_stack(&self, stack: &str) -> Result<v1::StackDescription, Error> {
        let stack = stack.to_owned();
        let message = v1::DescribeStackRequest { stack };
        let described = self.client.clone().describe_stack(message).await;
        let described = answer("DescribeStack", described)?;
        Ok(described.stack.unwrap_or_default())
    }

    /// Declares a template, or declares and starts a shared stack.
    ///
    /// # Errors
    /// `STACK_EXPRESSION_INVALID`, `STACK_NAME_IN_USE`, `STACK_START_FAILED`, or as every call.
    pub async fn plug_stack(&self, message: v1::PlugStackRequest) -> Result<v1::StackDescription, Error> {
        let plugged = self.client.clone().plug_stack(message).await;
        let plugged = answer("PlugStack", plugged)?;
        Ok(plugged.stack.unwrap_or_default())
    }

    /// Removes a shared stack or an instance, or forgets a template. A veto is a value.
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, `STACK_REMOVED`, `STACK_STOPPED`, or as every call.
    pub async fn unplug_stack(&self, name: &str) -> Result<v1::UnplugStackResponse, Error> {
        let name = name.to_owned();
        let message = v1::UnplugStackRequest { name };
        let unplugged = self.client.clone().unplug_stack(message).await;
        answer("UnplugStack", unplugged)
    }

    /// Takes the device of a shared stack or an instance away without asking anybody, and returns when the stack is
    /// removed (PNP-7).
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, `STACK_REMOVED`, `STACK_STOPPED`, or as every call.
    pub async fn surprise_remove_stack(&self, stack: &str) -> Result<(), Error> {
        let message = v1::SurpriseRemoveStackRequest { stack: stack.to_owned() };
        let removed = self.client.clone().surprise_remove_stack(message).await;
        answer("SurpriseRemoveStack", removed).map(|_| ())
    }

    /// Brings every driver of an instance into a power state, and returns when all are there (PNP-4).
    ///
    /// # Errors
    /// `FIELD_INVALID` for a state that a virtual stack does not have, `STACK_UNKNOWN`, `STACK_REMOVED`,
    /// `STACK_STOPPED`, or as every call.
    pub async fn set_power_state(&self, stack: &str, power_state: v1::PowerState) -> Result<(), Error> {
        let message = v1::SetPowerStateRequest { stack: stack.to_owned(), power_state: power_state.into() };
        let set = self.client.clone().set_power_state(message).await;
        answer("SetPowerState", set).map(|_| ())
    }

    /// Stops and starts every driver of an instance for other resources (PNP-4). A veto is a value (PNP-6).
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, `STACK_REMOVED`, `STACK_STOPPED`, or as every call.
    pub async fn rebalance_stack(&self, stack: &str) -> Result<v1::RebalanceStackResponse, Error> {
        let message = v1::RebalanceStackRequest { stack: stack.to_owned() };
        let rebalanced = self.client.clone().rebalance_stack(message).await;
        answer("RebalanceStack", rebalanced)
    }

    /// Gives a hosted driver a command in its own language, and returns its reply. Layer 1 is the next lower driver.
    ///
    /// # Errors
    /// `LAYER_UNKNOWN`, `DRIVER_NOT_CONTROLLABLE`, `CONTROL_COMMAND_INVALID`, or as every call.
    pub async fn control_driver(&self, stack: &str, layer: u32, command: &str) -> Result<String, Error> {
        let message = v1::ControlDriverRequest { stack: stack.to_owned(), layer, command: command.to_owned() };
        let controlled = self.client.clone().control_driver(message).await;
        answer("ControlDriver", controlled).map(|controlled| controlled.reply)
    }

    /// Moves a manual clock forward, and returns when everything that became due has been done.
    ///
    /// # Errors
    /// `CLOCK_NOT_MANUAL`, or as every call.
    pub async fn advance_clock(&self, stack: &str, duration: Duration) -> Result<v1::AdvanceClockResponse, Error> {
        let message = v1::AdvanceClockRequest {
            stack: stack.to_owned(),
            ticks: u64::try_from(duration.as_nanos() / 100).unwrap_or(u64::MAX),
            wall_clock_shift_ticks: 0,
        };
        let advanced = self.client.clone().advance_clock(message).await;
        answer("AdvanceClock", advanced)
    }

    /// A piece of a stack's trace after this entry; 0 for the beginning.
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, or as every call.
    pub async fn read_trace(&self, stack: &str, after_sequence: u64) -> Result<v1::ReadTraceResponse, Error> {
        let message = v1::ReadTraceRequest { stack: stack.to_owned(), after_sequence, limit: limits::PAGE_SIZE };
        let read = self.client.clone().read_trace(message).await;
        answer("ReadTrace", read)
    }

    /// The whole trace that the server still keeps, with the number of entries it does not.
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, or as every call.
    pub async fn read_whole_trace(&self, stack: &str) -> Result<(Vec<v1::TraceEntry>, u64), Error> {
        let (mut entries, mut dropped, mut after) = (Vec::new(), 0, 0);
        loop {
            let piece = self.read_trace(stack, after).await?;
            dropped += piece.dropped;
            if piece.entries.is_empty() {
                return Ok((entries, dropped));
            }
            entries.extend(piece.entries);
            after = piece.next_after_sequence;
        }
    }

    /// The trace as it grows, after this entry; 0 for the beginning.
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, or as every call.
    pub async fn follow_trace(&self, stack: &str, after_sequence: u64) -> Result<TraceStream, Error> {
        let message = v1::FollowTraceRequest { stack: stack.to_owned(), after_sequence };
        let stream = self.client.clone().follow_trace(message).await;
        let stream = answer("FollowTrace", stream)?;
        Ok(TraceStream { stream })
    }

    /// What the verifier recorded about a stack.
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, or as every call.
    pub async fn list_findings(&self, stack: &str) -> Result<Findings, Error> {
        let mut findings = Vec::new();
        let mut page_token = String::new();
        loop {
            let message = v1::ListFindingsRequest { stack: stack.to_owned(), page_size: limits::PAGE_SIZE, page_token };
            let page = self.client.clone().list_findings(message).await;
            let page = answer("ListFindings", page)?;
            findings.extend(page.findings);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                let driver_stop = page.driver_stop;
                return Ok(Findings { findings, driver_stop });
            }
        }
    }

    /// Which files of a stack are not gone, and who holds them (STOP-5).
    ///
    /// # Errors
    /// `STACK_UNKNOWN`, or as every call.
    pub async fn outstanding_files(&self, stack: &str) -> Result<v1::OutstandingReport, Error> {
        let stack = stack.to_owned();
        let message = v1::GetOutstandingFilesRequest { stack };
        let report = self.client.clone().get_outstanding_files(message).await;
        let report = answer("GetOutstandingFiles", report)?;
        Ok(report.report.unwrap_or_default())
    }
}

impl TraceStream {
    /// The next piece; `None` when the stack has ended and everything was sent. A piece without entries is a sign of
    /// life.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the connection was lost: follow again after the last entry seen.
    pub async fn next(&mut self) -> Result<Option<v1::FollowTraceResponse>, Error> {
        let message = self.stream.message().await;
        message.map_err(|status| Error::from_status("FollowTrace", &status))
    }
}

fn answer<T>(call: &'static str, response: Result<Response<T>, Status>) -> Result<T, Error> {
    match response {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(Error::from_status(call, &status)),
    }
}
