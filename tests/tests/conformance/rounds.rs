//! The same thing ten thousand times: nothing grows, and no id comes back to life.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{Backend, Files, Lab, Requests};
use lowerdeck_tests::explore::{Choices, Schedule};
use lowerdeck_tests::in_process::InProcess;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::read;
use lowerdeck_tests::wire::Wire;

use crate::DEFAULT;

fn in_process() -> InProcess {
    InProcess::new(&stack(DEFAULT), Choices::new(Schedule::OldestFirst))
}

mod d21_resend_from_on_completion {
    use super::*;

    const FILE: u64 = 1;
    const REQUEST: u64 = 2;

    /// Each round: `OnCompletion`, `Reuse` with the callback, `Format`, `Send`; L1 completes inside `OnRead`.
    fn resend(upper: &mut dyn Backend, rounds: usize) {
        upper.begin_create(FILE, None);
        upper.create_request(REQUEST, true);
        let mut completions = 0;
        for round in 0..rounds {
            if round > 0 {
                upper.reuse(REQUEST, HResult::S_OK, true);
            }
            assert_eq!(upper.format(REQUEST, Some(FILE), read(4)), Ok(HResult::S_OK));
            assert_eq!(upper.send(REQUEST, 0, 0), HResult::S_OK);
            let new = upper.take_completions();
            assert!(
                new.iter().all(|done| (done.request, done.status, done.information) == (REQUEST, HResult::S_OK, 4))
            );
            completions += new.len();
            assert_eq!(completions, round + 1);
        }
        let report = upper.outstanding();
        assert_eq!(
            (report.len(), report[0].requests.len()),
            (1, 1),
            "one file, one undeleted request: no round left anything"
        );
        assert_eq!(upper.delete(REQUEST), HResult::S_OK);
        upper.begin_close(FILE);
        assert_eq!(upper.outstanding(), []);
    }

    #[test]
    fn framework() {
        resend(&mut in_process(), 10_000);
    }

    /// A tenth of the rounds: each is five round trips to the server.
    #[test]
    fn wire() {
        resend(&mut Wire::new(&stack(DEFAULT)), 1_000);
    }
}

mod k02_stale_ids {
    use lowerdeck_proto::v1;
    use lowerdeck_tests::wire::{Server, open};
    use tonic::Code;

    use super::*;

    const CREATIONS: u64 = 10_000;
    const FIRST: u64 = 100;
    const LIVE: u64 = FIRST + CREATIONS;

    /// The live file and request may well lie where the stale ones lay: an id is more than a place.
    #[test]
    fn framework() {
        let mut upper = in_process();
        upper.control(1, "on read: arm").expect("a rule");
        upper.begin_create(1, None);
        upper.create_request(2, true);
        assert_eq!(upper.delete(2), HResult::S_OK);
        upper.begin_close(1);
        for number in (FIRST..LIVE).step_by(2) {
            upper.begin_create(number, None);
            upper.create_request(number + 1, true);
            assert_eq!(upper.delete(number + 1), HResult::S_OK);
            upper.begin_close(number);
        }
        upper.begin_create(LIVE, None);
        upper.create_request(LIVE + 1, true);
        upper.create_request(LIVE + 2, true);
        assert_eq!(upper.format(LIVE + 1, Some(LIVE), read(4)), Ok(HResult::S_OK));
        assert_eq!(upper.send(LIVE + 1, 0, 0), HResult::S_OK);
        for stale in [2, FIRST + 1, LIVE - 1] {
            assert_eq!(upper.view(stale), None);
            assert!(!upper.cancel(stale).is_true());
            assert!(!upper.send(stale, 0, 0).is_success());
        }
        for stale in [1, FIRST, LIVE - 2] {
            assert_eq!(upper.format(LIVE + 2, Some(stale), read(4)), Ok(HResult::STATUS_FILE_CLOSED));
            upper.cancel_for_file(stale);
        }
        assert_eq!(upper.view(LIVE + 1).map(|view| view.state), Some("InFlight".to_owned()));
        assert_eq!(upper.outstanding().len(), 1);
    }

    #[test]
    fn wire() {
        let server = Server::start();
        let (clients, _, _events) = server.run(open(&server, &stack(DEFAULT)));
        let mut device = clients.device.clone();
        let create = v1::CreateWdfFileRequest { request_id: 1, file_name: None };
        let gone = server.run(device.create_wdf_file(create)).expect("payload").into_inner().file_id;
        server.run(device.close(v1::CloseRequest { file_id: gone.clone() })).expect("payload");
        let last = 1 + CREATIONS;
        for request_id in 2..=last {
            let create = v1::CreateRequestRequest { request_id, no_completion_callback: false };
            server.run(device.create_request(create)).expect("payload");
            if request_id < last {
                server.run(device.delete_request(v1::DeleteRequestRequest { request_id })).expect("payload");
            }
        }
        server.run(async {
            let get = |request_id| v1::GetRequestRequest { request_id };
            let code = |status: tonic::Status| status.code();
            for stale in [1, 2, CREATIONS] {
                let answer = device.get_request(get(stale)).await;
                assert_eq!(answer.map(drop).map_err(code), Err(Code::NotFound), "{stale}");
            }
            assert_eq!(device.get_request(get(9_999_999)).await.map(drop).map_err(code), Err(Code::PermissionDenied));
            let close = device.close(v1::CloseRequest { file_id: gone }).await;
            assert_eq!(close.map(drop).map_err(code), Err(Code::NotFound));
            let target = device.get_target(v1::GetTargetRequest { target_id: "released".to_owned() }).await;
            assert_eq!(target.map(drop).map_err(code), Err(Code::PermissionDenied), "no target was ever opened");
            let live = device.get_request(get(last)).await.expect("payload").into_inner();
            assert_eq!(live.state(), v1::RequestState::Unformatted, "the last one made lives, untouched");
        });
    }
}
