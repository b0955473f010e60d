//! Whether a disk image is a VHD that can be deployed, by its last 512 bytes.

use super::flaws::Flaw;

/// How many bytes the footer has.
pub(super) const FOOTER: u64 = 512;

const COOKIE: &[u8] = b"conectix";
const FIXED: u32 = 2;

/// Whether these last bytes of a file are the footer of a VHD.
pub(super) fn is_footer(tail: &[u8]) -> bool {
    tail.len() as u64 == FOOTER && tail.starts_with(COOKIE)
}

/// Judges a disk image by its last bytes and its length. A deployable one is of fixed size, so its footer tells all.
///
/// # Errors
/// What is wrong with it, for its publisher.
pub(super) fn judge(tail: &[u8], length: u64) -> Result<(), Flaw> {
    let flaw = |message: &str, mend: &str| Err(Flaw::new("FileType", message, mend));
    if !is_footer(tail) {
        return flaw(
            "The file is no VHD: it does not end as one.",
            "Give a VHD of fixed size; convert a VHDX or a raw disk.",
        );
    }
    let number = |at: usize| tail[at..at + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let sum = tail.iter().enumerate().filter(|(at, _)| !(64..68).contains(at)).map(|(_, byte)| u32::from(*byte));
    if number(64) != !sum.sum::<u32>() {
        return flaw(
            "The VHD is damaged: the checksum of its footer does not fit.",
            "Make it anew, and upload it whole.",
        );
    }
    if number(60) != FIXED {
        return flaw("The VHD grows with what is on it.", "Convert it to a VHD of fixed size.");
    }
    let size = u64::from(number(48)) << 32 | u64::from(number(52));
    if size.checked_add(FOOTER) != Some(length) {
        return flaw("The VHD is shorter or longer than its footer says.", "Upload it whole.");
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::{FOOTER, judge};

    /// The footer of a VHD of so many bytes.
    pub(crate) fn footer(size: u64, kind: u32) -> Vec<u8> {
        let mut footer = vec![0_u8; 512];
        footer[..8].copy_from_slice(b"conectix");
        footer[48..56].copy_from_slice(&size.to_be_bytes());
        footer[60..64].copy_from_slice(&kind.to_be_bytes());
        let sum: u32 = footer.iter().map(|byte| u32::from(*byte)).sum();
        footer[64..68].copy_from_slice(&(!sum).to_be_bytes());
        footer
    }

    #[test]
    fn a_fixed_vhd_is_taken_and_no_other() {
        let size = 5 << 32 | 7;
        assert_eq!(judge(&footer(size, 2), size + FOOTER), Ok(()));
        assert!(judge(&footer(size, 3), size + FOOTER).unwrap_err().message.contains("grows"));
        assert!(judge(&footer(size, 2), size).unwrap_err().message.contains("shorter or longer"));
        assert!(judge(&footer(u64::MAX, 2), 511).unwrap_err().message.contains("shorter or longer"));
        let mut damaged = footer(size, 2);
        damaged[100] = 1;
        assert!(judge(&damaged, size + FOOTER).unwrap_err().message.contains("damaged"));
        for tail in [&b""[..], b"conectix", &[0; 512]] {
            assert!(judge(tail, 512).unwrap_err().message.contains("no VHD"));
        }
    }
}
