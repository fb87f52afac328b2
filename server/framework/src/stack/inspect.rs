//! Questions about a stack that change nothing: outstanding files (STOP-5), requests, layers.

use crate::callback::Callback;
use crate::device::DeviceState;
use crate::driver::DeviceConfig;
use crate::file::{File, FileState};
use crate::ids::{FileId, Level, ReceivedId, RequestLabel};
use crate::report::{OutstandingFile, OutstandingReport, OutstandingRequest, RequestAtLayer};
use crate::request::{Request, RequestState, RequestView};

use super::core::Core;

/// One hosted layer, for people.
#[derive(Debug, Clone)]
pub struct LayerDescription {
    /// Its position.
    pub level: Level,
    /// Its driver's name.
    pub driver: String,
    /// What the driver declared.
    pub config: DeviceConfig,
    /// Whether it implements `OnCreateFile` on the queue that gets creates.
    pub handles_create: bool,
    /// Where it is in its PnP life.
    pub state: DeviceState,
}

impl Core {
    /// Every file that is not destroyed, with the requests that keep it.
    pub(crate) fn outstanding(&self) -> OutstandingReport {
        let open = self.files.iter().filter(|(_, file)| file.state != FileState::Gone);
        let mut files: Vec<OutstandingFile> = open.map(|(id, file)| self.outstanding_file(id, file)).collect();
        files.sort_by_key(|file| file.label);
        OutstandingReport { files, leaked_handles: self.handles.leaked().cloned().collect() }
    }

    fn outstanding_file(&self, id: FileId, file: &File) -> OutstandingFile {
        let tied = file.io.members(&self.received);
        // A packet may be tied to the file by several hops; it is one request.
        let mut requests: Vec<OutstandingRequest> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for hop in tied.iter().map(|hop| &self.received[*hop]).filter(|hop| seen.insert(hop.request)) {
            requests.push(self.outstanding_request(hop.request));
        }
        let undeleted = |request: &Request| request.file == Some(id) && request.state == RequestState::Completed;
        for (request, _) in self.requests.iter().filter(|(_, request)| undeleted(request)) {
            requests.push(self.outstanding_request(request));
        }
        OutstandingFile {
            label: file.label,
            tag: file.tag,
            creator: self.devices[file.creator].level,
            owner: self.devices[file.creator].tag(),
            name: file.name.as_deref().unwrap_or("").to_owned(),
            state: file.state,
            requests,
        }
    }

    fn outstanding_request(&self, id: crate::ids::RequestId) -> OutstandingRequest {
        let request = &self.requests[id];
        let mut layers: Vec<RequestAtLayer> = std::iter::successors(request.current, |hop| self.received[*hop].parent)
            .map(|hop| self.at_layer(hop))
            .collect();
        layers.reverse();
        OutstandingRequest {
            label: RequestLabel { creator: self.devices[request.creator].level, number: request.number },
            kind: request.kind(),
            completed: request.state == RequestState::Completed,
            cancel_requested: request.cancelled,
            age: self.now.monotonic.saturating_sub(request.sent_at),
            layers,
        }
    }

    fn at_layer(&self, hop: ReceivedId) -> RequestAtLayer {
        let hop = &self.received[hop];
        let device = &self.devices[hop.receiver];
        RequestAtLayer { level: device.level, driver: device.name.clone(), state: hop.state }
    }

    pub(crate) fn has_request(&self, id: crate::ids::RequestId) -> bool {
        self.requests.contains_key(id)
    }

    pub(crate) fn request_view(&self, id: crate::ids::RequestId) -> Option<RequestView> {
        let request = self.requests.get(id).filter(|request| !request.is_create)?;
        Some(RequestView {
            state: request.state,
            status: request.status,
            kind: request.kind(),
            cancel_requested: request.cancelled,
            completion: (request.state == RequestState::Completed).then(|| request.completion()),
        })
    }

    pub(crate) fn describe_layers(&self) -> Vec<LayerDescription> {
        let hosted = self.layers.iter().map(|id| &self.devices[*id]);
        hosted
            .filter_map(|device| {
                let inner = device.hosted()?;
                let create = inner.route(crate::io::IoKind::Create);
                Some(LayerDescription {
                    level: device.level,
                    driver: device.name.clone(),
                    config: inner.config.clone(),
                    handles_create: create.is_some_and(|(_, handler)| handler == Some(Callback::OnCreateFile)),
                    state: device.state,
                })
            })
            .collect()
    }
}
