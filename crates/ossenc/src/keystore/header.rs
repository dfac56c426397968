//! The part of an image that is read without the root key.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::IMAGE_MAX;
use super::passphrase::Argon2id;
use crate::codec::{Put, Reader};
use crate::{Error, Result, ident};

const MAGIC: &[u8; 7] = b"ossencK";
const VERSION: u8 = 1;
const KDF_NONE: u8 = 0;
const KDF_ARGON2ID: u8 = 1;

/// Where a root key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kdf {
    /// It is given as it is.
    None,
    /// From a passphrase.
    Argon2id(Argon2id),
}

/// What an image says in clear. Authentic only once the image was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// 16 random bytes, drawn when the keystore was made.
    pub keystore_id: [u8; 16],
    /// Counts the changes, from 1.
    pub generation: u64,
    /// Which root key opens it.
    pub root_key_id: String,
    /// Where that comes from.
    pub kdf: Kdf,
}

pub(crate) type Header = ImageInfo;

impl ImageInfo {
    /// Reads the header of an image, without the root key: unauthenticated.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::TooNew`].
    pub fn read(image: &[u8]) -> Result<ImageInfo> {
        Ok(ImageInfo::parse(image)?.0)
    }

    /// The header, its bytes, and the message that follows them.
    pub(crate) fn parse(image: &[u8]) -> Result<(ImageInfo, &[u8], &[u8])> {
        if image.len() > IMAGE_MAX {
            return Err(Error::Format("a keystore of more than 64 MiB"));
        }
        let mut reader = Reader::new(image, "header of the keystore");
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(Error::Format("not an ossenc keystore"));
        }
        if reader.u8()? != VERSION {
            return Err(Error::TooNew("keystore version"));
        }
        let keystore_id = reader.array()?;
        let generation = reader.u64()?;
        if generation == 0 {
            return reader.malformed();
        }
        let root_key_id = match ident::key_id(reader.lp8()?) {
            Some(id) if !id.is_empty() => id.to_string(),
            _ => return reader.malformed(),
        };
        let kdf = match reader.u8()? {
            KDF_NONE => Kdf::None,
            KDF_ARGON2ID if cfg!(feature = "passphrase") => Kdf::Argon2id(Argon2id::parse(&mut reader)?),
            KDF_ARGON2ID => return Err(Error::TooNew("keystore under a passphrase")),
            _ => return Err(Error::TooNew("key derivation of the keystore")),
        };
        let sealed = reader.rest();
        let header = &image[..image.len() - sealed.len()];
        Ok((ImageInfo { keystore_id, generation, root_key_id, kdf }, header, sealed))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put(MAGIC);
        out.put_u8(VERSION);
        out.put(&self.keystore_id);
        out.put_u64(self.generation);
        out.put_lp8(self.root_key_id.as_bytes());
        match &self.kdf {
            Kdf::None => out.put_u8(KDF_NONE),
            Kdf::Argon2id(argon2id) => {
                out.put_u8(KDF_ARGON2ID);
                argon2id.encode(&mut out);
            }
        }
        out
    }
}
