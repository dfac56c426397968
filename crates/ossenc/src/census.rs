//! The census: how many slots there are under each version of each key (docs/FORMAT.md, section 12).
//!
//! It answers whether a version can be retired: nothing is under it any more. Shards are counted apart, on as many
//! machines as there are, and merged.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::codec::{Put, Reader};
use crate::digest::crc32c;
use crate::{Envelope, Error, Kind, MAX_SLOTS, Result, Slot, ident};

const MAGIC: &[u8; 7] = b"ossencN";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 7 + 1 + 8 + 4;
/// Kind, three empty strings, count.
const MIN_ENTRY_LEN: usize = 1 + 3 + 8;
const CHECKSUM_LEN: usize = 4;

/// Most entries of a census: versions of keys.
pub const MAX_CENSUS_ENTRIES: usize = 1 << 20;

const FULL: Error = Error::State("a census has at most 1,048,576 versions of keys");
const OVERFLOW: Error = Error::State("the counts of a census are used up");

/// What a census counts: a version of a key, and the kind of slot that is under it. Ordered by these four fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CensusKey {
    kind: u8,
    provider: String,
    key_id: String,
    key_version: String,
}

impl CensusKey {
    fn of(slot: &Slot<'_>) -> CensusKey {
        CensusKey {
            kind: slot.kind() as u8,
            provider: slot.provider().to_string(),
            key_id: slot.key_id().to_string(),
            key_version: slot.key_version().to_string(),
        }
    }

    /// The kind of the slots.
    ///
    /// # Panics
    /// Never: no other kind is counted or decoded.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::from_number(self.kind).expect("checked when it came in")
    }

    /// The key management service; empty for local and customer keys.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The master key's id; empty for customer keys.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Its version; a decimal counter for local keys.
    #[must_use]
    pub fn key_version(&self) -> &str {
        &self.key_version
    }

    fn read(reader: &mut Reader<'_>) -> Result<CensusKey> {
        let kind = reader.u8()?;
        if Kind::from_number(kind).is_none() {
            return Err(Error::TooNew("kind of key in a census"));
        }
        let (provider, key_id, key_version) = (reader.lp8()?, reader.lp8()?, reader.lp8()?);
        let (Some(provider), Some(key_id), Some(key_version)) =
            (ident::provider(provider), ident::key_id(key_id), ident::key_version(key_version))
        else {
            return reader.malformed();
        };
        let key = CensusKey {
            kind,
            provider: provider.to_string(),
            key_id: key_id.to_string(),
            key_version: key_version.to_string(),
        };
        if key.is_consistent() { Ok(key) } else { reader.malformed() }
    }

    /// The names that a slot of that kind has: the table of docs/FORMAT.md, section 5.
    fn is_consistent(&self) -> bool {
        let (local, named) = (self.provider.is_empty(), !self.key_id.is_empty());
        let counted = ident::local_version(&self.key_version).is_some();
        match self.kind() {
            Kind::Local => local && named && counted,
            Kind::Remote => !local && named,
            Kind::BucketKey | Kind::BucketKeyReference => named && (!local || counted),
            Kind::Customer => local && !named && self.key_version.is_empty(),
        }
    }
}

/// Counts of slots for each version of each key. Envelopes are counted as they are, unopened: nothing in a census is
/// authentic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    envelopes: u64,
    counts: BTreeMap<CensusKey, u64>,
}

impl Census {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Census {
        Census::default()
    }

    /// Counts the slots of an envelope.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::TooNew`] for an envelope that does not parse; [`Error::State`] when the census would
    /// have more than [`MAX_CENSUS_ENTRIES`] entries, or a count more than 64 bits. The census is then as it was.
    pub fn add(&mut self, envelope: &[u8]) -> Result<()> {
        let envelope = Envelope::parse(envelope)?;
        let mut one = Census { envelopes: 1, counts: BTreeMap::new() };
        for slot in envelope.slots() {
            *one.counts.entry(CensusKey::of(slot)).or_default() += 1;
        }
        self.merge(&one)
    }

