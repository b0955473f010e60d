//! Seals secrets for the database with keys that are kept beside it: AES-256-GCM, each text bound to its place.

use crate::clock::random_bytes;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// What every sealed text begins with: the form it is written in.
const FORM: &str = "v1.";

/// The longest id of a key, in characters.
const LONGEST_ID: usize = 32;

/// Why something was not sealed or unsealed. The texts name no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The key file cannot be used.
    #[error("the key file {path}: {fault}")]
    KeyFile {
        /// Where it is.
        path: String,
        /// What is wrong with it, and how to mend it.
        fault: String,
    },
    /// The key of this id is not in the key file.
    #[error("it is sealed with the key {0:?}, which is not in the key file; put the line of that key back into it")]
    UnknownKey(String),
    /// It does not open at this place.
    #[error(
        "it does not open: it was changed or moved, or the line of its key was; restore database and key file from a backup"
    )]
    Tampered,
    /// Nothing could be sealed.
    #[error("it could not be sealed: {0}; see whether the operating system gives randomness, and start again")]
    NotSealed(String),
}

/// The keys. The first of them seals, all of them open; cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Vec<Key>>);

struct Key {
    id: String,
    key: LessSafeKey,
}

impl Vault {
    /// Reads the key file. Where there is none it is made, with one key, readable by its owner only, and its directory too.
    ///
    /// The file has one key a line, `<id> <64 hexadecimal digits>`, and comments that begin with `#`.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] where it can be read by others, holds no key, one id twice, or a line that is no key.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let there = match read(path)? {
            Some(lines) => Some(lines),
            None => {
                make(path, &line_of_a_new_key()?).map_err(|error| unusable(path, &error))?;
                read(path)?
            }
        };
        let lines = there.ok_or_else(|| unusable(path, &io::Error::from(ErrorKind::NotFound)))?;
        Self::of_lines(path, &lines)
    }

    /// One key that dies with the process.
    ///
    /// # Errors
    /// [`VaultError::NotSealed`] where there is no randomness.
    pub fn in_memory() -> Result<Self, VaultError> {
        Self::of_lines(Path::new("(in memory)"), &line_of_a_new_key()?)
    }

    fn of_lines(path: &Path, lines: &str) -> Result<Self, VaultError> {
        let (mut keys, mut ids) = (Vec::new(), HashSet::new());
        for (number, line) in (1..).zip(lines.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || {
                let form =
                    format!("an id of 1 to {LONGEST_ID} letters, digits, `_` and `-`, a space, 64 hexadecimal digits");
                fault(path, format!("line {number} is no key; write {form}, or take the line out"))
            };
            let key = Key::of_line(line).ok_or_else(malformed)?;
            if !ids.insert(key.id.clone()) {
                let mend = "give the one of them that was added last another id";
                return Err(fault(path, format!("line {number} has the id of an earlier line; {mend}")));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            let mend = "put it back from a backup; if nothing was ever sealed, remove it to have one made";
            return Err(fault(path, format!("there is no key in it; {mend}")));
        }
        Ok(Self(Arc::new(keys)))
    }

    /// Seals with the first key. Opens only where `bound_to`, the name of its place, is the same.
    ///
    /// # Errors
    /// [`VaultError::NotSealed`] where there is no randomness.
    pub fn seal(&self, plain: &[u8], bound_to: &str) -> Result<String, VaultError> {
        let not_sealed = |error: &dyn fmt::Display| VaultError::NotSealed(error.to_string());
        let Key { id, key } = self.0.first().ok_or_else(|| not_sealed(&"there is no key"))?;
        let nonce: [u8; NONCE_LEN] = random_bytes().map_err(|error| not_sealed(&error))?;
        // All of it at once: a buffer that grows would leave the plain text behind in memory.
        let mut sealed = Vec::with_capacity(plain.len() + MAX_TAG_LEN);
        sealed.extend_from_slice(plain);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut sealed)
            .map_err(|error| not_sealed(&error))?;
        Ok(format!("{FORM}{id}.{}", URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// Opens what [`Vault::seal`] has sealed for the same place.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`], or [`VaultError::Tampered`] where it is not what was sealed for this place.
    pub fn unseal(&self, sealed: &str, bound_to: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (id, text) = parts(sealed).ok_or(VaultError::Tampered)?;
        let known = self.0.iter().find(|key| key.id == id);
        let Key { key, .. } = known.ok_or_else(|| VaultError::UnknownKey(id.to_owned()))?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| VaultError::Tampered)?;
        let mut bytes = Zeroizing::new(bytes);
        let nonce: [u8; NONCE_LEN] =
            bytes.get(..NONCE_LEN).and_then(|nonce| nonce.try_into().ok()).ok_or(VaultError::Tampered)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = key
            .open_within(nonce, Aad::from(bound_to), &mut bytes, NONCE_LEN..)
            .map_err(|_| VaultError::Tampered)?
            .len();
        bytes.truncate(plain);
        Ok(bytes)
    }

    /// Whether a text is sealed with the first key, and need not be sealed anew.
    pub fn is_newest(&self, sealed: &str) -> bool {
        parts(sealed).is_some_and(|(id, _)| self.0.first().is_some_and(|key| key.id == id))
    }
}

/// Whether a text has the form of a sealed one.
pub fn is_sealed(text: &str) -> bool {
    parts(text).is_some()
}

/// The id of the key and the sealed bytes as text.
fn parts(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix(FORM)?.split_once('.').filter(|(id, _)| is_id(id))
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl Key {
    fn of_line(line: &str) -> Option<Self> {
        let (id, digits) = line.split_once(char::is_whitespace)?;
        let digits = digits.trim_start();
        if !is_id(id) || digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = Zeroizing::new([0_u8; 32]);
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..][..2], 16).ok()?;
        }
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes[..]).ok()?);
        Some(Self { id: id.to_owned(), key })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vault").field(&self.0.iter().map(|key| &key.id).collect::<Vec<_>>()).finish()
    }
}

