//! The form of a dump.

use super::hex_dump;

#[test]
fn a_dump_shows_offsets_digits_and_characters() {
    let data: Vec<u8> = (0x3E..0x50).collect();
    let expected = "\
00000100  3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d  >?@ABCDEFGHIJKLM
00000110  4e 4f                                            NO
";
    assert_eq!(hex_dump(0x100, &data), expected);
}
