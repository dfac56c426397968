//! Where root keys come from: a file, a callback of the caller's, a passphrase. Never the environment, which every child
//! process inherits and every crash report shows.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ossenc::{Argon2id, Error, ImageInfo, KEY_LEN, Kdf, Secret};
use zeroize::Zeroizing;

/// Why there is no root key.
#[derive(Debug)]
#[non_exhaustive]
pub enum RootKeyError {
    /// The file is not what a root key's file has to be.
    File(&'static str),
    /// The file system refused.
    Io(io::Error),
    /// What was given is no root key, or does not go with the keystore.
    Key(Error),
    /// The caller's callback refused.
    Callback(Box<dyn std::error::Error + Send + Sync>),
}

impl core::fmt::Display for RootKeyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            RootKeyError::File(what) => write!(f, "the root key's file: {what}"),
            RootKeyError::Io(error) => write!(f, "the root key's file: {error}"),
            RootKeyError::Key(error) => write!(f, "the root key: {error}"),
            RootKeyError::Callback(error) => write!(f, "the root key: {error}"),
        }
    }
}

impl std::error::Error for RootKeyError {}

impl From<io::Error> for RootKeyError {
    fn from(error: io::Error) -> RootKeyError {
        RootKeyError::Io(error)
    }
}

impl From<Error> for RootKeyError {
    fn from(error: Error) -> RootKeyError {
        RootKeyError::Key(error)
    }
}

/// Gives the root key of an image.
pub trait RootKeySource {
    /// The root key for an image of which this is known, unauthenticated: its `root_key_id` says which one is wanted.
    ///
    /// # Errors
    /// [`RootKeyError`].
    fn root_key(&self, image: &ImageInfo) -> Result<Secret, RootKeyError>;
}

/// A file that holds a root key: 32 bytes, or 64 hexadecimal digits and perhaps a line feed.
///
/// It is read anew each time. It has to be a regular file, not a symbolic link, that only its owner may read or write.
#[derive(Clone, Debug)]
pub struct RootKeyFile(pub PathBuf);

impl RootKeySource for RootKeyFile {
    fn root_key(&self, image: &ImageInfo) -> Result<Secret, RootKeyError> {
        if image.kdf != Kdf::None {
            return Err(Error::Argument("this keystore is under a passphrase").into());
        }
        read_key(open_private(&self.0)?)
    }
}

/// Opens a file that holds a secret: a regular file, not a symbolic link, that only its owner may read or write.
///
/// # Errors
/// [`RootKeyError::File`], [`RootKeyError::Io`].
pub fn open_private(path: &Path) -> Result<File, RootKeyError> {
    let named = std::fs::symlink_metadata(path)?;
    if named.file_type().is_symlink() {
        return Err(RootKeyError::File("it is a symbolic link"));
    }
    // Before it is opened: opening a pipe blocks.
    if !named.is_file() {
        return Err(RootKeyError::File("it is no regular file"));
    }
    let file = File::open(path)?;
    check_owner_only(&named, &file.metadata()?)?;
    Ok(file)
}

/// Reads a key: 32 bytes, or 64 hexadecimal digits and perhaps a line feed, and nothing after them. The source should be
/// unbuffered, since a buffer is not wiped.
///
/// # Errors
/// [`RootKeyError::File`] for other lengths and digits; [`RootKeyError::Io`].
pub fn read_key(source: impl Read) -> Result<Secret, RootKeyError> {
    let mut text = Zeroizing::new([0; 2 * KEY_LEN + 2]);
    let len = read_up_to(source, &mut text[..])?;
    match (len, text[2 * KEY_LEN]) {
        (KEY_LEN, _) => Ok(Secret::from_slice(&text[..KEY_LEN])?),
        (64, _) | (65, b'\n') => from_hex(text.first_chunk().expect("64 of 66 bytes")),
        _ => Err(RootKeyError::File("neither 32 bytes nor 64 hexadecimal digits")),
    }
}

