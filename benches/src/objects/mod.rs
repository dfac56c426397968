//! Small objects with all that belongs to one: a fresh data key, wrapped under a master key, and the body under it.

mod chain;
mod fast_floe;
mod ossenc;

/// An implementation of objects, which holds the one it made last. What cannot fail here panics.
pub trait Objects {
    /// The `impl` of summary.csv.
    fn name(&self) -> &'static str;

    /// Makes an object: its key, wrapped, and its body.
    fn seal(&mut self, plain: &[u8]);

    /// Opens the object made last.
    fn open(&mut self, plain: &mut [u8]);

    /// Whether its keys are wrapped.
    fn wraps(&self) -> bool {
        true
    }

    /// Wraps the key of the object made last anew.
    fn rewrap(&mut self);
}

/// All of them, for objects of `len` bytes.
#[must_use]
pub fn all(len: usize) -> Vec<Box<dyn Objects>> {
    vec![Box::new(ossenc::Ossenc::new(len)), Box::new(chain::Chain::new(len)), Box::new(fast_floe::Floe::new(len))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_comes_back() {
        for objects in &mut all(4_096) {
            objects.seal(&[3; 4_096]);
            if objects.wraps() {
                objects.rewrap();
            }
            let mut plain = [0; 4_096];
            objects.open(&mut plain);
            assert_eq!(plain, [3; 4_096], "{}", objects.name());
        }
    }
}
