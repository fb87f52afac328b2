//! Request types beyond read, write and ioctl: flush and information (of group C), internal device control (of H).

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::Io;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::ioctl;

use crate::DEFAULT;

/// Something a file system would know; the stack does not look at it.
const CLASS: u32 = 20;

/// Name, format, `GetType` below, all that the driver is told.
fn formats() -> [(&'static str, Io, &'static str, &'static str); 3] {
    let data = Some(Bytes::from_static(b"size"));
    [
        ("flush", Io::FlushBuffers, "11", "flush code=0x0 in=0 out=0 offset=0 data="),
        (
            "query-information",
            Io::QueryInformation { class: CLASS, size: Some(8) },
            "12",
            "query-information class=20 in=0 out=8 offset=0 data=",
        ),
        (
            "set-information",
            Io::SetInformation { class: CLASS, data },
            "13",
            "set-information class=20 in=4 out=0 offset=0 data=73697a65",
        ),
    ]
}

scenario! {
    c36_flush_and_information_reach_the_default_handler: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on default: hold");
        for (request, io, number, told) in formats() {
            s.request(request);
            assert_eq!(s.format(request, None, io.clone()), HResult::E_INVALIDARG);
            assert_eq!((s.state_of(request).as_str(), s.type_of(request).as_str()), ("Unformatted", ""));
            assert_eq!(s.send(request), HResult::STATUS_REQUEST_NOT_ACCEPTED);
            s.never(&format!("L1.Io({request}, {request})"));
            assert_eq!(s.format(request, Some("f"), io), HResult::S_OK);
            assert_eq!(s.type_of(request), request);
            assert_eq!(s.send(request), HResult::S_OK);
            s.once(&format!("L1.Io({request}, {request})"));
            assert_eq!(s.control(1, &format!("type {{{request}}}")), number);
            assert_eq!(s.control(1, &format!("parameters {{{request}}}")), told);
        }
        s.control(1, "complete {query-information} S_OK data=\"12345678\"");
        let queried = s.completion("query-information").expect("it was completed");
        assert_eq!((queried.data, queried.echo.kind.as_str()), (Bytes::from_static(b"12345678"), "query-information"));
        s.control(1, "complete {flush} S_OK");
        s.control(1, "complete {set-information} S_OK 4");
        assert_eq!((s.ended("flush"), s.ended("set-information")), ((HResult::S_OK, 0), (HResult::S_OK, 4)));
        s.close("f");
    }
}

scenario! {
    c36_a_driver_without_default_handler_is_never_asked: stack("scripted(default_io=none)"), [framework, wire], |s| {
        s.open("f");
        for (request, io, ..) in formats() {
            s.start(request, "f", io);
            assert_eq!(s.ended(request), (HResult::STATUS_INVALID_DEVICE_REQUEST, 0));
        }
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    c36_a_filter_without_default_handler_passes_them_on: stack("passthrough / scripted"), [framework, wire], |s| {
        s.open("f");
        for (request, io, ..) in formats() {
            s.start(request, "f", io);
            s.once(&format!("L2.Io({request}, {request})"));
            assert_eq!(s.ended(request), (HResult::S_OK, 0));
        }
        s.close("f");
    }
}

scenario! {
    c36_a_hosted_driver_sends_them_too: stack(crate::FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: send(flush, number=901), send(query-information, number=902, class=5, length=24), \
                      send(set-information, number=903, class=4, length=8)");
        s.open("f");
        s.start("r", "f", lowerdeck_tests::stage::read(4));
        for (kind, number) in [("flush", 901), ("query-information", 902), ("set-information", 903)] {
            s.order(&format!("L2.Io({kind}, L1:{number}) < L1.OnCompletion(L1:{number}, S_OK)"));
        }
        s.close("f");
    }
}

scenario! {
    c36_their_parameters_have_getters: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on default: hold");
        for (request, io, ..) in formats() {
            s.start(request, "f", io);
        }
        for (request, got, other) in [
            ("query-information", "class=20 length=8", "set-information"),
            ("set-information", "class=20 length=4", "query-information"),
        ] {
            assert_eq!(s.control(1, &format!("parameters {{{request}}} {request}")), got);
            assert_eq!(s.control(1, &format!("parameters {{{request}}} {request} null")), "E_INVALIDARG");
            let wrong = s.control(1, &format!("parameters {{{request}}} {other}"));
            assert_eq!(wrong, "STATUS_INVALID_DEVICE_REQUEST");
        }
        for (request, ..) in formats() {
            s.control(1, &format!("complete {{{request}}} S_OK"));
        }
        s.close("f");
    }
}

scenario! {
    h14_internal_device_control_is_refused: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        let refusal = s.format_is_refused("r", "f", Io::InternalDeviceControl { code: 0x8000_2000 });
        if let Some(reason) = refusal {
            assert!(reason.starts_with("InvalidArgument: ") && reason.contains("IOC-14"), "{reason}");
        }
        assert_eq!(s.state_of("r"), "Unformatted");
        assert_eq!(s.send("r"), HResult::STATUS_REQUEST_NOT_ACCEPTED);
        s.never("L1.Io");
        // The same code as an ordinary device control goes through.
        assert_eq!(s.format("r", Some("f"), ioctl(0x8000_2000)), HResult::S_OK);
        assert_eq!(s.send("r"), HResult::S_OK);
        s.once("L1.Io(ioctl, r)");
        s.close("f");
    }
}
