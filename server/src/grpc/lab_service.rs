//! `LabService`: stacks from the outside. Decodes, asks the lab, encodes; decides nothing.

use std::sync::Arc;

use lowerdeck_framework::stack::StackState;
use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::status::Refusal;
use super::trace_stream::{TraceSource, TraceStream};
use super::{Streams, from_proto, lab_to_proto, to_proto};
use crate::host::error::HostError;
use crate::host::limits::Limits;
use crate::session::Sessions;
use crate::session::error::SessionError;
use crate::session::lab::{Laboratory, Plugged, RemovalOutcome, StackInstance};

/// The service.
pub struct LabService {
    laboratory: Arc<Laboratory>,
    sessions: Arc<Sessions>,
    limits: Arc<Limits>,
    streams: Streams,
    trace_streams: Arc<Semaphore>,
}

impl LabService {
    /// Serves the stacks of `laboratory`.
    pub fn new(
        laboratory: Arc<Laboratory>,
        sessions: Arc<Sessions>,
        limits: Arc<Limits>,
        streams: Streams,
    ) -> LabService {
        let permits = usize::try_from(limits.trace_streams_max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        LabService { laboratory, sessions, limits, streams, trace_streams: Arc::new(Semaphore::new(permits)) }
    }

    fn instance(&self, name: String) -> Result<Arc<StackInstance>, Refusal> {
        Ok(self.laboratory.instance(&from_proto::stack_name("stack", name)?)?)
    }

    fn page_size(&self, asked: u32) -> usize {
        let limit = usize::try_from(self.limits.page_entries_max).unwrap_or(usize::MAX);
        if asked == 0 { limit } else { limit.min(asked as usize) }
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl v1::lab_service_server::LabService for LabService {
    async fn list_stacks(&self, request: Request<v1::ListStacksRequest>) -> Answer<v1::ListStacksResponse> {
        let message = request.into_inner();
        let first = usize::try_from(from_proto::page_token(&message.page_token)?).unwrap_or(usize::MAX);
        let size = self.page_size(message.page_size);
        let stacks = self.laboratory.list();
        let next = first.saturating_add(size);
        let next_page_token = if next < stacks.len() { next.to_string() } else { String::new() };
        let stacks = stacks.into_iter().skip(first).take(size).map(lab_to_proto::summary).collect();
        Ok(Response::new(v1::ListStacksResponse { stacks, next_page_token }))
    }

    async fn describe_stack(&self, request: Request<v1::DescribeStackRequest>) -> Answer<v1::DescribeStackResponse> {
        let name = from_proto::stack_name("stack", request.into_inner().stack)?;
        let description = self.laboratory.describe(&name).map_err(Refusal::from)?;
        Ok(Response::new(v1::DescribeStackResponse { stack: Some(lab_to_proto::description(description)) }))
    }

    async fn plug_stack(&self, request: Request<v1::PlugStackRequest>) -> Answer<v1::PlugStackResponse> {
        if self.sessions.is_draining() {
            let retry_after = super::RETRY_AFTER_END;
            return Err(Refusal::from(SessionError::Draining { retry_after }).into());
        }
        let declaration = from_proto::declaration(request.into_inner())?;
        let name = match self.laboratory.plug(declaration).map_err(Refusal::from)? {
            Plugged::Template(name) => name,
            Plugged::Shared(instance) => {
                instance.started().await.map_err(Refusal::from)?;
                instance.name().to_owned()
            }
        };
        let description = self.laboratory.describe(&name).map_err(Refusal::from)?;
        Ok(Response::new(v1::PlugStackResponse { stack: Some(lab_to_proto::description(description)) }))
    }

    async fn unplug_stack(&self, request: Request<v1::UnplugStackRequest>) -> Answer<v1::UnplugStackResponse> {
        let name = from_proto::stack_name("name", request.into_inner().name)?;
        let description = self.laboratory.describe(&name).map_err(Refusal::from)?;
        let lowest = description.layers.len();
        let answer = match self.laboratory.unplug(&name).await.map_err(Refusal::from)? {
            RemovalOutcome::Removed => v1::UnplugStackResponse { hresult: HResult::S_OK.0, vetoed_by: String::new() },
            RemovalOutcome::Vetoed { level, status } => {
                let vetoed_by = if usize::from(level.0) == lowest { "T".to_owned() } else { level.to_string() };
                v1::UnplugStackResponse { hresult: status.0, vetoed_by }
            }
        };
        Ok(Response::new(answer))
    }

    async fn surprise_remove_stack(
        &self,
        request: Request<v1::SurpriseRemoveStackRequest>,
    ) -> Answer<v1::SurpriseRemoveStackResponse> {
        let instance = self.instance(request.into_inner().stack)?;
        instance.surprise_remove().await.map_err(Refusal::from)?;
        Ok(Response::new(v1::SurpriseRemoveStackResponse {}))
    }

    async fn set_power_state(&self, request: Request<v1::SetPowerStateRequest>) -> Answer<v1::SetPowerStateResponse> {
        let message = request.into_inner();
        let instance = self.instance(message.stack)?;
        let power = from_proto::power_state(message.power_state)?;
        instance.set_power(power).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::SetPowerStateResponse {}))
    }

    async fn rebalance_stack(&self, request: Request<v1::RebalanceStackRequest>) -> Answer<v1::RebalanceStackResponse> {
        let instance = self.instance(request.into_inner().stack)?;
        let veto = instance.rebalance().await.map_err(Refusal::from)?;
        let lowest = instance.lowest();
        let (level, status) = veto.unwrap_or_default();
        let vetoed_by = veto.map(|_| lab_to_proto::layer_name(level, lowest)).unwrap_or_default();
        Ok(Response::new(v1::RebalanceStackResponse { hresult: status.0, vetoed_by }))
    }

    async fn control_driver(&self, request: Request<v1::ControlDriverRequest>) -> Answer<v1::ControlDriverResponse> {
        let message = request.into_inner();
        let instance = self.instance(message.stack)?;
        let command = from_proto::command(message.command)?;
        let reply = instance.control(message.layer, &command).map_err(Refusal::from)?;
        Ok(Response::new(v1::ControlDriverResponse { reply }))
    }

    async fn advance_clock(&self, request: Request<v1::AdvanceClockRequest>) -> Answer<v1::AdvanceClockResponse> {
        let message = request.into_inner();
        let instance = self.instance(message.stack)?;
        let now = instance.advance_clock(message.ticks, message.wall_clock_shift_ticks).map_err(Refusal::from)?;
        let time_ticks = to_proto::ticks(now.monotonic);
        Ok(Response::new(v1::AdvanceClockResponse { time_ticks, wall_clock_ticks: now.wall }))
    }

    async fn read_trace(&self, request: Request<v1::ReadTraceRequest>) -> Answer<v1::ReadTraceResponse> {
        let message = request.into_inner();
        let instance = self.instance(message.stack)?;
        let piece = instance.trace_after(message.after_sequence, message.limit as usize).map_err(Refusal::from)?;
        let entries = piece.entries.iter().map(|entry| lab_to_proto::trace_entry(entry, piece.lowest)).collect();
        let (next_after_sequence, dropped) = (piece.next_after, piece.dropped);
        Ok(Response::new(v1::ReadTraceResponse { entries, next_after_sequence, dropped }))
    }

    type FollowTraceStream = TraceStream;

    async fn follow_trace(&self, request: Request<v1::FollowTraceRequest>) -> Answer<TraceStream> {
        let message = request.into_inner();
        let instance = self.instance(message.stack)?;
        let permit = Arc::clone(&self.trace_streams).try_acquire_owned().map_err(|_| {
            let (name, value) = ("trace_streams_max", self.limits.trace_streams_max);
            Refusal::from(HostError::LimitReached { name, value, advice: "end a stream first" })
        })?;
        let source = TraceSource::new(instance, message.after_sequence, self.streams.clone(), permit);
        Ok(Response::new(TraceStream::new(source)))
    }

    async fn list_findings(&self, request: Request<v1::ListFindingsRequest>) -> Answer<v1::ListFindingsResponse> {
        let message = request.into_inner();
        let after = from_proto::page_token(&message.page_token)?;
        let instance = self.instance(message.stack)?;
        let verdicts = instance.verdicts_after(after, self.page_size(message.page_size)).map_err(Refusal::from)?;
        let last = verdicts.findings.last().filter(|_| verdicts.more);
        Ok(Response::new(v1::ListFindingsResponse {
            next_page_token: last.map(|last| last.sequence.to_string()).unwrap_or_default(),
            findings: verdicts.findings.iter().map(|finding| lab_to_proto::finding(finding, verdicts.lowest)).collect(),
            driver_stop: verdicts.stop.as_deref().map(lab_to_proto::driver_stop),
        }))
    }

    async fn get_outstanding_files(
        &self,
        request: Request<v1::GetOutstandingFilesRequest>,
    ) -> Answer<v1::GetOutstandingFilesResponse> {
        let report = self.instance(request.into_inner().stack)?.outstanding().map_err(Refusal::from)?;
        Ok(Response::new(v1::GetOutstandingFilesResponse { report: Some(lab_to_proto::outstanding(&report)) }))
    }
}

/// Whether a stack in `state` works, for its health service.
pub(super) fn works(state: Option<StackState>) -> bool {
    state.is_none_or(|state| matches!(state, StackState::Added | StackState::Starting | StackState::Started))
}
