//! The kernel's one answer that depends on secrets and is public: whether a tag was right.
//!
//! A no-op, but in the secret-independence runs (`ct/`), where the tool that watches secrets must be told.

#[cfg(not(feature = "declassify"))]
#[inline(always)]
pub(crate) fn declassify(answer: bool) -> bool {
    answer
}

#[cfg(feature = "declassify")]
#[allow(unsafe_code)]
pub(crate) fn declassify(answer: bool) -> bool {
    unsafe extern "C" {
        fn ossenc_gcm_declassify(answer: *mut u8);
    }
    let mut answer = u8::from(answer);
    // SAFETY: the function of ct/src/main.rs marks this byte as public and does nothing else.
    unsafe { ossenc_gcm_declassify(&raw mut answer) };
    answer == 1
}
