//! Random lives of objects, against a model that is nothing but the bytes that have to come out: puts, uploads in parts,
//! appends, ranges, conversions, rewraps, and damage to whatever is stored.
//!
//! 2,000 lives, or as many as OSSENC_LIVES says; OSSENC_SEED begins at another one.

mod common;

use std::collections::BTreeMap;

use common::crc64;
use common::segments::{LAYOUTS, Segment, Whole, open_extent, open_whole, plan_in_pages, stored_head};
use common::store::{ALLOW, NOW, OSS, PLACE, Store};
use ossenc::{Context, Error, Layout, Map, Object, Result, Rewrap, Shape, crc64_combine, rewrap};

/// SplitMix64: lives are the same in each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn layout(&mut self) -> Layout {
        LAYOUTS[self.below(3)]
    }

    /// Mostly few bytes, sometimes around a chunk's or a page's edge.
    fn bytes(&mut self) -> Vec<u8> {
        let edges = [4_096, 16_384, 32_768];
        let len = match self.below(8) {
            0 => 0,
            1 => edges[self.below(3)] + self.below(5) - 2,
            _ => self.below(300),
        };
        let first = self.next() as u8;
        (0..len).map(|i| first.wrapping_add((i % 251) as u8)).collect()
    }
}

/// What the store holds of an object, all of it in an attacker's reach.
enum Stored {
    Single(Segment),
    Segmented { sealed: Vec<u8>, segments: Vec<Segment> },
}

/// An upload that is under way.
struct Upload {
    envelope: Vec<u8>,
    record: Vec<u8>,
    parts: BTreeMap<u32, (Segment, Vec<u8>)>,
}

struct Life {
    store: Store,
    dice: Dice,
    /// How often the object was renamed: what its place comes from.
    name: u64,
    envelope: Vec<u8>,
    stored: Stored,
    generation: u64,
    upload: Option<Upload>,
    /// The model: what reads have to give.
    content: Vec<u8>,
}

impl Life {
    fn begin(seed: u64, store: Store) -> Life {
        let nothing = Stored::Segmented { sealed: vec![], segments: vec![] };
        let (dice, envelope, content) = (Dice(seed), vec![], vec![]);
        let mut life = Life { store, dice, name: 0, envelope, stored: nothing, generation: 0, upload: None, content };
        life.put();
        life
    }

