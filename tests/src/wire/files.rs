//! The files of the wire back end, by the ids the server gave.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;

use super::{Wire, session};
use crate::backend::{Call, Files, Outcome};

impl Files for Wire {
    fn begin_create(&mut self, file: u64, name: Option<&str>) -> Call {
        let name = name.map(str::to_owned);
        let rpc = session::create(self.clients.clone(), file, name.clone());
        self.begin("CreateWdfFile", Some((file, name)), None, rpc)
    }

    fn begin_close(&mut self, file: u64) -> Call {
        let message = v1::CloseRequest { file_id: self.file(file) };
        if let Some(call) = self.submit_close(message.clone()) {
            return call;
        }
        let mut device = self.clients.device.clone();
        self.begin("Close", None, None, async move { device.close(message).await.map(|_| Outcome::Void) })
    }

    fn open_elsewhere(&mut self, file: u64) {
        let other = self.server.run(session::another(&self.server, &self.stack));
        let created = self.server.run(session::create(other.clone(), file, None));
        assert_eq!(created.unwrap_or_else(|status| panic!("{status:?}")), Outcome::Status(HResult::S_OK));
        self.clients.remember(file, other.file(file));
        self.others.push(other);
    }

    fn forget_file(&mut self, file: u64) {
        self.clients.forget(file);
    }

    fn delete_file(&mut self, file: u64) -> HResult {
        let message = v1::DeleteFileRequest { file_id: self.file(file) };
        HResult(self.run(self.clients.device.clone().delete_file(message)).hresult)
    }

    fn cancel_for_file(&mut self, file: u64) {
        let message = v1::CancelSentRequestsForFileRequest { file_id: self.file(file), target_id: String::new() };
        self.perform(message);
    }

    fn close_in_completion(&mut self, request: u64, file: u64) {
        self.closes.insert(request, file);
    }
}
