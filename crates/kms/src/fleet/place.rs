//! Where an object belongs, as the caller's index has it.

use std::path::Path;

use ossenc::Context;

/// A [`Context`] that owns what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The tenant or account.
    pub tenant: Vec<u8>,
    /// The bucket.
    pub bucket_id: Vec<u8>,
    /// The object's name or instance id.
    pub object: Vec<u8>,
    /// The object's version, in a versioned bucket.
    pub version_id: Vec<u8>,
    /// Further pairs.
    pub user: Vec<(String, String)>,
}

impl Place {
    /// Without version and pairs.
    #[must_use]
    pub fn new(tenant: impl Into<Vec<u8>>, bucket_id: impl Into<Vec<u8>>, object: impl Into<Vec<u8>>) -> Place {
        Place { tenant: tenant.into(), bucket_id: bucket_id.into(), object: object.into(), ..Place::default() }
    }

    /// Calls `then` with the context, which borrows from a list that lives as long.
    pub fn with<T>(&self, then: impl FnOnce(&Context<'_>) -> T) -> T {
        let user: Vec<(&str, &str)> = self.user.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        then(&Context {
            tenant: &self.tenant,
            bucket_id: &self.bucket_id,
            object: &self.object,
            version_id: &self.version_id,
            user: &user,
        })
    }
}

/// Where a file's object belongs, and where it shall belong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The context that its envelope has.
    pub place: Place,
    /// The context that it shall have, for a rename, another bucket, another tenant; `None`: the same.
    pub new_place: Option<Place>,
}

impl Location {
    /// It stays where it is.
    #[must_use]
    pub fn at(place: Place) -> Location {
        Location { place, new_place: None }
    }

    /// Calls `then` with both contexts; the new one is that of `place` where none is given.
    pub fn with<T>(&self, then: impl FnOnce(&Context<'_>, &Context<'_>) -> T) -> T {
        self.place.with(|old| match &self.new_place {
            Some(new) => new.with(|new| then(old, new)),
            None => then(old, old),
        })
    }
}

/// Finds the place of a file's object by the name that its [`Source`] gives it: for a folder, the path below it.
///
/// Any function of that shape is one. It is asked by several threads at once.
pub trait Locate: Sync {
    /// # Errors
    /// Why it has none, for the report; the file is left alone.
    fn locate(&self, name: &Path) -> Result<Location, String>;
}

impl<F: Fn(&Path) -> Result<Location, String> + Sync> Locate for F {
    fn locate(&self, name: &Path) -> Result<Location, String> {
        self(name)
    }
}
