//! Every case of vectors/*.json: what is valid opens, and is made again byte for byte where its randomness is recorded;
//! what is not is refused with exactly the status that the case names.

mod common;

use common::entropy::{Counter, Tape};
use common::format::{self, Key, split_envelope, wrap_context};
use common::vectors::{
    Allow, Hex, KeyOfKeystore, KeystoreCase, Opening, Place, Step, Verdict, VersionOfKey, keystores_by_name, load,
    method,
};
use common::{UNTOUCHED, assert_released, head, open_stream, pattern, store};
use ossenc::message::{self, Opener, Window};
use ossenc::pieces::Slices;
use ossenc::{
    Change, Engine, Envelope, ImageInfo, KeyState, Keystore, Layout, Map, MasterKey, Object, Origin, Recipient, Rewrap,
    Secret, Shape, VersionState, needs_rewrap, rewrap,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Message {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    key: Hex,
    context: Hex,
    salt: Hex,
    plaintext_len: usize,
    trusted_len: Option<u64>,
    message: Hex,
}

#[test]
fn messages() {
    let (engine, tape) = Tape::engine();
    for case in load::<Message>("messages.json") {
        let Message { name, key, context, message: Hex(message), .. } = &case;
        let (key, context, plain) = (key.key(), &[&context.0[..]], pattern(case.plaintext_len));
        let outcome = open_by_map(&engine, &key, context, message, case.trusted_len, &plain);
        let opened = case.verdict.check(name, outcome);
        assert!(opened.is_none_or(|opened| opened == plain), "case {name}");
        if case.trusted_len.is_none() {
            let opened = case.verdict.check(name, message::open(&engine, &key, context, message));
            assert!(opened.is_none_or(|opened| *opened == plain), "case {name}");
            let (outcome, released) = open_stream(&engine, &key, context, message, &[10_000]);
            assert!(plain.starts_with(&released), "case {name}");
            if message::size::plain_len(message.len() as u64).is_ok() {
                case.verdict.check(name, outcome);
            } else {
                // A stream's length is not known beforehand: a damaged chunk may be met first.
                assert!(outcome.is_err(), "case {name}");
            }
        }
        if case.verdict.is_valid() {
            let sealed = tape.play(&case.salt.0, || message::seal(&engine, &key, context, &plain).unwrap());
            assert_eq!(&sealed, message, "case {name}");
        }
    }
}

/// Opens all chunks through a map and an opener, as a daemon does that knows the length, or does not.
fn open_by_map(
    engine: &Engine,
    key: &Secret,
    context: &[&[u8]],
    message: &[u8],
    trusted_len: Option<u64>,
    plain: &[u8],
) -> ossenc::Result<Vec<u8>> {
    let map = Map::single(Layout::Inline, message.len() as u64, trusted_len, None)?;
    let opener = Opener::new(engine, key, context, &head(message))?;
    let chunks = message::size::chunks(map.plain_len());
    let window =
        Window { plain_len: map.plain_len(), chunk: 0, chunks, skip: 0, take: map.plain_len(), tags_aside: false };
    let mut out = vec![UNTOUCHED; map.plain_len() as usize];
    let outcome = opener.open(&window, &mut Slices::new(&message[56..], &mut out));
    assert_released(plain, &outcome, &out);
    outcome.map(|()| out)
}

#[derive(Deserialize)]
struct ContextCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    place: Place,
    encoded: Option<Hex>,
}

/// An encoding is seen by what it wraps: a slot that the library makes in that place opens under the encoding of the
/// case, put together here.
#[test]
fn contexts() {
    let engine = Counter::engine();
    let material = [9; 32];
    let keystore = keystore_of(&engine, &Key::new("oss", &material));
    let wrapping_key = format::wrapping_key(&material, "oss", "1");
    for case in load::<ContextCase>("contexts.json") {
        let name = &case.name;
        let outcome = case.place.with(|place| Object::create(&engine, &keystore, &store::OSS, place, Shape::Single, 5));
        if let Some((_, envelope)) = case.verdict.check(name, outcome) {
            let (prelude, slot_head, inner) = split_envelope(&envelope);
            let encoded = case.encoded.expect("a valid context has an encoding").0;
            let opened = message::open(&engine, &wrapping_key, &wrap_context(prelude, slot_head, &encoded), inner);
            assert_eq!(opened.map(|data_key| data_key.len()), Ok(32), "case {name}");
        }
    }
}

#[derive(Deserialize)]
struct KeyCase {
    name: String,
    origin: String,
    material: Hex,
    purpose: String,
    key_id: String,
    key_version: String,
    key: Hex,
}

