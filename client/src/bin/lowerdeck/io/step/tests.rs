//! Scripts that are understood, and what is said about those that are not.

use lowerdeck_client::v1::open_handle_request::Object;
use lowerdeck_client::v1::open_socket::Peer;

use super::{Input, Step, StepError, parse_script};

fn script(steps: &[&str]) -> Result<Vec<Step>, StepError> {
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    parse_script(&steps, Some("default"))
}

fn first(step: &str) -> Result<Step, StepError> {
    script(&["create", step]).map(|mut script| script.remove(1))
}

fn text(text: &str) -> Input {
    Input::Bytes(text.as_bytes().to_vec())
}

#[test]
fn a_script_without_create_opens_the_file_named_beside_it() {
    let steps = script(&["read 0 5"]).expect("well-formed");
    let name = Some("default".to_owned());
    assert_eq!(steps[0], Step::Create { name });
    assert_eq!(steps.len(), 2);
}

#[test]
fn a_script_may_begin_with_a_handle_and_has_one_thing_open() {
    let steps = script(&["create-pipe p", "read 0 5", "close", "open-file a.bin", "close"]).expect("well-formed");
    assert!(matches!(steps[0], Step::Open { .. }));
    assert_eq!(steps.len(), 5);
    let twice = script(&["create", "open-pipe p"]);
    assert_eq!(twice, Err(StepError::FileOpen { number: 2 }));
}

#[test]
fn each_way_to_open_a_handle_asks_for_what_it_says() {
    let object = |step: &str| match script(&[step]).map(|mut script| script.remove(0)) {
        Ok(Step::Open { object, .. }) => object,
        other => panic!("{other:?}"),
    };
    let Object::CreateFile(file) = object("open-file data/x.bin create") else { panic!("a file") };
    assert_eq!((file.name.as_str(), file.desired_access, file.creation_disposition), ("data/x.bin", 0xC000_0000, 2));
    let Object::CreateNamedPipe(pipe) = object("create-pipe P") else { panic!("a server end") };
    assert_eq!((pipe.name.as_str(), pipe.open_mode, pipe.pipe_mode), (r"\\.\pipe\P", 0x4000_0003, 6));
    let Object::CreateFile(end) = object(r"open-pipe \\.\pipe\P byte") else { panic!("a client end") };
    assert_eq!((end.name.as_str(), end.pipe_read_mode, end.flags_and_attributes), (r"\\.\pipe\P", 0, 0x4000_0000));
    let Object::OpenSocket(socket) = object("open-socket tcp:[::1]:7") else { panic!("a socket") };
    assert_eq!(socket.peer, Some(Peer::Tcp("[::1]:7".to_owned())));
}

#[test]
fn a_handle_that_makes_no_sense_is_refused_with_the_usage() {
    for step in ["open-file", "open-file x erase", "create-pipe p both", "open-pipe", "open-socket 127.0.0.1:7"] {
        let refused = script(&[step]);
        assert!(matches!(refused, Err(StepError::Usage { number: 1, .. })), "{step}: {refused:?}");
    }
}

#[test]
fn text_to_write_is_the_rest_of_the_step() {
    let input = text("two words");
    assert_eq!(first("write 0x10 two words"), Ok(Step::Write { offset: 16, input }));
}

#[test]
fn input_comes_from_digits_or_from_a_file() {
    let input = Input::Bytes(vec![0x00, 0xFF, 0x7A]);
    assert_eq!(first("write 0 hex:00ff7A"), Ok(Step::Write { offset: 0, input }));
    let input = Input::File("in.bin".into());
    assert_eq!(first("write 0 @in.bin"), Ok(Step::Write { offset: 0, input }));
}

#[test]
fn odd_or_wrong_hex_digits_are_refused() {
    for step in ["write 0 hex:0", "write 0 hex:0g", "write 0 hex:\u{e9}"] {
        assert_eq!(first(step), Err(StepError::Hex { number: 2 }), "{step}");
    }
}

#[test]
fn sizes_may_have_units() {
    let read = |offset, length| Ok(Step::Read { offset, length });
    assert_eq!(first("read 1MiB 64KiB"), read(1 << 20, 64 << 10));
    assert_eq!(first("read -1 0"), read(-1, 0));
}

#[test]
fn overflowing_numbers_are_refused_by_name() {
    let error = first("read 18446744073709551615 1").expect_err("beyond an offset");
    assert!(error.to_string().contains("is no offset"), "{error}");
    let error = first("read 0 18446744073709551615GiB").expect_err("beyond a length");
    assert!(error.to_string().contains("is no length"), "{error}");
    let error = first("ioctl 0x100000000").expect_err("beyond 32 bits");
    assert!(error.to_string().contains("32-bit control code"), "{error}");
}

#[test]
fn an_ioctl_has_optional_input_and_output() {
    let control = |input, output_length| Ok(Step::DeviceControl { code: 0x22_2004, input, output_length });
    assert_eq!(first("ioctl 0x222004"), control(text(""), 0));
    assert_eq!(first("ioctl 0x222004 abc"), control(text("abc"), 0));
    assert_eq!(first("ioctl 0x222004 - 16"), control(text(""), 16));
}

#[test]
fn a_flush_has_no_arguments_and_information_has_a_class() {
    assert_eq!(first("flush"), Ok(Step::Flush));
    assert!(matches!(first("flush now"), Err(StepError::Usage { usage: "flush", .. })));
    assert_eq!(first("query 5 24"), Ok(Step::QueryInformation { class: 5, length: 24 }));
    assert_eq!(first("set 20 hex:0010"), Ok(Step::SetInformation { class: 20, input: Input::Bytes(vec![0, 0x10]) }));
    let error = first("query 0x100000000 24").expect_err("beyond 32 bits");
    assert!(error.to_string().contains("32-bit information class"), "{error}");
}

#[test]
fn a_copy_has_an_optional_offset() {
    let path = || "data.bin".into();
    assert_eq!(first("copy-in data.bin"), Ok(Step::CopyIn { path: path(), offset: 0 }));
    assert_eq!(first("copy-out data.bin 1MiB 4KiB"), Ok(Step::CopyOut { path: path(), length: 1 << 20, offset: 4096 }));
}

#[test]
fn an_incomplete_step_is_answered_with_its_form() {
    let error = first("read").expect_err("incomplete");
    let usage = "read OFFSET LENGTH";
    assert_eq!(error, StepError::Usage { number: 2, usage });
    assert!(error.to_string().contains("all in one argument"));
}

#[test]
fn an_unknown_step_is_answered_with_those_there_are() {
    let error = first("erase 0").expect_err("unknown");
    assert!(error.to_string().contains("copy-out"), "{error}");
}

#[test]
fn io_after_close_needs_a_new_file() {
    let error = script(&["read 0 1", "close", "read 0 1"]);
    assert_eq!(error, Err(StepError::NoFile { number: 3 }));
    let error = script(&["create a", "create b"]);
    assert_eq!(error, Err(StepError::FileOpen { number: 2 }));
    assert!(script(&["create a", "close", "create b"]).is_ok());
}
