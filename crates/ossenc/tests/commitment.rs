//! GCM does not commit to its key: a ciphertext can be made that verifies under two keys, and gives two plaintexts. The
//! commitment in a message's head is what keeps that out, and it is compared before any tag is.

mod common;

use common::entropy::Counter;
use common::format::MessageKeys;
use common::head;
use ossenc::message::{self, Opener, StreamOpener};
use ossenc::{Error, Isa, Secret};
use ossenc_gcm::{Aes256Gcm, Backend};

const KEYS: [[u8; 32]; 2] = [[1; 32], [2; 32]];
const SALT: [u8; 24] = [3; 24];
const CONTEXT: &[u8] = b"context";
/// Bytes of the ciphertext: four blocks.
const LEN: usize = 64;

/// CVE-2020-8897 and "Partitioning Oracle Attacks" (USENIX Security 2021) elsewhere.
#[test]
fn a_ciphertext_made_for_two_keys_fails_before_any_tag_check() {
    let engine = Counter::engine();
    let keys = KEYS.map(|key| MessageKeys::derive(&key, &SALT, CONTEXT));
    let chunk = chunk_for_both(&keys);
    let plains = [0, 1].map(|i| open_gcm(&keys[i], &chunk).expect("GCM alone accepts it under either key"));
    assert_ne!(plains[0], plains[1]);

    for (i, keys) in keys.iter().enumerate() {
        let message = [&keys.head(&SALT)[..], &chunk].concat();
        let (own, other) = (Secret::new(&KEYS[i]), Secret::new(&KEYS[1 - i]));
        assert_eq!(message::open(&engine, &own, &[CONTEXT], &message).unwrap().to_vec(), plains[i]);

        assert_eq!(message::open(&engine, &other, &[CONTEXT], &message), Err(Error::Commit));
        assert_eq!(Opener::new(&engine, &other, &[CONTEXT], &head(&message)).err(), Some(Error::Commit));
        assert_eq!(StreamOpener::new(&engine, &other, &[CONTEXT], &head(&message)).err(), Some(Error::Commit));

        // A tag that is wrong under every key makes no difference: it is not looked at.
        let mut damaged = message.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(message::open(&engine, &other, &[CONTEXT], &damaged), Err(Error::Commit));
        assert_eq!(message::open(&engine, &own, &[CONTEXT], &damaged), Err(Error::Chunk { chunk: 0 }));
    }
}

/// Ciphertext and tag that verify under both keys. The tag is a polynomial in the hash key, with the ciphertext's
/// blocks as coefficients; the last block is the one for which both polynomials have the same value.
fn chunk_for_both(keys: &[MessageKeys; 2]) -> Vec<u8> {
    let mut chunk = *b"three blocks that are chosen freely, sixteen bytes each, and one";
    let secrets = keys.each_ref().map(gcm_secrets);
    chunk[LEN - 16..].fill(0);
    let [tag_0, tag_1] = secrets.map(|secrets| tag(secrets, &chunk));
    let [square_0, square_1] = secrets.map(|(h, _)| mul(h, h));
    let last_block = mul(tag_0 ^ tag_1, inverse(square_0 ^ square_1));
    chunk[LEN - 16..].copy_from_slice(&last_block.to_be_bytes());
    assert_eq!(tag(secrets[0], &chunk), tag(secrets[1], &chunk));
    [&chunk[..], &tag(secrets[0], &chunk).to_be_bytes()].concat()
}

fn gcm(keys: &MessageKeys) -> Aes256Gcm {
    Aes256Gcm::new(Backend::detect(Isa::Best).unwrap(), &keys.key, LEN)
}

fn open_gcm(keys: &MessageKeys, chunk: &[u8]) -> Option<Vec<u8>> {
    let (body, tag) = chunk.split_at(LEN);
    let mut text = body.to_vec();
    let opened = gcm(keys).open(&keys.base_nonce, &[], text[..].as_mut().into(), tag.try_into().unwrap());
    opened.ok().map(|()| text)
}

/// The hash key `H`, and the block that is added to every tag under this nonce, from tags alone.
fn gcm_secrets(keys: &MessageKeys) -> (u128, u128) {
    let tag_of = |aad: &[u8]| {
        let mut tag = [0; 16];
        gcm(keys).seal(&keys.base_nonce, aad, [][..].as_mut().into(), &mut tag).unwrap();
        u128::from_be_bytes(tag)
    };
    // Of two AADs of one block, 0 and 1, the tags differ by 1 * H^2. The root of a square is its 2^127-th power.
    let square = tag_of(&[0; 16]) ^ tag_of(&ONE.to_be_bytes());
    let hash_key = (0..127).fold(square, |x, _| mul(x, x));
    (hash_key, tag_of(&[]))
}

/// The tag of a ciphertext without AAD (SP 800-38D, section 7.1).
fn tag((hash_key, added): (u128, u128), ciphertext: &[u8; LEN]) -> u128 {
    let blocks = ciphertext.chunks(16).map(|block| u128::from_be_bytes(block.try_into().unwrap()));
    let lengths = (LEN * 8) as u128;
    blocks.chain([lengths]).fold(0, |hash, block| mul(hash ^ block, hash_key)) ^ added
}

// GF(2^128) as GCM has it: the first bit is the coefficient of x^0.
const ONE: u128 = 1 << 127;

fn mul(x: u128, y: u128) -> u128 {
    let (mut product, mut power) = (0, x);
    for i in 0..128 {
        if y >> (127 - i) & 1 == 1 {
            product ^= power;
        }
        power = (power >> 1) ^ if power & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    product
}

/// `x` to the power of 2^128 - 2.
fn inverse(x: u128) -> u128 {
    (0..127).fold((ONE, x), |(product, power), _| (mul(product, mul(power, power)), mul(power, power))).0
}