/// A derived key is seen by what it wraps, too. Purposes of later versions, and names that no keystore has (a customer
/// key's, the counter 2^64 - 1), are not derived by this version.
#[test]
fn keys() {
    let engine = Counter::engine();
    let mut checked = 0;
    for case in load::<KeyCase>("keys.json") {
        let name = &case.name;
        let number = case.key_version.parse().unwrap_or(0);
        if case.purpose != "wrap-dek" || case.key_id.is_empty() || number == u64::MAX {
            continue;
        }
        let mut key = Key::new(&case.key_id, &case.material.0);
        key.origin = if case.origin == "imported" { 2 } else { 1 };
        (key.primary, key.versions[0].number, key.next_version) = (number, number, number + 1);
        let keystore = keystore_of(&engine, &key);

        let recipient = Recipient::oss(&case.key_id);
        let created = Object::create(&engine, &keystore, &recipient, &store::PLACE, Shape::Single, 5);
        let envelope = created.unwrap_or_else(|error| panic!("case {name}: {error}")).1;
        let (prelude, slot_head, inner) = split_envelope(&envelope);
        let place = format::encode_context(&store::PLACE);
        let opened = message::open(&engine, &case.key.key(), &wrap_context(prelude, slot_head, &place), inner);
        assert_eq!(opened.map(|data_key| data_key.len()), Ok(32), "case {name}");
        checked += 1;
    }
    assert!(checked >= 5, "only {checked} keys were checked");
}

fn keystore_of(engine: &Engine, key: &Key) -> Keystore {
    let (root_key, header) = (Secret::new(&store::ROOT_KEY), format::keystore_header(&[1; 16], 1, "root-1"));
    let image = format::keystore_image(engine, &root_key, &header, &format::keystore_body(std::slice::from_ref(key)));
    Keystore::load(engine, &image, &root_key, 0).unwrap()
}

fn shown(key: &MasterKey) -> KeyOfKeystore {
    let versions = key.versions().iter().map(|version| {
        let state = match version.state() {
            VersionState::Staged => "staged",
            VersionState::Active => "active",
            VersionState::Retired => "retired",
            VersionState::Destroyed => "destroyed",
            other => panic!("unknown state {other:?}"),
        };
        VersionOfKey { number: version.number().to_string(), state: state.into() }
    });
    let state = match key.state() {
        KeyState::Enabled => "Enabled",
        KeyState::Disabled => "Disabled",
        KeyState::PendingDeletion => "PendingDeletion",
        KeyState::PendingImport => "PendingImport",
        other => panic!("unknown state {other:?}"),
    };
    KeyOfKeystore {
        key_id: key.id().into(),
        state: state.into(),
        origin: if key.origin() == Origin::Service { "service" } else { "imported" }.into(),
        primary: key.primary().unwrap_or(0).to_string(),
        versions: versions.collect(),
        aliases: key.aliases().to_vec(),
    }
}

#[test]
fn keystores() {
    let (engine, tape) = Tape::engine();
    let mut replayed = 0;
    for case in load::<KeystoreCase>("keystores.json") {
        let (name, root_key) = (&case.name, case.root_key.key());
        let Some(keystore) = case.verdict.check(name, case.load(&engine)) else { continue };
        assert_eq!(keystore.keys().iter().map(shown).collect::<Vec<_>>(), case.keys, "case {name}");
        let root_key_id = case.root_key_id.as_deref().expect("a valid keystore has a root key id");
        assert_eq!(keystore.info().root_key_id, root_key_id, "case {name}");
        assert_eq!(ImageInfo::read(&case.last_image().0).as_ref(), Ok(keystore.info()), "case {name}");
        assert!(case.generation.is_none_or(|generation| generation == keystore.generation()), "case {name}");
        store::assert_lossless(&engine, &keystore, &case.last_image().0, &root_key);

        let mut before: Option<Keystore> = None;
        for step in &case.steps {
            let image = tape.play(&step.entropy.0, || match &before {
                None => Keystore::init(&engine, root_key_id, &root_key),
                Some(keystore) => keystore.apply(&engine, &change_of(step), step.now),
            });
            let image = image.unwrap_or_else(|error| panic!("case {name}, {}: {error}", step.op));
            assert_eq!(image, step.image.0, "case {name}, {}", step.op);
            let keystore = Keystore::load(&engine, &image, &root_key, step.generation).unwrap();
            assert_eq!(keystore.generation(), step.generation, "case {name}, {}", step.op);
            before = Some(keystore);
            replayed += 1;
        }
    }
    assert!(replayed > 10, "only {replayed} steps were replayed");
}

fn change_of(step: &Step) -> Change<'_> {
    let key_id = &step.key_id[..];
    let version = step.version.as_ref().map(|number| number.parse().expect("a number"));
    match &step.op[..] {
        "create" => Change::Create { key_id },
        "stage" => Change::Stage { key_id },
        "promote" => Change::Promote { key_id, version },
        "retire" => Change::Retire { key_id, version: version.expect("retire has a version") },
        other => panic!("no such step: {other}"),
    }
}

