//! Time as operations are told it, and the limits of what a keyring keeps.

/// The two clocks of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Wall time in seconds since 1970: recorded in slots, compared with expiry dates.
    pub wall_s: u64,
    /// Monotonic time in nanoseconds, from any origin that stays the same for a keyring: all lifetimes.
    pub mono_ns: u64,
}

/// How much a [`Keyring`](crate::Keyring) keeps, and for how long. See docs/key-services.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many keys are kept; the least recently used go first. Failures and bucket keys in use for wrapping are
    /// bounded by the same number each. 0 keeps nothing.
    pub entries: u32,
    /// How often a key that is kept is served before it is asked for again; 0 for no bound.
    pub uses: u32,
    /// Milliseconds after which a key that is still served is due for [`Keyring::refresh`](crate::Keyring::refresh).
    pub soft_ms: u32,
    /// Milliseconds after which a key is served no longer: the revocation latency. Counted from when it was asked for.
    pub hard_ms: u32,
    /// Milliseconds for which a failure is kept, and a key that has not opened a slot yet.
    pub negative_ms: u32,
    /// Milliseconds that a call may take before another operation makes it again.
    pub call_ms: u32,
    /// Seconds for which a bucket key wraps; at least 1.
    pub bucket_key_s: u32,
    /// How many objects a bucket key wraps; at least 1.
    pub bucket_key_uses: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries: 10_000,
            uses: 0,
            soft_ms: 300_000,
            hard_ms: 3_600_000,
            negative_ms: 1_000,
            call_ms: 10_000,
            bucket_key_s: 3_600,
            bucket_key_uses: 1 << 20,
        }
    }
}

/// The moment so many milliseconds after another.
pub(crate) fn after(start_ns: u64, ms: u32) -> u64 {
    start_ns.saturating_add(u64::from(ms) * 1_000_000)
}
