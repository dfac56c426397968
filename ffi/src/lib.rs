//! libossenc: the C ABI of `ossenc`. `include/ossenc.h` is generated from these sources; the comments here are the
//! manual of the header, and the rules for pointers that every SAFETY comment refers to ("the rules of the header")
//! stand at its top, in `cbindgen.toml`.
//!
//! One file for each chapter of the header, in its order (blank lines keep the formatter from sorting them). Pointers
//! become references in [`bytes`] and [`iov`] alone, and every export passes [`status::guard`].
#![allow(non_camel_case_types, reason = "C names")]
#![allow(clippy::missing_safety_doc, reason = "the rules for pointers stand once, at the top of the header")]
#![allow(missing_debug_implementations, reason = "handles are opaque to C")]
#![allow(clippy::too_many_arguments, reason = "C has no other way")]

pub mod status;

pub mod bytes;

pub mod library;

pub mod keystore;

pub mod change;

pub mod keyring;

pub mod op;

pub mod object;

pub mod direct;

pub mod iov;

pub mod seal;

pub mod segments;

pub mod open;

pub mod stream;

pub mod convert;

pub mod census;