fn fault(path: &Path, fault: String) -> VaultError {
    VaultError::KeyFile { path: path.display().to_string(), fault }
}

/// A random id, so that a key made in the place of a lost one is not taken for it.
fn line_of_a_new_key() -> Result<Zeroizing<String>, VaultError> {
    let random = |error: &dyn fmt::Display| VaultError::NotSealed(error.to_string());
    let id: [u8; 4] = random_bytes().map_err(|error| random(&error))?;
    let key = Zeroizing::new(random_bytes::<32>().map_err(|error| random(&error))?);
    let mut line = Zeroizing::new(String::with_capacity(80));
    for (at, byte) in id.iter().chain(key.iter()).enumerate() {
        let space = if at == id.len() { " " } else { "" };
        write!(line, "{space}{byte:02x}").map_err(|error| random(&error))?;
    }
    Ok(line)
}

fn unusable(path: &Path, error: &io::Error) -> VaultError {
    fault(
        path,
        format!("{error}; let the service's user read it and write its directory, or name another with --key-file"),
    )
}

/// What is in the file; `None` where there is none.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, VaultError> {
    let unusable = |error: io::Error| unusable(path, &error);
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(unusable)?,
    };
    if file.metadata().map_err(unusable)?.permissions().mode() & 0o077 != 0 {
        return Err(fault(path, format!("others may use it; run: chmod 600 {}", path.display())));
    }
    let mut lines = Zeroizing::new(String::new());
    file.read_to_string(&mut lines).map_err(unusable)?;
    Ok(Some(lines))
}

