//! A request's SSE headers, picked out of all of them.

use crate::dialect::Name;
use crate::{Code, CustomerKey, Dialect, Error, Result};

/// The SSE headers of one request. It may hold a customer's key, borrowed from the request: `Debug` shows the names
/// only.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    dialect: Dialect,
    values: [Option<&'a str>; Name::ALL.len()],
}

impl<'a> Headers<'a> {
    /// Picks them out of all headers of a request (of all fields, for a form). Names are compared in any case; white
    /// space around a value is dropped; what is not about SSE is not looked at.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for an SSE header that comes twice, even with the same value, or is not UTF-8.
    pub fn read(dialect: Dialect, headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<Headers<'a>> {
        let mut values = [None; Name::ALL.len()];
        for (name, value) in headers {
            let Some(name) = known(dialect, name) else { continue };
            let value = core::str::from_utf8(value)
                .map_err(|_| Error::new(Code::InvalidArgument, "An SSE header is not UTF-8."))?
                .trim_matches([' ', '\t']);
            if values[name as usize].replace(value).is_some() {
                return Err(Error::new(Code::InvalidArgument, "An SSE header was given twice."));
            }
        }
        Ok(Headers { dialect, values })
    }

    /// No SSE header.
    #[must_use]
    pub const fn none(dialect: Dialect) -> Headers<'a> {
        Headers { dialect, values: [None; Name::ALL.len()] }
    }

    /// The dialect that they were read in.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the request says how the object is to be encrypted: then the bucket's rule does not, and one that cannot
    /// be read is no reason to refuse it.
    #[must_use]
    pub fn choose(&self) -> bool {
        self.has(&[Name::Algorithm, Name::CustomerAlgorithm])
    }

    pub(crate) fn get(&self, name: Name) -> Option<&'a str> {
        self.values[name as usize]
    }

    /// Whether there is any of them.
    pub(crate) fn has(&self, names: &[Name]) -> bool {
        names.iter().any(|name| self.get(*name).is_some())
    }

    /// The customer's key for the object or upload.
    pub(crate) fn customer_key(&self) -> Result<Option<CustomerKey>> {
        self.key_of([Name::CustomerAlgorithm, Name::CustomerKey, Name::CustomerKeyMd5])
    }

    /// The customer's key for the object that is copied.
    pub(crate) fn source_key(&self) -> Result<Option<CustomerKey>> {
        self.key_of([Name::SourceAlgorithm, Name::SourceKey, Name::SourceKeyMd5])
    }

    fn key_of(&self, names: [Name; 3]) -> Result<Option<CustomerKey>> {
        let [algorithm, key, key_md5] = names.map(|name| self.get(name));
        CustomerKey::from_headers(algorithm, key, key_md5)
    }
}

impl core::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let there = Name::ALL.iter().filter(|name| self.get(**name).is_some());
        f.debug_list().entries(there.filter_map(|name| name.spelling(self.dialect))).finish()
    }
}

fn known(dialect: Dialect, name: &[u8]) -> Option<Name> {
    let is = |known: &Name| known.spelling(dialect).is_some_and(|s| s.as_bytes().eq_ignore_ascii_case(name));
    Name::ALL.into_iter().find(is)
}
