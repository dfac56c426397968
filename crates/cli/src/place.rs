//! Where a file's object belongs, as the operator says: never as the file does.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use ossenc_kms::fleet::{Location, Place};

use crate::fail::Failure;
use crate::out::path_name;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Place: a file opens only with what it was sealed with")]
pub(crate) struct PlaceOptions {
    /// Tenant or account
    #[arg(long, value_name = "NAME", default_value = "")]
    tenant: OsString,
    /// Bucket
    #[arg(long, value_name = "NAME", default_value = "")]
    bucket: OsString,
    /// Object name [default: empty for a file; for files of a folder, the path below the folder]
    #[arg(long, value_name = "NAME", conflicts_with = "below")]
    object: Option<OsString>,
    /// Take the sealed file's path below this folder as its object name, as commands on that folder do
    #[arg(long, value_name = "FOLDER")]
    below: Option<PathBuf>,
    /// Version of the object
    #[arg(long, value_name = "NAME", default_value = "")]
    version_id: OsString,
    /// Further pair; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    user: Vec<(String, String)>,
}

/// A pair of the encryption context.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a pair is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl PlaceOptions {
    /// Of a file that was named.
    pub(crate) fn of_file(&self, sealed: &Path) -> Result<Place, Failure> {
        let object = match (&self.object, &self.below) {
            (Some(object), _) => object.clone().into_vec(),
            (None, Some(folder)) => below(folder, sealed)?,
            (None, None) => Vec::new(),
        };
        Ok(self.at(object))
    }

    /// Of a file of a folder, by its path below that.
    pub(crate) fn of_member(&self, member: &Path) -> Place {
        let object = self.object.as_ref().map_or(member.as_os_str(), |object| object);
        self.at(object.as_bytes().to_vec())
    }

    /// For a job: over a folder, or files that were named.
    pub(crate) fn locate(&self, is_folder: bool, name: &Path) -> Result<Location, String> {
        let place = if is_folder { Ok(self.of_member(name)) } else { self.of_file(name) };
        place.map(Location::at).map_err(|failure| failure.message().to_owned())
    }

    fn at(&self, object: Vec<u8>) -> Place {
        let bytes = |text: &OsString| text.as_bytes().to_vec();
        Place {
            tenant: bytes(&self.tenant),
            bucket_id: bytes(&self.bucket),
            object,
            version_id: bytes(&self.version_id),
            user: self.user.clone(),
        }
    }
}

/// By the names as they are given, so that it is the same before the file is there.
fn below(folder: &Path, file: &Path) -> Result<Vec<u8>, Failure> {
    let plain = |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    let (folder, file) = (plain(folder), plain(file));
    match file.strip_prefix(&folder) {
        Ok(rest) if !rest.components().any(|part| part == Component::ParentDir) && rest != Path::new("") => {
            Ok(rest.as_os_str().as_bytes().to_vec())
        }
        _ => Err(Failure::usage(
            path_name(&file),
            format_args!("it does not lie below {}", path_name(&folder)),
            "give both in the same way, from the root or from here; or name the object with --object",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_the_path_below_the_folder() {
        let object = |folder: &str, file: &str| below(Path::new(folder), Path::new(file)).ok();
        assert_eq!(object("/srv", "/srv/a/b"), Some(b"a/b".to_vec()));
        assert_eq!(object("store/", "./store//a"), Some(b"a".to_vec()));
        assert_eq!(object(".", "a"), Some(b"a".to_vec()));
        for (folder, file) in [("/srv", "/other/a"), ("/srv", "/srv"), ("/srv", "/srv/../a"), ("/srv", "/srvx")] {
            assert_eq!(object(folder, file), None, "{folder} {file}");
        }
    }
}