    fn at<T>(name: u64, then: impl FnOnce(&Context<'_>) -> T) -> T {
        then(&Context { version_id: &name.to_be_bytes(), ..PLACE })
    }

    fn open_envelope(&self, envelope: &[u8]) -> Result<Object> {
        Life::at(self.name, |place| self.store.open_at(envelope, place, &ALLOW))
    }

    fn object(&self) -> Object {
        self.open_envelope(&self.envelope).expect("the envelope is as it was made")
    }

    fn create(&self, shape: Shape) -> (Object, Vec<u8>) {
        let Store { engine, keystore, .. } = &self.store;
        Life::at(self.name, |place| Object::create(engine, keystore, &OSS, place, shape, NOW)).unwrap()
    }

    fn step(&mut self) {
        match self.dice.below(12) {
            0 => self.put(),
            1 => self.begin_upload(),
            2 | 3 => self.put_part(),
            4 => self.complete(),
            5 => self.abort(),
            6 => self.append(false),
            7 => self.append(true),
            8 => self.convert(),
            9 => self.rewrap(),
            10 => self.corrupt(),
            _ => self.read_range(),
        }
    }

    fn put(&mut self) {
        let (object, envelope) = self.create(Shape::Single);
        self.content = self.dice.bytes();
        let layout = self.dice.layout();
        self.stored = Stored::Single(Segment::seal(&object, 0, layout, &self.content));
        (self.envelope, self.generation) = (envelope, 0);
    }

    fn begin_upload(&mut self) {
        let (object, envelope) = self.create(Shape::Segmented);
        let record = object.seal_upload_record(NOW).unwrap();
        self.upload = Some(Upload { envelope, record, parts: BTreeMap::new() });
    }

    /// A part, or another attempt at one, from whoever opens the upload's envelope.
    fn put_part(&mut self) {
        let (plain, layout, part) = (self.dice.bytes(), self.dice.layout(), 1 + self.dice.below(6) as u32);
        let Some(upload) = &self.upload else { return };
        let object = self.open_envelope(&upload.envelope).unwrap();
        assert_eq!(object.open_upload_record(&upload.record), Ok(NOW));
        let swapped = self.object().open_upload_record(&upload.record);
        assert_eq!(swapped, Err(Error::Commit), "the envelope of the object that is there");
        let segment = Segment::seal(&object, part, layout, &plain);
        self.upload.as_mut().unwrap().parts.insert(part, (segment, plain));
    }

    fn complete(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        let (segments, plains): (Vec<Segment>, Vec<Vec<u8>>) = upload.parts.into_values().unzip();
        self.envelope = upload.envelope;
        self.content = plains.concat();
        let whole = Whole::complete(1, segments);
        let sum = whole.segments.iter().map(|segment| segment.receipt);
        let sum = sum.fold(0, |sum, receipt| crc64_combine(sum, receipt.crc64_plain, receipt.plain));
        assert_eq!(sum, crc64(&self.content));
        let sealed = self.object().seal_manifest(&whole.manifest).unwrap();
        self.stored = Stored::Segmented { sealed, segments: whole.segments };
        self.generation = 1;
    }

    fn abort(&mut self) {
        if self.dice.below(3) == 0 {
            self.upload = None;
        }
    }

    /// A further segment, or one in place of the last.
    fn append(&mut self, coalesce: bool) {
        let object = self.object();
        let (more, layout) = (self.dice.bytes(), self.dice.layout());
        let Stored::Segmented { sealed, segments } = &mut self.stored else { return };
        let manifest = object.open_manifest(sealed, self.generation).unwrap();
        let replaced = if coalesce { segments.pop() } else { None };
        let mut plain = replaced.as_ref().map_or(vec![], |last| last.open(&object).unwrap());
        plain.extend_from_slice(&more);
        let part = match &replaced {
            Some(last) => last.receipt.part,
            None => segments.last().map_or(1, |last| last.receipt.part + 1),
        };
        segments.push(Segment::seal(&object, part, layout, &plain));
        let next = manifest.append(&[segments.last().unwrap().receipt], replaced.is_some()).unwrap();
        let old = std::mem::replace(sealed, object.seal_manifest(&next).unwrap());
        self.generation += 1;
        assert_eq!(next.generation(), self.generation);
        assert!(matches!(object.open_manifest(&old, self.generation), Err(Error::Expect(_))), "a rollback");
        self.content.extend_from_slice(&more);
    }

    fn convert(&mut self) {
        let to = self.dice.layout();
        let segment = match &mut self.stored {
            Stored::Single(segment) => segment,
            Stored::Segmented { segments, .. } if segments.is_empty() => return,
            Stored::Segmented { segments, .. } => {
                let which = self.dice.below(segments.len());
                &mut segments[which]
            }
        };
        *segment = segment.converted(to);
    }

    /// Under a new version of the key, or at a new place; the old envelope's turn is over in the latter case.
    fn rewrap(&mut self) {
        if self.dice.below(8) == 0 {
            self.store.rotate();
        }
        let new_name = if self.dice.below(2) == 0 { self.name + 1 } else { self.name };
        let envelopes = [Some(&mut self.envelope), self.upload.as_mut().map(|upload| &mut upload.envelope)];
        for envelope in envelopes.into_iter().flatten() {
            let Store { engine, keystore, .. } = &self.store;
            let new = Life::at(self.name, |old| {
                Life::at(new_name, |new| {
                    let change = Rewrap { context: Some(*new), ..Rewrap::default() };
                    rewrap(engine, keystore, envelope, old, &ALLOW, &change, NOW).unwrap()
                })
            });
            let old = std::mem::replace(envelope, new);
            if new_name != self.name {
                let outcome = Life::at(new_name, |place| self.store.open_at(&old, place, &ALLOW));
                assert_eq!(outcome.err(), Some(Error::Commit));
            }
        }
        self.name = new_name;
    }

    /// Flips a bit somewhere: what is read then is the truth or an error. Then the bit is flipped back.
    fn corrupt(&mut self) {
        let bit = self.dice.next() as usize;
        let flip = |bytes: &mut [u8]| {
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        };
        let flip_in = |life: &mut Life, what: usize| match (&mut life.stored, what) {
            (_, 0) => flip(&mut life.envelope),
            (Stored::Single(segment), _) => segment.flip(bit % (segment.stored_len() * 8)),
            (Stored::Segmented { sealed, .. }, 1) => flip(sealed),
            (Stored::Segmented { segments, .. }, _) if segments.is_empty() => {}
            (Stored::Segmented { segments, .. }, what) => {
                let which = what % segments.len();
                let bits = segments[which].stored_len() * 8;
                segments[which].flip(bit % bits);
            }
        };
        let what = self.dice.below(6);
        flip_in(self, what);
        match self.read_whole() {
            Ok(read) => {
                assert!(read == self.content, "another plaintext");
                let padding = |segment: &Segment| segment.layout() == Layout::Paged;
                let harmless = match &self.stored {
                    Stored::Single(segment) => padding(segment),
                    Stored::Segmented { .. } if what == 1 => false,
                    Stored::Segmented { segments, .. } => segments.is_empty() || segments.iter().any(padding),
                };
                assert!(harmless && what != 0, "a bit that nothing depends on");
            }
            Err(error) if what == 0 => assert!(!matches!(error, Error::Chunk { .. } | Error::Truncated), "{error:?}"),
            Err(error) => assert!(matches!(error, Error::Commit | Error::Chunk { .. }), "{error:?}"),
        }
        flip_in(self, what);
        assert!(self.read_whole().as_ref() == Ok(&self.content), "damage that is mended");
    }

    fn map(&self, object: &Object) -> Result<(Map, Vec<&Segment>)> {
        match &self.stored {
            Stored::Single(stored) => {
                let (layout, len) = (stored.layout(), self.content.len() as u64);
                let head = stored_head(stored).map_or(stored.receipt.head, |head| head.try_into().unwrap());
                Ok((Map::single(layout, stored.body.len() as u64, Some(len), Some(head))?, vec![stored]))
            }
            Stored::Segmented { sealed, segments } => {
                let manifest = object.open_manifest(sealed, self.generation)?;
                let layouts: Vec<Layout> = segments.iter().map(Segment::layout).collect();
                Ok((Map::segmented(&manifest, &layouts)?, segments.iter().collect()))
            }
        }
    }

    fn read_whole(&self) -> Result<Vec<u8>> {
        let object = self.open_envelope(&self.envelope)?;
        let (map, segments) = self.map(&object)?;
        let opened = (0..).zip(segments).map(|(index, stored)| open_whole(&object, &map, index, stored));
        Ok(opened.collect::<Result<Vec<_>>>()?.concat())
    }

    fn read_range(&mut self) {
        let (from, len) = (self.dice.below(self.content.len() + 3), self.dice.below(20_000));
        let (align, room) = (1 << self.dice.below(14), 1 + self.dice.below(3));
        let object = self.object();
        let (map, segments) = self.map(&object).unwrap();
        let mut read = vec![];
        for extent in plan_in_pages(&map, from as u64, len as u64, align, room) {
            let opener = object.opener(&map, extent.segment).unwrap();
            let opened = open_extent(&opener, &extent, segments[extent.segment as usize]);
            read.extend(opened.unwrap());
        }
        let total = self.content.len();
        assert!(read == self.content[from.min(total)..total.min(from + len)], "{len} bytes from {from}");
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn objects_live_as_their_model_does() {
    let (first, lives) = (number("OSSENC_SEED", 0), number("OSSENC_LIVES", 2_000));
    for seed in first..first + lives {
        let lived = std::panic::catch_unwind(|| {
            let mut life = Life::begin(seed, Store::with_oss());
            for _ in 0..5 + life.dice.below(30) {
                life.step();
            }
            assert!(life.read_whole().as_ref() == Ok(&life.content), "the end of its life");
        });
        if let Err(cause) = lived {
            eprintln!("OSSENC_SEED={seed} OSSENC_LIVES=1 shows it alone");
            std::panic::resume_unwind(cause);
        }
    }
}
