//! Root keys and passphrases: from files that only their owner may read, or asked for without an echo. Never from an
//! argument or a variable of the environment, which others can see.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ossenc::{Engine, Entropy, Error, ImageInfo, KEY_LEN, Kdf, Keystore, PassphraseCost, Secret, SystemEntropy};
use ossenc_kms::sealed_file::NewFile;
use ossenc_kms::{Passphrase, RootKeyError, RootKeyFile, RootKeySource, open_private, read_key};
use zeroize::Zeroizing;

use crate::fail::{Code, Failure};
use crate::keys::{DEFAULT_ROOT_KEY_FILE, KeyOptions};
use crate::out::{Out, path_name};

/// Longest passphrase; a longer file is surely another one.
const PASSPHRASE_MAX: usize = 4_096;

/// The root key of a keystore that is there, as the options have it.
#[derive(Debug)]
pub(crate) struct GivenRootKey {
    file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    /// Read or asked for once.
    passphrase: OnceCell<Passphrase>,
}

impl GivenRootKey {
    pub(crate) fn new(options: &KeyOptions) -> GivenRootKey {
        GivenRootKey::of(options.root_key_file.clone(), options.passphrase_file.clone())
    }

    /// Without either: the default file, or the terminal is asked for a passphrase, as the keystore wants it.
    pub(crate) fn of(file: Option<PathBuf>, passphrase_file: Option<PathBuf>) -> GivenRootKey {
        GivenRootKey { file, passphrase_file, passphrase: OnceCell::new() }
    }

    fn passphrase(&self) -> Result<&Passphrase, RootKeyError> {
        if self.passphrase.get().is_none() {
            let bytes = match &self.passphrase_file {
                Some(path) => read_passphrase(path)?,
                None => ask("Passphrase of the keystore: ")?,
            };
            return Ok(self.passphrase.get_or_init(|| Passphrase::new(bytes)));
        }
        Ok(self.passphrase.get().expect("looked at"))
    }
}

impl RootKeySource for GivenRootKey {
    fn root_key(&self, image: &ImageInfo) -> Result<Secret, RootKeyError> {
        match (&self.file, &self.passphrase_file, image.kdf) {
            (Some(path), _, _) => RootKeyFile(path.clone()).root_key(image),
            (None, None, Kdf::None) => RootKeyFile(DEFAULT_ROOT_KEY_FILE.into()).root_key(image),
            _ => self.passphrase()?.root_key(image),
        }
    }
}

/// A root key that a keystore shall be put under.
#[derive(Args, Debug)]
pub(crate) struct NewRootKeyOptions {
    /// Name of the root key, kept in clear in the keystore: for you, to know which one it is under
    #[arg(long, value_name = "ID", default_value = "root-1")]
    pub(crate) root_key_id: String,
    /// KiB of memory that trying a passphrase costs, for you and for an attacker
    #[arg(long, value_name = "KIB", default_value_t = PassphraseCost::default().kib)]
    passphrase_kib: u32,
    /// Passes over that memory
    #[arg(long, value_name = "N", default_value_t = PassphraseCost::default().passes)]
    passphrase_passes: u32,
    /// Lanes of that memory
    #[arg(long, value_name = "N", default_value_t = PassphraseCost::default().lanes)]
    passphrase_lanes: u32,
}

pub(crate) enum NewRootKey {
    Key(Secret),
    Passphrase(Zeroizing<Vec<u8>>, PassphraseCost),
}

impl NewRootKeyOptions {
    /// A file that is not there is made, with a random key.
    pub(crate) fn key_in_file(path: &Path, out: Out) -> Result<NewRootKey, Failure> {
        if path.symlink_metadata().is_err() {
            make_root_key(path)?;
            out.note(format_args!(
                "made the root key {}: keep a copy in a safe place, without it nothing opens",
                path_name(path)
            ));
        }
        let key = open_private(path).and_then(read_key).map_err(Failure::root_key)?;
        Ok(NewRootKey::Key(key))
    }

