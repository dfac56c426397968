//! An object whose data key is open: created new, or opened from its envelope.

use alloc::sync::Arc;
use alloc::vec::Vec;

use ossenc_mem::Guarded;
use zeroize::Zeroizing;

use crate::codec::Put;
use crate::context::Context;
use crate::envelope::{self, Envelope, Method, Prelude, Shape};
use crate::kdf::Prk;
use crate::layout::Layout;
use crate::manifest::Manifest;
use crate::map::{Map, MappedSegment};
use crate::message::size::HEAD_LEN;
use crate::message::{self, Head, Opener, Sealer, StreamOpener};
use crate::pieces::Slices;
use crate::receipt::Receipt;
use crate::segment::SegmentOpener;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
use crate::tickets::TicketSealer;
use crate::wrap::{Place, unwrap, wrap};
use crate::{Engine, Error, Recipient, Result, Secret, SlotKeys};

const ROLE_DATA: u8 = 1;
const ROLE_MANIFEST: u8 = 2;
const ROLE_ATTRIBUTE: u8 = 3;

/// Most bytes of an attribute's value.
pub const ATTRIBUTE_MAX: usize = 65_535;
const UPLOAD_RECORD: &str = "ossenc:upload";
const UPLOAD_RECORD_VERSION: u8 = 1;

/// What the caller lets [`Object::open`] accept. An empty list allows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect<'a> {
    /// Methods that this object may have.
    pub methods: &'a [Method],
    /// Ids of the master keys that may have wrapped it; the empty one stands for the customer's key.
    pub key_ids: &'a [&'a str],
}

/// An open object: its identity and its data key, from which all its data is sealed and opened.
///
/// Cheap to clone; clones share the key, which is wiped with the last of them. Revoking the master key does not reach
/// objects that are already open.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

struct Inner {
    engine: Engine,
    prelude: Prelude,
    data_key: Guarded<Prk>,
}

impl Object {
    /// Makes an object with a fresh data key, and its envelope, which the caller stores. `keys` has the keystore with
    /// the local master keys: mostly it is just that [`Keystore`](crate::Keystore). `now` is the wall time in seconds
    /// since 1970.
    ///
    /// # Errors
    /// [`Error::NoVersion`] for a local key that is not in the keystore, [`Error::KeyState`] for one that may not wrap,
    /// and for a bucket key past its `not_after`; [`Error::Argument`] for a context outside its limits, a recipient
    /// outside its own, a bucket key of another bucket, a remote key where tenant or bucket are not UTF-8, or a method
    /// that does not go with the kind of key; [`Error::NoEntropy`].
    pub fn create(
        engine: &Engine,
        keys: &dyn SlotKeys,
        recipient: &Recipient<'_>,
        context: &Context<'_>,
        shape: Shape,
        now: u64,
    ) -> Result<(Object, Vec<u8>)> {
        context.encode()?;
        let prelude = Prelude::new(shape, &engine.random()?);
        let data_key = engine.random_secret()?;
        let slot = wrap(engine, keys, recipient, &Place::new(&prelude, context)?, &data_key, now)?;
        let envelope = envelope::encode(&prelude, &[&slot])?;
        Ok((Object::new(engine, prelude, &data_key)?, envelope))
    }

    /// Opens an envelope with the keys at hand. What may be accepted, and the context, come from the caller's own
    /// index, never from the object's metadata. `now` is the wall time in seconds since 1970.
    ///
    /// # Errors
    /// As docs/FORMAT.md, section 5, has it: [`Error::Format`] and [`Error::TooNew`] for the bytes, [`Error::Expect`]
    /// for what the caller does not allow; then, if no slot opens, the first that applies of [`Error::Commit`]
    /// (wrong key or context, or an envelope that belongs elsewhere or is damaged), [`Error::KeyState`],
    /// [`Error::NoVersion`], [`Error::KeyAbsent`] (a key that has to be asked for: see [`SlotKeys`]),
    /// [`Error::TooNew`].
    pub fn open(
        engine: &Engine,
        keys: &dyn SlotKeys,
        envelope: &[u8],
        context: &Context<'_>,
        expect: &Expect<'_>,
        now: u64,
    ) -> Result<Object> {
        let envelope = Envelope::parse(envelope)?;
        let place = Place::new(envelope.prelude(), context)?;
        let opened = unwrap(engine, keys, &envelope, &place, expect, now)?;
        Object::new(engine, *envelope.prelude(), &opened.data_key)
    }

