//! libossenc's kernel, at every width that this CPU has.

use ossenc_gcm::inout::InOutBuf;
use ossenc_gcm::{Aes256Gcm, Backend, Isa};

use super::{Key, Nonce, Peer, Tag};

/// The kernel at one width.
#[derive(Clone, Copy, Debug)]
pub struct Ossenc {
    name: &'static str,
    backend: Backend,
}

const NARROWER: [(&str, Isa); 3] =
    [("ossenc-256", Isa::Avx2), ("ossenc-128", Isa::AesNi), ("ossenc-portable", Isa::Portable)];

impl Ossenc {
    /// What a user gets without asking for anything.
    #[must_use]
    pub fn best() -> Ossenc {
        Ossenc { name: "ossenc", backend: detect(Isa::Best) }
    }

    /// The best, and all that are narrower.
    #[must_use]
    pub fn widths() -> Vec<Ossenc> {
        let best = Ossenc::best();
        let narrower = NARROWER.map(|(name, isa)| (isa, Ossenc { name, backend: detect(isa) }));
        let narrower = narrower
            .into_iter()
            .filter(|(isa, ossenc)| ossenc.isa() == *isa && *isa != best.isa())
            .map(|(_, ossenc)| ossenc);
        [best].into_iter().chain(narrower).collect()
    }

    /// The instruction set.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.backend.isa()
    }

    /// The kernel's own token.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }
}

fn detect(cap: Isa) -> Backend {
    Backend::detect(cap).expect("the known-answer test passes")
}

impl Peer for Ossenc {
    type Key = Aes256Gcm;

    fn name(&self) -> &'static str {
        self.name
    }

    fn key(&self, key: &[u8; 32], longest: usize) -> Aes256Gcm {
        Aes256Gcm::new(self.backend, key, longest)
    }
}

impl Key for Aes256Gcm {
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag {
        let mut tag = [0; 16];
        Aes256Gcm::seal(self, nonce, &[], body.into(), &mut tag).expect("short enough");
        tag
    }

    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag) {
        Aes256Gcm::open(self, nonce, &[], body.into(), tag).expect("authentic");
    }

    fn seal_to(&mut self, nonce: &Nonce, plain: &[u8], body: &mut [u8]) -> Tag {
        let mut tag = [0; 16];
        let both = InOutBuf::new(plain, body).expect("equal lengths");
        Aes256Gcm::seal(self, nonce, &[], both, &mut tag).expect("short enough");
        tag
    }

    fn open_to(&mut self, nonce: &Nonce, body: &[u8], tag: &Tag, plain: &mut [u8]) {
        let both = InOutBuf::new(body, plain).expect("equal lengths");
        Aes256Gcm::open(self, nonce, &[], both, tag).expect("authentic");
    }
}
