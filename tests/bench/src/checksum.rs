//! A checksum of a file that is taken piece by piece, in any order: Fletcher's, over words of 64 bits.
//!
//! It is to cost next to nothing beside what moves the bytes, and to see what a reader could do wrong: a piece that is
//! wrong, missing, twice, or in another's place.

/// The checksum so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(u64);

impl Checksum {
    /// Takes the piece at `offset`.
    pub fn take(&mut self, offset: u64, piece: &[u8]) {
        let (mut sum, mut sum_of_sums) = (1_u64, 0_u64);
        let words = piece.chunks_exact(8);
        let mut rest = [0; 8];
        rest[..words.remainder().len()].copy_from_slice(words.remainder());
        for word in words {
            sum = sum.wrapping_add(u64::from_le_bytes(word.try_into().unwrap_or_default()));
            sum_of_sums = sum_of_sums.wrapping_add(sum);
        }
        sum = sum.wrapping_add(u64::from_le_bytes(rest));
        sum_of_sums = sum_of_sums.wrapping_add(sum);
        // An odd factor, another one for each place.
        let place = offset.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let both = sum.rotate_left(32) ^ sum_of_sums ^ piece.len() as u64;
        self.0 = self.0.wrapping_add(both.wrapping_mul(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[(u64, &[u8])]) -> Checksum {
        let mut checksum = Checksum::default();
        pieces.iter().for_each(|(offset, piece)| checksum.take(*offset, piece));
        checksum
    }

    #[test]
    fn the_order_of_pieces_does_not_matter() {
        assert_eq!(of(&[(0, b"one piece"), (16, b"another")]), of(&[(16, b"another"), (0, b"one piece")]));
    }

    #[test]
    fn whatever_a_reader_does_wrong_is_seen() {
        let right = of(&[(0, b"01234567abcdefgh"), (16, b"rest")]);
        let wrong: [&[(u64, &[u8])]; 7] = [
            &[(0, b"01234567abcdefgH"), (16, b"rest")],
            &[(0, b"abcdefgh01234567"), (16, b"rest")],
            &[(16, b"01234567abcdefgh"), (0, b"rest")],
            &[(0, b"01234567abcdefgh")],
            &[(0, b"01234567abcdefgh"), (16, b"rest"), (16, b"rest")],
            &[(0, b"01234567abcdefgh"), (16, b"rest\0")],
            &[(0, b"01234567abcdefgh"), (16, b"res")],
        ];
        for pieces in wrong {
            assert_ne!(of(pieces), right, "{pieces:?}");
        }
    }
}