    fn new(engine: &Engine, prelude: Prelude, data_key: &Secret) -> Result<Object> {
        let data_key = Prk::guarded(engine.lock(), data_key)?;
        Ok(Object(Arc::new(Inner { engine: engine.clone(), prelude, data_key })))
    }

    /// Its identity.
    #[must_use]
    pub fn prelude(&self) -> &Prelude {
        &self.0.prelude
    }

    /// Begins a segment: part 0 of a single-segment object, parts from 1 up of a segmented one.
    ///
    /// A part can be sealed any number of times: each attempt is a new message, and the caller decides which one
    /// counts.
    ///
    /// # Errors
    /// [`Error::Argument`] for a part that the object's shape does not have; [`Error::NoEntropy`].
    pub fn sealer(&self, part: u32, layout: Layout) -> Result<Sealer> {
        Sealer::with_prk(&self.0.engine, self.0.data_key.get()?, &self.data_context(part)?.parts(), part, layout)
    }

    /// Seals a whole segment at once, into `body` and (DETACHED) what lies aside. See [`Layout::size`] for the room it
    /// takes.
    ///
    /// # Errors
    /// [`Error::Buffer`] if there is too little room; as [`Object::sealer`].
    pub fn seal(&self, part: u32, layout: Layout, plain: &[u8], body: &mut [u8], aside: &mut [u8]) -> Result<Receipt> {
        let mut sealer = self.sealer(part, layout)?;
        sealer.finish(&mut Slices::new(plain, body).writing_aside(aside))?;
        Ok(sealer.receipt().expect("finished"))
    }

    /// Begins a segment that many threads seal at once. See [`TicketSealer`].
    ///
    /// # Errors
    /// [`Error::Argument`] for a part that the object's shape does not have, or numbers that [`TicketSealer`] does not
    /// take; [`Error::NoEntropy`].
    #[cfg(all(feature = "std", target_has_atomic = "64"))]
    pub fn ticket_sealer(
        &self,
        part: u32,
        layout: Layout,
        max_tickets: u32,
        chunks_per_ticket: u32,
    ) -> Result<TicketSealer> {
        let context = self.data_context(part)?;
        TicketSealer::new(
            &self.0.engine,
            self.0.data_key.get()?,
            &context.parts(),
            part,
            layout,
            max_tickets,
            chunks_per_ticket,
        )
    }

    /// Checks that a segment of a map belongs to this object, and opens its extents in any order. The head is the
    /// manifest's, or the one that the map was made with.
    ///
    /// # Errors
    /// [`Error::Commit`]; [`Error::Argument`] for a segment that the map does not have, or a map without a head or of
    /// another shape.
    pub fn opener(&self, map: &Map, segment: u32) -> Result<SegmentOpener> {
        self.open_mapped(segment, map.mapped(segment)?)
    }

    /// Opens a whole segment of a map at once into `plain`, in any layout. Where the map has no head, the one that is
    /// stored with the segment serves.
    ///
    /// # Errors
    /// [`Error::Truncated`] if `body` or `aside` has another length than the segment; [`Error::Buffer`] if `plain` is
    /// too small; [`Error::Commit`], [`Error::Chunk`]; [`Error::Argument`] as [`Object::opener`]. On failure
    /// `plain` holds nothing unauthenticated.
    pub fn open_segment(&self, map: &Map, segment: u32, body: &[u8], aside: &[u8], plain: &mut [u8]) -> Result<()> {
        self.whole_opener(map, segment, body, aside)?.open_whole(body, aside, plain)
    }

    /// The opener of a segment that lies there whole, checked against the head that is stored with it.
    pub(crate) fn whole_opener(&self, map: &Map, segment: u32, body: &[u8], aside: &[u8]) -> Result<SegmentOpener> {
        let mut place = *map.mapped(segment)?;
        if place.geometry.layout.size(place.geometry.plain_len)? != (body.len() as u64, aside.len() as u64) {
            return Err(Error::Truncated);
        }
        let stored = match place.geometry.layout {
            Layout::Inline => body.first_chunk::<HEAD_LEN>(),
            Layout::Detached => aside.first_chunk(),
            Layout::Paged => None,
        };
        if let Some(stored) = stored {
            // The one that the caller trusts decides; another one beside the segment tells that it is another attempt.
            if *place.head.get_or_insert(*stored) != *stored {
                return Err(Error::Commit);
            }
        }
        self.open_mapped(segment, &place)
    }

