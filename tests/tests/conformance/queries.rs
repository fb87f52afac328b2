//! What drivers learn about files, requests and completions by asking (of groups A, B and D).

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{Echo, Io};
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{application, stack};
use lowerdeck_tests::stage::{Stage, ioctl, read, write};

use crate::DEFAULT;

const CODE: u32 = 0x8000_2000;

fn size_query(s: &mut Stage, name: &str) -> String {
    s.control(1, &format!("file-name \"{name}\""))
}

scenario! {
    a03_the_name_arrives_below: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        assert_eq!(size_query(s, "chan"), "S_OK 5");
        assert_eq!(s.control(1, "file-name chan 2"), "ERROR_INSUFFICIENT_BUFFER 5");
        assert_eq!(s.control(1, "file-name chan 4"), "ERROR_INSUFFICIENT_BUFFER 5");
        assert_eq!(s.control(1, "file-name chan 5"), "S_OK 5 \"chan\"");
        s.close("f");
        // Sizes are in UTF-16 units.
        assert_eq!(s.create_named("g", Some("\u{1d11e}")), HResult::S_OK);
        assert_eq!(size_query(s, "\u{1d11e}"), "S_OK 3");
        s.close("g");
    }
}

scenario! {
    a04_no_name: stack(DEFAULT), [framework, wire], |s| {
        for (file, name) in [("f", None), ("g", Some(""))] {
            assert_eq!(s.create_named(file, name), HResult::S_OK);
            assert_eq!(size_query(s, ""), "S_OK 1");
            assert_eq!(s.control(1, "file-name \"\" 1"), "S_OK 1 \"\"");
            s.close(file);
        }
    }
}

scenario! {
    a28_initiator_of_a_driver_created_file: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on create: hold");
        let call = s.begin_create("f", None);
        assert_eq!(s.control(1, "origin {f}"), "driver=TRUE mode=User process=0");
        s.control(1, "complete {f} S_OK");
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    b20_read_only_queries_after_close: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.start("r", "f", read(4));
        s.close("f");
        s.once("L0.Close.returned(f)");
        // r refers to the file at L1: its object is there.
        assert_eq!(s.control(1, "file-name chan 5"), "S_OK 5 \"chan\"");
        assert_eq!(s.control(1, "file-device chan"), "L1");
        s.never("L1.Close+");
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.Close+(f)");
    }
}

/// Opens, reads, closes with a request armed; L1's callbacks must be these whoever the opener is.
fn one_session_with(s: &mut Stage, origin: &str) {
    s.open("f");
    s.control(1, "on read: arm");
    s.start("r1", "f", read(4));
    s.start("r2", "f", read(4));
    assert_eq!(s.control(1, "origin {r1}"), origin);
    s.close("f");
    assert_eq!(s.ended("r1").0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(s.ended("r2").0, HResult::ERROR_OPERATION_ABORTED);
    let in_order =
        ["Create", "CreateDone", "Io", "Io", "Cleanup+", "Cleanup-", "OnCancel", "OnCancel", "Close+", "Close-"];
    let moments = s.moments();
    let seen = moments.iter().filter(|moment| moment.layer == 1 && in_order.contains(&moment.name.as_str()));
    assert_eq!(seen.map(|moment| moment.name.as_str()).collect::<Vec<_>>(), in_order);
}

/// Cleanup, both cancelled, close: as B02.
fn closes_in_order(s: &mut Stage) {
    for request in ["r1", "r2"] {
        s.order(&format!("L1.Cleanup-(f) < L1.OnCancel({request}) < L1.Done({request}, cancelled) < L1.Close+(f)"));
        s.order(&format!("L0.OnCompletion({request}, cancelled) < L1.Close+(f)"));
    }
}

scenario! {
    b30_application_file: application(DEFAULT), [framework], |s| {
        one_session_with(s, "driver=FALSE mode=User process=0");
        closes_in_order(s);
    }
}

scenario! {
    b31_origin_is_invisible_to_file_callbacks: application(DEFAULT), [framework], |s| {
        one_session_with(s, "driver=FALSE mode=User process=0");
    }
}

scenario! {
    b31_origin_of_an_upper_drivers_session: stack(DEFAULT), [framework, wire], |s| {
        one_session_with(s, "driver=TRUE mode=User process=0");
        closes_in_order(s);
    }
}

fn echo(kind: &str, code: u32, device_offset: i64, input_start: u64, output_start: u64) -> Echo {
    Echo { kind: kind.to_owned(), code, device_offset, input_start, output_start }
}

scenario! {
    d22_params_per_type: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("read", "f", Io::Read { size: Some(16), window: Some((4, 8)), offset: Some(512) });
        let data = Some(Bytes::from_static(b"0123456789"));
        s.start("write", "f", Io::Write { data, window: Some((3, 5)), offset: Some(1024) });
        s.control(1, "on ioctl: complete(S_OK, data=\"pong\")");
        let both = Io::DeviceControl { code: CODE, input: Some(Bytes::from_static(b"hi!")), output: Some(5) };
        s.start("ioctl", "f", both);
        for (request, bytes, expected) in [
            ("read", 8, echo("read", 0, 512, 0, 4)),
            ("write", 5, echo("write", 0, 1024, 3, 0)),
            ("ioctl", 4, echo("ioctl", CODE, 0, 0, 0)),
        ] {
            let completion = s.completion(request).expect("it has ended");
            assert_eq!((completion.status, completion.information), (HResult::S_OK, bytes), "{request}");
            assert_eq!(completion.echo, expected);
        }
        s.close("f");
    }
}

scenario! {
    d31_getter_on_the_wrong_type: stack(DEFAULT), [framework, wire], |s| {
        for trigger in ["read", "write", "ioctl"] {
            s.control(1, &format!("on {trigger}: hold"));
        }
        s.open("f");
        s.start("read", "f", Io::Read { size: Some(4), window: None, offset: Some(512) });
        s.start("write", "f", write(b"data"));
        s.start("ioctl", "f", ioctl(CODE));
        let got = ["length=4 offset=512", "length=4 offset=0", "code=0x80002000 in=0 out=0"];
        for (request, got) in ["read", "write", "ioctl"].into_iter().zip(got) {
            for getter in ["read", "write", "ioctl"] {
                let expected = if getter == request { got } else { "STATUS_INVALID_DEVICE_REQUEST" };
                assert_eq!(s.control(1, &format!("parameters {{{request}}} {getter}")), expected, "{request}");
            }
            assert_eq!(s.control(1, &format!("parameters {{{request}}} {request} null")), "E_INVALIDARG");
            s.control(1, &format!("complete {{{request}}} S_OK"));
            assert_eq!(s.ended(request), (HResult::S_OK, 0), "unharmed");
        }
        s.close("f");
    }
}

/// What L1 sees of the origin of L0's request.
fn origin_of_a_read(s: &mut Stage) -> String {
    s.control(1, "on read: hold");
    s.open("f");
    s.start("r", "f", read(4));
    let origin = s.control(1, "origin {r}");
    s.control(1, "complete {r} S_OK");
    s.close("f");
    origin
}

scenario! {
    d32_origin_of_an_upper_driver: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(origin_of_a_read(s), "driver=TRUE mode=User process=0");
    }
}

scenario! {
    d32_origin_of_an_application: application(DEFAULT), [framework], |s| {
        assert_eq!(origin_of_a_read(s), "driver=FALSE mode=User process=0");
    }
}
