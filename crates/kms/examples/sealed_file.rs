//! Sealed files in Rust, with the keystore and the settings of the C example `ossenc_file`: each reads what the other
//! wrote.
//!
//!     sealed_file seal KEYSTORE ROOTKEY FILE SEALED
//!     sealed_file open KEYSTORE ROOTKEY SEALED FILE
//!     sealed_file verify KEYSTORE ROOTKEY SEALED
//!     sealed_file rewrap KEYSTORE ROOTKEY FOLDER

use std::error::Error;
use std::fs::{File, read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ossenc::{Context, Engine, Expect, Keystore, Method, Object, Recipient, Secret, Shape};
use ossenc_kms::fleet::{Folder, KeyRewrapper, Location, RewrapJob};
use ossenc_kms::sealed_file::{Create, SealedFile, create};

const KEY: &str = "main";
const ALLOW: Expect<'_> = Expect { methods: &[Method::SseOss], key_ids: &[KEY] };

struct Keys {
    engine: Engine,
    keystore: Keystore,
    now: u64,
}

impl Keys {
    fn open(&self, envelope: &[u8]) -> ossenc::Result<Object> {
        Object::open(&self.engine, &self.keystore, envelope, &Context::default(), &ALLOW, self.now)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [command, keystore, root_key, operands @ ..] = &words[..] else { return Err("see the first lines".into()) };
    let (engine, root_key) = (Engine::new()?, Secret::from_slice(&read(root_key)?)?);
    let keystore = Keystore::load(&engine, &read(keystore)?, &root_key, 0)?;
    let keys = Keys { engine, keystore, now: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() };
    match (&command[..], operands) {
        ("seal", [from, to]) => seal(&keys, from, to),
        ("open", [from, to]) => {
            let file = SealedFile::open(from)?;
            let body = file.body(&keys.open(file.envelope())?)?;
            std::io::copy(&mut body.reader(), &mut File::create(to)?)?;
            Ok(())
        }
        ("verify", [path]) => {
            let file = SealedFile::open(path)?;
            let body = file.body(&keys.open(file.envelope())?)?;
            println!("{} bytes", body.verify(|damage| println!("{damage:?}"))?);
            Ok(())
        }
        ("rewrap", [folder]) => rewrap(&keys, folder),
        _ => Err("see the first lines".into()),
    }
}

fn seal(keys: &Keys, from: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let (recipient, context) = (Recipient::oss(KEY), Context::default());
    let (object, envelope) =
        Object::create(&keys.engine, &keys.keystore, &recipient, &context, Shape::Single, keys.now)?;
    create(to, &object, &envelope, File::open(from)?, &Create { replace: true, ..Create::default() })?;
    Ok(())
}

fn rewrap(keys: &Keys, folder: &str) -> Result<(), Box<dyn Error>> {
    let rewrapper = KeyRewrapper::rotation(&keys.engine, &keys.keystore, ALLOW, keys.now);
    let locate = |_: &Path| Ok(Location::default());
    let summary = RewrapJob { threads: 2, ..RewrapJob::new(&rewrapper, &locate) }.run(&Folder::new(folder))?;
    println!("{} rewrapped, {} up to date", summary.counters.rewrapped, summary.counters.done);
    for (name, error) in &summary.failures {
        println!("{}: {error}", name.display());
    }
    if summary.counters.failed == 0 { Ok(()) } else { Err("some files failed".into()) }
}