    fn open_mapped(&self, index: u32, place: &MappedSegment) -> Result<SegmentOpener> {
        let context = self.opening_context(place.part)?;
        let head = place.head.as_ref().ok_or(Error::Argument("this map was made without the head"))?;
        Ok(SegmentOpener::new(self.message_opener(&context, head)?, index, place))
    }

    /// Opens a segment in the layout INLINE whose length is not known before it ends: from a pipe, a socket.
    ///
    /// # Errors
    /// [`Error::Commit`]; [`Error::Format`] for part 0 of a segmented object, [`Error::Argument`] for another part that
    /// the object's shape does not have.
    pub fn stream_opener(&self, part: u32, head: &Head) -> Result<StreamOpener> {
        Ok(StreamOpener::over(self.message_opener(&self.opening_context(part)?, head)?))
    }

    fn message_opener(&self, context: &MessageContext<'_>, head: &Head) -> Result<Opener> {
        Opener::with_prk(&self.0.engine, self.0.data_key.get()?, &context.parts(), head)
    }

    /// Opens a whole INLINE segment at once into `plain`, and says its length.
    ///
    /// # Errors
    /// [`Error::Buffer`] if `plain` is too small; [`Error::Truncated`], [`Error::Commit`], [`Error::Chunk`] as
    /// [`message::open`]; [`Error::Format`] for part 0 of a segmented object, [`Error::Argument`] for another part that
    /// the object's shape does not have. On failure `plain` holds nothing unauthenticated.
    pub fn open_body(&self, part: u32, body: &[u8], plain: &mut [u8]) -> Result<usize> {
        let context = self.opening_context(part)?;
        let needed = usize::try_from(message::size::plain_len(body.len() as u64)?).expect("shorter than the slice");
        let plain = plain.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        message::open_into(&self.0.engine, self.0.data_key.get()?, &context.parts(), body, plain)?;
        Ok(needed)
    }

    /// Seals a manifest, to be stored with the object.
    ///
    /// # Errors
    /// [`Error::Argument`] for a single-segment object; [`Error::NoEntropy`].
    pub fn seal_manifest(&self, manifest: &Manifest) -> Result<Vec<u8>> {
        if self.prelude().shape() != Shape::Segmented {
            return Err(Error::Argument("a single-segment object has no manifest"));
        }
        self.seal_small(&self.context(ROLE_MANIFEST, 0), &[], &manifest.encode())
    }

    /// Opens a manifest. `min_generation` is the newest generation that the caller has seen: pinning it outside the
    /// storage is what detects a rollback.
    ///
    /// # Errors
    /// [`Error::Commit`], [`Error::Chunk`], [`Error::Truncated`] for bytes that are not a manifest of this object;
    /// [`Error::Manifest`], [`Error::TooNew`] for its content; [`Error::Expect`] below `min_generation`;
    /// [`Error::Format`] for a single-segment object.
    pub fn open_manifest(&self, sealed: &[u8], min_generation: u64) -> Result<Manifest> {
        if self.prelude().shape() != Shape::Segmented {
            return Err(Error::Format("a manifest of a single-segment object"));
        }
        let body = self.open_small(&self.context(ROLE_MANIFEST, 0), &[], sealed)?;
        let manifest = Manifest::decode(&body)?;
        if manifest.generation() < min_generation {
            return Err(Error::Expect("the manifest is older than the generation asked for"));
        }
        Ok(manifest)
    }

    /// Seals a small value for this object, under a name: an ETag, a content type, a checksum. A digest of plaintext in
    /// clear would betray small objects.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that is empty, longer than 255 bytes or reserved (`ossenc:…`), or a value of more
    /// than 65,535 bytes; [`Error::NoEntropy`].
    pub fn seal_attribute(&self, name: impl AsRef<[u8]>, value: &[u8]) -> Result<Vec<u8>> {
        self.seal_small(&self.context(ROLE_ATTRIBUTE, 0), &attribute_name(name.as_ref())?, attribute_value(value)?)
    }

    /// Opens a value that was sealed under this name.
    ///
    /// # Errors
    /// [`Error::Commit`] for another name, object or no attribute; [`Error::Chunk`], [`Error::Truncated`] for damage;
    /// [`Error::Argument`] as [`Object::seal_attribute`].
    pub fn open_attribute(&self, name: impl AsRef<[u8]>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let value = self.open_small(&self.context(ROLE_ATTRIBUTE, 0), &attribute_name(name.as_ref())?, sealed)?;
        if value.len() > ATTRIBUTE_MAX {
            Err(Error::Format("an attribute of more than 65,535 bytes"))
        } else {
            Ok(value)
        }
    }

