//! The structures of docs/FORMAT.md, written without the library.

use hmac::{Hmac, KeyInit, Mac};
use ossenc::{Context, Engine, Secret, message};
use sha2::Sha512;

pub const HEAD_LEN: usize = 56;
pub const INNER_LEN: usize = 104;
pub const PRELUDE_LEN: usize = 32;

/// `lp8(bytes)`. The length is cut to 8 bits: malformed structures are wanted, too.
pub fn lp8(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

/// `lp(bytes)`. The length is cut to 16 bits.
pub fn lp(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// HMAC-SHA512 of the concatenation.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 64] {
    let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// HKDF-Expand with SHA-512, up to two blocks.
fn expand(prk: &[u8], info: &[&[u8]], len: usize) -> Vec<u8> {
    let info = info.concat();
    let first = hmac(prk, &[&info, &[1]]);
    let second = hmac(prk, &[&first, &info, &[2]]);
    [first, second].concat()[..len].to_vec()
}

/// Section 2: what a message is encrypted with.
pub struct MessageKeys {
    pub key: [u8; 32],
    pub base_nonce: [u8; 12],
    pub commitment: [u8; 32],
}

impl MessageKeys {
    pub fn derive(input_key: &[u8; 32], salt: &[u8; 24], context: &[u8]) -> MessageKeys {
        let info: [&[u8]; 5] = [b"c2sp.org/chunked-encryption@v1+", b"AEAD_AES_256_GCM", &[0], salt, context];
        let okm = expand(input_key, &info, 76);
        let (key, rest) = okm.split_first_chunk().unwrap();
        let (base_nonce, rest) = rest.split_first_chunk().unwrap();
        MessageKeys { key: *key, base_nonce: *base_nonce, commitment: rest.try_into().unwrap() }
    }

    pub fn head(&self, salt: &[u8; 24]) -> message::Head {
        [&salt[..], &self.commitment].concat().try_into().unwrap()
    }
}

/// Section 3: `EC`, without any check.
pub fn encode_context(context: &Context<'_>) -> Vec<u8> {
    let mut user = context.user.to_vec();
    user.sort_unstable();
    let fields = [context.tenant, context.bucket_id, context.object, context.version_id];
    let mut out: Vec<u8> = fields.into_iter().flat_map(lp).collect();
    out.extend((user.len() as u32).to_be_bytes());
    out.extend(user.iter().flat_map(|(key, value)| [lp(key.as_bytes()), lp(value.as_bytes())].concat()));
    out
}

/// Section 4: `K(wrap-dek)` of a version whose material the service made.
pub fn wrapping_key(material: &[u8; 32], key_id: &str, key_version: &str) -> Secret {
    Secret::from_slice(&purpose_key(material, b"wrap-dek", key_id, key_version)).unwrap()
}

/// `K(wrap-bucket-key)` of such a version.
pub fn bucket_wrapping_key(material: &[u8; 32], key_id: &str, key_version: &str) -> Secret {
    Secret::from_slice(&purpose_key(material, b"wrap-bucket-key", key_id, key_version)).unwrap()
}

/// `K(purpose)`, of the service's material or of `M` of what was imported.
pub fn purpose_key(material: &[u8], purpose: &[u8], key_id: &str, key_version: &str) -> Vec<u8> {
    let (key_id, key_version) = (lp8(key_id.as_bytes()), lp8(key_version.as_bytes()));
    let info: [&[u8]; 5] = [b"ossenc/v1/", purpose, &[0], &key_id, &key_version];
    expand(material, &info, 32)
}

/// Section 4: `K(check)` of material that was imported for a key.
pub fn check_value(material: &[u8; 32], key_id: &str) -> Vec<u8> {
    let secret = hmac(b"ossenc/v1/import", &[material]);
    expand(&secret, &[b"ossenc/v1/", b"check", &[0], &lp8(key_id.as_bytes()), &[0]], 32)
}

/// Section 5: a slot's head, field by field.
#[derive(Clone, Debug)]
pub struct SlotHead {
    pub method: u8,
    pub kind: u8,
    pub wrapped_at: u64,
    pub provider: Vec<u8>,
    pub key_id: Vec<u8>,
    pub key_version: Vec<u8>,
    pub bucket_key_id: Vec<u8>,
    pub outer_blob: Vec<u8>,
}

impl SlotHead {
    /// SSE-OSS under a local key.
    pub fn local(key_id: &str, key_version: &str) -> SlotHead {
        SlotHead {
            method: 1,
            kind: 1,
            wrapped_at: 0,
            provider: vec![],
            key_id: key_id.into(),
            key_version: key_version.into(),
            bucket_key_id: vec![],
            outer_blob: vec![],
        }
    }

    /// `lp(slot_head)`.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = vec![self.method, self.kind];
        head.extend(self.wrapped_at.to_be_bytes());
        for field in [&self.provider, &self.key_id, &self.key_version, &self.bucket_key_id] {
            head.extend(lp8(field));
        }
        head.extend(lp(&self.outer_blob));
        lp(&head)
    }

    /// The whole slot, with the data key wrapped under `wrapping_key` for that prelude and place.
    pub fn wrap(
        &self,
        engine: &Engine,
        wrapping_key: &Secret,
        prelude: &[u8],
        place: &Context<'_>,
        data_key: &[u8],
    ) -> Vec<u8> {
        let head = self.encode();
        let inner =
            message::seal(engine, wrapping_key, &wrap_context(prelude, &head, &encode_context(place)), data_key)
                .unwrap();
        [head, inner].concat()
    }
}

/// Section 5: a bucket key's record, field by field, without what is sealed.
#[derive(Clone, Debug)]
pub struct RecordFields {
    pub id: [u8; 16],
    pub not_after: u64,
    pub kind: u8,
    pub provider: Vec<u8>,
    pub key_id: Vec<u8>,
    pub key_version: Vec<u8>,
}

impl RecordFields {
    pub fn encode(&self) -> Vec<u8> {
        let names = [&self.provider, &self.key_id, &self.key_version].map(|name| lp8(name)).concat();
        [b"ossencB\x01", &self.id[..], &self.not_after.to_be_bytes(), &[self.kind], &names].concat()
    }

    /// The whole record, with the bucket key sealed under `wrapping_key` for that tenant and bucket.
    pub fn seal(&self, engine: &Engine, wrapping_key: &Secret, place: &Context<'_>, key: &[u8; 32]) -> Vec<u8> {
        let (fields, bucket) = (self.encode(), [lp(place.tenant), lp(place.bucket_id)].concat());
        let context: [&[u8]; 3] = [b"ossenc/bucket-key\0\x01", &fields, &bucket];
        let sealed = message::seal(engine, wrapping_key, &context, key).unwrap();
        [fields, lp(&sealed)].concat()
    }
}

/// The context of the message that wraps a data key; `head` is `lp(slot_head)`.
pub fn wrap_context<'a>(prelude: &'a [u8], head: &'a [u8], place: &'a [u8]) -> [&'a [u8]; 4] {
    [b"ossenc/wrap\0\x01", prelude, head, place]
}

