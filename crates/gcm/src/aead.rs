//! The plain AEAD: one key, any nonce, at once or piece by piece.

use inout::InOutBuf;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::declassify::declassify;
use crate::kernel::{Open, Seal, Verify};
use crate::nonce::{Nonces, j0};
use crate::{Backend, Error, KEY_LEN, MAX_LEN, NONCE_LEN, TAG_LEN, kernel, portable};

/// AES-256-GCM under one key, with 12-byte nonces and 16-byte tags.
///
/// The key schedule and the powers of the hash key are wiped on drop.
pub struct Aes256Gcm {
    key: Key,
}

#[expect(clippy::large_enum_variant, reason = "keys are few, and without an allocator there is no box")]
enum Key {
    Portable(portable::Key),
    Kernel(kernel::Key),
}

impl Aes256Gcm {
    /// Sets up a key. `longest` is the length of the longest input that will be sealed or opened under it:
    /// precomputation goes as far as that pays. A longer input works all the same.
    #[must_use]
    pub fn new(backend: Backend, key: &[u8; KEY_LEN], longest: usize) -> Aes256Gcm {
        let mut gcm = match backend.width() {
            Some(width) => Aes256Gcm { key: Key::Kernel(kernel::Key::unset(width)) },
            None => Aes256Gcm { key: Key::Portable(portable::Key::new(key)) },
        };
        if let Key::Kernel(unset) = &mut gcm.key {
            unset.set(key, longest);
        }
        gcm
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
        check_len(buf.len())?;
        self.seal_chunks(Nonces::from(nonce, 0), aad, &mut core::iter::once((buf, tag)));
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
        buf: InOutBuf<'_, '_, u8>,
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        check_len(buf.len())?;
        self.open_chunks(Nonces::from(nonce, 0), aad, &mut core::iter::once((buf, tag)))
            .map_err(|chunk| Error::BadTag { chunk })
    }

    /// Begins a message whose bytes come in pieces.
    #[must_use]
    pub fn stream(&self, nonce: &[u8; NONCE_LEN], aad: &[u8]) -> Stream<'_> {
        self.stream_from(&j0(nonce), aad)
    }

    /// Begins at any first counter block, as nonces of other lengths make it. For tests of the counter's wrap.
    #[doc(hidden)]
    #[must_use]
    pub fn stream_from(&self, j0: &[u8; 16], aad: &[u8]) -> Stream<'_> {
        let state = match &self.key {
            Key::Portable(key) => State::Portable(portable::State::new(key, j0, aad)),
            Key::Kernel(key) => State::Kernel(kernel::State::new(key, j0, aad)),
        };
        Stream { state, left: MAX_LEN }
    }

    /// Counter mode without a tag, over the whole groups of vectors in `buf`: what the kernel's speed is measured
    /// against. Does nothing on the portable backend.
    #[cfg(feature = "bench")]
    #[doc(hidden)]
    pub fn counter_mode(&self, buf: InOutBuf<'_, '_, u8>) {
        if let Key::Kernel(key) = &self.key {
            key.enter(kernel::CounterMode { key, buf });
        }
    }

    /// Seals each of `chunks` under the next nonce.
    pub(crate) fn seal_chunks<'i, 'o, 't>(
        &self,
        nonces: Nonces,
        aad: &[u8],
        chunks: &mut dyn Iterator<Item = (InOutBuf<'i, 'o, u8>, &'t mut [u8; TAG_LEN])>,
    ) {
        match &self.key {
            Key::Kernel(key) => key.enter(Seal { key, nonces, aad, chunks }),
            Key::Portable(key) => {
                for ((body, tag), j0) in chunks.zip(nonces) {
                    let mut state = portable::State::new(key, &j0, aad);
                    state.seal(body);
                    *tag = state.finish();
                }
            }
        }
    }

    /// Opens chunks up to the first that does not verify, wipes that one, and returns how many came before it.
    pub(crate) fn open_chunks<'i, 'o, 't>(
        &self,
        nonces: Nonces,
        aad: &[u8],
        chunks: &mut dyn Iterator<Item = (InOutBuf<'i, 'o, u8>, &'t [u8; TAG_LEN])>,
    ) -> Result<(), u64> {
        match &self.key {
            Key::Kernel(key) => key.enter(Open { key, nonces, aad, chunks }),
            Key::Portable(key) => {
                for (((mut body, tag), j0), number) in chunks.zip(nonces).zip(0..) {
                    let mut state = portable::State::new(key, &j0, aad);
                    state.open(body.reborrow());
                    if !equal(&state.finish(), tag) {
                        body.get_out().zeroize();
                        return Err(number);
                    }
                }
                Ok(())
            }
        }
    }

    /// Verifies chunks up to the first that fails, and returns how many came before it.
    pub(crate) fn verify_chunks<'i>(
        &self,
        nonces: Nonces,
        chunks: &mut dyn Iterator<Item = (&'i [u8], &'i [u8; TAG_LEN])>,
    ) -> Result<(), u64> {
        match &self.key {
            Key::Kernel(key) => key.enter(Verify { key, nonces, chunks }),
            Key::Portable(key) => {
                for (((body, tag), j0), number) in chunks.zip(nonces).zip(0..) {
                    let mut state = portable::State::new(key, &j0, &[]);
                    state.absorb(body);
                    if !equal(&state.finish(), tag) {
                        return Err(number);
                    }
                }
                Ok(())
            }
        }
    }
}