    /// Seals the record of a multipart upload that begins: kept with the upload's state, it proves to
    /// [`Object::open_upload_record`] that the envelope at hand is the one the upload began with.
    ///
    /// # Errors
    /// [`Error::Argument`] for a single-segment object; [`Error::NoEntropy`].
    pub fn seal_upload_record(&self, now: u64) -> Result<Vec<u8>> {
        if self.prelude().shape() != Shape::Segmented {
            return Err(Error::Argument("a single-segment object has no upload"));
        }
        let mut record = [UPLOAD_RECORD_VERSION; 9];
        record[1..].copy_from_slice(&now.to_be_bytes());
        self.seal_small(&self.context(ROLE_ATTRIBUTE, 0), &prefixed(UPLOAD_RECORD.as_bytes()), &record)
    }

    /// Checks that an upload's record is of this object, before each part is sealed. Says when the upload began.
    ///
    /// # Errors
    /// [`Error::Commit`] if the record is of another object: somebody has swapped the envelope; [`Error::Format`],
    /// [`Error::TooNew`] for its content; [`Error::Chunk`], [`Error::Truncated`] for damage.
    pub fn open_upload_record(&self, sealed: &[u8]) -> Result<u64> {
        let record = self.open_small(&self.context(ROLE_ATTRIBUTE, 0), &prefixed(UPLOAD_RECORD.as_bytes()), sealed)?;
        match record.split_first() {
            Some((&UPLOAD_RECORD_VERSION, time)) => {
                Ok(u64::from_be_bytes(time.try_into().map_err(|_| Error::Format("upload record"))?))
            }
            Some(_) => Err(Error::TooNew("upload record version")),
            None => Err(Error::Format("upload record")),
        }
    }

    fn seal_small(&self, context: &MessageContext<'_>, name: &[u8], value: &[u8]) -> Result<Vec<u8>> {
        let [prelude, role] = context.parts();
        message::seal_with_prk(&self.0.engine, self.0.data_key.get()?, &[prelude, role, name], value)
    }

    fn open_small(&self, context: &MessageContext<'_>, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let [prelude, role] = context.parts();
        message::open_with_prk(&self.0.engine, self.0.data_key.get()?, &[prelude, role, name], sealed)
    }

    /// What is stored as one body is not a segmented object: that is about the stored bytes, not about the call.
    fn opening_context(&self, part: u32) -> Result<MessageContext<'_>> {
        if self.prelude().shape() == Shape::Segmented && part == 0 {
            return Err(Error::Format("a segmented object is opened by its manifest"));
        }
        self.data_context(part)
    }

    fn data_context(&self, part: u32) -> Result<MessageContext<'_>> {
        match (self.prelude().shape(), part) {
            (Shape::Single, 0) | (Shape::Segmented, 1..) => Ok(self.context(ROLE_DATA, part)),
            (Shape::Single, _) => Err(Error::Argument("the part of a single-segment object is 0")),
            (Shape::Segmented, 0) => Err(Error::Argument("the parts of a segmented object count from 1")),
        }
    }

    fn context(&self, role: u8, part: u32) -> MessageContext<'_> {
        let mut role_and_part = [role, 0, 0, 0, 0];
        role_and_part[1..].copy_from_slice(&part.to_be_bytes());
        MessageContext { prelude: &self.0.prelude, role_and_part }
    }
}

fn attribute_name(name: &[u8]) -> Result<Vec<u8>> {
    if name.is_empty() || name.len() > 255 || name.starts_with(b"ossenc:") {
        return Err(Error::Argument("an attribute's name has 1 to 255 bytes and does not begin with \"ossenc:\""));
    }
    Ok(prefixed(name))
}

fn attribute_value(value: &[u8]) -> Result<&[u8]> {
    if value.len() > ATTRIBUTE_MAX {
        Err(Error::Argument("an attribute takes at most 65,535 bytes"))
    } else {
        Ok(value)
    }
}

/// `lp(name)`
fn prefixed(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + name.len());
    out.put_lp(name);
    out
}

impl core::fmt::Debug for Object {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Object").field("prelude", self.prelude()).finish_non_exhaustive()
    }
}

/// `prelude || role || part`.
struct MessageContext<'a> {
    prelude: &'a Prelude,
    role_and_part: [u8; 5],
}

impl MessageContext<'_> {
    fn parts(&self) -> [&[u8]; 2] {
        [self.prelude.bytes(), &self.role_and_part]
    }
}
