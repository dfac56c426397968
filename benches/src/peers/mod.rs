//! Implementations of AES-256-GCM, each behind the best interface that it has.

mod aes_gcm;
mod aws_lc_rs;
mod graviola;
#[cfg(feature = "openssl")]
mod openssl;
mod ossenc;
mod ring;

pub use ossenc::Ossenc;

#[cfg(feature = "openssl")]
pub use openssl::OpenSsl;

/// A nonce.
pub type Nonce = [u8; 12];
/// A tag.
pub type Tag = [u8; 16];

/// An implementation of AES-256-GCM.
pub trait Peer: Copy + 'static {
    /// A key, set up.
    type Key: Key + 'static;

    /// The `impl` of summary.csv.
    fn name(&self) -> &'static str;

    /// Sets a key up. `longest` bounds the lengths that will be sealed or opened.
    fn key(&self, key: &[u8; 32], longest: usize) -> Self::Key;

    /// Sets another key up where one was: the cheapest way that the implementation has.
    fn rekey(&self, place: &mut Self::Key, key: &[u8; 32], longest: usize) {
        *place = self.key(key, longest);
    }
}

/// A key of AES-256-GCM; there is no AAD. What cannot fail here panics.
pub trait Key {
    /// Seals in place.
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag;

    /// Opens in place.
    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag);

    /// Seals from one buffer to another: with a copy, for implementations that can do no other.
    fn seal_to(&mut self, nonce: &Nonce, plain: &[u8], body: &mut [u8]) -> Tag {
        body.copy_from_slice(plain);
        self.seal(nonce, body)
    }

    /// Opens from one buffer to another, likewise.
    fn open_to(&mut self, nonce: &Nonce, body: &[u8], tag: &Tag, plain: &mut [u8]) {
        plain.copy_from_slice(body);
        self.open(nonce, plain, tag);
    }
}

/// Something to do with every peer.
pub trait Visit {
    /// Does it with one.
    fn visit<P: Peer>(&mut self, peer: P);
}

/// Visits our own implementations, the widest first.
pub fn ours(visitor: &mut impl Visit) {
    Ossenc::widths().into_iter().for_each(|width| visitor.visit(width));
}

/// Visits everyone else's.
pub fn others(visitor: &mut impl Visit) {
    visitor.visit(aws_lc_rs::AwsLcRs);
    visitor.visit(ring::Ring);
    visitor.visit(graviola::Graviola);
    #[cfg(feature = "openssl")]
    visitor.visit(OpenSsl);
    visitor.visit(aes_gcm::RustCrypto);
}
