//! Targets of the wire back end by their ids; the default target is the empty one.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;

use super::{Wire, messages};
use crate::backend::{Call, DefaultTarget, Outcome, SentIoAction};

impl Wire {
    /// Begins `Stop` of a target, or `Start` with None.
    pub(super) fn begin_change_of(&mut self, target_id: String, action: Option<SentIoAction>) -> Call {
        let mut device = self.clients.device.clone();
        match action {
            None => self.begin("Start", None, None, async move {
                let reply = device.start_target(v1::StartTargetRequest { target_id }).await?;
                Ok(Outcome::Status(HResult(reply.into_inner().hresult)))
            }),
            Some(action) => self.begin("Stop", None, None, async move {
                let action = messages::sent_io_action(action).into();
                let reply =
                    device.stop_target(v1::StopTargetRequest { target_id, action, ..Default::default() }).await?;
                Ok(Outcome::Status(HResult(reply.into_inner().hresult)))
            }),
        }
    }

    /// `GetState` and `GetTargetFile`.
    pub(super) fn target(&self, target_id: String) -> v1::GetTargetResponse {
        self.run(self.clients.device.clone().get_target(v1::GetTargetRequest { target_id }))
    }
}

impl DefaultTarget for Wire {
    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call {
        self.begin_change_of(String::new(), action)
    }

    fn begin_stop(&mut self, action: u32, inside: Option<u64>) -> Call {
        let mut device = self.clients.device.clone();
        let action = i32::try_from(action).expect("the script gives a number that the wire can carry");
        let (target_id, inside_completion_of) = (String::new(), inside.unwrap_or(0));
        self.begin("Stop", None, None, async move {
            let reply = device.stop_target(v1::StopTargetRequest { target_id, action, inside_completion_of }).await?;
            Ok(Outcome::Status(HResult(reply.into_inner().hresult)))
        })
    }

    fn has_target_file(&mut self) -> bool {
        self.target(String::new()).has_target_file
    }

    fn delete_target(&mut self) -> HResult {
        let request = v1::DeleteTargetRequest { target_id: String::new() };
        HResult(self.run(self.clients.device.clone().delete_target(request)).hresult)
    }

    fn begin_target_remove(&mut self) -> Call {
        let mut device = self.clients.device.clone();
        self.begin("Remove", None, None, async move {
            let request = v1::RemoveTargetRequest { target_id: String::new(), surprise: false };
            Ok(Outcome::Status(HResult(device.remove_target(request).await?.into_inner().hresult)))
        })
    }

    fn target_state(&mut self) -> u32 {
        messages::target_state_number(self.target(String::new()).state())
    }
}