/// A prelude of the one suite, with that shape.
pub fn prelude(shape: u8, object_id: &[u8; 16]) -> Vec<u8> {
    [b"ossenc\x01\x01", &[shape][..], &[0; 7], object_id].concat()
}

/// An envelope of whole slots.
pub fn envelope(prelude: &[u8], slots: &[&[u8]]) -> Vec<u8> {
    let slot_bytes = slots.concat();
    [prelude, &[slots.len() as u8, 0], &(slot_bytes.len() as u16).to_be_bytes(), &slot_bytes].concat()
}

/// Takes an envelope of one slot apart: prelude, `lp(slot_head)`, inner.
pub fn split_envelope(envelope: &[u8]) -> (&[u8], &[u8], &[u8]) {
    assert_eq!(envelope[PRELUDE_LEN], 1, "an envelope of one slot");
    let (prelude, rest) = envelope.split_at(PRELUDE_LEN);
    let (head, inner) = rest[4..].split_at(rest.len() - 4 - INNER_LEN);
    (prelude, head, inner)
}

/// Section 6: the context of a segment's data.
pub fn part_context(prelude: &[u8], part: u32) -> Vec<u8> {
    [prelude, &[1], &part.to_be_bytes()].concat()
}

/// The same, of a single-segment object.
pub fn data_context(prelude: &[u8]) -> Vec<u8> {
    part_context(prelude, 0)
}

