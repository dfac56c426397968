//! The plain AEAD: one key, any nonce, at once or piece by piece.

use inout::InOutBuf;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::{Backend, Error, KEY_LEN, MAX_LEN, NONCE_LEN, TAG_LEN, portable};

/// AES-256-GCM under one key, with 12-byte nonces and 16-byte tags.
///
/// The key schedule and the powers of the hash key are wiped on drop.
pub struct Aes256Gcm {
    key: portable::Key,
}

impl Aes256Gcm {
    /// Sets up a key. `longest` is the length of the longest input that will be sealed or opened under it:
    /// precomputation goes as far as that pays. A longer input works all the same.
    #[must_use]
    pub fn new(_backend: Backend, key: &[u8; KEY_LEN], longest: usize) -> Aes256Gcm {
        let _ = longest;
        Aes256Gcm { key: portable::Key::new(key) }
    }

    /// Encrypts `buf` and writes its tag. The nonce must never repeat under one key.
    ///
    /// # Errors
    /// [`Error::Length`] over [`MAX_LEN`] bytes.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buf: InOutBuf<'_, '_, u8>,
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Error> {
        let mut stream = self.stream(nonce, aad);
        stream.seal(buf)?;
        *tag = stream.finish();
        Ok(())
    }

    /// Decrypts `buf` and checks its tag, in constant time.
    ///
    /// # Errors
    /// [`Error::BadTag`], with the output wiped; [`Error::Length`] over [`MAX_LEN`] bytes.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        mut buf: InOutBuf<'_, '_, u8>,
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let mut stream = self.stream(nonce, aad);
        stream.open(buf.reborrow())?;
        stream.verify(tag).inspect_err(|_| buf.get_out().zeroize())
    }

    /// Begins a message whose bytes come in pieces.
    #[must_use]
    pub fn stream(&self, nonce: &[u8; NONCE_LEN], aad: &[u8]) -> Stream<'_> {
        Stream { state: portable::State::new(&self.key, nonce, aad), left: MAX_LEN }
    }
}

impl core::fmt::Debug for Aes256Gcm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Aes256Gcm").finish_non_exhaustive()
    }
}

/// One message under one nonce, piece by piece; pieces have any length, and each source byte is loaded once.
///
/// Use it one way: only [`seal`](Stream::seal), or only [`open`](Stream::open) and [`absorb`](Stream::absorb).
/// What `open` writes is unauthenticated until [`verify`](Stream::verify) said so, and is the caller's to wipe when it
/// did not.
pub struct Stream<'k> {
    state: portable::State<'k>,
    left: u64,
}

impl Stream<'_> {
    /// Encrypts the next piece.
    ///
    /// # Errors
    /// [`Error::Length`] when the message goes over [`MAX_LEN`] bytes; nothing of the piece is written then.
    pub fn seal(&mut self, piece: InOutBuf<'_, '_, u8>) -> Result<(), Error> {
        self.count(piece.len())?;
        self.state.seal(piece);
        Ok(())
    }

    /// Decrypts the next piece.
    ///
    /// # Errors
    /// As [`Stream::seal`].
    pub fn open(&mut self, piece: InOutBuf<'_, '_, u8>) -> Result<(), Error> {
        self.count(piece.len())?;
        self.state.open(piece);
        Ok(())
    }

    /// Takes the next piece of ciphertext into the tag, without decrypting it: for bytes that are not wanted.
    ///
    /// # Errors
    /// As [`Stream::seal`].
    pub fn absorb(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.count(piece.len())?;
        self.state.absorb(piece);
        Ok(())
    }

    /// The tag of all that was sealed.
    #[must_use]
    pub fn finish(self) -> [u8; TAG_LEN] {
        self.state.finish()
    }

    /// Compares the tag of all that was opened or absorbed, in constant time.
    ///
    /// # Errors
    /// [`Error::BadTag`] with chunk 0.
    pub fn verify(self, tag: &[u8; TAG_LEN]) -> Result<(), Error> {
        let mut expected = self.finish();
        let equal = expected.ct_eq(tag);
        expected.zeroize();
        if equal.into() { Ok(()) } else { Err(Error::BadTag { chunk: 0 }) }
    }

    fn count(&mut self, len: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(len as u64).ok_or(Error::Length)?;
        Ok(())
    }
}

impl core::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
