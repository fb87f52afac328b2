//! Group L: the status vocabulary. Values only, so in-process only.

use lowerdeck_framework::status::{HResult, NAMED, StatusClass};
use lowerdeck_tests::backend::SentIoAction;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::read;

mod l01_hresult_from_nt_and_win32 {
    use super::*;

    #[test]
    fn framework() {
        assert_eq!(HResult::from_nt(0xC000_0120), HResult(0xD000_0120));
        assert_eq!(HResult::from_nt(0), HResult::S_OK);
        assert_eq!(HResult::from_win32(995), HResult(0x8007_03E3));
        assert_eq!(HResult::from_nt(0x8000_0005), HResult(0x9000_0005));
    }
}

mod l02_classes {
    use super::*;

    const SETS: [(StatusClass, [u32; 2]); 5] = [
        (StatusClass::Cancelled, [0x8007_03E3, 0xD000_0120]),
        (StatusClass::TimedOut, [0xD000_00B5, 0x8007_0079]),
        (StatusClass::BadState, [0xD000_0184, 0x8007_0016]),
        (StatusClass::Unsupported, [0xD000_0010, 0x8007_0001]),
        (StatusClass::BadArgument, [0xD000_000D, 0x8007_0057]),
    ];

    #[test]
    fn framework() {
        for (class, codes) in SETS {
            assert!(codes.iter().all(|code| HResult(*code).class() == class), "{class:?}");
        }
        let others = NAMED.iter().filter(|(code, _)| !SETS.iter().any(|(_, codes)| codes.contains(&code.0)));
        for (code, name) in others {
            assert!(!SETS.iter().any(|(class, _)| code.class() == *class), "{name}");
        }
    }
}

mod l03_nt_to_win32_view {
    use super::*;

    #[test]
    fn framework() {
        let pairs = [
            (0xC000_0010, 1),
            (0xC000_0184, 22),
            (0xC000_000D, 87),
            (0xC000_0120, 995),
            (0xC000_00B5, 121),
            (0xC000_00D0, 71),
            (0xC000_009A, 1450),
            (0xC000_0128, 6),
            (0xC000_0056, 5),
            (0xC000_0095, 534),
            (0x8000_0005, 234),
            (0xC000_0011, 38),
            (0xC000_014B, 109),
            (0xC000_00B0, 233),
            (0xC000_00B1, 232),
            (0xC000_00B3, 536),
            (0xC000_00AC, 231),
            (0xC000_0023, 122),
            (0xC000_00BB, 50),
            (0xC000_0450, 1291),
        ];
        for (nt, win32) in pairs {
            assert_eq!(HResult::from_nt(nt).win32_code(), Some(win32), "{nt:#x}");
        }
    }
}

mod l04_round_trip {
    use super::*;

    #[test]
    fn framework() {
        for (code, name) in NAMED {
            let again = match (code.nt_status(), code.win32_code()) {
                (Some(nt), _) => HResult::from_nt(nt),
                (None, Some(win32)) => HResult::from_win32(win32),
                (None, None) => panic!("{name} is neither NT nor Win32"),
            };
            assert_eq!(again, *code, "{name}");
        }
    }
}

scenario! {
    l05_framework_made_failures_have_information_0: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("busy", "f", read(4));
        s.start("undelivered", "f", read(4));
        s.cancel("undelivered");
        s.stop(SentIoAction::LeavePending);
        s.start("pended", "f", read(4));
        s.cancel("pended");
        s.start("removed", "f", read(4));
        s.control(1, "complete {busy} S_OK 4");
        s.remove_target();
        for request in ["undelivered", "pended", "removed"] {
            assert_eq!(s.ended(request), (HResult::ERROR_OPERATION_ABORTED, 0), "{request}");
        }
        s.close("f");
    }
}