/// Refuses what one nonce may not encrypt.
pub(crate) fn check_len(len: usize) -> Result<(), Error> {
    if len as u64 <= MAX_LEN { Ok(()) } else { Err(Error::Length) }
}

/// Whether two tags are equal: all that its time tells is that answer.
#[inline(always)]
pub(crate) fn equal(x: &[u8; TAG_LEN], y: &[u8; TAG_LEN]) -> bool {
    declassify(u128::from_ne_bytes(*x).ct_eq(&u128::from_ne_bytes(*y)).into())
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
    state: State<'k>,
    left: u64,
}

enum State<'k> {
    Portable(portable::State<'k>),
    Kernel(kernel::State<'k>),
}

impl Stream<'_> {
    /// Encrypts the next piece.
    ///
    /// # Errors
    /// [`Error::Length`] when the message goes over [`MAX_LEN`] bytes; nothing of the piece is written then.
    pub fn seal(&mut self, piece: InOutBuf<'_, '_, u8>) -> Result<(), Error> {
        self.count(piece.len())?;
        match &mut self.state {
            State::Portable(state) => state.seal(piece),
            State::Kernel(state) => state.seal(piece),
        }
        Ok(())
    }

    /// Decrypts the next piece.
    ///
    /// # Errors
    /// As [`Stream::seal`].
    pub fn open(&mut self, piece: InOutBuf<'_, '_, u8>) -> Result<(), Error> {
        self.count(piece.len())?;
        match &mut self.state {
            State::Portable(state) => state.open(piece),
            State::Kernel(state) => state.open(piece),
        }
        Ok(())
    }

    /// Takes the next piece of ciphertext into the tag, without decrypting it: for bytes that are not wanted.
    ///
    /// # Errors
    /// As [`Stream::seal`].
    pub fn absorb(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.count(piece.len())?;
        match &mut self.state {
            State::Portable(state) => state.absorb(piece),
            State::Kernel(state) => state.absorb(piece),
        }
        Ok(())
    }

    /// The tag of all that was sealed.
    #[must_use]
    pub fn finish(self) -> [u8; TAG_LEN] {
        match self.state {
            State::Portable(state) => state.finish(),
            State::Kernel(state) => state.finish(),
        }
    }

    /// Compares the tag of all that was opened or absorbed, in constant time.
    ///
    /// # Errors
    /// [`Error::BadTag`] with chunk 0.
    pub fn verify(self, tag: &[u8; TAG_LEN]) -> Result<(), Error> {
        let mut expected = self.finish();
        let equal = equal(&expected, tag);
        expected.zeroize();
        if equal { Ok(()) } else { Err(Error::BadTag { chunk: 0 }) }
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