/// Section 8: the context of a manifest.
pub fn manifest_context(prelude: &[u8]) -> Vec<u8> {
    [prelude, &[2, 0, 0, 0, 0]].concat()
}

/// A segment in a manifest, as its fields are, right or wrong.
#[derive(Clone, Debug)]
pub struct ManifestEntry {
    pub part: u32,
    pub head: [u8; HEAD_LEN],
    pub length: u64,
    pub offset: u64,
}

/// The plaintext of a manifest.
pub fn manifest_body(version: u8, generation: u64, total: u64, n: u32, entries: &[ManifestEntry]) -> Vec<u8> {
    let mut out = vec![version];
    out.extend([generation, total].iter().flat_map(|number| number.to_be_bytes()));
    out.extend(n.to_be_bytes());
    for entry in entries {
        out.extend(entry.part.to_be_bytes());
        out.extend(entry.head);
        out.extend([entry.length, entry.offset].iter().flat_map(|number| number.to_be_bytes()));
    }
    out
}

/// Section 9: the header of a keystore image.
pub fn keystore_header(keystore_id: &[u8; 16], generation: u64, root_key_id: &str) -> Vec<u8> {
    [b"ossencK\x01", &keystore_id[..], &generation.to_be_bytes(), &lp8(root_key_id.as_bytes()), &[0]].concat()
}

/// An image with any body, sealed properly.
pub fn keystore_image(engine: &Engine, root_key: &Secret, header: &[u8], body: &[u8]) -> Vec<u8> {
    let sealed = message::seal(engine, root_key, &[b"ossenc/keystore\0\x01", header], body).unwrap();
    [header, &sealed].concat()
}

/// The body of an image.
pub fn open_keystore_image(engine: &Engine, root_key: &Secret, image: &[u8]) -> Vec<u8> {
    let kdf_at = 8 + 16 + 8 + 1 + usize::from(image[32]);
    let header_len = kdf_at + if image[kdf_at] == 1 { 1 + 3 * 4 + 16 } else { 1 };
    let (header, sealed) = image.split_at(header_len);
    message::open(engine, root_key, &[b"ossenc/keystore\0\x01", header], sealed).unwrap().to_vec()
}

/// A master key as the body of an image has it: enabled, made by the service, unless a test changes that.
#[derive(Clone, Debug)]
pub struct Key {
    pub key_id: Vec<u8>,
    pub origin: u8,
    pub state: u8,
    pub delete_at: u64,
    pub primary: u64,
    pub next_version: u64,
    pub check: Vec<u8>,
    pub aliases: Vec<Vec<u8>>,
    pub versions: Vec<KeyVersion>,
}

#[derive(Clone, Debug)]
pub struct KeyVersion {
    pub number: u64,
    pub state: u8,
    pub not_after: u64,
    pub material: Vec<u8>,
}

impl Key {
    /// Version 1 is the primary and has that material.
    pub fn new(key_id: &str, material: &[u8]) -> Key {
        Key {
            key_id: key_id.into(),
            origin: 1,
            state: 1,
            delete_at: 0,
            primary: 1,
            next_version: 2,
            check: vec![],
            aliases: vec![],
            versions: vec![KeyVersion { number: 1, state: 2, not_after: 0, material: material.to_vec() }],
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = lp8(&self.key_id);
        out.extend([self.origin, self.state]);
        let (created_at, period, last_rotated_at) = (0, 0, 0);
        for number in [created_at, self.delete_at, period, last_rotated_at, self.primary, self.next_version] {
            out.extend(u64::to_be_bytes(number));
        }
        out.extend(lp8(&self.check));
        out.extend((self.aliases.len() as u16).to_be_bytes());
        out.extend(self.aliases.iter().flat_map(|alias| lp8(alias)));
        out.extend((self.versions.len() as u32).to_be_bytes());
        for version in &self.versions {
            out.extend(version.number.to_be_bytes());
            out.push(version.state);
            out.extend(0u64.to_be_bytes());
            out.extend(version.not_after.to_be_bytes());
            out.extend(lp8(&version.material));
        }
        out
    }
}

/// The body of an image.
pub fn keystore_body(keys: &[Key]) -> Vec<u8> {
    let mut out = vec![1];
    out.extend((keys.len() as u32).to_be_bytes());
    keys.iter().for_each(|key| out.extend(key.encode()));
    out
}
