//! ERR-1, ERR-3, ERR-4 and REQ-55 on the codes the rule book names.

use super::*;

#[test]
fn l01_hresult_from_nt_and_win32() {
    assert_eq!(HResult::from_nt(0xC000_0120), HResult(0xD000_0120));
    assert_eq!(HResult::from_nt(0), HResult::S_OK);
    assert_eq!(HResult::from_win32(995), HResult(0x8007_03E3));
    assert_eq!(HResult::from_nt(0x8000_0005), HResult(0x9000_0005));
    assert_eq!(HResult::from_win32(0x8007_0057), HResult::E_INVALIDARG);
}

#[test]
fn classes_are_equal_inside_and_unequal_across() {
    let sets: [&[u32]; 5] = [
        &[0x8007_03E3, 0xD000_0120],
        &[0xD000_00B5, 0x8007_0079],
        &[0xD000_0184, 0x8007_0016],
        &[0xD000_0010, 0x8007_0001],
        &[0xD000_000D, 0x8007_0057],
    ];
    for (i, a) in sets.iter().enumerate() {
        for (j, b) in sets.iter().enumerate() {
            for (x, y) in a.iter().flat_map(|x| b.iter().map(move |y| (*x, *y))) {
                assert_eq!(HResult(x).class() == HResult(y).class(), i == j, "{x:#x} and {y:#x}");
            }
        }
    }
    assert_ne!(HResult::ERROR_CANCELLED.class(), StatusClass::Cancelled);
}

#[test]
fn framework_facility_codes_are_mapped_at_completion() {
    assert_eq!(HResult::STATUS_WDF_PAUSED.at_completion(), HResult::STATUS_DEVICE_BUSY);
    assert_eq!(HResult(0xD020_0299).at_completion(), HResult::STATUS_INVALID_DEVICE_REQUEST);
    assert_eq!(HResult(0x8007_04C7).at_completion(), HResult(0x8007_04C7));
}

#[test]
fn names_and_numbers_parse_back() {
    for (code, name) in NAMED {
        assert_eq!(name.parse::<HResult>(), Ok(*code));
        assert_eq!(format!("{:#010x}", code.0).parse::<HResult>(), Ok(*code));
    }
    assert!("STATUS_NONSENSE".parse::<HResult>().is_err());
}
