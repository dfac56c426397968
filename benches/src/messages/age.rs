//! age (age-encryption.org) by crate age: 64 KiB chunks of ChaCha20-Poly1305. Its recipient is one that costs nothing (the
//! file key goes into the header in clear), so that no public-key operation drowns what is compared.

use std::collections::HashSet;
use std::io::{Read, Write};

use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, Recipient};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;

use super::Messages;

pub(super) struct Age;

struct Free;

impl Recipient for Free {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let body = file_key.expose_secret().to_vec();
        Ok((vec![Stanza { tag: "free".into(), args: vec![], body }], HashSet::new()))
    }
}

impl Identity for Free {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let key = stanza.body[..].try_into().ok()?;
        Some(Ok(FileKey::new(Box::new(key))))
    }
}

impl Messages for Age {
    fn name(&self) -> &'static str {
        "age"
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> usize {
        let room = sealed.len();
        let encryptor = Encryptor::with_recipients([&Free as &dyn Recipient].into_iter()).expect("a recipient");
        let mut writer = encryptor.wrap_output(sealed).expect("room");
        writer.write_all(plain).expect("room");
        room - writer.finish().expect("room").len()
    }

    fn open(&mut self, sealed: &[u8], plain: &mut [u8]) {
        let decryptor = Decryptor::new_buffered(sealed).expect("an age file");
        let mut reader = decryptor.decrypt([&Free as &dyn Identity].into_iter()).expect("the same key");
        reader.read_exact(plain).expect("authentic");
        assert_eq!(reader.read(&mut [0]).expect("authentic"), 0, "the end of the file");
    }
}