    pub(crate) fn passphrase_in_file(&self, path: &Path) -> Result<NewRootKey, Failure> {
        Ok(NewRootKey::Passphrase(read_passphrase(path).map_err(Failure::root_key)?, self.cost()))
    }

    /// Asked for twice.
    pub(crate) fn asked_passphrase(&self) -> Result<NewRootKey, Failure> {
        let first = ask("New passphrase: ").map_err(Failure::root_key)?;
        let second = ask("Again: ").map_err(Failure::root_key)?;
        if first != second {
            return Err(Failure::usage("passphrase", "the two are not the same", "try again"));
        }
        Ok(NewRootKey::Passphrase(first, self.cost()))
    }

    fn cost(&self) -> PassphraseCost {
        PassphraseCost { kib: self.passphrase_kib, passes: self.passphrase_passes, lanes: self.passphrase_lanes }
    }
}

impl NewRootKey {
    pub(crate) fn init(&self, engine: &Engine, id: &str) -> ossenc::Result<Vec<u8>> {
        match self {
            NewRootKey::Key(key) => Keystore::init(engine, id, key),
            NewRootKey::Passphrase(passphrase, cost) => Keystore::init_with_passphrase(engine, id, passphrase, *cost),
        }
    }

    pub(crate) fn reseal(&self, keystore: &Keystore, engine: &Engine, id: &str) -> ossenc::Result<Vec<u8>> {
        match self {
            NewRootKey::Key(key) => keystore.reseal(engine, id, key),
            NewRootKey::Passphrase(passphrase, cost) => keystore.reseal_with_passphrase(engine, id, passphrase, *cost),
        }
    }

    /// That an image opens under it, before it is stored.
    pub(crate) fn load(&self, engine: &Engine, image: &[u8]) -> ossenc::Result<Keystore> {
        match self {
            NewRootKey::Key(key) => Keystore::load(engine, image, key, 0),
            NewRootKey::Passphrase(passphrase, _) => Keystore::load_with_passphrase(engine, image, passphrase, 0),
        }
    }
}

/// Key material that a customer brings: from a file as a root key's, or from standard input.
pub(crate) fn material(path: Option<&Path>) -> Result<Secret, Failure> {
    let read = match path {
        Some(path) => open_private(path).and_then(read_key),
        // A handle of its own: that of std is buffered, and a buffer is not wiped.
        None => File::open("/dev/stdin").map_err(RootKeyError::Io).and_then(read_key),
    };
    read.map_err(|error| {
        let about = path.map_or_else(|| "standard input".to_owned(), path_name);
        let message = match &error {
            RootKeyError::File(what) => (*what).to_owned(),
            RootKeyError::Io(error) => error.to_string(),
            error => error.to_string(),
        };
        Failure::new(
            Code::Keys,
            about,
            message,
            "material is 32 bytes, or 64 hexadecimal digits, in a file of mode 0600",
        )
    })
}

fn make_root_key(path: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::io(path, "make the root key", &error);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    SystemEntropy.fill(&mut key[..]).map_err(|error| Failure::core("root key", error))?;
    let new = NewFile::beside(path, 0o600).map_err(failed)?;
    let mut file: &File = new.file();
    file.write_all(&key[..]).map_err(failed)?;
    // Never over a key that somebody made meanwhile: something may be under it already.
    new.commit(path, false).map_err(failed)
}

/// The file's bytes, without a line feed at the end.
fn read_passphrase(path: &Path) -> Result<Zeroizing<Vec<u8>>, RootKeyError> {
    // Allocated once, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSPHRASE_MAX + 2));
    open_private(path)?.take(PASSPHRASE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > PASSPHRASE_MAX {
        return Err(Error::Argument("a passphrase of more than 4,096 bytes").into());
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>, RootKeyError> {
    if !std::io::stderr().is_terminal() {
        return Err(Error::Argument("this keystore is under a passphrase, and there is no terminal to ask on").into());
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?.into_bytes()))
}
