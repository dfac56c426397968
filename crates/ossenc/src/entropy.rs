//! Where random bytes come from.

use crate::{Error, Result};

/// A source of uniformly random, unpredictable bytes, safe to use from many threads.
///
/// Everything that must not repeat or be guessed (data keys, salts, object ids, key material) is drawn from it, for
/// each message anew. Nothing is drawn ahead and kept, so a forked process or a restored snapshot repeats nothing that
/// its source does not repeat.
pub trait Entropy: Send + Sync {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`Error::NoEntropy`] if it cannot; the operation then ends without sealing anything.
    fn fill(&self, out: &mut [u8]) -> Result<()>;
}

/// The operating system's source (crate `getrandom`).
#[cfg(feature = "getrandom")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

#[cfg(feature = "getrandom")]
impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        getrandom::fill(out).map_err(|_| Error::NoEntropy)
    }
}

/// Refuses a source that plainly does not work: one that fails, repeats itself, or leaves zeros.
pub(crate) fn probe(source: &dyn Entropy) -> Result<()> {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    source.fill(&mut a)?;
    source.fill(&mut b)?;
    if a == b || a == [0; 32] || b == [0; 32] { Err(Error::NoEntropy) } else { Ok(()) }
}