    /// Adds the counts of another census: of another shard. Merging the same shard twice counts it twice.
    ///
    /// # Errors
    /// [`Error::State`], as [`Census::add`]. The census is then as it was.
    pub fn merge(&mut self, other: &Census) -> Result<()> {
        let envelopes = self.envelopes.checked_add(other.envelopes).ok_or(OVERFLOW)?;
        // 16 slots for each envelope: as long as these can be counted, so can those of any key.
        envelopes.checked_mul(MAX_SLOTS as u64).ok_or(OVERFLOW)?;
        let added = other.counts.keys().filter(|key| !self.counts.contains_key(key)).count();
        if self.counts.len() + added > MAX_CENSUS_ENTRIES {
            return Err(FULL);
        }
        self.envelopes = envelopes;
        for (key, count) in &other.counts {
            match self.counts.get_mut(key) {
                Some(sum) => *sum += count,
                None => drop(self.counts.insert(key.clone(), *count)),
            }
        }
        Ok(())
    }

    /// How many envelopes were counted.
    #[must_use]
    pub fn envelopes(&self) -> u64 {
        self.envelopes
    }

    /// How many slots are under a version of a key, of whatever kind they are and whichever service has the key.
    #[must_use]
    pub fn count(&self, key_id: &str, key_version: &str) -> u64 {
        let named = self.iter().filter(|(key, _)| key.key_id == key_id && key.key_version == key_version);
        named.map(|(_, count)| count).sum()
    }

    /// All counts, none of them 0, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&CensusKey, u64)> {
        self.counts.iter().map(|(key, count)| (key, *count))
    }

    /// The bytes to be stored, or sent to where shards are merged. Equal censuses have equal bytes.
    ///
    /// # Panics
    /// Never: there are at most [`MAX_CENSUS_ENTRIES`] entries.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        out.put(MAGIC);
        out.put_u8(VERSION);
        out.put_u64(self.envelopes);
        out.put_u32(u32::try_from(self.counts.len()).expect("at most 2^20"));
        for (key, count) in self.iter() {
            out.put_u8(key.kind);
            [&key.provider, &key.key_id, &key.key_version].iter().for_each(|name| out.put_lp8(name.as_bytes()));
            out.put_u64(count);
        }
        let checksum = crc32c(&out);
        out.put_u32(checksum);
        out
    }

    /// The length of [`Census::encode`].
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let names = |key: &CensusKey| key.provider.len() + key.key_id.len() + key.key_version.len();
        let entries: usize = self.counts.keys().map(|key| MIN_ENTRY_LEN + names(key)).sum();
        HEADER_LEN + entries + CHECKSUM_LEN
    }

    /// Reads what [`Census::encode`] wrote.
    ///
    /// # Errors
    /// As docs/FORMAT.md has it: [`Error::Format`] for bytes that are not a census, or damaged; [`Error::TooNew`] for a
    /// later version or a kind of key that this one does not know.
    pub fn decode(bytes: &[u8]) -> Result<Census> {
        let malformed = Err(Error::Format("census"));
        let Some((checked, checksum)) = bytes.split_last_chunk::<CHECKSUM_LEN>() else { return malformed };
        let mut reader = Reader::new(checked, "census");
        if reader.take(MAGIC.len())? != MAGIC || crc32c(checked) != u32::from_be_bytes(*checksum) {
            return malformed;
        }
        if reader.u8()? != VERSION {
            return Err(Error::TooNew("version of a census"));
        }
        let envelopes = reader.u64()?;
        let stated = reader.u32()? as usize;
        let n = reader.check_count(stated, MIN_ENTRY_LEN)?;
        if n > MAX_CENSUS_ENTRIES {
            return malformed;
        }
        let mut counts = BTreeMap::new();
        let mut slots = 0u64;
        for _ in 0..n {
            let (key, count) = (CensusKey::read(&mut reader)?, reader.u64()?);
            let sum = slots.checked_add(count).filter(|_| count > 0);
            let sorted = counts.last_key_value().is_none_or(|(last, _)| *last < key);
            let (Some(sum), true) = (sum, sorted) else { return malformed };
            slots = sum;
            counts.insert(key, count);
        }
        reader.finish()?;
        // Each envelope has 1 to 16 slots.
        let most = envelopes.checked_mul(MAX_SLOTS as u64);
        if slots < envelopes || most.is_none_or(|most| slots > most) {
            return malformed;
        }
        Ok(Census { envelopes, counts })
    }
}