#[derive(Deserialize)]
struct EnvelopeCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    keystore: String,
    now: u64,
    context: Place,
    allow: Allow,
    envelope: Hex,
    entropy: Option<Hex>,
    rewrap: Option<RewrapOfCase>,
    // Of the valid ones:
    #[serde(default)]
    data_key: Hex,
    #[serde(default)]
    method: String,
    #[serde(default)]
    key_id: String,
    #[serde(default)]
    key_version: String,
    #[serde(default)]
    wrapped_at: u64,
    needs_rewrap: Option<bool>,
}

#[derive(Deserialize)]
struct RewrapOfCase {
    from: String,
    method: String,
    key_id: String,
    context: Place,
    now: u64,
    entropy: Hex,
}

#[test]
fn envelopes() {
    let (engine, tape) = Tape::engine();
    let keystores = keystores_by_name(&engine);
    let cases = load::<EnvelopeCase>("envelopes.json");
    let (mut created, mut rewrapped) = (0, 0);
    for case in &cases {
        let (name, keystore, envelope) = (&case.name, &keystores[&case.keystore], &case.envelope.0);
        let outcome = case
            .context
            .with(|place| case.allow.with(|allow| Object::open(&engine, keystore, envelope, place, allow, case.now)));
        let Some(object) = case.verdict.check(name, outcome) else { continue };
        assert_data_key(&engine, &object, &case.data_key.key(), name);
        let slots = Envelope::parse(envelope).unwrap().slots().to_vec();
        let opened = slots.iter().find(|slot| {
            (slot.key_id(), slot.key_version(), slot.wrapped_at()) == (&case.key_id, &case.key_version, case.wrapped_at)
        });
        assert_eq!(opened.map(|slot| slot.method()), Some(method(&case.method)), "case {name}");
        let reasons = needs_rewrap(keystore, envelope).unwrap();
        assert_eq!(Some(reasons.any()), case.needs_rewrap, "case {name}: {reasons:?}");

        let recipient = Recipient::Local { method: method(&case.method), key: &case.key_id };
        if let Some(entropy) = &case.entropy {
            let made = case.context.with(|place| {
                tape.play(&entropy.0, || {
                    Object::create(&engine, keystore, &recipient, place, Shape::Single, case.now).unwrap().1
                })
            });
            assert_eq!(&made, envelope, "case {name}");
            created += 1;
        }
        if let Some(change) = &case.rewrap {
            let from = cases.iter().find(|from| from.name == change.from).expect("the case that it comes from");
            assert_eq!(&change.made_of(from, &engine, &tape, keystore), envelope, "case {name}");
            rewrapped += 1;
        }
    }
    assert!(created > 5 && rewrapped > 5, "only {created} were created, {rewrapped} rewrapped");
}

impl RewrapOfCase {
    fn made_of(&self, from: &EnvelopeCase, engine: &Engine, tape: &Tape, keystore: &Keystore) -> Vec<u8> {
        let recipient = Recipient::Local { method: method(&self.method), key: &self.key_id };
        from.context.with(|old_place| {
            self.context.with(|new_place| {
                let change = Rewrap { to: Some(recipient), context: Some(*new_place), keep_slots: false };
                from.allow.with(|allow| {
                    tape.play(&self.entropy.0, || {
                        rewrap(engine, keystore, &from.envelope.0, old_place, allow, &change, self.now).unwrap()
                    })
                })
            })
        })
    }
}

/// What the object seals opens under that data key.
fn assert_data_key(engine: &Engine, object: &Object, data_key: &Secret, name: &str) {
    let (shape, part) = if object.prelude().shape() == Shape::Single { (1, 0) } else { (2, 7) };
    let mut body = [0; 72 + 5];
    object.seal(part, Layout::Inline, b"hello", &mut body, &mut []).unwrap();
    let prelude = format::prelude(shape, object.prelude().object_id());
    let context = format::part_context(&prelude, part);
    let opened = message::open(engine, data_key, &[&context], &body).map(|plain| plain.to_vec());
    assert_eq!(opened.as_deref(), Ok(&b"hello"[..]), "case {name}");
}

#[derive(Deserialize)]
struct ObjectCase {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    opening: Opening,
    salt: Hex,
    body: Hex,
    plaintext_len: usize,
    trusted_len: Option<u64>,
}

#[test]
fn objects() {
    let (engine, tape) = Tape::engine();
    let keystores = keystores_by_name(&engine);
    for case in load::<ObjectCase>("objects.json") {
        let (name, body, plain) = (&case.name, &case.body.0, pattern(case.plaintext_len));
        let opened = case.opening.open(&engine, &keystores).and_then(|object| {
            store::map_of(body, case.trusted_len)?;
            let mut out = vec![UNTOUCHED; message::size::plain_len(body.len() as u64)? as usize];
            let outcome = object.open_body(0, body, &mut out).map(|n| assert_eq!(n, out.len()));
            assert_released(&plain, &outcome, &out);
            outcome.map(|()| (object, out))
        });
        if let Some((object, opened)) = case.verdict.check(name, opened) {
            assert_eq!(opened, plain, "case {name}");
            assert_eq!(&tape.play(&case.salt.0, || store::seal(&object, &plain)), body, "case {name}");
        }
    }
}
