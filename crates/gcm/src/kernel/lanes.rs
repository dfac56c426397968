//! What an instruction set must offer to run the kernel.

/// One AES block.
pub(crate) type Block = [u8; 16];

/// Work to be done with a CPU's vectors: the kernel's way through a `#[target_feature]` door.
///
/// Implementations mark `run` `#[inline(always)]`, as everything that it calls, so that the whole of it is compiled
/// once for each instruction set, inside [`Lanes::enter`].
pub(crate) trait Task {
    type Out;

    fn run<L: Lanes>(self, lanes: L) -> Self::Out;
}

/// Vectors of whole blocks, and the few operations on them that GCM is made of.
///
/// A value of an implementing type is the proof that this CPU has the instructions: only detection makes one. Methods
/// work on each block of a vector by itself unless they say otherwise.
pub(crate) trait Lanes: Copy {
    /// Blocks in a vector.
    const BLOCKS: usize;
    /// Bytes in a vector.
    const WIDTH: usize = 16 * Self::BLOCKS;
    /// A vector. It holds bytes in the order of memory; arithmetic reads a block as a little-endian number.
    type Vector: Copy;

    /// Runs `task` with these instructions enabled, then clears the vector registers.
    fn enter<T: Task>(self, task: T) -> T::Out;

    fn zero(self) -> Self::Vector;
    /// `block` in every lane.
    fn splat(self, block: &Block) -> Self::Vector;
    /// `block` in lane 0, zeros in the others.
    fn lone(self, block: &Block) -> Self::Vector;
    /// The block in lane 0.
    fn first(self, x: Self::Vector) -> Block;
    /// The XOR of all lanes in lane 0, zeros in the others.
    fn fold(self, x: Self::Vector) -> Self::Vector;

    /// Lane `i` of vector `BLOCKS - 1 - i`, for each lane.
    fn diagonal(self, x: &[Self::Vector; 4]) -> Self::Vector;

    /// The first [`WIDTH`](Lanes::WIDTH) bytes. Panics if there are fewer.
    fn load(self, bytes: &[u8]) -> Self::Vector;
    /// Writes the first [`WIDTH`](Lanes::WIDTH) bytes. Panics if there are fewer.
    fn store(self, x: Self::Vector, bytes: &mut [u8]);
    /// All of fewer than [`WIDTH`](Lanes::WIDTH) bytes, then zeros; no byte beyond is touched.
    fn load_part(self, bytes: &[u8]) -> Self::Vector;
    /// Writes as much of `x` as fits into fewer than [`WIDTH`](Lanes::WIDTH) bytes, and returns that much of it, then
    /// zeros.
    fn store_part(self, x: Self::Vector, bytes: &mut [u8]) -> Self::Vector;

    fn xor(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    /// Adds each 32-bit word to its like, modulo 2^32.
    fn add32(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    /// Byte `i` of a block becomes its byte `pattern[i]`, or zero where the pattern says 0x80.
    fn shuffle(self, x: Self::Vector, pattern: Self::Vector) -> Self::Vector;
    /// Exchanges the 64-bit halves.
    fn swap(self, x: Self::Vector) -> Self::Vector;

    /// Before the first AES round. The two families of instruction sets add the round key at opposite ends of a round,
    /// so each step is given the keys of both ends and takes the one it needs.
    fn whiten(self, x: Self::Vector, key: Self::Vector) -> Self::Vector;
    /// One of the first 13 rounds, between two round keys.
    fn round(self, x: Self::Vector, before: Self::Vector, after: Self::Vector) -> Self::Vector;
    /// The 14th round.
    fn last_round(self, x: Self::Vector, before: Self::Vector, after: Self::Vector) -> Self::Vector;

    /// Carry-less product of the low halves.
    fn mul_low(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    /// Carry-less product of the high halves.
    fn mul_high(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
}

/// Defines methods of [`Lanes`] that take and return vectors and touch no memory: name, arguments, intrinsics.
macro_rules! lanewise {
    ($($name:ident($($arg:ident),*) => $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: Self::Vector),*) -> Self::Vector {
            // SAFETY: `self` exists, so detection found the features that these intrinsics need; they touch no memory.
            unsafe { $body }
        }
    )*};
}
pub(super) use lanewise;