/// That nobody else may read it, and that it was not exchanged since its name was looked at.
#[cfg(unix)]
fn check_owner_only(named: &std::fs::Metadata, opened: &std::fs::Metadata) -> Result<(), RootKeyError> {
    use std::os::unix::fs::MetadataExt;
    if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
        return Err(RootKeyError::File("it was exchanged while it was opened"));
    }
    if opened.mode() & 0o077 != 0 {
        return Err(RootKeyError::File("others than its owner may use it: chmod it to 0600"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner_only(_: &std::fs::Metadata, _: &std::fs::Metadata) -> Result<(), RootKeyError> {
    Ok(())
}

/// Unbuffered, so that no copy of the key is left behind.
fn read_up_to(mut source: impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < out.len() {
        match source.read(&mut out[len..]) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Without a branch or an index that depends on a digit, but for whether all are digits.
fn from_hex(digits: &[u8; 2 * KEY_LEN]) -> Result<Secret, RootKeyError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let mut bad = 0;
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(hex_digit);
        bad |= (high | low) & 0xf0;
        *byte = high << 4 | low & 0x0f;
    }
    if bad != 0 {
        return Err(RootKeyError::File("neither 32 bytes nor 64 hexadecimal digits"));
    }
    Ok(Secret::new(&key))
}

/// 0 to 15, or 0xff.
fn hex_digit(digit: u8) -> u8 {
    // 0xff where digit is in first..=last, else 0: both differences are negative.
    let within = |first: u8, last: u8| {
        let outside = (i16::from(digit) - i16::from(first)) | (i16::from(last) - i16::from(digit));
        !((outside >> 15) as u8)
    };
    let (number, upper, lower) = (within(b'0', b'9'), within(b'A', b'F'), within(b'a', b'f'));
    let value = number & digit.wrapping_sub(b'0')
        | upper & digit.wrapping_sub(b'A' - 10)
        | lower & digit.wrapping_sub(b'a' - 10);
    value | !(number | upper | lower)
}

/// A function of the caller's that gives root keys: from an HSM, a service, a password manager. For an image under a
/// passphrase it gives what [`Argon2id::derive`] makes of that.
pub struct RootKeyCallback<F>(pub F);

impl<F> RootKeySource for RootKeyCallback<F>
where
    F: Fn(&ImageInfo) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>>,
{
    fn root_key(&self, image: &ImageInfo) -> Result<Secret, RootKeyError> {
        (self.0)(image).map_err(RootKeyError::Callback)
    }
}

impl<F> core::fmt::Debug for RootKeyCallback<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RootKeyCallback")
    }
}

/// A passphrase. What is derived from it is kept for as long as the salt stays the same, so that only the first load
/// takes its time.
pub struct Passphrase {
    passphrase: Zeroizing<Vec<u8>>,
    derived: Mutex<Option<(Argon2id, Secret)>>,
}

impl Passphrase {
    /// Takes a passphrase, and wipes it when it is dropped.
    #[must_use]
    pub fn new(passphrase: Zeroizing<Vec<u8>>) -> Passphrase {
        Passphrase { passphrase, derived: Mutex::new(None) }
    }
}

impl RootKeySource for Passphrase {
    fn root_key(&self, image: &ImageInfo) -> Result<Secret, RootKeyError> {
        let Kdf::Argon2id(argon2id) = image.kdf else {
            return Err(Error::Argument("this keystore is not under a passphrase").into());
        };
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        match &*derived {
            Some((of, key)) if *of == argon2id => Ok(key.clone()),
            _ => {
                let key = argon2id.derive(&self.passphrase)?;
                *derived = Some((argon2id, key.clone()));
                Ok(key)
            }
        }
    }
}

impl core::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passphrase")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hexadecimal_digits_and_nothing_else() {
        for digit in 0..=u8::MAX {
            let expected = char::from(digit).to_digit(16).map_or(0xff, |value| value as u8);
            assert_eq!(super::hex_digit(digit), expected, "{digit}");
        }
    }
}
