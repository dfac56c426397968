//! The system's OpenSSL: the cipher fetched once, contexts kept, only the nonce set for each message.

use std::sync::LazyLock;

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;

use super::{Key, Nonce, Peer, Tag};

/// libcrypto of the system.
#[derive(Clone, Copy, Debug)]
pub struct OpenSsl;

static AES_256_GCM: LazyLock<Cipher> =
    LazyLock::new(|| Cipher::fetch(None, "AES-256-GCM", None).expect("the default provider has it"));

/// A key, in up to two contexts; each is set up when first used.
pub struct OpenSslKey {
    key: [u8; 32],
    sealing: Context,
    opening: Context,
}

struct Context {
    ctx: CipherCtx,
    has_cipher: bool,
    has_key: bool,
}

impl Peer for OpenSsl {
    type Key = OpenSslKey;

    fn name(&self) -> &'static str {
        "openssl"
    }

    fn key(&self, key: &[u8; 32], _longest: usize) -> OpenSslKey {
        OpenSslKey { key: *key, sealing: Context::new(), opening: Context::new() }
    }

    fn rekey(&self, place: &mut OpenSslKey, key: &[u8; 32], _longest: usize) {
        place.key = *key;
        place.sealing.has_key = false;
        place.opening.has_key = false;
    }
}

impl Context {
    fn new() -> Context {
        Context { ctx: CipherCtx::new().expect("memory"), has_cipher: false, has_key: false }
    }

    /// Cipher and key if they are not set yet.
    fn pending<'k>(&mut self, key: &'k [u8; 32]) -> (Option<&'static Cipher>, Option<&'k [u8]>) {
        let cipher = (!self.has_cipher).then(|| &*AES_256_GCM);
        let key = (!self.has_key).then_some(&key[..]);
        self.has_cipher = true;
        self.has_key = true;
        (cipher, key)
    }
}

impl OpenSslKey {
    fn begin_seal(&mut self, nonce: &Nonce) -> &mut CipherCtx {
        let (cipher, key) = self.sealing.pending(&self.key);
        self.sealing.ctx.encrypt_init(cipher.map(|c| &**c), key, Some(nonce)).expect("well-formed");
        &mut self.sealing.ctx
    }

    fn begin_open(&mut self, nonce: &Nonce) -> &mut CipherCtx {
        let (cipher, key) = self.opening.pending(&self.key);
        self.opening.ctx.decrypt_init(cipher.map(|c| &**c), key, Some(nonce)).expect("well-formed");
        &mut self.opening.ctx
    }
}

fn end_seal(ctx: &mut CipherCtx) -> Tag {
    let mut tag = [0; 16];
    ctx.cipher_final(&mut []).expect("sealed");
    ctx.tag(&mut tag).expect("16 bytes");
    tag
}

fn end_open(ctx: &mut CipherCtx, tag: &Tag) {
    ctx.set_tag(tag).expect("16 bytes");
    ctx.cipher_final(&mut []).expect("authentic");
}

impl Key for OpenSslKey {
    fn seal(&mut self, nonce: &Nonce, body: &mut [u8]) -> Tag {
        let ctx = self.begin_seal(nonce);
        ctx.cipher_update_inplace(body, body.len()).expect("sealed");
        end_seal(ctx)
    }

    fn open(&mut self, nonce: &Nonce, body: &mut [u8], tag: &Tag) {
        let ctx = self.begin_open(nonce);
        ctx.cipher_update_inplace(body, body.len()).expect("opened");
        end_open(ctx, tag);
    }

    fn seal_to(&mut self, nonce: &Nonce, plain: &[u8], body: &mut [u8]) -> Tag {
        let ctx = self.begin_seal(nonce);
        ctx.cipher_update(plain, Some(body)).expect("sealed");
        end_seal(ctx)
    }

    fn open_to(&mut self, nonce: &Nonce, body: &[u8], tag: &Tag, plain: &mut [u8]) {
        let ctx = self.begin_open(nonce);
        ctx.cipher_update(body, Some(plain)).expect("opened");
        end_open(ctx, tag);
    }
}

impl std::fmt::Debug for OpenSslKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenSslKey")
    }
}
