//! Live files (vectors/README.md): objects sealed just now, for another implementation to open.
//!
//!     live write FILE    seals keystores and objects with fresh randomness into FILE
//!     live read FILE     opens all that FILE holds, written by whomever

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::fs::File;

use common::pattern;
use common::vectors::{Allow, Hex, Place};
use ossenc::message::size;
use ossenc::{
    Change, Context, Engine, Entropy, Expect, Keystore, Layout, Method, Object, Recipient, Rewrap, Secret, Shape,
    SystemEntropy, rewrap,
};
use serde::Deserialize;
use serde_json::{Value, json};

const NOW: u64 = 1_767_225_600;
const METHODS: [(&str, Method); 2] = [("SSE-OSS", Method::SseOss), ("SSE-KMS", Method::SseKms)];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", path] => Ok(serde_json::to_writer(File::create(path)?, &write()?)?),
        ["read", path] => read(&std::fs::read_to_string(path)?),
        _ => Err("usage: live write FILE | live read FILE".into()),
    }
}

fn random<const N: usize>() -> Result<[u8; N], ossenc::Error> {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write() -> Result<Value, Box<dyn Error>> {
    let engine = Engine::new()?;
    let root_key = random()?;
    let secret = Secret::new(&root_key);
    let mut image = Keystore::init(&engine, "live-root", &secret)?;
    let changes = [
        Change::Create { key_id: "oss" },
        Change::Create { key_id: "72779642-7d88-4a0f-8d1f-1081a9cc7afb" },
        Change::Stage { key_id: "oss" },
        Change::Promote { key_id: "oss", version: None },
    ];
    let mut keystores = vec![];
    for change in &changes {
        let keystore = Keystore::load(&engine, &image, &secret, 1)?;
        image = keystore.apply(&engine, change, NOW)?;
        keystores.push(json!({
            "name": format!("live-{}", keystores.len() + 1), "comment": format!("{change:?}"), "valid": true,
            "root_key": hex(&root_key), "image": hex(&image),
        }));
    }
    let keystore = Keystore::load(&engine, &image, &secret, 1)?;
    let newest = keystores.last().expect("there were changes")["name"].clone();

    let mut objects = vec![];
    for (i, len) in [0, 1, 16_383, 16_384, 16_385, 40_000, 300_000].into_iter().enumerate() {
        let key = keystore.keys()[i % keystore.keys().len()].id();
        let (name, method) = METHODS[i % METHODS.len()];
        let places = [random::<8>()?, random()?];
        let [old, new] = [&places[0], &places[1]].map(|object| Context {
            tenant: b"live",
            bucket_id: &[0, 0xff],
            object,
            version_id: b"",
            user: &[("z", "last"), ("a", "first"), ("\u{e9}", "UTF-8")],
        });
        let (object, envelope) =
            Object::create(&engine, &keystore, &Recipient::Local { method, key }, &old, Shape::Single, NOW)?;
        let mut body = vec![0; usize::try_from(size::sealed_len(len as u64)?)?];
        object.seal(0, Layout::Inline, &pattern(len), &mut body, &mut [])?;
        let expect = Expect { methods: &[method], key_ids: &[key] };
        let renamed = Rewrap { context: Some(new), ..Rewrap::default() };
        let moved = rewrap(&engine, &keystore, &envelope, &old, &expect, &renamed, NOW)?;
        for (what, context, envelope) in [("sealed", &old, &envelope), ("renamed", &new, &moved)] {
            objects.push(json!({
                "name": format!("{what}-{len}"), "comment": "made by the library", "valid": true,
                "keystore": newest, "now": NOW,
                "context": {
                    "tenant": hex(context.tenant), "bucket_id": hex(context.bucket_id), "object": hex(context.object),
                    "version_id": hex(context.version_id), "user": context.user,
                },
                "allow": { "methods": [name], "key_ids": [key] },
                "envelope": hex(envelope), "body": hex(&body), "plaintext_len": len,
            }));
        }
    }
    Ok(json!({ "keystores": keystores, "objects": objects }))
}

#[derive(Deserialize)]
struct Live {
    keystores: Vec<LiveKeystore>,
    objects: Vec<LiveObject>,
}

#[derive(Deserialize)]
struct LiveKeystore {
    name: String,
    root_key: Hex,
    image: Option<Hex>,
    #[serde(default)]
    steps: Vec<LiveStep>,
}

#[derive(Deserialize)]
struct LiveStep {
    image: Hex,
}

#[derive(Deserialize)]
struct LiveObject {
    name: String,
    keystore: String,
    context: Place,
    allow: Allow,
    now: u64,
    envelope: Hex,
    body: Hex,
    plaintext_len: usize,
}

fn read(text: &str) -> Result<(), Box<dyn Error>> {
    let live: Live = serde_json::from_str(text)?;
    let engine = Engine::new()?;
    for object in &live.objects {
        let keystore = live.keystores.iter().find(|k| k.name == object.keystore).ok_or("no such keystore")?;
        let image = keystore.image.as_ref().or(keystore.steps.last().map(|step| &step.image)).ok_or("no image")?;
        let keystore = Keystore::load(&engine, &image.0, &keystore.root_key.key(), 0)?;
        let opened = object.context.with(|context| {
            object.allow.with(|allow| Object::open(&engine, &keystore, &object.envelope.0, context, allow, object.now))
        });
        let mut plain = vec![0; object.plaintext_len];
        let len = opened
            .and_then(|opened| opened.open_body(0, &object.body.0, &mut plain))
            .map_err(|error| format!("{}: {error}", object.name))?;
        if len != object.plaintext_len || plain != pattern(len) {
            return Err(format!("{}: another plaintext", object.name).into());
        }
    }
    if live.objects.is_empty() {
        return Err("there are no objects".into());
    }
    println!("live: {} keystores and {} objects opened", live.keystores.len(), live.objects.len());
    Ok(())
}
