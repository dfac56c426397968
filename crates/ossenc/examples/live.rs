//! Live files (vectors/README.md): objects sealed just now, for another implementation to open.
//!
//!     live write FILE    seals keystores and objects with fresh randomness into FILE
//!     live read FILE     opens all that FILE holds, written by whomever

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::fs::File;

use common::segments::{LAYOUTS, Segment, Whole, open_whole, read_range};
use common::vectors::{Allow, Hex, LayoutName, Place};
use common::{pattern, pattern_from};
use ossenc::message::size;
use ossenc::{
    Change, Context, Engine, Entropy, Expect, Keystore, Layout, Map, Method, Object, Receipt, Recipient, Rewrap,
    Secret, Shape, SystemEntropy, rewrap,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const NOW: u64 = 1_767_225_600;
const LAYOUT_NAMES: [&str; 3] = ["INLINE", "DETACHED", "PAGED"];
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
                "context": place_of(context),
                "allow": { "methods": [name], "key_ids": [key] },
                "envelope": hex(envelope), "body": hex(&body), "plaintext_len": len,
            }));
        }
    }
    let newest = Newest { engine: &engine, keystore: &keystore, name: &newest };
    let lists: [&[usize]; 5] =
        [&[], &[0], &[16_384, 1, 0, 5_000], &[20_000, 16_384, 17_000, 70_000], &[100, (4 << 20) + 9]];
    let wholes = (0..).zip(lists).map(|(i, lengths)| newest.write_whole(i, lengths)).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "keystores": keystores, "objects": objects, "whole": wholes }))
}

fn place_of(context: &Context<'_>) -> Value {
    json!({
        "tenant": hex(context.tenant), "bucket_id": hex(context.bucket_id), "object": hex(context.object),
        "version_id": hex(context.version_id), "user": context.user,
    })
}

/// The keystore that objects are wrapped under, and its name in the file.
struct Newest<'a> {
    engine: &'a Engine,
    keystore: &'a Keystore,
    name: &'a Value,
}

impl Newest<'_> {
    /// A segmented object whose segments take the layouts in turn, with gaps in the parts; the last one was converted.
    fn write_whole(&self, i: usize, lengths: &[usize]) -> Result<Value, Box<dyn Error>> {
        let (key, name) = (random::<12>()?, format!("segmented-{i}"));
        let context = Context { tenant: b"live", object: &key, ..Context::default() };
        let recipient = Recipient::oss("oss");
        let (object, envelope) =
            Object::create(self.engine, self.keystore, &recipient, &context, Shape::Segmented, NOW)?;
        let total: usize = lengths.iter().sum();
        let (mut segments, mut start) = (vec![], 0);
        for (k, len) in lengths.iter().enumerate() {
            let part = 3 * u32::try_from(k)? + 1;
            segments.push(Segment::seal(&object, part, LAYOUTS[(i + k) % 3], &pattern_from(start, *len)));
            start += len;
        }
        if let Some(last) = segments.last_mut() {
            *last = last.converted(LAYOUTS[i % 3]);
        }
        let whole = Whole::complete(1 + i as u64, segments);
        let segments: Vec<Value> = (whole.segments.iter().zip(lengths))
            .map(|(segment, len)| {
                json!({
                    "part": segment.receipt.part, "length": len, "layout": LAYOUT_NAMES[segment.layout() as usize],
                    "body": hex(&segment.body), "aside": hex(&segment.aside),
                })
            })
            .collect();
        let ranges = [(0, total), (total / 2, total - total / 2), (total / 3, total / 3), (total, 0)];
        let ranges = ranges.map(|(offset, len)| {
            json!({ "offset": offset, "len": len, "sha256": hex(&Sha256::digest(pattern_from(offset, len))) })
        });
        Ok(json!({
            "name": name, "comment": format!("segments of {lengths:?} bytes, made by the library"), "valid": true,
            "keystore": self.name, "now": NOW, "context": place_of(&context),
            "allow": { "methods": ["SSE-OSS"], "key_ids": ["oss"] },
            "envelope": hex(&envelope), "manifest": hex(&object.seal_manifest(&whole.manifest)?),
            "generation": whole.manifest.generation(), "segments": segments, "plaintext_len": total, "ranges": ranges,
        }))
    }
}

