//! The classes of ERR-4 and the names.

use super::{HResult, NAMED, StatusClass};

#[test]
fn both_spellings_of_cancelled_are_one_class_and_1223_is_not() {
    assert!(HResult(0x8007_03E3).is_cancelled());
    assert!(HResult(0xD000_0120).is_cancelled());
    let own = HResult(0x8007_04C7);
    assert_eq!(own.class(), StatusClass::Other(own));
}

#[test]
fn a_warning_is_neither_success_nor_error() {
    let overflow = HResult(0x9000_0005);
    assert!(overflow.is_warning() && !overflow.is_success());
    assert!(!HResult(0xD000_0184).is_warning());
}

#[test]
fn a_code_without_name_prints_as_number() {
    assert_eq!(HResult(0xD000_0184).to_string(), "STATUS_INVALID_DEVICE_STATE");
    assert_eq!(HResult(0xDEAD_BEEF).to_string(), "0xDEADBEEF");
}

#[test]
fn no_code_is_named_twice() {
    for (index, (code, name)) in NAMED.iter().enumerate() {
        for (other, other_name) in &NAMED[index + 1..] {
            assert!(code != other && name != other_name, "{name} and {other_name}");
        }
    }
}
