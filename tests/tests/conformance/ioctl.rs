//! Group H: I/O control codes and buffers.

use bytes::Bytes;
use lowerdeck_framework::ioctl::{IoControlCode, TransferMethod};
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::Io;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{copying, stack};
use lowerdeck_tests::stage::{ioctl, read};

use crate::DEFAULT;

scenario! {
    h04_method_neither_is_rejected_by_default: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", ioctl(IoControlCode::new(0x22, 0x800, TransferMethod::Neither, 0).0));
        assert_eq!(s.ended("r"), (HResult::STATUS_INVALID_DEVICE_REQUEST, 0));
        s.never("L1.Io");
        s.start("b", "f", ioctl(IoControlCode::new(0x22, 0x800, TransferMethod::Buffered, 0).0));
        assert_eq!(s.ended("b"), (HResult::S_OK, 0));
        s.once("L1.Io(ioctl, b)");
        s.close("f");
    }
}

scenario! {
    h05_method_neither_copied: copying(DEFAULT), [framework, wire], |s| {
        s.control(1, "on ioctl: hold");
        s.open("f");
        let code = IoControlCode::new(0x22, 0x800, TransferMethod::Neither, 0).0;
        s.start("r", "f", Io::DeviceControl { code, input: Some(Bytes::from_static(b"hi!")), output: Some(4) });
        s.once("L1.Io(ioctl, r)");
        assert_eq!(s.control(1, "parameters {r}"), "ioctl code=0x222003 in=3 out=4 offset=0 data=686921");
        assert_eq!(s.control(1, "input-memory {r}"), "686921");
        assert_eq!(s.control(1, "output-memory {r}"), "00000000");
        s.control(1, "complete {r} S_OK data=\"pong\"");
        let done = s.completion("r").expect("it was completed");
        assert_eq!((done.status, done.information, done.data), (HResult::S_OK, 4, Bytes::from_static(b"pong")));
        s.close("f");
    }
}

mod h01_layout {
    use super::*;

    #[test]
    fn framework() {
        assert_eq!(IoControlCode::new(0x8000, 0x800, TransferMethod::Buffered, 0), IoControlCode(0x8000_2000));
        assert_eq!(IoControlCode::new(0x22, 0x801, TransferMethod::OutDirect, 1), IoControlCode(0x0022_6006));
        assert_eq!(IoControlCode::new(0xFFFF, 0xFFF, TransferMethod::Neither, 3), IoControlCode(0xFFFF_FFFF));
    }
}

scenario! {
    h02_full_comparison: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        let base = IoControlCode::new(0x8000, 0x800, TransferMethod::Buffered, 0).0;
        let other_method = IoControlCode::new(0x8000, 0x800, TransferMethod::OutDirect, 0).0;
        let other_access = IoControlCode::new(0x8000, 0x800, TransferMethod::Buffered, 1).0;
        for (code, status) in [(base, "0xE0000001"), (other_method, "0xE0000002"), (other_access, "0xE0000003")] {
            s.control(1, &format!("on ioctl code={code:#010x}: complete({status})"));
        }
        for (request, code, status) in
            [("a", base, 0xE000_0001), ("b", other_method, 0xE000_0002), ("c", other_access, 0xE000_0003)]
        {
            s.start(request, "f", ioctl(code));
            assert_eq!(s.ended(request).0, HResult(status));
        }
        s.close("f");
    }
}

scenario! {
    h06_not_reapplied_between_layers: stack(crate::FORWARDING), [framework, wire], |s| {
        s.open("f");
        let code = IoControlCode::new(0x22, 0x800, TransferMethod::Neither, 0).0;
        s.control(1, &format!("on read: send(ioctl, number=900, code={code:#010x}), hold"));
        s.start("r", "f", read(4));
        s.order("L2.Io(ioctl, L1:900) < L2.Done(L1:900, S_OK)");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    h07_zero_lengths: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        let code = 0x8000_2000;
        for (request, input, output) in [
            ("none", None, None),
            ("input", Some(Bytes::from_static(b"in")), None),
            ("output", None, Some(4)),
        ] {
            s.start(request, "f", Io::DeviceControl { code, input, output });
            s.once(&format!("L1.Io(ioctl, {request})"));
            assert_eq!(s.ended(request), (HResult::S_OK, 0));
        }
        s.close("f");
    }
}

scenario! {
    h11_no_access_check_within_the_stack: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", ioctl(IoControlCode::new(0x22, 0x801, TransferMethod::Buffered, 3).0));
        s.once("L1.Io(ioctl, r)");
        assert_eq!(s.ended("r").0, HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    h12_vendor_range_untouched: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on ioctl: complete(0xE000BEEF)");
        s.start("r", "f", ioctl(0xDEAD_BEEC));
        s.once("L1.Io(ioctl, r)");
        assert_eq!(s.ended("r").0, HResult(0xE000_BEEF));
        s.close("f");
    }
}
