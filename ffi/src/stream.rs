//! Opening a source whose length is not known before it ends: a pipe, a socket.

use ossenc::message::StreamOpener;

use crate::bytes::{get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, take_back};
use crate::object::ossenc_object;
use crate::status::{argument, guard, in_part, ossenc_error, ossenc_status};

/// Opens a segment in the layout INLINE, in order, as it arrives. One thread at a time.
pub struct ossenc_stream {
    part: u32,
    stream: StreamOpener,
}

/// Begins with the segment's first 56 bytes, and checks that they belong to this part of `object` (`OSSENC_E_COMMIT`).
/// Free with `ossenc_stream_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_stream_new(
    object: *const ossenc_object,
    part: u32,
    head: ossenc_in,
    stream: *mut *mut ossenc_stream,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(stream) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (object, head) = (&get(object)?.object, head.bytes()?);
            let head = head.try_into().or_else(|_| argument("a head has 56 bytes"))?;
            give(stream, || {
                Ok(ossenc_stream { part, stream: object.stream_opener(part, head).map_err(in_part(part))? })
            })
        }
    })
}

/// Opens as many whole stored chunks (`OSSENC_STORED_CHUNK`) as `sealed` holds and `plain` has room for; what is left
/// the caller gives again, with more behind it. Every byte given is authentic, but whether the object is whole only
/// `ossenc_stream_finish` says. After a damaged chunk (`OSSENC_E_CHUNK`) the stream is at an end. `sealed` and `plain`
/// are apart. No allocation, lock or system call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_stream_next(
    stream: *mut ossenc_stream,
    sealed: ossenc_in,
    plain: *mut ossenc_out,
    consumed: *mut usize,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe {
            let consumed = get_mut(consumed)?;
            *consumed = 0;
            let (handle, sealed, mut out) = (get_mut(stream)?, sealed.bytes()?, room(plain)?);
            if out.overlaps(sealed) {
                return argument("source and destination overlap");
            }
            let progress = handle.stream.next(sealed, out.all()).map_err(in_part(handle.part))?;
            *consumed = progress.consumed;
            out.wrote(progress.written);
            Ok(())
        }
    })
}

/// Opens what is left when the source has ended: fewer bytes than a whole stored chunk. `OSSENC_OK` says that the
/// object is whole; `OSSENC_E_TRUNCATED` that it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_stream_finish(
    stream: *mut ossenc_stream,
    sealed: ossenc_in,
    plain: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe {
            let (handle, sealed, mut out) = (get_mut(stream)?, sealed.bytes()?, room(plain)?);
            if out.overlaps(sealed) {
                return argument("source and destination overlap");
            }
            match handle.stream.finish(sealed, out.all()) {
                Err(ossenc::Error::Buffer { needed }) => out.claim(needed).map(|_| ()),
                other => {
                    out.wrote(other.map_err(in_part(handle.part))?.written);
                    Ok(())
                }
            }
        }
    })
}

/// Frees a stream. NULL is legal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_stream_free(stream: *mut ossenc_stream) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(stream) };
        Ok(())
    });
}
