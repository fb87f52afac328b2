//! What was read, for a terminal: offsets, hexadecimal and characters.

use std::fmt::Write;

/// Bytes per line.
const WIDTH: usize = 16;

/// A hex dump; `offset` is that of the first byte.
pub(super) fn hex_dump(offset: i64, data: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in data.chunks(WIDTH).enumerate() {
        let position = offset.wrapping_add((index * WIDTH) as i64);
        let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let characters: String = line
            .iter()
            .map(|byte| match byte {
                0x20..=0x7E => char::from(*byte),
                _ => '.',
            })
            .collect();
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{position:08x}  {:<47}  {characters}", bytes.join(" "));
    }
    text
}

/// Two digits per byte.
pub(super) fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