/// Writes a key file with this line, whole or not at all and durable; one that is there already stays.
fn make(path: &Path, line: &str) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let unnamed = path.with_added_extension("new");
    let mut file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&unnamed)?;
    // Of two processes that start at once only one may make the key, or what the other seals is lost.
    file.lock()?;
    if path.try_exists()? {
        let _ = std::fs::remove_file(&unnamed);
        return Ok(());
    }
    // One that is left from a kill is written over, whoever made it.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    writeln!(file, "# The first key seals, all open. Back this file up, apart from the database.\n{line}")?;
    file.sync_all()?;
    std::fs::rename(&unnamed, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{Vault, VaultError, is_sealed};
    use std::fs::{OpenOptions, Permissions};
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::{Path, PathBuf};

    const PLACE: &str = "draft.secrets/contoso/web-gateway";

    fn key(id: &str, digit: char) -> String {
        format!("{id} {}\n", digit.to_string().repeat(64))
    }

    fn written(directory: &Path, lines: &str) -> PathBuf {
        let path = directory.join("secret.key");
        let _ = std::fs::remove_file(&path);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        path
    }

    fn of(lines: &str) -> Result<Vault, VaultError> {
        let directory = tempfile::tempdir().unwrap();
        Vault::open(&written(directory.path(), lines))
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_and_nowhere_else() {
        let vault = Vault::in_memory().unwrap();
        for plain in [&b""[..], b"x", &[7; 5_000]] {
            let sealed = vault.seal(plain, PLACE).unwrap();
            assert!(is_sealed(&sealed) && vault.is_newest(&sealed));
            assert_eq!(*vault.unseal(&sealed, PLACE).unwrap(), plain);
            assert_ne!(vault.seal(plain, PLACE).unwrap(), sealed, "a nonce is used once");
            for elsewhere in ["", "draft.secrets/contoso/web-gatewa", "version.secrets/contoso/web-gateway/1"] {
                assert_eq!(vault.unseal(&sealed, elsewhere), Err(VaultError::Tampered));
            }
        }
        for plain in ["{}", "", "v1", "v1.", "v1..x", "v2.a.b", "{\"v1.a.b\":\"\"}"] {
            assert!(!is_sealed(plain), "{plain}");
            assert_eq!(vault.unseal(plain, PLACE), Err(VaultError::Tampered), "{plain}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let vault = of(&key("a", '1')).unwrap();
        let sealed = vault.seal(b"hush", PLACE).unwrap();
        for at in 0..sealed.len() {
            for bit in 0..7 {
                let mut bytes = sealed.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let flipped = String::from_utf8(bytes).unwrap();
                let error = vault.unseal(&flipped, PLACE).expect_err(&flipped);
                assert!(at == 3 || error == VaultError::Tampered, "{at}: {error}");
            }
            assert!(vault.unseal(&sealed[..at], PLACE).is_err());
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = of(&key("old", '1')).unwrap();
        let sealed = old.seal(b"hush", PLACE).unwrap();
        let both = of(&format!("# rotated\n\n  {}{}", key("new", 'A'), key("old", '1'))).unwrap();
        assert_eq!(*both.unseal(&sealed, PLACE).unwrap(), b"hush");
        assert!(!both.is_newest(&sealed));
        let anew = both.seal(b"hush", PLACE).unwrap();
        let new = of(&key("new", 'a')).unwrap();
        assert_eq!(*new.unseal(&anew, PLACE).unwrap(), b"hush", "digits may be capitals");
        let error = new.unseal(&sealed, PLACE).unwrap_err();
        assert_eq!(error, VaultError::UnknownKey("old".into()));
        assert!(error.to_string().contains("put the line of that key back"), "{error}");
        assert_eq!(of(&key("old", '2')).unwrap().unseal(&sealed, PLACE), Err(VaultError::Tampered), "another key");
    }

    #[test]
    fn a_key_file_is_made_once_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys/secret.key");
        let vaults: Vec<Vault> = std::thread::scope(|scope| {
            let open = || Vault::open(&path).unwrap();
            let started: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            started.into_iter().map(|vault| vault.join().unwrap()).collect()
        });
        let sealed = vaults[0].seal(b"hush", PLACE).unwrap();
        for vault in &vaults {
            assert_eq!(*vault.unseal(&sealed, PLACE).unwrap(), b"hush", "all who started at once have one key");
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left there");
        assert_eq!(*Vault::open(&path).unwrap().unseal(&sealed, PLACE).unwrap(), b"hush");
        let file = std::fs::read_to_string(&path).unwrap();
        let secret = file.split_whitespace().last().unwrap();
        assert!(secret.len() == 64 && !format!("{:?}", vaults[0]).contains(secret));
    }

    #[test]
    fn a_key_that_was_half_written_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        std::fs::write(directory.path().join("secret.key.new"), "x".repeat(500)).unwrap();
        Vault::open(&path).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("xx"));
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = written(directory.path(), &key("a", '1'));
        for mode in [0o640, 0o604, 0o601, 0o660] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = Vault::open(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{mode:o}: {error}");
        }
        for mode in [0o600, 0o400] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Vault::open(&path).unwrap();
        }
    }

    #[test]
    fn a_broken_key_file_is_refused_without_a_word_of_what_is_in_it() {
        let good = key("a", '1');
        let long_id = "i".repeat(33);
        for (lines, expected) in [
            (String::new(), "there is no key in it"),
            ("# nothing\n\n".into(), "there is no key in it"),
            (format!("{good}{}", key("a", '2')), "line 2 has the id of an earlier line"),
            ("c0ffee".repeat(10), "line 1 is no key"),
            (format!("{good}# x\nb {}", "c0ffee".repeat(10)), "line 3 is no key"),
            (format!("b {}", "+c".repeat(32)), "line 1 is no key"),
            (format!("b {}zz", "c0ffee".repeat(10)), "line 1 is no key"),
            (format!("b {}c0ffeec0", "c0ffee".repeat(10)), "line 1 is no key"),
            (format!("b.c {}", "c0".repeat(32)), "line 1 is no key"),
            (key(&long_id, 'c'), "line 1 is no key"),
            ("b \u{e9}\u{e9}".into(), "line 1 is no key"),
        ] {
            let error = of(&lines).unwrap_err();
            let VaultError::KeyFile { fault, .. } = &error else { panic!("{error}") };
            assert!(fault.contains(expected), "{lines}: {error}");
            assert!(!fault.contains("c0") && !fault.contains("cc") && !fault.contains(&long_id), "{error}");
        }
    }
}
