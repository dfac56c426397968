//! Runs every call of the kernel with key, nonce and plaintext poisoned, so that valgrind or MemorySanitizer reports each branch and
//! each address that depends on one of them.
//!
//! `ossenc-gcm-ct Avx512` (or any other backend) must be silent; `ossenc-gcm-ct Avx512 FAULT` must be caught, for each of
//! the faults below: they show that the poison comes through.

use ossenc_gcm::inout::InOutBuf;
use ossenc_gcm::{Aes256Gcm, Backend, Chunked, Isa};

#[cfg(feature = "valgrind")]
mod memory {
    const MAKE_UNDEFINED: usize = 0x4d43_0001;
    const MAKE_DEFINED: usize = 0x4d43_0002;

    pub fn poison(bytes: &mut [u8]) {
        request(MAKE_UNDEFINED, bytes);
    }

    pub fn unpoison(bytes: &mut [u8]) {
        request(MAKE_DEFINED, bytes);
    }

    /// A request to memcheck, as valgrind.h makes it: rotations that change nothing, and that valgrind looks for.
    fn request(what: usize, bytes: &mut [u8]) {
        let arguments = [what, bytes.as_mut_ptr() as usize, bytes.len(), 0, 0, 0];
        unsafe {
            core::arch::asm!(
                "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
                in("rax") &arguments, inout("rdx") 0_usize => _, inout("rdi") 0_usize => _,
            );
        }
    }
}

#[cfg(not(feature = "valgrind"))]
mod memory {
    unsafe extern "C" {
        fn __msan_poison(start: *const u8, len: usize);
        fn __msan_unpoison(start: *const u8, len: usize);
    }

    pub fn poison(bytes: &mut [u8]) {
        unsafe { __msan_poison(bytes.as_ptr(), bytes.len()) }
    }

    pub fn unpoison(bytes: &mut [u8]) {
        unsafe { __msan_unpoison(bytes.as_ptr(), bytes.len()) }
    }
}

use memory::{poison, unpoison};

/// The kernel's one public answer that depends on secrets: whether a tag was right.
#[unsafe(no_mangle)]
extern "C" fn ossenc_gcm_declassify(answer: *mut u8) {
    unpoison(unsafe { std::slice::from_raw_parts_mut(answer, 1) });
}

static TABLE: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < table.len() {
        table[i] = (i as u8).wrapping_mul(31) ^ 5;
        i += 1;
    }
    table
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("a backend");
    let fault = arguments.next();
    let isa = match name.as_str() {
        "Portable" => Isa::Portable,
        "AesNi" => Isa::AesNi,
        "Avx2" => Isa::Avx2,
        "Avx512" => Isa::Avx512,
        _ => panic!("no backend {name}"),
    };
    let backend = Backend::detect(isa).expect("self test");
    if backend.isa() != isa {
        eprintln!("SKIPPED: this machine cannot run {name}");
        std::process::exit(77);
    }
    if let Some(fault) = fault {
        plant(backend, &fault);
        return;
    }
    let lengths = [0, 1, 15, 16, 17, 33, 63, 64, 65, 127, 300, 511, 512, 576, 577, 1024, 1100, 4096, 5000, 9000];
    for len in lengths {
        for longest in [0, len, 1 << 20] {
            single(backend, len, longest);
        }
        pieces(backend, len);
    }
    for len in [0, 100, 1024, 3000, 20_000] {
        run(backend, len, 1024);
        run(backend, len, 16_384);
        run(backend, len, 777);
    }
    println!("{name}: no branch and no address depended on a secret");
}

fn secrets(len: usize) -> ([u8; 32], [u8; 12], Vec<u8>) {
    let (mut key, mut nonce, mut plain) = ([3; 32], [5; 12], vec![9; len]);
    poison(&mut key);
    poison(&mut nonce);
    poison(&mut plain);
    (key, nonce, plain)
}

/// One message at once; the good tag, then a bad one.
fn single(backend: Backend, len: usize, longest: usize) {
    let (key, nonce, plain) = secrets(len);
    let gcm = Aes256Gcm::new(backend, &key, longest);
    let (mut sealed, mut tag) = (plain.clone(), [0; 16]);
    let mut aad = vec![1; len % 50];
    poison(&mut aad);
    gcm.seal(&nonce, &aad, sealed.as_mut_slice().into(), &mut tag).unwrap();
    unpoison(&mut sealed);
    unpoison(&mut tag);
    let mut opened = vec![0; len];
    gcm.open(&nonce, &aad, InOutBuf::new(&sealed, &mut opened).unwrap(), &tag).unwrap();
    tag[7] ^= 4;
    gcm.open(&nonce, &aad, sealed.as_mut_slice().into(), &tag).unwrap_err();
    unpoison(&mut sealed);
    assert!(sealed.iter().all(|&b| b == 0));
    unpoison(&mut opened);
    assert!(opened.iter().all(|&b| b == 9));
}

fn pieces(backend: Backend, len: usize) {
    let (key, nonce, mut bytes) = secrets(len);
    let gcm = Aes256Gcm::new(backend, &key, len);
    let mut stream = gcm.stream(&nonce, &[]);
    for piece in bytes.chunks_mut(len / 3 + 1) {
        stream.seal(piece.into()).unwrap();
    }
    let mut tag = stream.finish();
    unpoison(&mut tag);
    let mut stream = gcm.stream(&nonce, &[]);
    for (i, piece) in bytes.chunks_mut(len / 5 + 1).enumerate() {
        if i % 2 == 0 { stream.open(piece.into()).unwrap() } else { stream.absorb(piece).unwrap() }
    }
    stream.verify(&tag).unwrap();
}

fn run(backend: Backend, len: usize, chunk_len: usize) {
    let (key, nonce, plain) = secrets(len);
    let cipher = Chunked::new(backend, &key, &nonce, chunk_len, chunk_len);
    let mut sealed = vec![0; len + len.div_ceil(chunk_len) * 16];
    cipher.seal_inline(3, &plain, &mut sealed).unwrap();
    unpoison(&mut sealed);
    cipher.verify_inline(3, &sealed).unwrap();
    let mut opened = vec![0; len];
    cipher.open_inline(3, &sealed, &mut opened).unwrap();
    if let Some(last) = sealed.last_mut() {
        *last ^= 1;
        cipher.open_inline(3, &sealed, &mut opened).unwrap_err();
    }
}

/// Does what secret-independent code may not: directly, and with what came out of the kernel.
fn plant(backend: Backend, fault: &str) {
    let (key, nonce, plain) = secrets(600);
    let gcm = Aes256Gcm::new(backend, &key, 600);
    let (mut sealed, mut tag) = (plain, [0; 16]);
    match fault {
        "branch" if key[3] == 9 => println!("taken"),
        "index" => print_declassified(TABLE[usize::from(key[3])]),
        "ciphertext" | "tag" => {
            gcm.seal(&nonce, &[], sealed.as_mut_slice().into(), &mut tag).unwrap();
            let secret = if fault == "tag" { tag[5] } else { sealed[577] };
            if secret == 9 {
                println!("taken");
            }
        }
        "hash" => {
            // From the key through the powers of the hash key alone.
            let mut stream = gcm.stream(&[0; 12], &[]);
            stream.absorb(&[1; 600]).unwrap();
            if stream.finish()[11] == 9 {
                println!("taken");
            }
        }
        _ => {}
    }
}

fn print_declassified(byte: u8) {
    let mut byte = [byte];
    unpoison(&mut byte);
    println!("{}", byte[0]);
}
