//! libossenc: the C ABI.
