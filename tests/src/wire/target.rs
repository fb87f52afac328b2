//! The default target of the wire back end: the empty target id.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;

use super::{Wire, messages};
use crate::backend::{Call, DefaultTarget, Outcome, SentIoAction};

impl DefaultTarget for Wire {
    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call {
        let mut device = self.clients.device.clone();
        let target_id = String::new();
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
        let target = v1::GetTargetRequest { target_id: String::new() };
        self.run(self.clients.device.clone().get_target(target)).has_target_file
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
        let request = v1::GetTargetRequest { target_id: String::new() };
        let reply = self.run(self.clients.device.clone().get_target(request));
        messages::target_state_number(reply.state())
    }
}