#[derive(Deserialize)]
struct Live {
    keystores: Vec<LiveKeystore>,
    objects: Vec<LiveObject>,
    whole: Vec<LiveWhole>,
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

/// What opens an object.
#[derive(Deserialize)]
struct LiveOpening {
    name: String,
    keystore: String,
    context: Place,
    allow: Allow,
    now: u64,
    envelope: Hex,
}

#[derive(Deserialize)]
struct LiveObject {
    #[serde(flatten)]
    opening: LiveOpening,
    body: Hex,
    plaintext_len: usize,
}

#[derive(Deserialize)]
struct LiveWhole {
    #[serde(flatten)]
    opening: LiveOpening,
    manifest: Hex,
    #[serde(default)]
    generation: u64,
    segments: Vec<LiveSegment>,
    plaintext_len: usize,
    #[serde(default)]
    ranges: Vec<LiveRange>,
}

#[derive(Deserialize)]
struct LiveSegment {
    part: u32,
    layout: LayoutName,
    body: Hex,
    aside: Hex,
}

#[derive(Deserialize)]
struct LiveRange {
    offset: u64,
    len: u64,
    sha256: Hex,
}

fn read(text: &str) -> Result<(), Box<dyn Error>> {
    let live: Live = serde_json::from_str(text)?;
    let engine = Engine::new()?;
    for object in &live.objects {
        object.check(&live, &engine).map_err(|error| format!("{}: {error}", object.opening.name))?;
    }
    for whole in &live.whole {
        whole.check(&live, &engine).map_err(|error| format!("{}: {error}", whole.opening.name))?;
    }
    if live.objects.is_empty() || live.whole.is_empty() {
        return Err("there are no objects".into());
    }
    let Live { keystores, objects, whole } = &live;
    println!(
        "live: {} keystores, {} objects and {} segmented objects opened",
        keystores.len(),
        objects.len(),
        whole.len()
    );
    Ok(())
}

impl LiveOpening {
    fn open(&self, live: &Live, engine: &Engine) -> Result<Object, Box<dyn Error>> {
        let keystore = live.keystores.iter().find(|k| k.name == self.keystore).ok_or("no such keystore")?;
        let image = keystore.image.as_ref().or(keystore.steps.last().map(|step| &step.image)).ok_or("no image")?;
        let keystore = Keystore::load(engine, &image.0, &keystore.root_key.key(), 0)?;
        let opened = self.context.with(|context| {
            self.allow.with(|allow| Object::open(engine, &keystore, &self.envelope.0, context, allow, self.now))
        });
        Ok(opened?)
    }
}

impl LiveObject {
    fn check(&self, live: &Live, engine: &Engine) -> Result<(), Box<dyn Error>> {
        let mut plain = vec![0; self.plaintext_len];
        let len = self.opening.open(live, engine)?.open_body(0, &self.body.0, &mut plain)?;
        if len != self.plaintext_len || plain != pattern(len) {
            return Err("another plaintext".into());
        }
        Ok(())
    }
}

impl LiveWhole {
    fn check(&self, live: &Live, engine: &Engine) -> Result<(), Box<dyn Error>> {
        let object = self.opening.open(live, engine)?;
        let manifest = object.open_manifest(&self.manifest.0, self.generation)?;
        let mut stored = vec![];
        for (entry, segment) in manifest.segments().iter().zip(&self.segments) {
            let (layout, body) = (segment.layout.into(), segment.body.0.clone());
            let receipt = Receipt {
                part: segment.part,
                layout,
                head: entry.head,
                plain: entry.plain_len,
                body: body.len() as u64,
                crc64_plain: 0,
                crc32c_body: 0,
            };
            stored.push(Segment { receipt, body, aside: segment.aside.0.clone() });
        }
        let parts = |segments: &[Segment]| segments.iter().map(|segment| segment.receipt.part).collect::<Vec<_>>();
        if parts(&stored) != manifest.segments().iter().map(|entry| entry.part).collect::<Vec<_>>() {
            return Err("other parts than the manifest's".into());
        }
        let layouts: Vec<Layout> = stored.iter().map(Segment::layout).collect();
        let map = Map::segmented(&manifest, &layouts)?;
        let opened = (0..).zip(&stored).map(|(index, segment)| open_whole(&object, &map, index, segment));
        if opened.collect::<Result<Vec<_>, _>>()?.concat() != pattern(self.plaintext_len) {
            return Err("another plaintext".into());
        }
        let stored: Vec<&Segment> = stored.iter().collect();
        for range in &self.ranges {
            let read = read_range(&object, &map, &stored, range.offset, range.len)?;
            if read.len() as u64 != range.len || Sha256::digest(&read).as_slice() != range.sha256.0 {
                return Err(format!("another range of {} bytes at {}", range.len, range.offset).into());
            }
        }
        Ok(())
    }
}
